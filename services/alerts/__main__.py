"""`python -m services.alerts`: reads the environment, and runs."""

from services.alerts.app import serve
from services.alerts.settings import AlertsSettings
from services.runtime.run import run

if __name__ == "__main__":
    run("alerts", AlertsSettings, serve)
