"""The envelope: binary and structured mode, and whatever else arrives."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cloudevents.core.bindings import http
from cloudevents.core.bindings.kafka import KafkaMessage, to_binary, to_structured
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from hypothesis import given
from hypothesis import strategies as st

from contracts import envelope, strict_json
from contracts.envelope import Event, Mode, NotAnEvent

SIX = datetime(2023, 9, 30, 9, 0, tzinfo=UTC)
HEADERS = envelope.write(
    id="2023-W39-24611", source="urn:tiendo:source:dak-nong:edoc", type="vn.tiendo.statistic.reported.v1", time=SIX
)


def test_what_is_written_in_binary_mode_is_read_back() -> None:
    event = envelope.read(HEADERS, b'{"numerator": 0.10}')
    assert (event.id, event.source, event.time) == ("2023-W39-24611", "urn:tiendo:source:dak-nong:edoc", SIX)
    assert str(event.data["numerator"]) == "0.10"


def official(data: dict[str, object]) -> CloudEvent:
    attributes = {
        "id": "1",
        "source": "urn:x",
        "type": "t",
        "specversion": "1.0",
        "time": SIX,
        "datacontenttype": "application/json",
    }
    return CloudEvent(attributes, data)


@pytest.mark.parametrize("mode", [to_binary, to_structured])
def test_events_of_the_official_sdk_are_read_in_both_modes(mode: object) -> None:
    message: KafkaMessage = mode(official({"value": 91.3}), JSONFormat())  # type: ignore[operator]
    headers = [(name, value) for name, value in message.headers.items()]
    event = envelope.read(headers, message.value)
    assert (event.id, event.source, event.type, event.time) == ("1", "urn:x", "t", SIX)
    assert float(event.data["value"]) == 91.3


def test_structured_mode_with_base64_data_is_read() -> None:
    value = json.dumps(
        {"specversion": "1.0", "id": "1", "source": "s", "type": "t", "data_base64": "eyJhIjoxfQ=="}
    ).encode()
    assert envelope.read([("content-type", b"application/cloudevents+json; charset=utf-8")], value).data == {"a": 1}


@pytest.mark.parametrize(
    ("headers", "value", "code"),
    [
        (HEADERS, None, "not_cloudevent"),
        ([], b"{}", "not_cloudevent"),
        (HEADERS, b"{", "bad_json"),
        (HEADERS, b'{"a": NaN}', "bad_json"),
        (HEADERS, b'{"a": 1, "a": 2}', "bad_json"),
        (HEADERS, b"[" * 100_000, "bad_json"),
        (HEADERS, b"\xff\xfe", "bad_json"),
        ([*HEADERS, ("ce_time", b"yesterday")], b"{}", "not_cloudevent"),
        ([*HEADERS, ("ce_specversion", b"0.3")], b"{}", "not_cloudevent"),
        ([*HEADERS, ("ce_id", b"a" * 3000)], b"{}", "not_cloudevent"),
        ([*HEADERS, ("ce_id", b"line\nbreak")], b"{}", "not_cloudevent"),
        ([("content-type", b"application/cloudevents+json")], b"[]", "not_cloudevent"),
        ([*HEADERS, ("ce_id", b"another")], b"{}", "not_cloudevent"),
        ([*HEADERS, ("CE_Source", b"urn:another")], b"{}", "not_cloudevent"),
        ([*HEADERS, ("ce_datacontenttype", b"text/xml")], b"{}", "not_cloudevent"),
        ([*HEADERS, ("Content-Type", b"text/xml")], b"{}", "not_cloudevent"),
        ([*HEADERS, *((f"ce_x{n}", b"x") for n in range(40))], b"{}", "not_cloudevent"),
        ([*HEADERS, *((f"ce_x{n}", b"x" * 2000) for n in range(10))], b"{}", "not_cloudevent"),
        ([*HEADERS, *(("other", b"x") for _ in range(200))], b"{}", "not_cloudevent"),
    ],
)
def test_what_is_no_event_is_named_with_its_code(headers: envelope.Headers, value: bytes | None, code: str) -> None:
    with pytest.raises(NotAnEvent) as refused:
        envelope.read(headers, value)
    assert refused.value.code == code


def test_the_sender_of_unreadable_data_is_still_known() -> None:
    with pytest.raises(NotAnEvent) as refused:
        envelope.read(HEADERS, b"{broken")
    assert (refused.value.source, refused.value.id) == ("urn:tiendo:source:dak-nong:edoc", "2023-W39-24611")


def test_what_stands_twice_and_says_the_same_is_read() -> None:
    event = envelope.read([*HEADERS, *HEADERS, ("ce_id", b"\xff"), ("ce_id", None)], b"{}")
    assert event == envelope.read(HEADERS, b"{}")


ATTRIBUTES = [header for header in HEADERS if header[0] != "content-type"]


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "application/json",
        "Application/JSON; charset=UTF-8",
        'application/json;charset="utf-8"',
        "application/json; charset=us-ascii",
        "application/vnd.tiendo.figure+json; version=1",
    ],
)
def test_json_is_read_under_each_of_its_names(content_type: str | None) -> None:
    named = [] if content_type is None else [("content-type", content_type.encode())]
    assert envelope.read([*ATTRIBUTES, *named], b'{"numerator": 1}').data == {"numerator": 1}


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/avro",
        "application/json; charset=utf-16",
        "application/cloudevents+avro",
        "application/cloudevents+json; charset=latin-1",
        "application/cloudevents",
        "json",
    ],
)
def test_other_content_is_refused_with_what_to_send_instead(content_type: str) -> None:
    with pytest.raises(NotAnEvent) as refused:
        envelope.read([*ATTRIBUTES, ("content-type", content_type.encode())], b"{}")
    assert (refused.value.code, refused.value.field, refused.value.given) == (
        "not_cloudevent",
        "content-type",
        content_type,
    )
    assert "application/json, application/cloudevents+json" in refused.value.why
    assert "application/json, application/cloudevents+json" in refused.value.why_vi
    assert refused.value.source == "urn:tiendo:source:dak-nong:edoc"


def test_a_batch_on_kafka_is_refused_with_what_to_send_instead() -> None:
    with pytest.raises(NotAnEvent, match="one event a record"):
        envelope.read([("content-type", b"application/cloudevents-batch+json")], b"[]")


def test_what_is_inside_a_structured_event_is_json_too() -> None:
    whole = {"specversion": "1.0", "id": "1", "source": "s", "type": "t", "data": "<figure/>"}
    with pytest.raises(NotAnEvent) as refused:
        envelope.from_object({**whole, "datacontenttype": "text/xml"})
    assert (refused.value.field, refused.value.given) == ("datacontenttype", "text/xml")
    with pytest.raises(NotAnEvent, match="side by side"):
        envelope.from_object({**whole, "data_base64": "e30="})


@pytest.mark.parametrize("written", ["2023-09-30t09:00:00z", "2023-09-30T16:00:00.000000000+07:00"])
def test_every_way_of_rfc_3339_to_write_an_instant_is_read(written: str) -> None:
    headers = [header for header in HEADERS if header[0] != "ce_time"]
    assert envelope.read([*headers, ("ce_time", written.encode())], b"{}").time == SIX


@pytest.mark.parametrize(
    ("value", "english", "vietnamese"),
    [
        (b"\xef\xbb\xbf{}", "byte order mark", "BOM"),
        ("{}".encode("utf-16"), "UTF-16: send UTF-8", "UTF-16: hãy gửi UTF-8"),
        (b'{"a": 1', "line 1 column", "dòng 1, cột"),
        (b"9" * 5000, "more digits", "quá nhiều chữ số"),
        (b"1e99999999999999999999", "exponent", "số mũ"),
    ],
)
def test_a_payload_that_is_no_json_is_told_what_it_is(value: bytes, english: str, vietnamese: str) -> None:
    with pytest.raises(NotAnEvent) as refused:
        envelope.read(HEADERS, value)
    assert refused.value.code == "bad_json"
    assert english in refused.value.why
    assert vietnamese in refused.value.why_vi


def over_http(*headers: tuple[str, str]) -> Event:
    given = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "urn:x", "ce-type": "t", **dict(headers)}
    return envelope.read_http(given, b"{}")


@pytest.mark.parametrize(
    ("sent", "means"),
    [
        ("2023-12-14%2Fdak-lao", "2023-12-14/dak-lao"),
        ("x%C3%A3%20%C4%90%E1%BA%AFk%20Lao", "xã Đắk Lao"),
        ("xã Đắk Lao".encode().decode("latin-1"), "xã Đắk Lao"),
        ('"a \\"b\\" c"', 'a "b" c'),
        ("100%25", "100%"),
        ("100%2525", "100%25"),
        ("a+b", "a+b"),
    ],
)
def test_attributes_of_http_headers_are_decoded_once_as_the_binding_says(sent: str, means: str) -> None:
    assert over_http(("ce-id", sent)).id == means


@pytest.mark.parametrize("sent", ["100%", "%zz", "%C3", "\xe3"])
def test_an_http_header_that_no_text_was_encoded_in_is_refused(sent: str) -> None:
    with pytest.raises(NotAnEvent) as refused:
        over_http(("ce-id", sent))
    assert (refused.value.code, refused.value.field) == ("not_cloudevent", "id")


def test_an_attribute_that_stands_twice_in_a_request_is_refused() -> None:
    class Headers(dict[str, str]):
        def items(self) -> Any:  # as Starlette's give one name several times
            return [*super().items(), ("ce-id", "2")]

    with pytest.raises(NotAnEvent, match="stands twice"):
        envelope.read_http(Headers({"ce-specversion": "1.0", "ce-id": "1", "ce-source": "s", "ce-type": "t"}), b"{}")


@pytest.mark.parametrize("id", ["2023-12-14/dak-lao", "xã Đắk Lao", 'a "b" %41', "e\u0301", "é"])
def test_an_event_of_the_official_sdk_has_one_identity_on_both_ways_in(id: str) -> None:
    event = CloudEvent(
        {**official({}).get_attributes(), "id": id, "subject": "dak-nong"},
        {"value": 91.3},
    )
    kafka, web = to_binary(event, JSONFormat()), http.to_binary(event, JSONFormat())
    read = envelope.read(list(kafka.headers.items()), kafka.value), envelope.read_http(web.headers, web.body)
    assert [(one.id, one.source, one.subject, one.time) for one in read] == [(id, "urn:x", "dak-nong", SIX)] * 2


def test_content_types_are_told_apart_by_how_they_carry_events() -> None:
    assert envelope.mode_of(envelope.JSON) is Mode.BINARY
    assert envelope.mode_of(envelope.STRUCTURED) is Mode.STRUCTURED
    assert envelope.mode_of(envelope.BATCH) is Mode.BATCH
    assert envelope.mode_of("text/html") is None


@given(
    headers=st.lists(
        st.tuples(st.sampled_from(["ce_id", "ce_source", "ce_time", "content-type", "x"]), st.none() | st.binary())
    ),
    value=st.none() | st.binary(),
)
def test_nothing_but_our_own_error_comes_out_of_the_decoder(
    headers: list[tuple[str, bytes | None]], value: bytes | None
) -> None:
    try:
        outcome: Event | str = envelope.read([*HEADERS, *headers], value)
    except NotAnEvent as refused:
        outcome = refused.why
    assert outcome


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_strict_json_reads_what_json_writes(value: object) -> None:
    assert strict_json.loads(json.dumps(value)) == value


@pytest.mark.parametrize("name", ["id", "source"])
@pytest.mark.parametrize("letter", ["x", "đ", "\U0001f300"])
def test_an_identity_of_512_bytes_is_read_and_a_longer_one_is_told_its_length(name: str, letter: str) -> None:
    size = len(letter.encode())
    longest, too_long = letter * (512 // size), letter * (512 // size + 1)
    taken = {**dict(HEADERS), f"ce_{name}": longest.encode()}
    assert getattr(envelope.read(list(taken.items()), b"{}"), name) == longest
    with pytest.raises(NotAnEvent, match="at most 512 are taken") as error:
        envelope.read(list({**taken, f"ce_{name}": too_long.encode()}.items()), b"{}")
    assert (error.value.code, error.value.field) == ("not_cloudevent", name)
    assert f"{512 + size} bytes" in error.value.why
    assert f"{512 + size} byte" in error.value.why_vi


def test_all_that_is_wrong_with_the_attributes_is_told_at_once() -> None:
    given = {"ce_specversion": b"0.3", "ce_id": b"7", "ce_time": b"tomorrow", "ce_subject": b"a\x00b"}
    with pytest.raises(NotAnEvent) as refused:
        envelope.read([*given.items(), ("content-type", b"application/json")], b"{}")
    fields = ["source", "type", "specversion", "time", "subject"]
    assert [one.field for one in refused.value.wrong] == fields
    assert (refused.value.field, refused.value.why) == ("source", refused.value.wrong[0].en)
    assert refused.value.id == "7"
    assert refused.value.wrong[3].given == "tomorrow"


def test_a_long_key_that_stands_twice_is_named_by_its_beginning() -> None:
    key = b"k" * 10_000
    with pytest.raises(strict_json.BadJson) as refused:
        strict_json.loads(b'{"' + key + b'": 1, "' + key + b'": 2}')
    assert len(str(refused.value)) < 150
