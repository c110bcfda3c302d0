"""One suite, run against the read model in memory and the one in MongoDB; then what only MongoDB can show."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import pytest
from pydantic import SecretStr

from contracts.alerts import Severity, TransitionType
from services.gateway.documents import Document, Place
from services.gateway.queries import AlertFilter, ProgressFilter
from services.gateway.store import ReadModel
from services.runtime import mongo
from services.runtime.mongo import Client
from services.runtime.settings import MongoSettings
from services.runtime.waiting import Waiting
from tests.servers import MongoServer
from tests.unit.gateway.fake_model import FakeModel
from tests.unit.gateway.records import a_document, a_told, an_alert

PLACE = Place("commune", ("dak-nong.huyen-cu-jut", "dak-nong"))
Model = FakeModel | ReadModel


@asynccontextmanager
async def a_model(server: MongoServer, name: str, timeout_ms: int = 20_000) -> AsyncIterator[tuple[ReadModel, Client]]:
    settings = MongoSettings(uri=SecretStr(server.uri), database=name.replace("-", "_"), timeout_ms=timeout_ms)
    async with mongo.connect(settings, Waiting(10, asyncio.Event())) as client:
        model = ReadModel(client, settings)
        await model.prepare()
        yield model, client
        await client.drop_database(f"{settings.database}_gateway")


@pytest.fixture(params=["in memory", "mongodb"])
async def model(request: pytest.FixtureRequest, unique: Callable[[str], str]) -> AsyncIterator[Model]:
    kind: Literal["in memory", "mongodb"] = request.param
    if kind == "in memory":
        yield FakeModel()
        return
    async with a_model(request.getfixturevalue("mongo_server"), unique("t")) as (real, _):
        yield real


def keys(documents: list[Document]) -> list[str]:
    return [one["org_unit"].rpartition(".")[2] for one in documents]


async def test_a_record_is_only_ever_replaced_by_a_higher_version(model: Model) -> None:
    for version in (2, 1, 3, 3, 2):
        await model.put_progress([a_document(PLACE, version=version)])
    stored = await model.progress("edoc-signed-share", "dak-nong.cu-jut.xa-dak-wil", "2023")
    assert stored is not None
    assert stored["version"] == 3


async def test_a_batch_with_old_and_new_keeps_the_new(model: Model) -> None:
    await model.put_progress([a_document(PLACE, org_unit="dak-nong.a", version=5)])
    await model.put_progress(
        [a_document(PLACE, org_unit="dak-nong.a", version=4), a_document(PLACE, org_unit="dak-nong.b", version=1)]
    )
    found = (await model.list_progress(ProgressFilter(), 10)).documents
    assert [(one["org_unit"], one["version"]) for one in found] == [("dak-nong.a", 5), ("dak-nong.b", 1)]


async def test_writing_twice_is_writing_once(model: Model) -> None:
    batch = [a_document(PLACE, org_unit=f"dak-nong.u{number}") for number in range(20)]
    await model.put_progress(batch)
    await model.put_progress(batch)
    assert len((await model.list_progress(ProgressFilter(), 100)).documents) == 20


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (ProgressFilter(kpi=("edoc-signed-share",)), ["x", "y", "dak-nong"]),
        (ProgressFilter(kpi=("other",)), []),
        (ProgressFilter(under="dak-nong.huyen-cu-jut"), ["x", "y"]),
        (ProgressFilter(level=("province",)), ["dak-nong"]),
        (ProgressFilter(org_unit=("dak-nong.c.x", "dak-nong")), ["x", "dak-nong"]),
        (ProgressFilter(status=("on_track",), period=("2023",)), ["y"]),
        (ProgressFilter(province="elsewhere"), []),
    ],
)
async def test_filters(model: Model, wanted: ProgressFilter, found: list[str]) -> None:
    await model.put_progress(
        [
            a_document(PLACE, org_unit="dak-nong.c.x"),
            a_document(PLACE, org_unit="dak-nong.c.y", status="on_track"),
            a_document(Place("province", ()), org_unit="dak-nong"),
        ]
    )
    assert keys((await model.list_progress(wanted, 10)).documents) == found


async def test_pages_of_records_have_neither_gap_nor_repeat(model: Model) -> None:
    await model.put_progress([a_document(PLACE, org_unit=f"dak-nong.u{number:02}") for number in range(7)])
    seen: list[str] = []
    after = None
    while True:
        page = await model.list_progress(ProgressFilter(), 3, after)
        seen += keys(page.documents)
        if page.next is None:
            break
        (after,) = page.next
    assert seen == [f"u{number:02}" for number in range(7)]


def alerts(count: int) -> list[Document]:
    """Opened one after the other, the last two at the same moment."""
    start = datetime(2023, 9, 1, tzinfo=UTC)
    moments = [start + timedelta(days=min(number, count - 2)) for number in range(count)]
    return [an_alert(PLACE, alert_id=f"{number:032x}", opened_at=moment) for number, moment in enumerate(moments)]


async def test_pages_of_alerts_are_latest_first_without_gap_or_repeat(model: Model) -> None:
    await model.put_alerts(alerts(6), [])
    seen: list[str] = []
    after: Any = None
    while True:
        page = await model.list_alerts(AlertFilter(status="open"), 2, after)
        seen += [one["_id"][-1] for one in page.documents]
        if page.next is None:
            break
        after = page.next
    assert seen == ["4", "5", "3", "2", "1", "0"]


async def test_a_closed_alert_is_no_longer_open_however_late_the_opening_comes(model: Model) -> None:
    closed = an_alert(PLACE, seq=2, type=TransitionType.CLOSED, close_reason="recovered")
    await model.put_alerts([closed], [a_told(seq=2, type=TransitionType.CLOSED, close_reason="recovered")])
    await model.put_alerts([an_alert(PLACE)], [a_told()])
    assert await model.count_open_alerts("dak-nong") == 0
    stored = await model.alert(closed["_id"])
    assert stored is not None
    assert [told["seq"] for told in stored[1]] == [1, 2]


async def test_open_alerts_come_worst_first_and_then_longest(model: Model) -> None:
    some = alerts(3)
    worst = an_alert(PLACE, alert_id="f" * 32, severity=Severity.CRITICAL)
    await model.put_alerts([*some, worst], [])
    assert [one["_id"][-1] for one in await model.open_alerts("dak-nong")] == ["f", "0", "1", "2"]


async def test_an_open_alert_comes_with_the_record_as_it_stands_now(model: Model) -> None:
    alert = an_alert(PLACE)
    await model.put_alerts([alert], [a_told()])
    assert [one["now"] for one in await model.open_alerts("dak-nong")] == [None]
    later = a_document(PLACE, version=9, value=12.5)
    assert (later["kpi"], later["org_unit"], later["period"]) == (alert["kpi"], alert["org_unit"], alert["period"])
    await model.put_progress([later])
    assert [one["now"]["value"] for one in await model.open_alerts("dak-nong")] == [12.5]


async def test_counts_and_the_records_of_units_and_kpis(model: Model) -> None:
    await model.put_progress(
        [
            a_document(PLACE, org_unit="dak-nong.x"),
            a_document(PLACE, org_unit="dak-nong.y"),
            a_document(Place("province", ()), org_unit="dak-nong", status="at_risk"),
        ]
    )
    assert sorted(await model.counts("dak-nong")) == [
        ("edoc-signed-share", "2023", "commune", "behind", None, 2),
        ("edoc-signed-share", "2023", "province", "at_risk", None, 1),
    ]
    assert sorted(keys(await model.of_units("dak-nong", ["dak-nong.x", "dak-nong"]))) == ["dak-nong", "x"]
    assert len(await model.of_kpi("dak-nong", "edoc-signed-share", "2023")) == 3


async def test_two_writers_at_once_leave_the_newest(mongo_server: MongoServer, unique: Callable[[str], str]) -> None:
    async with a_model(mongo_server, unique("t")) as (model, _):

        async def write(version: int) -> None:
            units = [f"dak-nong.u{number}" for number in range(40)]
            await model.put_progress([a_document(PLACE, org_unit=unit, version=version) for unit in units])

        await asyncio.gather(*(write(version) for version in (3, 1, 5, 2, 4)))
        stored = (await model.list_progress(ProgressFilter(), 100)).documents
    assert {one["version"] for one in stored} == {5}
    assert len(stored) == 40


async def test_changes_are_heard_by_whoever_listens(mongo_server: MongoServer, unique: Callable[[str], str]) -> None:
    async with a_model(mongo_server, unique("t")) as (model, _):
        stream = model.changes()
        async with asyncio.timeout(10):
            assert await anext(stream) == ("", {})
            await model.announce({"topic": "progress", "provinces": ["dak-nong"], "kpis": ["k"]})
            token, change = await anext(stream)
        await stream.aclose()  # type: ignore[attr-defined]
    assert token
    assert change["kpis"] == ["k"]


async def test_a_quiet_time_longer_than_an_operation_may_take_does_not_end_the_listening(
    mongo_server: MongoServer, unique: Callable[[str], str]
) -> None:
    async with a_model(mongo_server, unique("t"), timeout_ms=1_000) as (model, _):
        stream = model.changes()
        await anext(stream)

        async def later() -> None:
            await asyncio.sleep(2)
            await model.announce({"topic": "progress"})

        telling = asyncio.create_task(later())
        async with asyncio.timeout(10):
            assert (await anext(stream))[1]["topic"] == "progress"
        await telling
        await stream.aclose()  # type: ignore[attr-defined]


async def test_the_filters_of_lists_are_answered_from_an_index(
    mongo_server: MongoServer, unique: Callable[[str], str]
) -> None:
    async with a_model(mongo_server, unique("t")) as (model, client):
        await model.put_progress([a_document(PLACE, org_unit=f"dak-nong.u{number}") for number in range(50)])
        database = model.database
        plan = await client[database]["progress"].find({"ancestors": "dak-nong"}).sort("_id", 1).explain()
    assert "COLLSCAN" not in str(plan["queryPlanner"]["winningPlan"])
    assert "'SORT'" not in str(plan["queryPlanner"]["winningPlan"])
