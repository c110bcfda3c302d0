import base64
import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import envelope
from contracts.envelope import BATCH, JSON, STRUCTURED
from contracts.statistics import MAX_EVENT_BYTES
from services.gateway import batches, intake
from services.gateway.intake import Reading
from services.gateway.settings import GatewaySettings
from services.ingest import contract
from services.ingest.settings import IngestSettings

FIGURE = {"province": "dak-nong", "kpi": "edoc-signed-share", "org_unit": "24611", "as_of": "2023-09-30", "value": 91}


def an_event(**changes: Any) -> dict[str, Any]:
    return {"specversion": "1.0", "id": "1", "source": "urn:a", "type": intake.TYPE, "data": FIGURE, **changes}


def read(content_type: str, body: bytes, **headers: str) -> Reading:
    return intake.read({"content-type": content_type, **headers}, body, max_batch=3)


def codes(reading: Reading) -> list[tuple[str, str | None]]:
    return [(error.code, error.pointer) for error in reading.errors]


def test_a_structured_event_is_published_byte_for_byte() -> None:
    body = json.dumps(an_event()).encode().replace(b"91", b"91.50")
    (one,) = read(STRUCTURED, body).reported
    assert one.value == body
    assert one.key == "dak-nong/edoc-signed-share/24611"
    assert envelope.read(one.headers, one.value).id == "1"


def test_a_binary_event_is_published_with_its_attributes() -> None:
    headers = {"ce-id": "1", "ce-source": "urn:a", "ce-specversion": "1.0", "ce-type": intake.TYPE}
    headers |= {"ce-time": "2023-10-01T08:00:00+07:00", "ce-traceparent": "00-x"}
    (one,) = read(JSON, json.dumps(FIGURE).encode(), **headers).reported
    event = envelope.read(one.headers, one.value)
    assert (event.id, event.source, event.type) == ("1", "urn:a", intake.TYPE)
    assert event.extensions == {"traceparent": "00-x"}
    assert event.time is not None
    assert event.time.isoformat() == "2023-10-01T01:00:00+00:00"


def test_each_member_of_a_batch_is_published_as_it_was_written() -> None:
    members = ['{"id":"1" ,"specversion":"1.0", "source":"urn:ậ"', ',"type":"' + intake.TYPE + '","data":']
    text = "".join(members) + json.dumps(FIGURE).replace("91", "91.500") + "}"
    other = text.replace('"1"', '"2"')
    reading = read(BATCH, f"[ {text} ,{other}]".encode())
    assert [one.value.decode() for one in reading.reported] == [text, other]
    assert not reading.errors


def test_errors_of_a_batch_point_at_the_member_and_the_field() -> None:
    wrong = [an_event(), an_event(data={**FIGURE, "value": "NaN"}), {"id": "3"}]
    assert codes(read(BATCH, json.dumps(wrong).encode())) == [
        ("not_finite", "/1/data/value"),
        ("not_cloudevent", "/2/specversion"),
        ("not_cloudevent", "/2/source"),
        ("not_cloudevent", "/2/type"),
        ("schema", "/2/data"),
    ]


def test_all_that_is_wrong_with_the_envelope_and_its_data_is_told_at_once() -> None:
    wrong = an_event(time="tomorrow", data={**FIGURE, "value": "NaN"})
    del wrong["source"]
    told = [("not_cloudevent", "/source"), ("not_cloudevent", "/time"), ("not_finite", "/data/value")]
    assert codes(read(STRUCTURED, json.dumps(wrong).encode())) == told


def test_what_is_wrong_with_headers_names_the_header() -> None:
    headers = {"ce-id": "1", "ce-specversion": "1.0", "ce-type": intake.TYPE, "ce-time": "tomorrow"}
    reading = read(JSON, json.dumps({**FIGURE, "kpi": 1}).encode(), **headers)
    assert [(error.header, error.pointer) for error in reading.errors] == [
        ("ce-source", None),
        ("ce-time", None),
        (None, "/kpi"),
    ]
    headers |= {"ce-time": "2023-09-30T00:00:00Z", "ce-source": "urn:other"}
    (error,) = intake.read(
        {"content-type": JSON, **headers}, json.dumps(FIGURE).encode(), 3, speaks="urn:a".__eq__
    ).errors
    assert (error.code, error.header, error.pointer) == ("not_your_source", "ce-source", None)


