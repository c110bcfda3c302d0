"""What is recorded: the figure with ids resolved, exact numbers, and its origin."""

import unicodedata
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.catalog import OrgUnit, Roster
from contracts.observations import ObservationRecorded, observation_id
from services.ingest.batch import Sound
from services.runtime.catalog import Catalog
from tests.unit.ingest.door import (
    EDOC,
    LOG,
    NOON,
    OBJECTS,
    a_kpi,
    an_event,
    an_examiner,
    data,
    figure,
    observed,
)
from tests.unit.ingest.test_ingest_kinds import WELCOME


def test_an_observation_is_stamped_with_its_origin() -> None:
    seen = observed(data(), id="2023-W39", offset=41, partition=3)
    assert seen["observation_id"] == observation_id(EDOC, "2023-W39")
    assert seen["raw"] == {"log": LOG, "topic": "statistics.reported.v1", "partition": 3, "offset": 41}
    assert (seen["source"], seen["source_id"], seen["publisher"]) == (EDOC, "2023-W39", "edoc")
    assert (seen["reported_at"], seen["catalog_version"]) == ("2023-09-30T05:00:00Z", "1-0a1b2c3d4e5f")


def test_without_a_time_of_its_own_an_event_was_reported_when_kafka_got_it() -> None:
    assert observed(data(), time=None)["reported_at"] == "2023-09-30T05:00:00Z"


def test_the_unit_of_measure_is_always_the_kpis() -> None:
    assert observed(figure("share-gain", value=1, unit_of_measure="percent"))["unit_of_measure"] == "percentage_point"


def test_notes_are_kept_composed_and_without_control_characters() -> None:
    decomposed = "Đa\u0306\u0301k No\u0302ng\x1b[31m"
    assert observed(data(note=decomposed))["note"] == "Đắk Nông [31m"


def test_units_and_members_are_known_by_their_names_composed_or_decomposed() -> None:
    name = "xã Đắk Lao"
    unit = OrgUnit(id="dak-nong.dak-lao", name=name, level="commune", external_ids=(decomposed(name),))
    kpi = a_kpi("named", "coverage", rosters=(Roster(unit="dak-nong", members=(name, decomposed("Sở Nội vụ"))),))
    catalogs = {"dak-nong": Catalog.of((*OBJECTS, unit, kpi), 1, "1-0a1b2c3d4e5f")}
    for spelt in (name, decomposed(name)):
        members = [spelt, "Sở Nội vụ"]
        events = [an_event(data(org_unit=spelt)), an_event(figure("named", members=members), id="e-2")]
        one, other = an_examiner(catalogs=catalogs).examine(events, NOON)
        assert isinstance(one, Sound)
        assert isinstance(other, Sound)
        assert orjson.loads(one.entry.payload)["org_unit"] == "dak-nong.dak-lao"
        assert orjson.loads(other.entry.payload)["members"] == ["Sở Nội vụ", name]


def decomposed(name: str) -> str:
    found = unicodedata.normalize("NFD", name)
    assert found != name
    return found


def test_an_instant_keeps_its_offset_and_belongs_to_its_local_day() -> None:
    seen = observed(data(as_of="2022-12-14T23:30:00+07:00"))
    assert (seen["as_of"], seen["period"]) == ("2022-12-14T23:30:00+07:00", "2022")
    assert observed(data(as_of="2022-12-14T17:30:00Z"))["period"] == "2023"


@pytest.mark.parametrize(("kpi", "fields"), WELCOME)
def test_the_payload_keeps_the_contract_and_loses_no_number(kpi: str, fields: dict[str, Any]) -> None:
    seen = observed(figure(kpi, **fields))
    recorded = ObservationRecorded.model_validate_json(orjson.dumps(seen))
    again = recorded.model_dump(mode="json", exclude_unset=True)
    assert again == seen


@given(
    st.decimals(0, 10**12, places=2, allow_nan=False),
    st.sampled_from(["number", "string", "exponent"]),
)
def test_numbers_are_exact_however_they_were_written(number: Decimal, form: str) -> None:
    written: Any = float(number) if form == "number" and Decimal(repr(float(number))) == number else str(number)
    if form == "exponent":
        written = f"{number:E}"
    text = observed(figure("revenue", value=written))["value"]
    assert Decimal(text) == number
    assert "E" not in text
    assert not text.endswith(".")
