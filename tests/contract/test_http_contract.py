"""The gateway against its own OpenAPI document: schemathesis makes up requests, sound and unsound, and no answer may be
a fault of ours or one that the document does not know.

Served by uvicorn over what keeps the promises of database, broker and owners in memory, so that a run is hundreds of
requests and not a test of servers. The stream never ends and has tests of its own.
"""

import asyncio
import os
import re
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import schemathesis
import uvicorn
from httpx2 import ASGITransport
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance
from starlette.applications import Starlette

from deploy.embedded.ports import free_port
from services.gateway import api
from services.gateway.routes.imports import XLSX
from services.ingest import examining
from services.ingest import internal as of_ingest
from tests.unit.gateway.acting import Office
from tests.unit.gateway.judged_province import NOW
from tests.unit.gateway.owning import metrics_with, owners
from tests.unit.gateway.test_explain_routes import CATALOG, FIGURES
from tests.unit.gateway.test_routes import Gateway, fill
from tests.unit.ingest.door import World
from tests.unit.ingest.remembered import Remembered

DOCUMENT = Path(__file__).parents[2] / "docs" / "openapi.json"
EXAMPLES = 300 if os.environ.get("TIENDO_TEST_DEEP") else 5
"""Requests for each operation."""

EXCLUDED = [positive_data_acceptance]
"""A schema cannot say which cursors we gave out, nor which attributes go with which content type."""

EXCLUDED_OF_POST = [*EXCLUDED, negative_data_rejection]
"""The door is wider than its schema: a field that is null is left out, and numbers may be strings."""

LONGEST = 8_000
"""Characters of a path; the server hangs up on what is much longer before any of our code sees it."""

PATIENCE_S = 60
"""So long the gateway waits for the owners: a busy machine is no finding."""

THERE = {"kpi": FIGURES[0].kpi, "org_unit": FIGURES[0].org_unit, "period": "2023", "province": "dak-nong"}
"""What exists, so that not every request ends at its path."""

ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")

SCHEMA = schemathesis.openapi.from_path(str(DOCUMENT)).exclude(path_regex="/stream$")

schemathesis.serializer.alias(XLSX, "application/octet-stream")


@SCHEMA.hook
def map_path_parameters(context: Any, path_parameters: dict[str, Any] | None) -> dict[str, Any] | None:
    """Every other made-up path leads somewhere; one that is to be refused stays as it is."""
    values = [str(value) for value in (path_parameters or {}).values()]
    if path_parameters is None or sum(map(len, values)) % 2 or not all(map(ID.fullmatch, values)):
        return path_parameters
    return {**path_parameters, **{name: THERE[name] for name in path_parameters if name in THERE}}


@schemathesis.serializer("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
def as_it_is(context: Any, value: Any) -> bytes:
    """Bytes that are hardly ever a workbook; readers of spreadsheets have tests of their own."""
    return value if isinstance(value, bytes) else str(value).encode()


def ingest() -> ASGITransport:
    """The ledger, and the door where somebody only asks."""
    world = World()
    routes = [
        *of_ingest.routes(Remembered(FIGURES)),
        *examining.routes(world.examiner, world.ledger, world.clock, world.questions),
    ]
    return ASGITransport(app=Starlette(routes=routes))


class Server(threading.Thread):
    """The gateway's application in a loop of its own."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.port = free_port()
        self.ready, self.failed = threading.Event(), ""

    def run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        asked = owners(await metrics_with(CATALOG, NOW, FIGURES), ingest(), PATIENCE_S, Office().internal())
        gateway = Gateway(owners=asked)
        await fill(gateway)
        posting = asyncio.create_task(gateway.outbox.run())
        config = uvicorn.Config(api.create(gateway.parts), port=self.port, log_level="error", lifespan="off")
        self.server = uvicorn.Server(config)
        serving = asyncio.create_task(self.server.serve())
        while not self.server.started:  # noqa: ASYNC110 - uvicorn tells it by this flag alone
            await asyncio.sleep(0.01)
        self.ready.set()
        await serving
        posting.cancel()
        with suppress(asyncio.CancelledError):
            await posting


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    server = Server()
    server.start()
    assert server.ready.wait(20)
    yield f"http://127.0.0.1:{server.port}"
    server.server.should_exit = True
    server.join(20)


@SCHEMA.parametrize()
@settings(max_examples=EXAMPLES, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_answer_is_one_that_the_document_knows(case: Any, address: str) -> None:
    if len(str(case.path_parameters)) > LONGEST:
        return
    excluded = EXCLUDED_OF_POST if case.operation.method == "post" else EXCLUDED
    case.call_and_validate(base_url=address, excluded_checks=excluded)
