"""Alerts: decides which figures have fallen behind, and tells those who can act on it, by mail."""
