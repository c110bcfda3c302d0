"""Transitions of alerts, called into other systems by Standard Webhooks (https://www.standardwebhooks.com)."""
