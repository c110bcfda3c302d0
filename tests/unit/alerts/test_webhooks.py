"""Webhooks, the pure part: what is signed, who is called, where a call may go, and what an answer means."""

import asyncio
import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import envelope
from contracts.alerts import AlertTransition, Severity, TransitionType
from services.alerts.webhooks.caller import Fate, meant
from services.alerts.webhooks.endpoint import (
    Endpoint,
    Secret,
    Wanted,
    WrongUrl,
    checked,
    new_secret,
    rotated,
    signature,
)
from services.alerts.webhooks.guard import Forbidden, GuardedBackend, may_be_called
from services.alerts.webhooks.queueing import call_id, event_of
from services.runtime.kafka.producer import Outgoing

NOW = datetime(2026, 9, 1, 2, 0, tzinfo=UTC)
OF_THE_SPECIFICATION = Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")


def an_endpoint(**more: Any) -> Endpoint:
    given: dict[str, Any] = {
        "id": "e1",
        "province": "dak-nong",
        "url": "https://receiver.example/hook",
        "created_at": NOW,
        "secrets": (OF_THE_SPECIFICATION,),
    }
    return Endpoint(**{**given, **more})


def a_transition(**more: Any) -> AlertTransition:
    given: dict[str, Any] = {
        "alert_id": "0" * 32,
        "episode": 1,
        "seq": 1,
        "type": TransitionType.OPENED,
        "severity": Severity.BEHIND,
        "rule": "behind-plan",
        "province": "dak-nong",
        "kpi": "document-digitisation",
        "org_unit": "dak-nong.dak-mil",
        "period": "2026",
        "reason": "breach",
        "at": NOW,
    }
    return AlertTransition(**{**given, **more})


def test_a_signature_is_that_of_the_vector_in_the_specification() -> None:
    """https://github.com/standard-webhooks/standard-webhooks: the vector that its libraries are tested with."""
    signed = signature([OF_THE_SPECIFICATION], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}', NOW)
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@given(st.binary(max_size=200), st.integers(0, 2**33))
def test_while_a_secret_is_replaced_a_receiver_with_either_finds_its_signature(body: bytes, timestamp: int) -> None:
    old, new = new_secret(), new_secret()
    changing = rotated(an_endpoint(secrets=(old,)), new, NOW + timedelta(hours=24))
    both = signature(changing.secrets, "msg_1", timestamp, body, NOW).split(" ")
    later = signature(changing.secrets, "msg_1", timestamp, body, NOW + timedelta(hours=25)).split(" ")
    of_new, of_old = _as_a_receiver_does(new, timestamp, body), _as_a_receiver_does(old, timestamp, body)
    assert (both, later) == ([of_new, of_old], [of_new])


def _as_a_receiver_does(secret: Secret, timestamp: int, body: bytes) -> str:
    key = base64.b64decode(secret.written.split("_", 1)[1])
    return "v1," + base64.b64encode(hmac.digest(key, f"msg_1.{timestamp}.".encode() + body, hashlib.sha256)).decode()


def test_a_second_change_ends_the_oldest_secret_at_once() -> None:
    first, second, third = new_secret(), new_secret(), new_secret()
    endpoint = rotated(rotated(an_endpoint(secrets=(first,)), second, NOW), third, NOW + timedelta(hours=1))
    assert [one.written for one in endpoint.secrets] == [third.written, second.written]


@pytest.mark.parametrize(
    ("wanted", "called"),
    [
        (Wanted(), True),
        (Wanted(types=(TransitionType.CLOSED,)), False),
        (Wanted(types=(TransitionType.OPENED, TransitionType.CLOSED)), True),
        (Wanted(severities=(Severity.CRITICAL,)), False),
        (Wanted(kpis=("document-digitisation",)), True),
        (Wanted(kpis=("online-dossiers",)), False),
        (Wanted(units=("dak-nong.dak-mil",)), True),
        (Wanted(units=("dak-nong",)), True),
        (Wanted(units=("dak-nong.cu-jut",)), False),
        (Wanted(units=("dak-nong",), severities=(Severity.CRITICAL,)), False),
    ],
)
def test_an_endpoint_is_called_for_what_it_asked_for(wanted: Wanted, called: bool) -> None:
    assert an_endpoint(wanted=wanted).wants(a_transition(), ("dak-nong",)) is called


