"""The envelope: binary and structured mode, and whatever else arrives."""

import json
from datetime import UTC, datetime

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, to_binary, to_structured
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from hypothesis import given
from hypothesis import strategies as st

from contracts import envelope, strict_json
from contracts.envelope import Event, NotAnEvent

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