@pytest.mark.parametrize(
    ("content_type", "body", "said"),
    [
        (STRUCTURED, b'{"id": "1",\n "source": }', "line 2 column 12 (char 23)"),
        (STRUCTURED, b'{"id": "1", "id": "2"}', "the key 'id' stands twice"),
        (JSON, b'{"kpi": "x" "value": 1}', "Expecting ',' delimiter: line 1 column 13"),
        (BATCH, b"[" + b'{"a": 1},\n{"a" 2},\n{"b": }]', "Expecting ':' delimiter at line 2, column 6 of"),
        (BATCH, b'[{"a": 1},\n{"a": "\xff"}]', "the bytes are not UTF-8 at line 2, column 8 of"),
        (BATCH, b'[{"a": 1} {"a": 2}]', "a comma or ] is missing behind the event at line 1, column 11 of"),
        (BATCH, b'[{"a": 1}', "it does not end with ]"),
        (BATCH, b'[{"a": 1}] x', "something follows behind its last ]"),
        (BATCH, b"\xef\xbb\xbf[]", "begins with a BOM"),
        (BATCH, "[]".encode("utf-16"), "UTF-16: send UTF-8"),
        (BATCH, b"{}", "does not begin with ["),
    ],
)
def test_what_is_no_json_is_told_why_and_where(content_type: str, body: bytes, said: str) -> None:
    told = [error for error in read(content_type, body).errors if error.code == "bad_json"]
    assert any(said in error.message_en for error in told), told
    assert all(error.message_vi != error.message_en for error in told)


def test_a_place_is_that_in_the_whole_request_however_far_it_is_and_however_much_is_broken() -> None:
    broken = b'{"a": }'
    body = b"[" + b",\n".join([broken] * 9_000) + b"]"
    reading = intake.read({"content-type": BATCH}, body, 10_000)
    assert (len(reading.errors), reading.wrong, reading.events) == (100, 9_000, 9_000)
    assert [error.message_en.partition(" at ")[2] for error in reading.errors] == [
        f"line {line}, column {8 if line == 1 else 7} of the request." for line in range(1, 101)
    ]
    far = b"[" + b'{"a": ,}, ' + b" " * 50_000 + b'{"b": 1},\n  {"a": ,}, {"c": }, 1]'
    spots = [error.message_en for error in intake.read({"content-type": BATCH}, far, 10).errors]
    assert [one.partition(" at ")[2] for one in spots if " at " in one] == [
        f"{place} of the request." for place in ("line 1, column 8", "line 2, column 9", "line 2, column 19")
    ]


def test_a_batch_of_nothing_but_broken_members_behind_a_long_one_is_read_in_no_time() -> None:
    body = b'["' + b"a" * 4_000_000 + b'"' + b",x" * 9_999 + b"]"
    begun = time.process_time()
    assert intake.read({"content-type": BATCH}, body, 10_000).wrong == 10_000
    assert time.process_time() - begun < 4  # about 0.1; it was 20 while every error was sought from the beginning


def test_a_missing_field_is_pointed_at_where_it_should_be() -> None:
    body = json.dumps(an_event(data={name: FIGURE[name] for name in FIGURE if name != "kpi"})).encode()
    assert codes(read(STRUCTURED, body)) == [("schema", "/data/kpi")]


def test_a_date_that_does_not_exist_is_one_error() -> None:
    assert codes(read(STRUCTURED, json.dumps(an_event(data={**FIGURE, "as_of": "2023-09-31"})).encode())) == [
        ("schema", "/data/as_of")
    ]


def test_another_type_of_event_is_not_taken() -> None:
    assert codes(read(STRUCTURED, json.dumps(an_event(type="other")).encode())) == [("not_cloudevent", "/type")]


