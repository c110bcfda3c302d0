"""Effects are exactly once, and that is tested: events stream in by every door, some of them by two, while every
service is killed again and again.

At the end each event stands in the ledger once, the figures equal a plain recomputation from what was sent, every
receipt leads to what became of its event, no transition was decided twice, every decided mail arrived, and a second
copy of one carries the Message-ID of the first.
"""

import asyncio
import email
import email.policy
import json
import random
import sys
import time
import urllib.request
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
from aiokafka import ConsumerRecord
from pymongo import MongoClient

from contracts.observations import observation_id
from contracts.topics import ALERTS, OBSERVATIONS, STATISTICS_REJECTED, STATISTICS_REPORTED
from deploy.embedded.demo import play, simulation
from deploy.embedded.demo.events import Said
from deploy.embedded.demo.publishing import Publisher, publisher
from deploy.embedded.system import SERVICES
from tests.doors import (
    Heard,
    HttpPublisher,
    Identity,
    Spreadsheets,
    attributes_of,
    everything_on,
    firsts,
    http_publisher,
    identity_of,
)
from tests.provinces import Province, a_province
from tests.recomputing import recomputed, settled

DUPLICATES = 0.05
"""Of the events that come by Kafka or HTTP: a copy comes by the other of the two."""

HANGS_UP = 0.1
BATCH = 40
SEED = 7
DOORS = {"kafka": 50, "batch": 42, "single": 8}
TYPED = {"edoc", "ecommerce"}
"""Sources of which some communes type their figures into spreadsheets."""

TYPED_SHARE = 0.4
LINKS_FOLLOWED = 40
OUT = ["sent", "cancelled", "unconfirmed"]
"""States of mails to which nothing more happens here; of letters to publishers also the last."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How many events are sent in rounds so far apart, how many rows a spreadsheet has at least, and how often each
    service is killed."""

    events: int
    every: timedelta
    rows: int
    kills: int
    pause_s: float
    """Between two rounds."""

    lives_s: float
    """How long it is at most from one kill to the next."""


SHORT = Scale(events=1_500, every=timedelta(days=40), rows=60, kills=1, pause_s=0.5, lives_s=1.2)
LONG = Scale(events=20_000, every=timedelta(days=4), rows=150, kills=10, pause_s=0.6, lives_s=2.5)


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What was sent, once all of it has gone through a system that was killed all the time."""

    sent: dict[Identity, Said]
    typed: Spreadsheets
    heard: Heard
    reported: list[ConsumerRecord]
    observed: list[ConsumerRecord]
    turned_away: list[list[ConsumerRecord]]
    """What was refused, and what was quarantined."""

    transitions: list[ConsumerRecord]

    @property
    def events(self) -> list[Said]:
        """Each event once, those of spreadsheets at the time that the gateway gave them."""
        first = firsts(self.reported)
        typed = [
            replace(said, id=identity[1], at=datetime.fromisoformat(attributes_of(first[identity])["time"]))
            for identity, said in self.typed.rows.items()
        ]
        return [*self.sent.values(), *typed]


@contextmanager
def database(province: Province) -> Iterator[MongoClient[dict[str, Any]]]:
    client: MongoClient[dict[str, Any]] = MongoClient(province.stack.mongo_uri)
    with client:
        yield client


class Publishers:
    """All of them; the same seed sends the same."""

    def __init__(self, province: Province, scale: Scale) -> None:
        self._province, self._scale = province, scale
        self._chance = random.Random(SEED)
        self._typed: dict[str, list[Said]] = defaultdict(list)
        self._to_type: asyncio.Queue[tuple[str, list[Said], Said] | None] = asyncio.Queue()
        self.sent: dict[Identity, Said] = {}
        self.typed = Spreadsheets(overlap=10)
        self.heard = Heard()

    async def send(self) -> None:
        """Round by round; the spreadsheets come when the province's own figure of their round is shown."""
        address = self._province.system.url("gateway", "")
        async with (
            publisher(self._province.stack.bootstrap) as kafka,
            http_publisher(address, self.heard, self._chance, HANGS_UP) as http,
            asyncio.TaskGroup() as working,
        ):
            working.create_task(self._type(http))
            left = self._scale.events
            for one in simulation.year(self._province.catalog, play.TROUBLED_DISTRICT, SEED, self._scale.every):
                figures = list(one.figures[: left - 1])
                left -= len(figures) + 1
                await self._round([*figures, one.pulse], kafka, http)
                for source, typed in list(self._typed.items()):
                    if len(typed) >= self._scale.rows or left == 0:
                        self._to_type.put_nowait((source, self._typed.pop(source), one.pulse))
                if left == 0:
                    break
                await asyncio.sleep(self._scale.pause_s)
            self._to_type.put_nowait(None)

    async def _round(self, events: Sequence[Said], kafka: Publisher, http: HttpPublisher) -> None:
        chance = self._chance
        by_door: dict[str, list[Said]] = {door: [] for door in DOORS}
        for event in events:
            if event.source.rpartition(":")[2] in TYPED and chance.random() < TYPED_SHARE:
                self._typed[event.source].append(event)
                continue
            self.sent[event.source, event.id] = event
            door = chance.choices(list(DOORS), list(DOORS.values()))[0]
            by_door[door].append(event)
            if chance.random() < DUPLICATES:
                by_door["batch" if door == "kafka" else "kafka"].append(event)
        for mixed in by_door.values():
            chance.shuffle(mixed)
        async with asyncio.TaskGroup() as sending:
            sending.create_task(kafka.send(by_door["kafka"]))
            for first in range(0, len(by_door["batch"]), BATCH):
                sending.create_task(http.batch(by_door["batch"][first : first + BATCH]))
            for event in by_door["single"]:
                sending.create_task(http.single(event))

    async def _type(self, http: HttpPublisher) -> None:
        while file := await self._to_type.get():
            source, figures, pulse = file
            await asyncio.to_thread(self._is_shown, pulse)
            await self.typed.send(http, source, figures)

    def _is_shown(self, pulse: Said) -> None:
        """Return once the gateway shows this figure or a later one: its clock has come so far, too."""
        path = f"/api/v1/progress/{pulse.data['kpi']}/{pulse.data['org_unit']}/2023"
        while True:
            with suppress(OSError):  # it is being killed, or has not heard of it
                if str(_answer(self._province, path)["as_of"]) >= pulse.data["as_of"]:
                    return
            time.sleep(0.2)


