"""Random histories over the real wire: figures, corrections and withdrawals, late, twice and out of order, by Kafka and
by HTTP into ingest, through metrics, out of the gateway. Every field shown equals the plain recomputation.

Each history adds to those before it, so that it meets what they left.
"""

import asyncio
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from typing import Any

import orjson
import pytest

from contracts.catalog import Publisher
from contracts.observations import ObservationRecorded
from contracts.topics import STATISTICS_REJECTED, STATISTICS_REPORTED
from deploy.embedded.demo.events import Said
from deploy.embedded.demo.publishing import publisher
from deploy.embedded.stack import Stack
from deploy.embedded.system import System
from services.runtime.catalog import Catalog
from services.runtime.catalog.check import errors_in
from tests.doors import Heard, Identity, everything_on, http_publisher
from tests.model import recompute
from tests.recomputing import accepted, settled
from tests.stacks import a_stack
from tests.unit.metrics import test_against_the_model as province
from tests.unit.metrics.builders import CALENDAR, CIVIL, PROVINCE, UNITS
from tests.unit.metrics.long_series import NOW, LongSeries

SOURCES = ("urn:one", "urn:two")
PUBLISHERS = [
    Publisher(id=source[4:], name_vi=source, sources=(source,), kpis=("*",), units=("p",), contact="x@example.vn")
    for source in SOURCES
]
TARGETS = [one.model_copy(update={"id": f"{one.kpi}.{one.id}"}) for one in province.CATALOG.targets]
CATALOG = (PROVINCE, CALENDAR, CIVIL, *UNITS, *province.KPIS, *TARGETS, *PUBLISHERS)
ALL = {str(at): one for at, one in enumerate(CATALOG)}
AGAINST_THEIR_DIRECTION = {problem.file for problem in errors_in(ALL)}
"""Targets that a service refuses."""

OBJECTS = tuple(one for key, one in ALL.items() if key not in AGAINST_THEIR_DIRECTION)
SERVICES = ("ingest", "metrics", "gateway")

WRONG = 0.02
"""Of the events: figures that are refused, and count nowhere."""

AT_ONCE = 100
"""Events that are sent in any order."""

SEEDS = [
    pytest.param(20, 600, 0, id="20"),
    *(pytest.param(seed, 2_000, 2, id=str(seed), marks=pytest.mark.slow) for seed in range(21, 27)),
]
"""Seed, figures, and how often each service is killed meanwhile."""


@dataclass
class World:
    """The three services, and all that was sent to them."""

    stack: Stack
    system: System
    counted: dict[Identity, ObservationRecorded] = field(default_factory=dict)
    wrong: set[Identity] = field(default_factory=set)

    def ledger(self) -> dict[Identity, ObservationRecorded]:
        """What ingest accepted."""
        return {(one.source, one.source_id): one for one in accepted(self.stack)}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with a_stack(tmp_path_factory.mktemp("histories"), "p", OBJECTS, NOW) as stack:
        system = System(stack, {"TIENDO_CLOCK": f"from:{NOW.isoformat()}"}, names=SERVICES)
        system.start()
        yield World(stack, system)


@pytest.mark.parametrize(("seed", "figures", "kills"), SEEDS)
async def test_every_field_that_the_gateway_shows_equals_the_recomputation_of_what_was_sent(
    world: World, seed: int, figures: int, kills: int
) -> None:
    chance = random.Random(seed)
    series = LongSeries(seed).figures(figures, province.REPORTED)
    once = {one.source_id: in_its_time(one, chance) for one in series}
    told = [once[one.source_id] for one in series]
    history = [said(one) for one in told]
    wrong = [mistaken(one) for one in history if chance.random() < WRONG]
    world.counted |= {(one.source, one.source_id): one for one in told if not more_than_there_are(one)}
    world.wrong |= {(one.source, one.id) for one in wrong}
    world.wrong |= {(one.source, one.source_id) for one in told if more_than_there_are(one)}
    for event in wrong:
        history.insert(chance.randrange(len(history)), event)
    await asyncio.gather(sent(world, history, chance), killed(world.system, chance, kills))
    await asyncio.to_thread(world.system.wait_ready)
    ledger = await until_accepted(world)
    assert {identity: of_the_publisher(one) for identity, one in ledger.items()} == {
        identity: of_the_publisher(one) for identity, one in world.counted.items()
    }
    # A doubt that the event alone shows is the door's to raise, and has its own tests: it must come through.
    counted = [one.model_copy(update={"flags": ledger[key].flags}) for key, one in world.counted.items()]
    catalog = Catalog.of(OBJECTS, 1, "1-000000000000")
    assert await asyncio.to_thread(settled, world.system, recompute(catalog, counted, NOW)) == []
    bootstrap = world.stack.bootstrap
    refused = [orjson.loads(one.value) for one in await everything_on(bootstrap, STATISTICS_REJECTED.name)]
    assert {(one["source"], one["id"]) for one in refused} == world.wrong
    assert await everything_on(bootstrap, STATISTICS_REPORTED.dlq) == []
    flags = sorted({flag.code for one in counted for flag in one.flags})
    so_far = f"{len(world.wrong)} refused and {len(counted)} counted so far; {flags}"
    sys.stdout.write(f"seed {seed}: {len(history)} events; {so_far}\n")


