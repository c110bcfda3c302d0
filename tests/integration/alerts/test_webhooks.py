"""Webhooks on the real database, with receivers that answer over real HTTP."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from pymongo import AsyncMongoClient
from typer.testing import CliRunner

from contracts.alerts import AlertTransition
from contracts.topics import ALERTS
from services.alerts.measures import Measures
from services.alerts.relaying import SOURCE
from services.alerts.webhooks import store
from services.alerts.webhooks.caller import CONTENT_TYPE, Caller
from services.alerts.webhooks.calling import Operator, Patience
from services.alerts.webhooks.endpoint import Secret, Wanted, new_secret, signature
from services.alerts.webhooks.queueing import CallingProducer
from services.alerts.webhooks.store import CallState, MongoWebhooks
from services.cli.webhooks import app
from services.runtime.kafka.producer import Outgoing
from services.runtime.telemetry import Telemetry
from tests.integration.alerts.receiver import Receiver, receiving
from tests.unit.alerts.builders import a_catalog
from tests.unit.alerts.fakes import FakeCatalogs, FakeProducer
from tests.unit.alerts.test_webhooks import a_transition, an_endpoint

LOOPBACK = (ip_network("127.0.0.0/8"),)


@pytest.fixture
def name(unique: Callable[[str], str]) -> str:
    return unique("hooks").replace("-", "_")[:31]


@pytest.fixture
async def webhooks(mongo_uri: str, name: str) -> AsyncIterator[MongoWebhooks]:
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(mongo_uri, tz_aware=True)
    database = client[f"{name}_alerts"]
    await store.make_indexes(database)
    yield MongoWebhooks(database)
    await client.drop_database(database.name)
    await client.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as one:
        yield one


@pytest.fixture
async def caller() -> AsyncIterator[Caller]:
    async with Caller(LOOPBACK, ssl.create_default_context(), 1.0) as one:
        yield one


def operator(
    webhooks: MongoWebhooks, caller: Caller, owner: str = "one", retry_s: float = 0.0, give_up: float = 3600.0
) -> Operator:
    return Operator(owner, webhooks, caller, Patience(30.0, retry_s, timedelta(seconds=give_up)), Measures(Telemetry()))


def outgoing(transition: AlertTransition) -> Outgoing:
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", f"{transition.alert_id}@{transition.seq}".encode()),
        ("ce_source", SOURCE.encode()),
        ("ce_type", f"vn.tiendo.alert.{transition.type.value}.v1".encode()),
        ("ce_time", b"2026-09-01T02:00:00Z"),
    ]
    return Outgoing(transition.alert_id.encode(), transition.model_dump_json().encode(), headers)


async def relay(webhooks: MongoWebhooks, *which: tuple[str, int]) -> None:
    """Transitions by alert and number, as the stage that relays publishes them."""
    producer = CallingProducer(FakeProducer(), webhooks, FakeCatalogs(a_catalog()))
    await producer.publish(ALERTS.name, [outgoing(a_transition(alert_id=one * 32, seq=seq)) for one, seq in which])


def told(receiver: Receiver) -> list[tuple[str, int]]:
    """Alert and number of every call."""
    data = [json.loads(body)["data"] for _, body in receiver.calls]
    return [(one["alert_id"][0], one["seq"]) for one in data]


async def until_quiet(one: Operator) -> None:
    while await one.call_some():
        continue


async def test_what_happens_to_an_alert_is_called_in_order_once_and_signed(
    webhooks: MongoWebhooks, receiver: Receiver, caller: Caller
) -> None:
    secret = new_secret()
    await webhooks.add(an_endpoint(url=receiver.url, secrets=(secret,)))
    await webhooks.add(an_endpoint(id="e2", url=receiver.url, wanted=Wanted(kpis=("another",))))
    await relay(webhooks, ("a", 1), ("b", 1), ("a", 2))
    await relay(webhooks, ("a", 1), ("a", 2), ("a", 3))  # the first batch again, after a crash, and one more
    await asyncio.gather(until_quiet(operator(webhooks, caller)), until_quiet(operator(webhooks, caller, "two")))
    assert sorted(told(receiver)) == [("a", 1), ("a", 2), ("a", 3), ("b", 1)]
    assert [one for one in told(receiver) if one[0] == "a"] == [("a", 1), ("a", 2), ("a", 3)]
    for headers, body in receiver.calls:
        at = int(headers["webhook-timestamp"])
        assert headers["webhook-signature"] == signature([secret], headers["webhook-id"], at, body, datetime.now(UTC))
        assert headers["content-type"] == CONTENT_TYPE


async def test_a_call_that_is_not_taken_is_repeated_under_its_id_before_what_comes_after_it(
    webhooks: MongoWebhooks, receiver: Receiver, caller: Caller
) -> None:
    receiver.answers = [(500, {}), (503, {}), (204, {})]
    await webhooks.add(an_endpoint(url=receiver.url))
    await relay(webhooks, ("a", 1), ("a", 2))
    await until_quiet(operator(webhooks, caller))
    assert told(receiver) == [("a", 1)] * 3 + [("a", 2)]
    first = receiver.calls[:3]
    assert len({(headers["webhook-id"], body) for headers, body in first}) == 1
    (endpoint,) = await webhooks.endpoints()
    assert (endpoint.failures, endpoint.paused_until) == (0, None)


async def test_one_event_that_is_refused_holds_up_only_its_own_alert(
    webhooks: MongoWebhooks, receiver: Receiver, caller: Caller
) -> None:
    receiver.answers = [(400, {})]
    await webhooks.add(an_endpoint(url=receiver.url))
    worker = operator(webhooks, caller, retry_s=60)
    await relay(webhooks, ("a", 1))
    await until_quiet(worker)
    await relay(webhooks, ("a", 2), ("b", 1))
    await until_quiet(worker)
    assert told(receiver) == [("a", 1), ("b", 1)]
    queued = await webhooks.calls("e1", [CallState.QUEUED], 10)
    assert sorted((one.seq, one.attempts, one.status) for one in queued) == [(1, 1, 400), (2, 0, None)]


async def test_a_receiver_that_hangs_keeps_nobody_else_waiting(
    webhooks: MongoWebhooks, receiver: Receiver, caller: Caller
) -> None:
    with receiving() as hanging:
        hanging.hang_s = 2.0
        await webhooks.add(an_endpoint(id="e0", url=hanging.url))
        await webhooks.add(an_endpoint(url=receiver.url))
        await relay(webhooks, *((one, 1) for one in "abcdef"))
        workers = [operator(webhooks, caller, owner, retry_s=60) for owner in ("one", "two")]
        await asyncio.gather(*(until_quiet(one) for one in workers))
        assert len(receiver.calls) == 6
        assert len(hanging.calls) == 4  # side by side, and then no more
        slow = next(one for one in await webhooks.endpoints() if one.id == "e0")
        assert slow.failures == 1
        assert slow.paused_until is not None
        assert slow.paused_until > datetime.now(UTC)


async def test_a_receiver_that_asks_for_time_gets_it(
    webhooks: MongoWebhooks, receiver: Receiver, caller: Caller
) -> None:
    receiver.answers = [(429, {"retry-after": "120"})]
    await webhooks.add(an_endpoint(url=receiver.url))
    await relay(webhooks, ("a", 1), ("b", 1))
    await until_quiet(operator(webhooks, caller))
    (endpoint,) = await webhooks.endpoints()
    assert endpoint.paused_until is not None
    assert timedelta(seconds=100) < endpoint.paused_until - datetime.now(UTC) <= timedelta(seconds=120)


async def test_a_receiver_that_is_gone_is_called_again_only_when_somebody_says_so(
    webhooks: MongoWebhooks, receiver: Receiver, caller: Caller, mongo_uri: str, name: str
) -> None:
    receiver.answers = [(410, {})]
    await webhooks.add(an_endpoint(url=receiver.url))
    await relay(webhooks, ("a", 1))
    await until_quiet(operator(webhooks, caller))
    await relay(webhooks, ("a", 2))
    await until_quiet(operator(webhooks, caller))
    assert told(receiver) == [("a", 1)]
    assert "410" in (await says(mongo_uri, name, "list"))[1]
    assert (await says(mongo_uri, name, "enable", "e1"))[0] == 0
    await until_quiet(operator(webhooks, caller))
    assert told(receiver) == [("a", 1), ("a", 1), ("a", 2)]


async def test_what_is_given_up_is_shown_and_called_again_by_hand_under_its_id(
    webhooks: MongoWebhooks, receiver: Receiver, caller: Caller, mongo_uri: str, name: str
) -> None:
    receiver.answers = [(422, {}), (422, {})]
    await webhooks.add(an_endpoint(url=receiver.url))
    await relay(webhooks, ("a", 1))
    await until_quiet(operator(webhooks, caller, give_up=0.0))
    (dead,) = await webhooks.calls("e1", [CallState.DEAD], 10)
    code, said = await says(mongo_uri, name, "calls", "e1", "--state", "dead", "--json")
    assert (code, [one["status"] for one in json.loads(said)]) == (0, [422])
    receiver.answers.clear()
    assert "1 back in the queue" in (await says(mongo_uri, name, "redeliver", "e1"))[1]
    await until_quiet(operator(webhooks, caller))
    assert receiver.ids == [dead.id] * 2
    assert [one.id for one in await webhooks.calls("e1", [CallState.DELIVERED], 10)] == [dead.id]


async def test_a_redirection_is_not_followed(webhooks: MongoWebhooks, receiver: Receiver, caller: Caller) -> None:
    with receiving() as inside:
        receiver.answers = [(307, {"location": inside.url})]
        await webhooks.add(an_endpoint(url=receiver.url))
        await relay(webhooks, ("a", 1))
        await until_quiet(operator(webhooks, caller, retry_s=60))
        assert (len(receiver.calls), inside.calls) == (1, [])


async def test_an_address_of_our_own_network_is_not_called_and_the_call_says_why(
    webhooks: MongoWebhooks, receiver: Receiver
) -> None:
    await webhooks.add(an_endpoint(url=receiver.url))
    await relay(webhooks, ("a", 1))
    async with Caller((), ssl.create_default_context(), 1.0) as unallowed:
        await until_quiet(operator(webhooks, unallowed, retry_s=60))
    (call,) = await webhooks.calls("e1", [CallState.QUEUED], 10)
    assert receiver.calls == []
    assert "TIENDO_WEBHOOKS_NETWORKS" in call.said


async def test_a_worker_that_died_leaves_its_endpoint_to_another(
    webhooks: MongoWebhooks, receiver: Receiver, caller: Caller
) -> None:
    await webhooks.add(an_endpoint(url=receiver.url))
    await relay(webhooks, ("a", 1))
    now = datetime.now(UTC)
    assert await webhooks.claim("dead", now, now + timedelta(seconds=0.3)) is not None
    assert await operator(webhooks, caller).call_some() == 0
    await asyncio.sleep(0.4)
    await until_quiet(operator(webhooks, caller))
    assert told(receiver) == [("a", 1)]


async def test_the_operator_adds_tests_and_removes_a_receiver_and_changes_its_secret(
    webhooks: MongoWebhooks, receiver: Receiver, caller: Caller, mongo_uri: str, name: str
) -> None:
    code, said = await says(mongo_uri, name, "add", receiver.url, "--province", "dak-nong", "--unit", "dak-nong")
    secret = Secret(said.splitlines()[-1])
    (added,) = await webhooks.endpoints()
    assert (code, added.secrets, added.wanted.units) == (0, (secret,), ("dak-nong",))
    working = asyncio.create_task(_work(operator(webhooks, caller)))
    code, said = await says(mongo_uri, name, "test", added.id)
    working.cancel()
    assert code == 0
    assert "taken" in said
    ((headers, body),) = receiver.calls
    assert headers["webhook-signature"] == signature(
        [secret], headers["webhook-id"], int(headers["webhook-timestamp"]), body, datetime.now(UTC)
    )
    code, said = await says(mongo_uri, name, "rotate", added.id)
    (changed,) = await webhooks.endpoints()
    assert [one.written for one in changed.secrets] == [said.splitlines()[-1], secret.written]
    assert (await says(mongo_uri, name, "remove", added.id))[0] == 0
    assert await webhooks.endpoints() == []
    code, said = await says(mongo_uri, name, "remove", added.id)
    assert code == 1
    assert "tiendo webhooks list" in said


async def _work(one: Operator) -> None:
    while True:
        if not await one.call_some():
            await asyncio.sleep(0.05)


async def says(mongo_uri: str, name: str, *arguments: str) -> tuple[int, str]:
    """Exit code of the command, and what it printed."""
    environment = {
        "TIENDO_MONGO_URI": mongo_uri,
        "TIENDO_MONGO_DATABASE": name,
        "TIENDO_KAFKA_BOOTSTRAP": "127.0.0.1:9",
    }
    result = await asyncio.to_thread(CliRunner().invoke, app, arguments, env=environment)
    return result.exit_code, result.output + (str(result.exception) if result.exit_code == 1 else "")
