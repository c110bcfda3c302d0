"""The metrics of ingest, declared once."""

from services.ingest.tally import Tally
from services.runtime.telemetry import Telemetry


class DoorMetrics:
    """The metrics of ingest."""

    def __init__(self, telemetry: Telemetry) -> None:
        self.accepted = telemetry.counter("ingest_accepted", "Figures accepted for the first time.")
        self.redelivered = telemetry.counter(
            "ingest_redelivered", "Accepted figures read again and published again. Normal after a crash or rebalance."
        )
        self.duplicates = telemetry.counter(
            "ingest_duplicates", "Events that their publisher sent twice; dropped. Rising: a publisher repeats itself."
        )
        self.identity_reused = telemetry.counter(
            "ingest_identity_reused", "Other contents under a taken identity; never applied. Tell the publisher."
        )
        self.rejected = telemetry.counter(
            "ingest_rejected",
            "Events refused, by reason; one with several counts for each. The publisher is told.",
            "code",
        )
        self.parked = telemetry.gauge(
            "parked_sources",
            "Sources whose events go to the quarantine unread, as this process knows. Above 0: `tiendo dlq parked`.",
        )
        self.flagged = telemetry.counter("ingest_flagged", "Figures accepted with a doubt.", "code")

    def count(self, tally: Tally) -> None:
        """Add a batch that is done."""
        self.accepted.inc(tally.accepted)
        self.redelivered.inc(tally.redelivered)
        self.duplicates.inc(tally.duplicates)
        self.identity_reused.inc(tally.identity_reused)
        for code, count in tally.rejected.items():
            self.rejected.labels(code).inc(count)
        for code, count in tally.flagged.items():
            self.flagged.labels(code).inc(count)
