"""A live day: increments on today's cells, as desks send them, beside Quix Streams with its MongoDB sink."""

import tempfile
from pathlib import Path
from statistics import mean

from deploy.embedded.stack import Stack
from tests.bench.metrics_load import filled, live_day, prepared
from tests.bench.metrics_service import Figures, Service, figure
from tests.bench.peers import running
from tests.servers import wanted_broker

EVENTS = 120_000
"""Of 1,000,000 of such a day: the cost of an event does not change with their number."""
QUIX_EVENTS = 40_000
FIGURES = ("live_day_vs_quix",)


def run() -> Figures:
    """The ratio of the events a second."""
    with tempfile.TemporaryDirectory() as folder, Stack.started(Path(folder), broker=wanted_broker()) as stack:
        filled(stack, live_day, EVENTS, prepared(stack))
        quix = [running.quix(stack, "quix-1", QUIX_EVENTS)]
        service = Service(stack)
        ours = service.speed(EVENTS)
        service.stop()
        quix.append(running.quix(stack, "quix-2", QUIX_EVENTS))
        around = ", ".join(f"{one.rate:,.0f}" for one in quix)
        said = (
            f"{ours.rate:,.0f}/s, {ours.own_us:.0f} µs CPU ({ours.total_us:.0f} with servers), {EVENTS:,} increments; "
            f"Quix Streams before and after: {around}/s; {stack.broker}"
        )
    return {"live_day_vs_quix": figure(round(ours.rate / mean(one.rate for one in quix), 2), "×", "≥ 8", said)}
