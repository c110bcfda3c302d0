"""Alerts: decisions, groups, mails and stores."""
