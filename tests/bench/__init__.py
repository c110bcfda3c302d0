"""Measurements, not tests: `make bench` runs them and keeps the figures in build/bench.json."""
