"""Unit, contract, integration, end-to-end tests and benches; `servers.py` brings up what they run against."""
