"""A KPI judged over again says what the service said: every version, at its moment."""

import asyncio
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from contracts.observations import ObservationRecorded
from contracts.progress import ProgressJudged
from services.metrics.replay import Replay
from services.runtime.catalog import Catalog
from tests.unit.metrics.builders import a_catalog, a_kpi, a_target, an_increment, an_observation
from tests.unit.metrics.engine import Engine

DAY = timedelta(days=1)
START = datetime(2023, 11, 20, 2, tzinfo=UTC)
END = datetime(2024, 2, 1, 2, tzinfo=UTC)
Reported = list[tuple[datetime, list[ObservationRecorded]]]
NEXT = a_target(None, 95, 0, level="commune", period="2024", id="next")
COMMUNES = ("p.a.1", "p.a.2", "p.b.1", "p.b.2")


def figures(seed: int) -> Reported:
    """Weekly figures of the communes through the end of 2023 and beyond its grace, some of them for the former year."""
    chance, offset, found = random.Random(seed), iter(range(10**6)), []
    for week in range(10):
        at = START + week * 7 * DAY
        together = []
        for commune in chance.sample(COMMUNES, chance.choice([2, 4])):
            late = week > 5 and chance.random() < 0.5
            as_of = "2023-12-10" if late else f"{at - DAY:%Y-%m-%d}"
            share = f"{chance.uniform(60, 95):.2f}"
            together.append(an_observation(commune, as_of, value=share, offset=next(offset), reported_at=at))
        found.append((at, together))
    return found


async def said_live(catalog: Catalog, figures: Reported) -> list[ProgressJudged]:
    engine, offset = Engine(catalog, figures[0][0]), 0
    await engine.tick(figures[0][0])
    coming, now = dict(figures), figures[0][0].replace(hour=17) - DAY
    for at in sorted({*coming, *(now + day * DAY for day in range(1, 80) if now + day * DAY < END)}):
        await engine.tick(at)
        await engine.take(*coming.get(at, ()), offset=offset)
        offset += len(coming.get(at, ()))
    return engine.topic.progress()


def said_again(catalog: Catalog, figures: Reported) -> list[ProgressJudged]:
    replay, found = Replay(catalog, "k"), []
    for at, together in figures:
        payloads = [orjson.loads(one.model_dump_json(exclude_none=True)) for one in together]
        for said in replay.take(payloads, at):
            found += said.records
    for said in replay.until(END):
        found += said.records
    return found


def by_record(said: Sequence[ProgressJudged]) -> dict[tuple[str, str], list[ProgressJudged]]:
    found: dict[tuple[str, str], list[ProgressJudged]] = {}
    for one in said:
        found.setdefault((one.org_unit, one.period), []).append(one)
    return found


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_version_goes_out_again_at_its_moment(seed: int) -> None:
    catalog = a_catalog(a_target(None, 92, 0, level="commune", id="t"), a_target("p", 92, 0, id="tp"), NEXT)
    reported = figures(seed)
    live, again = asyncio.run(said_live(catalog, reported)), said_again(catalog, reported)
    assert any(one.closed is not None for one in live)
    assert len({one.judged_at for one in live}) > 12  # time alone judged some
    assert by_record(again) == by_record(live)


def test_increments_count_once() -> None:
    catalog = a_catalog(a_kpi(kind="flow"), a_target("p.a.1", 100, None))
    twice = [an_increment("p.a.1", "2023-11-19", value=value, offset=value) for value in (5, 7)]
    payloads = [orjson.loads(one.model_dump_json(exclude_none=True)) for one in twice]
    replay = Replay(catalog, "k")
    first = [record for said in replay.take(payloads, START) for record in said.records]
    again = [record for said in replay.take(payloads[:1], START + DAY) for record in said.records]
    assert [one.value for one in first if one.org_unit == "p.a.1"][-1] == 12
    assert [one.value for one in again if one.org_unit == "p.a.1"][-1:] in ([12], [])