@pytest.mark.parametrize("body", [b"", b"{}", b"[", b"[ ", b"x", b"\xff", b'"[]"', b"[] x"])
def test_what_is_no_array_is_no_batch(body: bytes) -> None:
    assert ("bad_json", "") in codes(read(BATCH, body))


GOOD = json.dumps(an_event()).encode()


@pytest.mark.parametrize(
    "broken",
    [
        b'{"id": 2,, "source": "urn:a"}',
        b'{"id": "[{,", "x": [1, 2}, "y": {]}',
        b'{"id": 2} {"id": 3}',
        b'{"id": NaN}',
        b'{"id": "2", "id": "3"}',
        b'{"id": "\xff"}',
        b'{"value": ' + b"9" * 5_000 + b"}",
        b'{"value": 1e9999999999999999999}',
        b"[" * 100_000 + b"]" * 100_000,
        b"nonsense",
        b"",
    ],
)
def test_a_member_that_is_no_json_is_pointed_at_and_hides_no_other(broken: bytes) -> None:
    wrong = json.dumps(an_event(id="4", type="other")).encode()
    reading = intake.read({"content-type": BATCH}, b"[" + b", ".join([GOOD, broken, wrong]) + b"]", max_batch=3)
    assert codes(reading) == [("bad_json", "/1"), ("not_cloudevent", "/2/type")]
    assert reading.events == 3


@pytest.mark.parametrize("cut", [b'{"id": "2', b'{"id": [1', b'{"id": 2}, ', b'{"id": '])
def test_a_batch_that_was_cut_off_says_where(cut: bytes) -> None:
    told = codes(read(BATCH, b"[" + GOOD + b", " + cut))
    assert told[-1] == ("bad_json", "")
    assert ("bad_json", "/1") in told or ("bad_json", "/2") in told


def test_what_follows_the_array_is_refused() -> None:
    assert codes(read(BATCH, b"[" + GOOD + b"] x")) == [("bad_json", "")]


def test_brackets_in_strings_end_no_member() -> None:
    broken = b'{"note": "a ] b } c \\" , d", }'
    assert codes(read(BATCH, b"[" + broken + b"," + GOOD + b"]")) == [("bad_json", "/0")]


BYTES_OF_JSON = st.lists(st.sampled_from([b"[", b"]", b"{", b"}", b",", b":", b'"', b"\\", b"1", b" ", b"a", b"\xff"]))


@given(BYTES_OF_JSON)
def test_a_good_member_before_a_mess_is_read_as_if_it_stood_alone(mess: list[bytes]) -> None:
    reading = intake.read({"content-type": BATCH}, b"[" + GOOD + b"," + b"".join(mess), max_batch=1_000)
    assert [one.value for one in reading.reported] == [GOOD]
    assert all(
        pointer == "" or (pointer and pointer.startswith("/") and pointer != "/0") for _, pointer in codes(reading)
    )


@given(st.lists(st.recursive(st.none() | st.text() | st.integers(), lambda inner: st.lists(inner))))
def test_members_are_what_a_parser_of_the_whole_would_find(values: list[Any]) -> None:
    found = list(batches.members(json.dumps(values)))
    assert [one.value for one in found] == values
    assert [json.loads(one.text) for one in found] == values


@given(st.lists(st.sampled_from([GOOD.decode(), '{"a": }', '{"b": "]"}', "[1, {,}]"]), min_size=1, max_size=6))
def test_there_are_as_many_members_as_were_written(parts: list[str]) -> None:
    found = list(batches.members("[" + ",".join(parts) + "]"))
    assert [one.text for one in found] == parts
    assert [one.broken is not None for one in found] == [part in ('{"a": }', "[1, {,}]") for part in parts]