async def killed(province: Province, rng: random.Random, scale: Scale) -> Counter[str]:
    """Kill the services with SIGKILL in a random order at random moments; each is started again."""
    plan = list(SERVICES) * scale.kills
    rng.shuffle(plan)
    kills: Counter[str] = Counter()
    for name in plan:
        await asyncio.sleep(rng.uniform(0.3, scale.lives_s))
        province.system.child(name).kill()
        kills[name] += 1
        await asyncio.sleep(rng.uniform(0.0, 0.5))
        province.system.launch(name)
    return kills


@pytest.fixture(
    scope="module", params=[pytest.param(SHORT, id="short"), pytest.param(LONG, id="long", marks=pytest.mark.slow)]
)
def scale(request: pytest.FixtureRequest) -> Scale:
    found: Scale = request.param
    return found


@pytest.fixture(scope="module")
def province(scale: Scale, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Province]:
    with a_province(tmp_path_factory.mktemp("exactly-once")) as running:
        yield running


@pytest.fixture(scope="module")
async def aftermath(province: Province, scale: Scale) -> Aftermath:
    publishers = Publishers(province, scale)
    _, kills = await asyncio.gather(publishers.send(), killed(province, random.Random(SEED + 1), scale))
    assert set(kills.values()) == {scale.kills}
    await asyncio.to_thread(province.system.wait_ready, 120)
    await _quiet(province, scale)
    topics = STATISTICS_REPORTED.name, OBSERVATIONS.name, STATISTICS_REJECTED.name, STATISTICS_REPORTED.dlq, ALERTS.name
    found = await asyncio.gather(*(everything_on(province.stack.bootstrap, topic) for topic in topics))
    reported, observed, *turned_away, transitions = found
    heard, typed = publishers.heard, publishers.typed
    sys.stdout.write(
        f"seed {SEED}: {len(publishers.sent)} events by Kafka and HTTP and {len(typed.rows)} in {typed.files} "
        f"spreadsheets, as {len(reported)} records; {kills.total()} kills; {heard.requests} requests, of which "
        f"{heard.turned_away} were made again and {heard.hung_up} hung up; {len(heard.receipts)} receipts\n"
    )
    return Aftermath(publishers.sent, typed, heard, reported, observed, turned_away, transitions)


async def _quiet(province: Province, scale: Scale) -> None:
    """Return when all is in and nothing moves any more: the same state of all stores for some seconds."""
    with database(province) as client, suppress(TimeoutError):  # what is missing then fails the tests
        before, still = (0, 0, 0, 0), 0
        async with asyncio.timeout(180):
            while still < 10:
                now = (
                    client["tiendo_ingest"]["ledger"].estimated_document_count(),
                    sum(doc["version"] for doc in client["tiendo_gateway"]["progress"].find({}, {"version": 1})),
                    client["tiendo_alerts"]["notifications"].count_documents({"state": {"$in": OUT}}),
                    client["tiendo_alerts"]["notifications"].estimated_document_count(),
                )
                still = still + 1 if now == before and now[0] >= scale.events and now[2] == now[3] else 0
                before = now
                await asyncio.sleep(0.25)


def _ledger(province: Province) -> list[dict[str, Any]]:
    with database(province) as client:
        return list(client["tiendo_ingest"]["ledger"].find())