def test_an_endpoint_of_another_province_is_not_called() -> None:
    assert not an_endpoint(province="lam-dong").wants(a_transition(), ("dak-nong",))


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.9", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
        "255.255.255.255", "::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
        "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2002:a00:1::",
    ],
)  # fmt: skip
def test_no_call_goes_into_our_own_networks_however_they_are_written(address: str) -> None:
    assert not may_be_called(ip_address(address), (), public=True)


def test_public_addresses_are_called_by_tls_only_and_networks_allowed_by_name_in_either_way() -> None:
    own = (ip_network("10.20.0.0/16"), ip_network("fd00:20::/32"))
    assert may_be_called(ip_address("93.184.216.34"), own, public=True)
    assert may_be_called(ip_address("2606:4700::1111"), own, public=True)
    assert not may_be_called(ip_address("93.184.216.34"), own, public=False)
    for allowed in ("10.20.7.7", "::ffff:10.20.7.7", "fd00:20::7"):
        assert may_be_called(ip_address(allowed), own, public=True)
        assert may_be_called(ip_address(allowed), own, public=False)
    assert not may_be_called(ip_address("10.21.0.1"), own, public=True)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "2130706433", "0x7f.1", "[::1]".strip("[]")])
async def test_a_name_is_judged_by_the_addresses_that_it_has(host: str) -> None:
    """Also one that is a number in disguise."""
    with pytest.raises(Forbidden, match="TIENDO_WEBHOOKS_NETWORKS"):
        await GuardedBackend((), public=True).connect_tcp(host, 9, 1.0)


async def test_an_allowed_network_is_connected_to() -> None:
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        backend = GuardedBackend((ip_network("127.0.0.0/8"),), public=False)
        stream = await backend.connect_tcp("127.0.0.1", port, 2.0)
        await stream.aclose()


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("ftp://host/x", "https://"),
        ("https://", "https://"),
        ("host/path", "https://"),
        ("https://host:99999/", "https://"),
        ("https://name:word@host/", "user name"),
        ("https://tỉnh.example/", "ASCII"),
        ("https://host/a b", "ASCII"),
        ("https://host/" + "x" * 3000, "https://"),
    ],
)
def test_an_address_that_cannot_be_called_is_refused_in_words(url: str, why: str) -> None:
    with pytest.raises(WrongUrl, match=why):
        checked(url)


@pytest.mark.parametrize(
    ("status", "retry_after", "fate", "wait"),
    [
        (200, None, Fate.TAKEN, None),
        (204, None, Fate.TAKEN, None),
        (302, None, Fate.REFUSED, None),
        (400, None, Fate.REFUSED, None),
        (404, None, Fate.REFUSED, None),
        (410, None, Fate.GONE, None),
        (429, b"120", Fate.AWAY, timedelta(minutes=2)),
        (429, b"999999", Fate.AWAY, timedelta(hours=1)),
        (503, b"Tue, 01 Sep 2026 02:05:00 GMT", Fate.AWAY, timedelta(minutes=5)),
        (503, b"Tue, 01 Sep 2020 02:05:00 GMT", Fate.AWAY, timedelta(0)),
        (503, b"soon", Fate.AWAY, None),
        (500, None, Fate.AWAY, None),
        (408, None, Fate.AWAY, None),
    ],
)
def test_an_answer_says_whether_to_wait_for_the_call_for_the_receiver_or_for_ever(
    status: int, retry_after: bytes | None, fate: Fate, wait: timedelta | None
) -> None:
    answer = meant(status, "", retry_after, NOW)
    assert (answer.fate, answer.wait) == (fate, wait)


def test_the_body_is_the_event_of_the_topic_in_structured_form() -> None:
    transition = a_transition()
    headers = envelope.write(
        id="a@1", source="urn:tiendo:alerts", type="vn.tiendo.alert.opened.v1", time=NOW, subject=transition.alert_id
    )
    event, body = event_of(Outgoing(b"a", transition.model_dump_json().encode(), headers))
    read = envelope.read_structured(body)
    assert (event, read.id, read.type, read.subject) == ("a@1", "a@1", "vn.tiendo.alert.opened.v1", transition.alert_id)
    assert AlertTransition.model_validate(read.data) == transition
    assert "content-type" not in json.loads(body)


def test_a_call_has_one_id_however_often_its_event_is_relayed_and_another_for_each_endpoint() -> None:
    assert call_id("e1", "a@1") == call_id("e1", "a@1")
    assert len({call_id(one, event) for one in ("e1", "e2") for event in ("a@1", "a@2")}) == 4