def test_an_id_that_stands_twice_with_the_same_data_is_one_event_with_a_receipt_for_each() -> None:
    data = json.dumps(FIGURE).replace("91", "91.0")
    again = json.dumps(an_event()).replace(json.dumps(FIGURE), data)
    assert again != GOOD.decode()
    reading = read(BATCH, f"[{GOOD.decode()}, {again}, {GOOD.decode()}]".encode())
    assert [one.repeated for one in reading.reported] == [False, True, True]
    assert not reading.errors


@pytest.mark.parametrize("changes", [{"value": 92}, {"note": "x"}, {"value": True}, {"value": None}, {"value": "91"}])
def test_an_id_that_stands_twice_with_other_data_is_refused(changes: dict[str, Any]) -> None:
    reading = read(BATCH, json.dumps([an_event(), an_event(data={**FIGURE, **changes})]).encode())
    assert ("identity_reused", "/1/id") in codes(reading) or ("schema", "/1/data/value") in codes(reading)
    assert len(reading.reported) == 1


def test_the_same_id_of_another_source_is_another_event() -> None:
    reading = read(BATCH, json.dumps([an_event(), an_event(source="urn:b", data={**FIGURE, "value": 1})]).encode())
    assert [one.repeated for one in reading.reported] == [False, False]


def test_true_is_not_the_number_one() -> None:
    done = {name: FIGURE[name] for name in FIGURE if name != "value"}
    pair = [an_event(data={**done, "extra": value}) for value in (True, 1)]
    assert codes(read(BATCH, json.dumps(pair).encode())) == [("identity_reused", "/1/id")]


def test_data_in_base64_are_compared_as_what_they_say() -> None:
    packed = {name: value for name, value in an_event().items() if name != "data"}
    packed["data_base64"] = base64.b64encode(json.dumps(FIGURE).encode()).decode()
    assert [one.repeated for one in read(BATCH, json.dumps([packed, an_event()]).encode()).reported] == [False, True]


def test_a_source_that_is_not_the_senders_is_pointed_at_beside_everything_else() -> None:
    events = [an_event(), an_event(source="urn:b", data={**FIGURE, "value": "NaN"}), an_event(id="3", source="urn:c")]
    reading = Reading(MAX_EVENT_BYTES, {"urn:a"}.__contains__)
    for _ in intake.steps(reading, {"content-type": BATCH}, json.dumps(events).encode(), 10):
        pass
    assert codes(reading) == [
        ("not_your_source", "/1/source"),
        ("not_finite", "/1/data/value"),
        ("not_your_source", "/2/source"),
    ]


def test_a_long_batch_is_read_in_slices_that_come_to_the_same() -> None:
    body = json.dumps([an_event(id=str(number)) for number in range(1_000)]).encode()
    reading = Reading(MAX_EVENT_BYTES, lambda source: True)
    pauses = sum(1 for _ in intake.steps(reading, {"content-type": BATCH}, body, 1_000))
    assert pauses == len(body) // intake.SLICE_BYTES == 10
    assert reading.reported == intake.read({"content-type": BATCH}, body, 1_000).reported


def test_a_batch_may_be_neither_empty_nor_too_long() -> None:
    assert codes(read(BATCH, b"[]")) == [("schema", "")]
    assert codes(read(BATCH, json.dumps([an_event()] * 4).encode())) == [("too_large", "")]


def test_a_key_that_stands_twice_is_refused() -> None:
    body = json.dumps(an_event()).replace('"value": 91', '"value": 91, "value": 92').encode()
    assert codes(read(STRUCTURED, body)) == [("bad_json", "")]


def test_an_event_larger_than_any_honest_one_is_refused() -> None:
    body = json.dumps(an_event(extra="x" * MAX_EVENT_BYTES)).encode()
    assert codes(read(STRUCTURED, body)) == [("too_large", "")]


def test_how_long_an_event_may_be_is_a_setting_with_the_same_default_as_at_the_door() -> None:
    body = json.dumps(an_event(extra="x" * 2_000)).encode()
    headers = {"content-type": STRUCTURED}
    (error,) = intake.read(headers, body, 3, 1_024).errors
    assert (error.code, error.message_en) == (
        "too_large",
        f"The event has {len(body):,} bytes, at most 1,024 are taken: send one figure an event.",
    )
    assert intake.read(headers, body, 3).errors == []
    assert GatewaySettings().max_event_bytes == IngestSettings().ingest.max_event_bytes == MAX_EVENT_BYTES


