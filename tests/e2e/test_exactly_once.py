"""Effects are exactly once, and that is tested: 20,000 events stream through while every service is killed again and
again.

At the end the figures equal a plain recomputation from the events, no transition was decided twice, every decided
mail arrived, and a second copy of one carries the Message-ID of the first.
"""

import asyncio
import email
import email.policy
import json
import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer
from pymongo import MongoClient

from contracts.topics import ALERTS
from deploy.embedded.demo import play, simulation
from deploy.embedded.demo.events import Said
from deploy.embedded.demo.publishing import publisher
from deploy.embedded.system import SERVICES
from tests.provinces import Province, a_province
from tests.recomputing import recomputed, settled

EVENTS = 20_000
DUPLICATES = 0.03
KILLS_EACH = 5
SEED = 7


@contextmanager
def database(province: Province) -> Iterator[MongoClient[dict[str, Any]]]:
    client: MongoClient[dict[str, Any]] = MongoClient(province.stack.mongo_uri)
    with client:
        yield client


def stream(province: Province, rng: random.Random) -> Iterator[list[Said]]:
    """Days of events, shuffled within each day, some of them sent twice."""
    left = EVENTS
    for said in simulation.year(province.catalog, play.TROUBLED_DISTRICT, SEED, every=timedelta(days=4)):
        events = [*said.figures, said.pulse][:left]
        left -= len(events)
        again = [event for event in events if rng.random() < DUPLICATES]
        mixed = [*events, *again]
        rng.shuffle(mixed)
        yield mixed
        if left == 0:
            return


async def killed(province: Province, rng: random.Random) -> Counter[str]:
    """Kill the services with SIGKILL in a random order at random moments; each is started again."""
    plan = list(SERVICES) * KILLS_EACH
    rng.shuffle(plan)
    kills: Counter[str] = Counter()
    for name in plan:
        await asyncio.sleep(rng.uniform(0.3, 2.5))
        province.system.child(name).kill()
        kills[name] += 1
        await asyncio.sleep(rng.uniform(0.0, 0.5))
        province.system.launch(name)
    return kills


async def sent(province: Province, rng: random.Random) -> list[Said]:
    """Send the stream over about as long as the killing takes; what was sent, without the copies."""
    unique: dict[tuple[str, str], Said] = {}
    async with publisher(province.stack.bootstrap) as sender:
        for day in stream(province, rng):
            await sender.send(day)
            unique.update({(event.source, event.id): event for event in day})
            await asyncio.sleep(0.4)
    return list(unique.values())


@pytest.fixture(scope="module")
def province(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Province]:
    with a_province(tmp_path_factory.mktemp("exactly-once")) as running:
        yield running


@pytest.fixture(scope="module")
async def aftermath(province: Province) -> list[Said]:
    """The events, once all of them have gone through a system that was killed all the time."""
    events, kills = await asyncio.gather(sent(province, random.Random(SEED)), killed(province, random.Random(SEED + 1)))
    assert set(kills.values()) == {KILLS_EACH}
    await asyncio.to_thread(province.system.wait_ready, 120)
    await _quiet(province)
    return events


async def _quiet(province: Province) -> None:
    """Return when nothing moves any more: the same state of all stores for some seconds."""
    with database(province) as client:
        before, still = (0, 0, 0, 0), 0
        async with asyncio.timeout(180):
            while still < 16:
                now = (
                    client["tiendo_ingest"]["ledger"].estimated_document_count(),
                    sum(doc["version"] for doc in client["tiendo_gateway"]["progress"].find({}, {"version": 1})),
                    client["tiendo_alerts"]["notifications"].count_documents({"state": {"$in": ["sent", "cancelled"]}}),
                    client["tiendo_alerts"]["notifications"].estimated_document_count(),
                )
                still = still + 1 if now == before else 0
                before = now
                await asyncio.sleep(0.25)


def test_every_event_was_accepted_once(province: Province, aftermath: list[Said]) -> None:
    with database(province) as client:
        accepted = {
            (e["source"], e["source_id"])
            for e in client["tiendo_ingest"]["ledger"].find({}, {"source": 1, "source_id": 1})
        }
    assert accepted == {(event.source, event.id) for event in aftermath}
    assert len(accepted) == EVENTS


def test_the_figures_equal_a_plain_recomputation_from_the_events(province: Province, aftermath: list[Said]) -> None:
    assert settled(province, recomputed(province, aftermath)) == []


async def test_no_transition_was_decided_twice(province: Province, aftermath: list[Said]) -> None:
    seen: dict[tuple[str, int], dict[str, Any]] = {}
    async for transition in _transitions(province):
        key = (transition["alert_id"], transition["seq"])
        assert seen.setdefault(key, transition) == transition, "one number, two decisions"
    assert seen
    by_alert: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for (alert, _), transition in sorted(seen.items(), key=lambda item: item[0]):
        by_alert[alert].append(transition)
    for alert, transitions in by_alert.items():
        assert [t["seq"] for t in transitions] == list(range(1, len(transitions) + 1)), alert
        lifecycle = [(t["type"], t["episode"]) for t in transitions if t["type"] in ("opened", "closed")]
        expected = [(kind, n // 2 + 1) for n, kind in enumerate(["opened", "closed"] * len(lifecycle))][
            : len(lifecycle)
        ]
        assert lifecycle == expected, alert


async def _transitions(province: Province) -> Any:
    consumer = AIOKafkaConsumer(ALERTS.name, bootstrap_servers=province.stack.bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        while batch := await consumer.getmany(timeout_ms=2_000):
            for records in batch.values():
                for record in records:
                    yield json.loads(record.value)
    finally:
        await consumer.stop()


def test_every_decided_mail_arrived_and_a_copy_has_the_message_id_of_the_first(
    province: Province, aftermath: list[Said]
) -> None:
    with database(province) as client:
        decided = {
            row["message_id"]: row
            for row in client["tiendo_alerts"]["notifications"].find({"state": {"$ne": "cancelled"}})
        }
    arrived = arrived_mails(province.stack.mail_folder)
    assert decided
    assert {row["state"] for row in decided.values()} == {"sent"}
    assert arrived.keys() == decided.keys()
    copies = {message_id: bodies for message_id, bodies in arrived.items() if len(bodies) > 1}
    assert len(copies) <= KILLS_EACH * 4, "a copy is left only by a kill between the relay's answer and the mark"
    for bodies in copies.values():
        assert len(set(bodies)) == 1, "a copy is the same mail, byte for byte"


def arrived_mails(folder: Path) -> dict[str, list[bytes]]:
    """The mails that arrived, by Message-ID, without the headers that the receiving server adds."""
    found: defaultdict[str, list[bytes]] = defaultdict(list)
    for file in sorted(folder.glob("*.eml")):
        mail = email.message_from_bytes(file.read_bytes(), policy=email.policy.SMTP)
        message_id = str(mail["Message-ID"])
        del mail["Return-Path"], mail["Delivered-To"]
        found[message_id].append(mail.as_bytes())
    return dict(found)
