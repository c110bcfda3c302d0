"""From bytes to a figure: whatever stands in a record, it is read, refused or quarantined, and nothing else happens."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest import contract
from services.ingest.contract import Malformed, Reported, Unreadable
from tests.unit.ingest.door import EDOC, NOON, TYPE, Record, an_event, codes, data, problems

STRUCTURED: list[tuple[str, bytes | None]] = [("content-type", b"application/cloudevents+json; charset=utf-8")]


def read(record: Record) -> contract.Reading:
    return contract.read(record.headers, record.value, 64 * 1024)


def unreadable(record: Record) -> Unreadable:
    reading = read(record)
    assert isinstance(reading, Unreadable)
    return reading


def structured(**changes: Any) -> bytes:
    whole = {"specversion": "1.0", "id": "e-1", "source": EDOC, "type": TYPE, "data": data(), **changes}
    return json.dumps(whole).encode()


def test_binary_and_structured_mode_say_the_same() -> None:
    binary, other = read(an_event()), read(Record(structured(), STRUCTURED))
    assert isinstance(binary, Reported)
    assert isinstance(other, Reported)
    assert binary.figure == other.figure


def test_bytes_that_are_no_json_name_their_source() -> None:
    record = an_event()
    record.value = b"{broken"
    reading = unreadable(record)
    assert (reading.reason, reading.source, reading.problems[0].code) == ("bad_json", EDOC, "bad_json")
    assert not reading.harmless


@pytest.mark.parametrize("value", [b'{"a": NaN}', b'{"a": 1, "a": 2}', b"\xff\xfe{}", b"", b"[" * 5_000])
def test_what_two_parsers_could_read_in_two_ways_is_no_json(value: bytes) -> None:
    record = an_event()
    record.value = value
    assert unreadable(record).problems[0].code == "bad_json"


def test_a_record_without_envelope_is_no_event_and_has_no_source() -> None:
    reading = unreadable(Record(b"{}", []))
    assert (reading.problems[0].code, reading.source) == ("not_cloudevent", None)


def test_a_tombstone_is_quarantined_without_blaming_anybody() -> None:
    record = an_event()
    record.value = None
    reading = unreadable(record)
    assert (reading.reason, reading.harmless, reading.source) == ("tombstone", True, EDOC)


def test_an_event_of_another_type_is_quarantined_without_blaming_anybody() -> None:
    reading = unreadable(an_event(type="com.example.order.placed"))
    assert (reading.reason, reading.harmless) == ("foreign_type", True)
    assert TYPE in reading.problems[0].message_en


def test_an_event_that_is_too_long_is_not_parsed_but_its_publisher_is_known() -> None:
    record = an_event()
    record.value = b"[" * 100_000
    reading = unreadable(record)
    assert (reading.problems[0].code, reading.source, reading.id) == ("too_large", EDOC, "e-1")


def test_a_long_event_in_structured_mode_has_no_readable_source() -> None:
    reading = unreadable(Record(structured(padding="x" * 70_000), STRUCTURED))
    assert (reading.problems[0].code, reading.source) == ("too_large", None)


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("province", "Đắk Nông", "schema"),
        ("kpi", 7, "schema"),
        ("org_unit", "", "schema"),
        ("as_of", "30/09/2023", "schema"),
        ("as_of", "2023-02-30", "schema"),
        ("as_of", "2023-09-30T10:00:00", "schema"),
        ("as_of", 20230930, "schema"),
        ("numerator", "many", "schema"),
        ("numerator", True, "schema"),
        ("numerator", "NaN", "not_finite"),
        ("numerator", "-Infinity", "not_finite"),
        ("numerator", "1e400", "too_large"),
        ("numerator", 10**40, "too_large"),
        ("mode", "sum", "schema"),
        ("status", "final", "schema"),
        ("revision", 0, "schema"),
        ("note", "x" * 3_000, "schema"),
        ("members", ["a"] * 2_001, "schema"),
    ],
)
def test_a_field_that_breaks_the_contract_is_named_with_what_to_write(field: str, value: Any, code: str) -> None:
    (found,) = problems(data(**{field: value}))
    assert (found.code, found.field) == (code, field)
    assert field in found.message_vi
    assert field in found.message_en


def test_a_missing_field_is_named() -> None:
    (found,) = problems(data(as_of=None))
    assert (found.code, found.field) == ("schema", "as_of")
    assert "Thiếu" in found.message_vi


def test_all_that_is_wrong_with_the_contract_is_said_at_once() -> None:
    assert codes({"province": "dak-nong", "as_of": "x", "numerator": "NaN"}) == [
        "schema",
        "schema",
        "schema",
        "not_finite",
    ]


@pytest.mark.parametrize(
    ("wrong", "found"),
    [
        ({"as_of": "x", "org_unit": "nowhere"}, [("schema", "as_of"), ("unknown_org_unit", "org_unit")]),
        ({"as_of": None, "kpi": "happiness"}, [("schema", "as_of"), ("unknown_kpi", "kpi")]),
        ({"numerator": "abc", "org_unit": "nowhere"}, [("schema", "numerator"), ("unknown_org_unit", "org_unit")]),
        ({"numerator": "abc", "as_of": "2024-01-31"}, [("schema", "numerator"), ("forecast_as_actual", "status")]),
        ({"kpi": "Chữ ký số", "org_unit": "nowhere"}, [("schema", "kpi"), ("unknown_org_unit", "org_unit")]),
        ({"org_unit": "", "unit_of_measure": "tấn"}, [("schema", "org_unit"), ("unit_of_measure", "unit_of_measure")]),
        ({"note": 5, "numerator": 1013}, [("schema", "note"), ("numerator_above_denominator", "numerator")]),
        ({"denominator": "1.2.3", "numerator": -4}, [("schema", "denominator"), ("negative", "numerator")]),
    ],
)
def test_beside_what_breaks_the_contract_the_rest_is_checked_as_well(
    wrong: dict[str, Any], found: list[tuple[str, str]]
) -> None:
    assert [(one.code, one.field) for one in problems(data(**wrong))] == found


def test_nothing_is_said_that_another_value_of_a_wrong_field_would_mend() -> None:
    """A figure without a value that can be read needs none yet, and a unit is of its day."""
    assert codes(data(numerator=None, denominator=None, value="abc")) == ["schema"]
    assert codes(data(org_unit="dak-nong.xa-moi", as_of="x")) == ["schema"]
    assert codes(data(kpi=None, org_unit="dak-nong.so-tttt")) == ["schema"]
    assert codes(data(province=None, kpi="happiness")) == ["schema"]


@pytest.mark.parametrize("content", [[1], "text", 5, False])
def test_data_that_is_no_object_is_refused(content: Any) -> None:
    (found,) = problems(content)
    assert (found.code, found.field) == ("schema", "data")


def test_data_that_is_null_is_refused() -> None:
    record = an_event()
    record.value = b"null"
    assert isinstance(read(record), Malformed)


def test_unknown_fields_are_ignored() -> None:
    assert codes(data(colour="green", nested={"a": [1]})) == []


def test_an_absurd_kafka_timestamp_is_as_good_as_none() -> None:
    assert [contract.moment(ms, NOON) for ms in (None, -1, 0, 10**18)] == [NOON] * 4
    assert contract.moment(int(NOON.timestamp() * 1000), NOON.replace(year=2000)) == NOON


HEADERS = st.lists(
    st.tuples(
        st.sampled_from(["ce_id", "ce_source", "ce_type", "ce_specversion", "ce_time", "content-type", "x"]),
        st.none() | st.binary(max_size=40) | st.sampled_from([b"1.0", TYPE.encode(), b"application/cloudevents+json"]),
    ),
    max_size=8,
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(HEADERS, st.none() | st.binary(max_size=80) | JSON.map(lambda content: json.dumps(content).encode()))
def test_nothing_but_the_three_outcomes_comes_out_of_any_record(
    headers: list[tuple[str, bytes | None]], value: bytes | None
) -> None:
    assert isinstance(contract.read(headers, value, 1_000), Reported | Malformed | Unreadable)


@given(st.dictionaries(st.sampled_from(sorted(data(value=1, members=[], note="", rank=1, done=True))), JSON))
def test_nothing_but_problems_comes_out_of_any_data(fields: dict[str, Any]) -> None:
    record = an_event()
    record.value = json.dumps({**data(), **fields}).encode()
    reading = read(record)
    if isinstance(reading, Malformed):
        assert reading.problems
        assert all(found.message_vi and found.message_en for found in reading.problems)


def test_an_envelope_that_is_wrong_in_several_ways_is_refused_for_all_of_them() -> None:
    record = an_event()
    record.headers = [(name, text) for name, text in record.headers if name not in ("ce_type", "ce_time")]
    record.headers.append(("ce_time", b"noon"))
    reading = unreadable(record)
    assert [(one.code, one.field) for one in reading.problems] == [
        ("not_cloudevent", "type"),
        ("not_cloudevent", "time"),
    ]
    assert "the attribute type is missing" in reading.detail
    assert "time must be an RFC 3339 instant" in reading.detail
