"""What metrics measures of itself."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from services.runtime.telemetry import Telemetry


class Meters:
    """Declared once, with what they mean."""

    def __init__(self, telemetry: Telemetry) -> None:
        self.folded = telemetry.counter("metrics_folded", "Observations that changed a figure.")
        self.skipped = telemetry.counter(
            "metrics_skipped", "Observations that changed nothing: repeats, and figures beaten by a higher one."
        )
        self.judged = telemetry.counter("metrics_judged", "Progress records published.", "status")
        self.forecast = telemetry.counter("metrics_forecast", "Forecasts made, those that said nothing new included.")
        self.doubted = telemetry.counter("metrics_doubted", "Doubts told to publishers.", "flag")
        self.rebuilt = telemetry.counter(
            "metrics_rebuilt", "KPIs computed anew from the ledger. Refused: `tiendo rebuild` says why.", "outcome"
        )
        self.seconds = telemetry.histogram("metrics_stage_seconds", "Time of a batch by stage.", "stage")
        self.held = telemetry.gauge("metrics_kpis_in_memory", "KPIs whose state is held in memory.")

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure one stage of a batch."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.seconds.labels(name).observe(time.perf_counter() - started)
