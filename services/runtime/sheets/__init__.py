"""Spreadsheets of figures: CSV and XLSX read into events, and given back with their problems marked.

Pure but for `child.py`, which runs the reading in a process of its own: what a stranger uploads is parsed where it can
take nothing down. `reading.py` is the way in.
"""
