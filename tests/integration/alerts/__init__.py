"""Alerts on the real database, the real broker and a real relay."""
