"""`python -m services.metrics`."""

from services.metrics.app import serve
from services.metrics.settings import Settings
from services.runtime.run import run

if __name__ == "__main__":
    run("metrics", Settings, serve)
