"""Each case against a running system, over Kafka and over HTTP; and that no code, flag or limit is without one."""

import asyncio
import json
import os
import secrets
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord

from contracts.observations import FlagCode, ObservationRecorded
from contracts.statistics import RejectionCode, StatisticRejected, StatisticReported
from deploy.embedded.system import System
from services.runtime.catalog.loader import load_folder
from tests.conformance.suite import FIGURE, FOLDER, Case, Message, cases
from tests.reference import FACTS
from tests.stacks import a_stack

KAFKA, HTTP, KEY = (f"TIENDO_CONFORMANCE_{name}" for name in ("KAFKA", "HTTP", "KEY"))
RAW, OBSERVATIONS, REJECTED = "statistics.reported.v1", "observations.v1", "statistics.rejected.v1"
QUARANTINE = f"{RAW}.dlq"
SECONDS = 60

CASES = cases()
OVER_KAFKA = [case for case in CASES if not case.http_only]
OVER_HTTP = [case for case in CASES if case.http is not None]
UNREADABLE = {"not_cloudevent", "bad_json"}


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the system under test is; without `http` its Kafka side only."""

    kafka: str
    http: str | None


@dataclass(slots=True)
class Outcome:
    """What came back, by the event's id; where that could not be read, by its source."""

    observations: defaultdict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    rejections: defaultdict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    quarantined: list[ConsumerRecord] = field(default_factory=list)

    def take(self, record: ConsumerRecord) -> None:
        """One record of any of the three topics."""
        if record.topic == QUARANTINE:
            self.quarantined.append(record)
            return
        payload = json.loads(record.value)
        if record.topic == OBSERVATIONS:
            ObservationRecorded.model_validate(payload)
            self.observations[payload["source_id"]].append(payload)
        else:
            StatisticRejected.model_validate(payload)
            self.rejections[payload["id"] or payload["source"]].append(payload)

    def refusals(self, case: Case, run: str) -> list[dict[str, Any]]:
        """The rejections of this case's events."""
        attributes = case.envelope(run)
        own = run in attributes["source"]
        return [*self.rejections[attributes["id"]], *(self.rejections[attributes["source"]] if own else [])]

    def holds_unchanged(self, message: Message) -> bool:
        """Whether the quarantine has the message as it was sent, with headers beside; of a tombstone no bytes."""
        sent = set(message.record_headers)
        return any(one.value == (message.value or b"") and sent <= set(one.headers) for one in self.quarantined)


@pytest.fixture(scope="module")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Addresses]:
    if KAFKA in os.environ:
        yield Addresses(os.environ[KAFKA], os.environ.get(HTTP, "").rstrip("/") or None)
        return
    catalog = load_folder(FOLDER / "catalog").items
    with a_stack(tmp_path_factory.mktemp("conformance"), "conformance", catalog, datetime.now(UTC)) as stack:
        system = System(stack, names=["ingest", "gateway"])
        system.start()
        yield Addresses(stack.bootstrap, system.url("gateway", ""))


@pytest.fixture(scope="module")
def run() -> str:
    """A text that no other run has."""
    return f"run-{secrets.token_hex(6)}"


@pytest.fixture(scope="module")
async def consumer(addresses: Addresses) -> AsyncIterator[AIOKafkaConsumer]:
    """Reads all that ever came back; a run knows its own by their ids."""
    reading = AIOKafkaConsumer(
        OBSERVATIONS, REJECTED, QUARANTINE, bootstrap_servers=addresses.kafka, auto_offset_reset="earliest"
    )
    await reading.start()
    yield reading
    await reading.stop()


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return Outcome()


@pytest.fixture(scope="module")
async def sent(addresses: Addresses, consumer: AIOKafkaConsumer, outcome: Outcome, run: str) -> Outcome:
    """What became of all cases. Behind each goes a figure that is taken: once that is back, so is the case."""
    producer = AIOKafkaProducer(bootstrap_servers=addresses.kafka, acks="all")
    await producer.start()
    try:
        for case in OVER_KAFKA:
            records = [(case.topic, message) for message in case.on_kafka(run)]
            for topic, message in (*records, (RAW, case.sound(run))):
                await producer.send(topic, message.value, key=case.name.encode(), headers=message.record_headers)
        await producer.flush()
    finally:
        await producer.stop()

    def is_back() -> bool:
        return all(
            f"{run}/{case.name}/behind" in outcome.observations
            and (bool(outcome.refusals(case, run)) if case.refused else case.id(run) in outcome.observations)
            and (not UNREADABLE & set(case.refused) or outcome.holds_unchanged(case.on_kafka(run)[-1]))
            for case in OVER_KAFKA
        )

    await read_until(consumer, outcome, is_back)
    return outcome


@pytest.fixture(scope="module")
async def answers(
    addresses: Addresses, consumer: AIOKafkaConsumer, outcome: Outcome, run: str
) -> dict[str, tuple[int, Any]]:
    """What the gateway answered, by the name of the case; what it took is back as an observation."""
    if addresses.http is None:
        pytest.skip(f"{HTTP} is not set")
    over_http = f"{run}-http"
    found = {case.name: await asyncio.to_thread(posted, addresses.http, case.on_http(over_http)) for case in OVER_HTTP}
    taken = [case.id(over_http) for case in OVER_HTTP if found[case.name][0] == 202]
    await read_until(consumer, outcome, lambda: all(id in outcome.observations for id in taken))
    return found


