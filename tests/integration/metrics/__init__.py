"""Metrics on the real database and the real broker."""