WRONG: list[dict[str, Any]] = [
    {"kpi": "UPPER"},
    {"org_unit": 24611},
    {"as_of": "2023-09-31"},
    {"done_on": 5},
    {"value": "NaN"},
    {"value": "a lot"},
    {"numerator": "1" * 31},
    {"mode": "sometimes"},
    {"status": "sure"},
    {"rank": 0},
    {"revision": 0},
    {"done": "maybe"},
    {"members": "all"},
    {"period": 2023},
    {"unit_of_measure": 1},
    {"note": 1},
    {"evidence": 1},
]


@pytest.mark.parametrize("wrong", [*WRONG, {}], ids=str)
def test_the_same_mistake_reads_the_same_here_and_at_the_door(wrong: dict[str, Any]) -> None:
    data = {**FIGURE, **wrong} if wrong else {name: FIGURE[name] for name in FIGURE if name != "kpi"}
    body = json.dumps(an_event(data=data)).encode()
    told = [(one.code, one.message_vi, one.message_en) for one in read(STRUCTURED, body).errors]
    at_the_door = contract.read([("content-type", STRUCTURED.encode())], body, MAX_EVENT_BYTES)
    assert isinstance(at_the_door, contract.Malformed)
    assert told == [(one.code, one.message_vi, one.message_en) for one in at_the_door.problems]


@pytest.mark.parametrize("name", ["rank", "of", "revision"])
@pytest.mark.parametrize(
    ("number", "code"), [("1e6000000", "too_large"), ("-1e6000000", "too_large"), ("1e-999999999", "schema")]
)
def test_a_whole_number_with_an_absurd_exponent_is_refused_before_its_digits_are_written(
    name: str, number: str, code: str
) -> None:
    body = json.dumps(an_event(data={**FIGURE, name: "?"})).replace('"?"', number).encode()
    (told,) = read(STRUCTURED, body).errors
    at_the_door = contract.read([("content-type", STRUCTURED.encode())], body, MAX_EVENT_BYTES)
    assert isinstance(at_the_door, contract.Malformed)
    assert (told.code, told.pointer) == (code, f"/data/{name}")
    assert [one.message_en for one in at_the_door.problems] == [told.message_en]


def test_a_whole_number_may_have_an_exponent() -> None:
    ranked = {**FIGURE, "rank": "?", "of": 63}
    for number in ("20", "20.0", "2e1", "200e-1"):
        body = json.dumps(an_event(data=ranked)).replace('"?"', number).encode()
        at_the_door = contract.read([("content-type", STRUCTURED.encode())], body, MAX_EVENT_BYTES)
        assert isinstance(at_the_door, contract.Reported)
        assert at_the_door.figure.rank == 20


def test_a_field_that_is_null_says_nothing() -> None:
    assert read(STRUCTURED, json.dumps(an_event(data={**FIGURE, "mode": None})).encode()).errors == []


def test_no_error_repeats_a_value_that_was_sent() -> None:
    body = json.dumps(an_event(data={**FIGURE, "kpi": "SECRET TEXT", "value": "SECRET"})).encode()
    assert "SECRET" not in str([error.model_dump() for error in read(STRUCTURED, body).errors])


@given(st.sampled_from([JSON, STRUCTURED, BATCH]), st.binary(max_size=80))
def test_no_bytes_make_it_raise(content_type: str, body: bytes) -> None:
    reading = read(content_type, body)
    assert reading.errors
    assert not reading.reported


LEAVES = st.none() | st.booleans() | st.floats() | st.text()


@given(st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_no_data_makes_it_raise(data: Any) -> None:
    reading = read(STRUCTURED, json.dumps(an_event(data=data)).encode())
    assert reading.errors or reading.reported
