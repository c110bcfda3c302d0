"""The gateway: the read model, the API, the dashboard and the live stream. Computes no figure and decides no alert."""