def test_every_door_was_used_and_none_of_them_alone(aftermath: Aftermath, scale: Scale) -> None:
    assert len(aftermath.sent) + len(aftermath.typed.rows) == scale.events
    assert aftermath.typed.files >= 4
    assert aftermath.typed.repeated >= 20
    assert aftermath.heard.hung_up >= 1
    copies = Counter(identity_of(record) for record in aftermath.reported)
    twice = sum(copies[identity] > 1 for identity in aftermath.sent)
    assert twice >= DUPLICATES / 2 * scale.events


def test_every_event_was_accepted_once(province: Province, aftermath: Aftermath) -> None:
    accepted = Counter((entry["source"], entry["source_id"]) for entry in _ledger(province))
    assert accepted == Counter([*aftermath.sent, *aftermath.typed.rows])


def test_an_observation_says_what_was_sent_and_all_its_copies_are_those_bytes_of_the_ledger(
    province: Province, aftermath: Aftermath
) -> None:
    published: defaultdict[str, set[bytes]] = defaultdict(set)
    for record in aftermath.observed:
        published[orjson.loads(record.value)["observation_id"]].add(record.value)
    ledger = {entry["_id"]: entry["payload"] for entry in _ledger(province)}
    assert {name: {bytes(payload)} for name, payload in ledger.items()} == published
    first = firsts(aftermath.reported)
    for event in aftermath.events:
        found = orjson.loads(ledger[observation_id(event.source, event.id)])
        record = first[event.source, event.id]
        assert (found["raw"]["partition"], found["raw"]["offset"]) == (record.partition, record.offset)
        assert datetime.fromisoformat(found["reported_at"]) == event.at
        said = {name: str(given) for name, given in event.data.items() if name not in ("note", "unit_of_measure")}
        assert {name: found.get(name) for name in said} == said


def test_the_figures_equal_a_plain_recomputation_from_the_events(province: Province, aftermath: Aftermath) -> None:
    assert settled(province.system, recomputed(province, aftermath.events)) == []


def test_every_receipt_leads_to_an_accepted_event(province: Province, aftermath: Aftermath) -> None:
    received = {receipt.identity: receipt for receipt in aftermath.heard.receipts}
    states = {
        (line["source"], line["id"]): line["state"]
        for source in {source for source, _ in received}
        for line in _events(province, source)
    }
    assert received.keys() <= states.keys()
    assert set(states.values()) <= {"accepted", "accepted_with_doubts"}
    for identity in random.Random(SEED).sample(sorted(received), LINKS_FOLLOWED):
        receipt = received[identity]
        fate = _answer(province, receipt.link)
        assert (fate["source"], fate["id"]) == identity
        assert fate["observation"]["observation_id"] == receipt.observation_id
        assert all(record["status"] for record in fate["figure"]["records"])


def _events(province: Province, source: str) -> Iterator[dict[str, Any]]:
    cursor: dict[str, str] = {}
    while True:
        page = _answer(province, f"/api/v1/events?{urlencode({'source': source, 'limit': 200, **cursor})}")
        yield from page["items"]
        if page["next"] is None:
            return
        cursor = {"cursor": page["next"]}


def _answer(province: Province, path: str) -> Any:
    with urllib.request.urlopen(province.system.url("gateway", path), timeout=20) as answer:
        return json.load(answer)


def test_nothing_was_refused_or_quarantined(province: Province, aftermath: Aftermath) -> None:
    assert aftermath.turned_away == [[], []]
    with database(province) as client:
        assert client["tiendo_ingest"]["reuses"].count_documents({}) == 0


def test_no_transition_was_decided_twice(aftermath: Aftermath) -> None:
    seen: dict[tuple[str, int], dict[str, Any]] = {}
    for record in aftermath.transitions:
        transition = json.loads(record.value)
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


def test_every_decided_mail_arrived_and_a_copy_has_the_message_id_of_the_first(
    province: Province, scale: Scale, aftermath: Aftermath
) -> None:
    with database(province) as client:
        decided = {
            row["message_id"]: row
            for row in client["tiendo_alerts"]["notifications"].find({"state": {"$ne": "cancelled"}})
        }
    arrived = arrived_mails(province.stack.mail_folder)
    letters = {message_id: row for message_id, row in decided.items() if row["mail"].get("kind") == "digest"}
    assert decided.keys() > letters.keys()
    assert {row["state"] for message_id, row in decided.items() if message_id not in letters} == {"sent"}
    unsure = {message_id for message_id, row in letters.items() if row["state"] == "unconfirmed"}
    assert {row["state"] for row in letters.values()} <= {"sent", "unconfirmed"}
    assert len(unsure) <= scale.kills * 20, "only what was leased when a worker was killed"
    assert decided.keys() - unsure <= arrived.keys() <= decided.keys()
    assert all(len(arrived.get(message_id, ())) <= 1 for message_id in letters), "a letter goes at most once"
    copies = {message_id: bodies for message_id, bodies in arrived.items() if len(bodies) > 1}
    assert len(copies) <= scale.kills * 4, "a copy is left only by a kill between the relay's answer and the mark"
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