def in_its_time(one: ObservationRecorded, chance: random.Random) -> ObservationRecorded:
    """Reported on its day or some days later, and before now."""
    day = datetime.combine(one.as_of, time(8, 30), NOW.tzinfo)
    late = timedelta(days=chance.choice([0, 0, 1, 2, 5, 12, 40]), seconds=chance.randrange(7_200))
    return one.model_copy(update={"reported_at": min(day + late, NOW - timedelta(seconds=chance.randrange(1, 60)))})


def said(one: ObservationRecorded) -> Said:
    """What its publisher sends."""
    own = {"province", "kpi", "org_unit", "as_of", *_NUMBERS, *_ABOUT}
    data = one.model_dump(mode="json", include=own, exclude_none=True, exclude_defaults=True)
    return Said(one.source, one.source_id, one.reported_at, data)


_NUMBERS = frozenset({"numerator", "denominator", "value", "weight", "rank", "done", "members"})
_ABOUT = frozenset({"mode", "status", "revision", "retracts"})


def mistaken(event: Said) -> Said:
    """The same figure of a unit that there is not."""
    return replace(event, id=f"wrong-{event.id}", data={**event.data, "org_unit": "p.c.1"})


def more_than_there_are(one: ObservationRecorded) -> bool:
    """Of the two communes of p.b, three."""
    return (one.kpi, one.org_unit) == ("coverage", "p.b") and one.numerator == 3


def of_the_publisher(one: ObservationRecorded) -> dict[str, Any]:
    """What an observation says that its publisher said."""
    return one.model_dump(
        include={"kpi", "org_unit", "as_of", "source", "source_id", "reported_at", *_NUMBERS, *_ABOUT}
    )


async def sent(world: World, history: list[Said], chance: random.Random) -> None:
    """Out of order within some, each event by Kafka or by HTTP, some by both."""
    heard = Heard()
    async with (
        publisher(world.stack.bootstrap) as kafka,
        http_publisher(world.system.url("gateway", ""), heard, chance, hangs_up=0.1) as http,
    ):
        for first in range(0, len(history), AT_ONCE):
            events = history[first : first + AT_ONCE]
            chance.shuffle(events)
            # The gateway refuses what it can see; a wrong figure of its own is for ingest to find.
            by_http = [one for one in events if chance.random() < 0.4]
            by_kafka = [one for one in events if one not in by_http or chance.random() < 0.1]
            await asyncio.gather(kafka.send(by_kafka), http.batch(by_http))


async def killed(system: System, chance: random.Random, times: int) -> None:
    """As `kill -9` does, in any order; each is started again."""
    for name in chance.sample(list(SERVICES) * times, len(SERVICES) * times):
        await asyncio.sleep(chance.uniform(0.3, 1.5))
        system.child(name).kill()
        system.launch(name)


async def until_accepted(world: World, within_s: float = 60) -> dict[Identity, ObservationRecorded]:
    """The ledger, once it has as many as are to be counted; or as it is by then."""
    found = world.ledger()
    with_time = asyncio.get_running_loop().time() + within_s
    while len(found) < len(world.counted) and asyncio.get_running_loop().time() < with_time:
        await asyncio.sleep(0.2)
        found = await asyncio.to_thread(world.ledger)
    return found
