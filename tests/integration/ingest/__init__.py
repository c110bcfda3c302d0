"""Ingest on the real broker and database."""
