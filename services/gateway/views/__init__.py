"""The dashboard as data: read model in, what the page says out. Pure; templates only place it."""
