"""`python -m services.ingest`."""

from services.ingest.app import serve
from services.ingest.settings import IngestSettings
from services.runtime.run import run

if __name__ == "__main__":
    run("ingest", IngestSettings, serve)
