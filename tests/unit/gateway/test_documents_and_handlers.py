from datetime import UTC, date, datetime
from typing import Any

import pytest

from contracts import envelope
from contracts.alerts import TransitionType
from contracts.catalog import OrgUnit
from contracts.envelope import STRUCTURED
from contracts.topics import ALERTS, PROGRESS
from services.gateway.documents import NOWHERE, Place, as_day, newest, state_of
from services.gateway.handlers import AlertsHandler, ProgressHandler
from services.gateway.places import TreePlaces, put_right
from services.runtime.clock import DataClock
from services.runtime.errors import Unprocessable
from services.runtime.kafka.producer import Outgoing
from tests.unit.gateway.fake_model import FakeModel
from tests.unit.gateway.judged_province import alert_record, dak_nong, progress_record, with_objects
from tests.unit.gateway.records import a_document, a_record, a_transition, an_alert, consumed

CATALOG = dak_nong()
COMMUNE, DISTRICT = "dak-nong.cu-jut.xa-dak-wil", "dak-nong.huyen-cu-jut"
START = datetime(2023, 1, 1, tzinfo=UTC)


class Nowhere:
    """Knows no unit."""

    def of(self, province: str, org_unit: str, on: date | None) -> Place:
        return NOWHERE


def the_tree(now: datetime = datetime(2023, 10, 2, 5, tzinfo=UTC)) -> TreePlaces:
    return TreePlaces(lambda: {"dak-nong": CATALOG}, lambda: now)


async def handled(*outgoing: Outgoing) -> tuple[FakeModel, DataClock]:
    model, clock = FakeModel(), DataClock(START)
    await ProgressHandler(model, the_tree(), clock).handle(
        [consumed(PROGRESS.name, one, offset) for offset, one in enumerate(outgoing)]
    )
    return model, clock


async def test_a_batch_leaves_the_newest_of_each_key_whatever_the_order() -> None:
    model, _ = await handled(*(progress_record(a_record(version=version)) for version in (2, 3, 1)))
    (document,) = model.records.values()
    assert document["version"] == 3
    assert len(model.announced) == 1


async def test_a_document_knows_where_its_unit_stands() -> None:
    model, _ = await handled(progress_record(a_record()))
    (document,) = model.records.values()
    assert (document["level"], document["ancestors"]) == ("commune", [DISTRICT, "dak-nong"])


async def test_consuming_moves_the_business_clock() -> None:
    _, clock = await handled(progress_record(a_record()))
    assert clock.now() == datetime(2023, 10, 2, 1, 15, tzinfo=UTC)


async def test_fields_that_this_release_does_not_know_are_kept() -> None:
    outgoing = progress_record(a_record())
    assert outgoing.value is not None
    model, _ = await handled(Outgoing(outgoing.key, outgoing.value[:-1] + b',"mood":"good"}', outgoing.headers))
    (document,) = model.records.values()
    assert document["record"]["mood"] == "good"


async def test_structured_mode_is_read_too() -> None:
    payload = a_record().model_dump_json()
    whole = f'{{"specversion":"1.0","id":"1","source":"urn:m","type":"vn.tiendo.progress.judged.v1","data":{payload}}}'
    model, _ = await handled(Outgoing(b"k", whole.encode(), [("content-type", STRUCTURED.encode())]))
    assert len(model.records) == 1


async def test_tombstones_and_other_types_are_none_of_our_business() -> None:
    foreign = envelope.write(id="1", source="urn:m", type="other", time=START)
    model, _ = await handled(Outgoing(b"k", None, []), Outgoing(b"k", b"{}", foreign))
    assert not model.records
    assert not model.announced


async def test_what_breaks_the_contract_names_its_coordinates() -> None:
    headers = envelope.write(id="1", source="urn:m", type="vn.tiendo.progress.judged.v1", time=START)
    with pytest.raises(Unprocessable, match=r"progress\.v1/0/0"):
        await handled(Outgoing(b"k", b'{"province": "dak-nong"}', headers))


