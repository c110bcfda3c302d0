"""`tiendo send` of a CSV file with 100,000 rows to a running system, from the start of the command to its end.

To the gateway with all four services running: the command ends when it has heard what became of each row. Then other
rows to the broker: it ends when all are acknowledged. Metrics works through the same figures meanwhile, on the same
machine.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import islice
from pathlib import Path

from deploy.embedded import lifecycle
from deploy.embedded.stack import Stack
from deploy.embedded.system import System
from services.runtime.catalog import Catalog
from tests.bench.metrics_service import Figures, figure
from tests.servers import wanted_broker

FIGURES = ("csv_100k_s", "csv_100k_broker_s")
ROWS = 100_000
KPI = "edoc-signed-share"
FIRST = date(2019, 1, 1)
WAIT_S = "120"


def run() -> Figures:
    """Seconds to the gateway, and beside them those to the broker."""
    with tempfile.TemporaryDirectory() as folder, Stack.started(Path(folder), broker=wanted_broker()) as stack:
        catalog = lifecycle.prepare(stack)
        source = next(p.sources[0] for p in catalog.publishers if KPI in p.kpis)
        rows = _rows(catalog)
        one, other = (_file(Path(folder) / name, islice(rows, ROWS)) for name in ("one.csv", "other.csv"))
        system = System(stack)
        system.start()
        gateway, said = _sent(stack, one, source, "--to", system.url("gateway", ""), "--wait", WAIT_S)
        broker, _ = _sent(stack, other, source)
        kind = stack.broker
    accepted = re.search(r"accepted: (\d+)", said)
    assert accepted is not None, said
    return {
        "csv_100k_s": figure(
            round(gateway, 1),
            "s",
            "≤ 20",
            f"to the gateway, until it told what became of each; {int(accepted[1]):,} accepted, all services; {kind}",
        ),
        "csv_100k_broker_s": figure(
            round(broker, 1), "s", "≤ 20", f"other rows to the broker, until all are acknowledged; {kind}"
        ),
    }


def _rows(catalog: Catalog) -> Iterator[str]:
    units = sorted(catalog.units.of_level("commune", date(2023, 9, 30)))
    day = FIRST
    while True:
        for at, unit in enumerate(units):
            yield f"dak-nong,{KPI},{unit},{day},{(at * 7 + day.toordinal()) % 900},{900 + at}\n"
        day += timedelta(days=1)


def _file(path: Path, rows: Iterator[str]) -> Path:
    path.write_text("province,kpi,org_unit,as_of,numerator,denominator\n" + "".join(rows))
    return path


def _sent(stack: Stack, file: Path, source: str, *to: str) -> tuple[float, str]:
    """Seconds that the command took, and what it said."""
    command: Sequence[str] = (sys.executable, "-m", "services.cli", "send", str(file), "--source", source, *to)
    began = time.monotonic()
    done = subprocess.run(
        command, env={**os.environ, **stack.environment()}, capture_output=True, text=True, check=False
    )
    seconds = time.monotonic() - began
    assert done.returncode == 0, done.stdout + done.stderr
    return seconds, done.stdout
