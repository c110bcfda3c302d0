"""The chassis that every service stands on: settings, logs, clock, broker, database, health, start and stop."""