async def read_until(consumer: AIOKafkaConsumer, outcome: Outcome, is_back: Callable[[], bool]) -> None:
    """Read what comes; whatever is not back in time fails the cases that miss it."""
    try:
        async with asyncio.timeout(SECONDS):
            while not is_back():
                for records in (await consumer.getmany(timeout_ms=100)).values():
                    for record in records:
                        outcome.take(record)
    except TimeoutError:
        return


def posted(address: str, message: Message) -> tuple[int, Any]:
    """Status and body of the answer."""
    headers = dict(message.headers)
    if KEY in os.environ:
        headers["authorization"] = f"Bearer {os.environ[KEY]}"
    request = urllib.request.Request(f"{address}/api/v1/statistics", message.value, headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


@pytest.mark.parametrize("case", OVER_KAFKA, ids=lambda case: case.name)
async def test_over_kafka(case: Case, sent: Outcome, run: str) -> None:
    observations = sent.observations[case.id(run)]
    refusals = sent.refusals(case, run)
    if not case.refused:
        (observation,) = observations
        assert {name: observation.get(name) for name in case.expect.get("recorded", {})} == case.expect.get(
            "recorded", {}
        )
        assert [flag["code"] for flag in observation["flags"]] == case.expect.get("flags", [])
        assert_in_words(observation["flags"])
        assert len(refusals) <= len(case.first)
        return
    assert len(observations) == len(case.first)
    (refusal,) = refusals
    assert [problem["code"] for problem in refusal["problems"]] == case.refused
    if "field" in case.expect:
        assert refusal["problems"][0]["field"] == case.expect["field"]
    assert_in_words(refusal["problems"])
    if UNREADABLE & set(case.refused):
        assert sent.holds_unchanged(case.on_kafka(run)[-1])


def assert_in_words(findings: list[dict[str, Any]]) -> None:
    for one in findings:
        assert one["message_vi"].strip()
        assert one["message_en"].strip()
        assert one["message_vi"] != one["message_en"]


@pytest.mark.parametrize("case", OVER_HTTP, ids=lambda case: case.name)
async def test_over_http(case: Case, answers: dict[str, tuple[int, Any]], outcome: Outcome, run: str) -> None:
    assert case.http is not None
    status, answer = answers[case.name]
    assert status == case.http["status"], answer
    if status == 202:
        id = case.id(f"{run}-http")
        assert [receipt["id"] for receipt in answer["receipts"]] == [id]
        (observation,) = outcome.observations[id]
        assert answer["receipts"][0]["observation_id"] == observation["observation_id"]
        return
    found = answer["errors"][0] if answer["errors"] else answer
    assert found["code"] == case.http["code"]
    if "pointer" in case.http:
        assert found["pointer"] == case.http["pointer"]
    assert_in_words(answer["errors"])


# no case is missing


OF_MANY = {RejectionCode.SOURCE_PARKED, RejectionCode.SOURCE_UNPARKED}
"""No single event is refused for it: a source is parked after many unreadable ones, and stays so after the run."""


def test_every_code_of_a_refusal_has_a_case() -> None:
    assert {code for case in OVER_KAFKA for code in case.refused} == set(RejectionCode) - OF_MANY


def test_every_flag_of_an_observation_has_a_case() -> None:
    assert {flag for case in OVER_KAFKA for flag in case.expect.get("flags", [])} == set(FlagCode)


def test_every_limit_has_a_case() -> None:
    assert {case.limit for case in CASES} - {None} == {*limited_fields(), *LIMITS}


LIMITS = {
    *("attribute", "attributes", "attributes together", "headers"),  # contracts/attributes.py
    *("event bytes", "nesting", "digits", "decimals", "place"),
    *("lead", "horizon"),
    *("batch", "body"),  # the gateway's settings
}
"""Beside those that the schema of a figure says."""


def limited_fields() -> set[str]:
    """Fields of a figure whose length, number or pattern the schema bounds."""
    fields = StatisticReported.model_json_schema()["properties"]
    bounds = ("maxLength", "maxItems", "maximum", "{0,79}")
    return {name for name, schema in fields.items() if any(bound in json.dumps(schema) for bound in bounds)}


def test_cases_have_names_of_their_own() -> None:
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", [case for case in CASES if case.fact], ids=lambda case: case.name)
def test_a_case_that_was_published_has_the_published_numbers(case: Case) -> None:
    (fact,) = [fact for fact in FACTS if fact["fact_id"] == case.fact]
    figure = {**FIGURE, **case.change} if case.data is None else case.data
    if fact["role"] == "target":
        assert float(fact["value"]) < 100 * figure["numerator"] / figure["denominator"]
        return
    numerator, denominator = ("rank", "of") if fact["kind"] == "rank" else ("numerator", "denominator")
    for name, published in ((numerator, "numerator"), (denominator, "denominator"), ("value", "value")):
        if name in figure and name != "rank":
            assert float(figure[name]) == float(fact[published])
