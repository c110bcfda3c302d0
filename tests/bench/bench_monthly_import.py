"""A monthly import: every KPI of every unit at once, into a service that waits for it."""

import asyncio
import tempfile
import time
from pathlib import Path

from deploy.embedded.stack import Stack
from tests.bench.metrics_load import COMMUNES, DISTRICTS, KPIS, monthly, outgoing, prepared, publish
from tests.bench.metrics_service import DEADLINE_S, Figures, Service, figure
from tests.servers import wanted_broker

FIGURES = ("monthly_import_s",)
COUNT = KPIS * (COMMUNES + DISTRICTS + 1)


def run() -> Figures:
    """Seconds from the first figure published until the last progress record is."""
    with tempfile.TemporaryDirectory() as folder, Stack.started(Path(folder), broker=wanted_broker()) as stack:
        version = prepared(stack)
        records = [outgoing(number, one, version) for number, one in enumerate(monthly())]
        service = Service(stack)
        service.ready()
        service.settled()
        began = time.monotonic()
        asyncio.run(publish(stack, records))
        published = time.monotonic() - began
        while service.consumed() < COUNT:
            if time.monotonic() - began > DEADLINE_S:
                raise TimeoutError(f"metrics had consumed {service.consumed():g} of {COUNT} figures")
            time.sleep(0.02)
        seconds = time.monotonic() - began
        said = f"{COUNT:,} figures, of which publishing {published:.1f} s; {stack.broker}, mongod w=majority j=true"
    return {"monthly_import_s": figure(round(seconds, 2), "s", "≤ 3", said)}
