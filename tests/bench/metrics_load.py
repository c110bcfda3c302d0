"""What the benches of metrics feed it with: a catalog, figures, and how they get onto the topic."""

import asyncio
import hashlib
import random
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Any

import orjson

from contracts import envelope
from contracts.catalog import Baseline, CalendarSpec, CatalogObject, Kpi, OrgUnit, Parent, Province, Target
from contracts.topics import OBSERVATIONS, TOPICS
from deploy.embedded.stack import Stack
from services.runtime.catalog import stream
from services.runtime.kafka.producer import BatchProducer, Outgoing
from services.runtime.kafka.topics import make_topics
from services.runtime.settings import KafkaSettings
from services.runtime.telemetry import Telemetry

KPIS, COMMUNES, DISTRICTS = 40, 791, 8
BATCH = 5_000
NOW = datetime(2023, 12, 1, 2, tzinfo=UTC)

Load = Callable[[], Iterator[dict[str, Any]]]


def catalog(target: int = 92, communes: int = COMMUNES, province: str = "b") -> list[CatalogObject]:
    """A province of 8 districts; 40 shares, each with a target for every commune and for the province."""
    objects: list[CatalogObject] = [
        Province(id=province, name_vi="Tỉnh đo"),
        CalendarSpec(id="administrative", name_vi="Hành chính", month_starts_on=15),
        OrgUnit(id=province, name="b", level="province"),
    ]
    objects += [
        OrgUnit(id=f"{province}.{d}", name="h", level="district", parents=(Parent(unit=province),))
        for d in range(DISTRICTS)
    ]
    objects += [
        OrgUnit(id=unit, name="x", level="commune", parents=(Parent(unit=unit.rpartition(".")[0]),))
        for unit in units_of(communes, province)
    ]
    for number in range(KPIS):
        kpi = f"k{number}"
        objects.append(
            Kpi(
                id=kpi, kind="ratio", name_vi=kpi, name_en=kpi, unit_of_measure="percent", pillar="x", decimals=0,
                levels=("commune", "district", "province"), modes=("absolute", "increment"),
            )
        )  # fmt: skip
        for scope in ({"level": "commune"}, {"unit": province}):
            where = next(iter(scope.values()))
            objects.append(
                Target(id=f"{kpi}.{where}", kpi=kpi, value=target, baseline=Baseline(value=40), period="2023", **scope)  # type: ignore[arg-type]
            )
    return objects


def units_of(communes: int = COMMUNES, province: str = "b") -> list[str]:
    """The ids of the communes."""
    return [f"{province}.{number % DISTRICTS}.{number}" for number in range(communes)]


def random_figures() -> Iterator[dict[str, Any]]:
    """Absolute figures of any day of the administrative year 2023 up to today, in no order."""
    chance, units = random.Random(1), [*units_of(), *[f"b.{d}" for d in range(DISTRICTS)], "b"]
    first = date(2022, 12, 15)
    while True:
        whole = chance.randint(50, 900)
        yield {
            "kpi": f"k{chance.randrange(KPIS)}",
            "org_unit": units[chance.randrange(COMMUNES)] if chance.random() < 0.99 else chance.choice(units),
            "as_of": (first + timedelta(days=chance.randrange(350))).isoformat(),
            "mode": "absolute",
            "numerator": str(chance.randint(0, whole)),
            "denominator": str(whole),
        }


def live_day() -> Iterator[dict[str, Any]]:
    """Increments on today's cells of one KPI after another, as desks send them."""
    chance, units = random.Random(2), units_of()
    while True:
        yield {
            "kpi": f"k{chance.randrange(KPIS)}",
            "org_unit": units[chance.randrange(COMMUNES)],
            "as_of": "2023-11-30",
            "mode": "increment",
            "numerator": str(chance.randint(0, 3)),
            "denominator": "3",
        }


def one_kpi() -> Iterator[dict[str, Any]]:
    """The random figures, all of one KPI, which is one partition."""
    return ({**figure, "kpi": "k0"} for figure in random_figures())


def monthly() -> Iterator[dict[str, Any]]:
    """A figure of every KPI and unit for one day, KPI after KPI."""
    chance = random.Random(3)
    for number in range(KPIS):
        for unit in [*units_of(), *[f"b.{d}" for d in range(DISTRICTS)], "b"]:
            whole = chance.randint(50, 900)
            yield {
                "kpi": f"k{number}",
                "org_unit": unit,
                "as_of": "2023-11-14",
                "mode": "absolute",
                "numerator": str(chance.randint(0, whole)),
                "denominator": str(whole),
            }


def prepared(stack: Stack, *, target: int = 92, now: datetime = NOW) -> str:
    """Topics and catalog on the broker; the catalog's version. `target`: what every commune has to reach."""

    async def apply() -> str:
        settings = settings_of(stack)
        await make_topics(settings, TOPICS)
        return (await stream.apply(settings.connection(), "b", catalog(target), now=now)).version

    return asyncio.run(apply())


def filled(stack: Stack, load: Load, count: int, version: str, first: int = 0) -> None:
    """Put so many figures of the load on the topic. `first`: the number that the events are counted from."""
    figures = islice(load(), count)
    asyncio.run(publish(stack, [outgoing(number, figure, version) for number, figure in enumerate(figures, first)]))


async def publish(stack: Stack, records: Sequence[Outgoing]) -> None:
    """Publish to the topic of observations; return when all are acknowledged."""
    producer = BatchProducer(settings_of(stack), Telemetry())
    await producer.start()
    try:
        for at in range(0, len(records), BATCH):
            await producer.publish(OBSERVATIONS.name, records[at : at + BATCH])
    finally:
        await producer.stop()


def settings_of(stack: Stack) -> KafkaSettings:
    """How clients of the bench reach the broker."""
    return KafkaSettings(bootstrap=stack.bootstrap, enable_idempotence=stack.broker == "kafka")


def outgoing(number: int, figure: dict[str, Any], version: str) -> Outgoing:
    """The figure as ingest would have written it."""
    identity = hashlib.sha256(str(number).encode()).hexdigest()[:32]
    content = {
        "observation_id": identity,
        "province": "b",
        **figure,
        "period": "2023",
        "unit_of_measure": "percent",
        "status": "actual",
        "revision": 1,
        "retracts": False,
        "source": "urn:bench:system",
        "source_id": identity,
        "publisher": "bench",
        "raw": {"log": "bench", "topic": "statistics.reported.v1", "partition": number % 12, "offset": number // 12},
        "reported_at": (NOW + timedelta(milliseconds=number)).isoformat().replace("+00:00", "Z"),
        "received_at": NOW.isoformat().replace("+00:00", "Z"),
        "catalog_version": version,
        "flags": [],
    }
    headers = envelope.write(
        id=identity,
        source="urn:tiendo:ingest",
        type=next(iter(OBSERVATIONS.payloads)),
        time=NOW,
        subject=identity,
        extensions={"businesstime": NOW.isoformat(), "traceparent": f"00-{number:032x}-{number + 1:016x}-01"},
    )
    return Outgoing(f"{content['province']}/{figure['kpi']}".encode(), orjson.dumps(content), headers)
