"""The whole system for a test: servers, catalog and four service processes."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.embedded import lifecycle
from deploy.embedded.demo import play
from deploy.embedded.stack import Stack
from deploy.embedded.system import System
from services.runtime.catalog.catalog import Catalog
from tests.servers import wanted_broker
from tests.stacks import no_promise_is_broken


@dataclass(frozen=True, slots=True)
class Province:
    """A running system with the catalog of Đắk Nông."""

    stack: Stack
    system: System
    catalog: Catalog


@contextmanager
def a_province(folder: Path) -> Iterator[Province]:
    """Start everything with the demonstration's clock; end it with the block."""
    with Stack.started(folder, broker=wanted_broker()) as stack:
        catalog = lifecycle.prepare(stack)
        system = System(stack, {"TIENDO_CLOCK": play.CLOCK})
        system.start()
        yield Province(stack, system, catalog)
        asyncio.run(no_promise_is_broken(stack))
