"""`make up` stays until `make down`, and what was accepted survives a broker that forgets everything."""

import contextlib
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deploy.embedded import running
from deploy.embedded.ports import free_port
from tests.servers import wanted_broker

ROOT = Path(__file__).parents[2]
RECORD = "progress/edoc-signed-share/dak-nong.gia-nghia.phuong-nghia-duc/2023"


def tiendo(folder: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "services.cli", *words, "--data", str(folder)]


@contextmanager
def a_system_that_stays(folder: Path) -> Iterator[str]:
    """`tiendo up` in another process; gives the address of its API, and ends it with `tiendo down`."""
    bare = {name: text for name, text in os.environ.items() if not name.startswith("TIENDO_")}
    port = free_port()
    log = folder / "up.log"
    with log.open("w") as said:
        options = ["up", "--empty", "--port", str(port), "--broker", wanted_broker()]
        up = subprocess.Popen(tiendo(folder, *options), env=bare, cwd=ROOT, stdout=said, stderr=said)
        try:
            deadline = time.monotonic() + 90
            while "It runs until" not in log.read_text():
                assert up.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.1)
            yield f"http://127.0.0.1:{port}/api/v1/"
        finally:
            ended = subprocess.run(
                tiendo(folder, "down"), env=bare, cwd=ROOT, capture_output=True, text=True, timeout=120
            )
            up.wait(timeout=30)
    assert ended.stdout.strip() == "ended"
    assert up.returncode == 0, log.read_text()
    assert running.facts(folder / "up") is None


def told(api: str, event_id: str, numerator: int, time_: str) -> int:
    data = {
        "province": "dak-nong",
        "kpi": "edoc-signed-share",
        "org_unit": "24611",
        "as_of": "2023-03-03",
        "numerator": numerator,
        "denominator": 100,
    }
    event = {
        "specversion": "1.0",
        "id": event_id,
        "source": "urn:tiendo:source:dak-nong:edoc",
        "type": "vn.tiendo.statistic.reported.v1",
        "time": time_,
        "data": data,
    }
    request = urllib.request.Request(
        api + "statistics",
        data=json.dumps(event).encode(),
        headers={"content-type": "application/cloudevents+json"},
        method="POST",
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return int(answer.status)


def record(api: str, numerator: int) -> dict[str, Any]:
    """The figure of the ward, once it shows this numerator."""
    deadline = time.monotonic() + 30
    found: dict[str, Any] = {}
    while found.get("numerator") != numerator or "forecast_coming" in {one["code"] for one in found["reasons"]}:
        assert time.monotonic() < deadline, found
        with contextlib.suppress(urllib.error.HTTPError), urllib.request.urlopen(api + RECORD, timeout=10) as answer:
            found = json.load(answer)
        time.sleep(0.1)
    return found


def test_figures_survive_a_broker_that_forgets(tmp_path: Path) -> None:
    with a_system_that_stays(tmp_path) as api:
        assert told(api, "first", 81, "2023-03-03T16:00:00+07:00") == 202
        before = record(api, 81)
    with a_system_that_stays(tmp_path) as api:
        after = record(api, 81)
        assert after == before, "not even a version more"
        assert told(api, "first", 81, "2023-03-03T16:00:00+07:00") == 202, "a copy: taken, known, dropped"
        assert told(api, "second", 84, "2023-03-03T17:00:00+07:00") == 202
        later = record(api, 84)
        assert later["version"] == before["version"] + 1
        assert later["catalog_version"] == before["catalog_version"]