async def test_alerts_keep_the_latest_state_and_every_transition() -> None:
    model = FakeModel()
    opened = a_transition()
    closed = a_transition(seq=2, type=TransitionType.CLOSED, close_reason="recovered")
    handler = AlertsHandler(model, the_tree(), DataClock(START))
    await handler.handle([consumed(ALERTS.name, alert_record(one), at) for at, one in enumerate((closed, opened))])
    (alert,) = model.alerts.values()
    assert (alert["seq"], alert["state"], alert["level"]) == (2, "closed", "commune")
    assert [one["seq"] for one in (await model.alert(alert["_id"]) or ({}, []))[1]] == [1, 2]


@pytest.mark.parametrize(
    ("type_", "changes", "state"),
    [
        (TransitionType.OPENED, {}, "open"),
        (TransitionType.ACKNOWLEDGED, {}, "open"),
        (TransitionType.CLOSED, {"close_reason": "recovered"}, "closed"),
        (TransitionType.DATA_MISSING, {}, "open"),
        (TransitionType.DATA_MISSING, {"opened_at": None}, "closed"),
        (TransitionType.DATA_BACK, {"close_reason": "recovered"}, "closed"),
    ],
)
def test_an_alert_is_open_or_closed_by_its_latest_transition_alone(
    type_: TransitionType, changes: dict[str, Any], state: str
) -> None:
    assert state_of(a_transition(type=type_, **changes)) == state


def test_of_one_key_the_highest_version_counts() -> None:
    assert [one["version"] for one in newest([a_document(version=v) for v in (1, 3, 2)], "version")] == [3]


def test_an_instant_belongs_to_its_own_date() -> None:
    assert as_day(datetime.fromisoformat("2023-10-01T01:00:00+07:00")) == "2023-10-01"
    assert as_day("2023-10-01T01:00:00+07:00") == "2023-10-01"
    assert as_day(None) is None


def test_a_unit_that_has_ended_is_placed_as_on_its_last_day() -> None:
    place = Place("commune", (DISTRICT, "dak-nong"), date(2025, 7, 1))
    assert the_tree(datetime(2026, 1, 1, tzinfo=UTC)).of("dak-nong", COMMUNE, None) == place
    assert place.fields()["until"] == "2025-07-01"


@pytest.mark.parametrize(("local", "above"), [("2023-09-30T23:00", "old"), ("2023-10-01T02:00", "new")])
def test_without_a_day_a_unit_stands_where_it_does_on_the_provinces_day(local: str, above: str) -> None:
    parents = [{"unit": "old", "valid_to": "2023-10-01"}, {"unit": "new", "valid_from": "2023-10-01"}]
    moved = {"id": "moved", "name": "Xã", "level": "commune", "parents": parents}
    in_province = {"level": "district", "parents": [{"unit": "dak-nong"}]}
    districts = [{"id": one, "name": one, **in_province} for one in ("old", "new")]
    catalog = with_objects(*(OrgUnit.model_validate(one) for one in (*districts, moved)))
    now = datetime.fromisoformat(f"{local}+07:00").astimezone(UTC)
    places = TreePlaces(lambda: {"dak-nong": catalog}, lambda: now)
    assert places.of("dak-nong", "moved", None).ancestors == (above, "dak-nong")


def test_an_unknown_unit_is_nowhere() -> None:
    assert the_tree().of("dak-nong", "x", None) == NOWHERE
    assert the_tree().of("elsewhere", COMMUNE, None) == NOWHERE


async def test_what_came_before_its_catalog_is_put_right_once() -> None:
    model = FakeModel()
    await model.put_progress([a_document()])
    await model.put_alerts([an_alert()], [])
    assert await put_right(model, the_tree()) == 2
    assert await put_right(model, the_tree()) == 0
    assert [one["level"] for one in (*model.records.values(), *model.alerts.values())] == ["commune", "commune"]
