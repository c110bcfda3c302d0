"""`python -m services.gateway`."""

from services.gateway.app import serve
from services.gateway.settings import Settings
from services.runtime.run import run

if __name__ == "__main__":
    run("gateway", Settings, serve)
