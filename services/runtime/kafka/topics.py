"""Making the topics of the registry, and knowing which incarnation of a log one stands before.

Offsets of `statistics.reported.v1` are kept in MongoDB as watermarks, so a topic that was made anew must not look
like the old one. aiokafka speaks a protocol version without topic ids; so whoever makes the topic stores an id of its
own beside it.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import uuid4

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from contracts.topics import INBOUND, Topic, owner_of
from services.runtime.errors import StartError
from services.runtime.mongo import Client
from services.runtime.settings import KafkaSettings, MongoSettings
from services.runtime.waiting import Waiting

_DLQ_BYTES = str(2 * 1024 * 1024)
"""Twice the default: the largest message that the topic takes must fit into its quarantine, with its reasons added."""


@dataclass(frozen=True, slots=True)
class Spec:
    """One topic to make: a topic of the registry, or its quarantine."""

    name: str
    partitions: int
    config: dict[str, str]


def specs(topics: Iterable[Topic]) -> list[Spec]:
    """The registry's topics and their quarantines."""
    wanted = []
    for topic in topics:
        wanted.append(Spec(topic.name, topic.partitions, topic.config()))
        if topic.dead_letters:
            wanted.append(Spec(topic.dlq, 1, {**topic.config(), "max.message.bytes": _DLQ_BYTES}))
    return wanted


async def broker_answers(settings: KafkaSettings) -> str | None:
    """None if the broker answers, else why not, in a few words."""
    admin = AIOKafkaAdminClient(**settings.connection())
    try:
        await admin.start()
        await admin.describe_cluster()
    except (KafkaError, OSError) as error:
        return str(error) or type(error).__name__
    finally:
        await admin.close()
    return None


async def wait_for_broker(settings: KafkaSettings, waiting: Waiting) -> None:
    """Return when the broker answers; raise `StartError` with the remedy if it does not."""
    async for _ in waiting.tries("The Kafka broker", "TIENDO_KAFKA_BOOTSTRAP"):
        why = await broker_answers(settings)
        if why is None:
            return
        waiting.because(why)


async def wait_for_topics(settings: KafkaSettings, names: Iterable[str], waiting: Waiting) -> None:
    """Return when all topics are there; raise `StartError` that says how they are made."""
    wanted = set(names)
    admin = AIOKafkaAdminClient(**settings.connection())
    await admin.start()
    try:
        async for _ in waiting.tries("The topics (`tiendo topics` makes them)", "TIENDO_KAFKA_BOOTSTRAP"):
            missing = wanted - set(await admin.list_topics())
            if not missing:
                return
            waiting.because("missing: " + ", ".join(sorted(missing)))
    finally:
        await admin.close()


async def inbound_topics(settings: KafkaSettings) -> list[str]:
    """The topics on the broker over which figures come in. Raises `KafkaError`."""
    admin = AIOKafkaAdminClient(**settings.connection())
    try:
        await admin.start()
        return sorted(name for name in await admin.list_topics() if re.match(INBOUND, name))
    finally:
        await admin.close()


async def make_topics(settings: KafkaSettings, topics: Iterable[Topic]) -> list[str]:
    """Make what is missing; return the names of those made. Existing topics are left as they are."""
    admin = AIOKafkaAdminClient(**settings.connection())
    await admin.start()
    try:
        there = set(await admin.list_topics())
        new = [spec for spec in specs(topics) if spec.name not in there]
        if not new:
            return []
        answer = await admin.create_topics(
            [NewTopic(s.name, s.partitions, settings.replication_factor, topic_configs=s.config) for s in new]
        )
        made = []
        for name, code, *rest in answer.topic_errors:
            error = for_code(code)
            if code == 0:
                made.append(name)
            elif error is not TopicAlreadyExistsError:
                raise StartError(
                    f"The broker refuses to make the topic {name}: {error.__name__} {(rest and rest[0]) or ''}."
                )
        return made
    finally:
        await admin.close()


class LogIds:
    """Which incarnation of a topic's log this is: an id that whoever makes the topic stores in MongoDB.

    No two topics over which figures come in have the same, so that partition and offset need no topic beside it.
    `given` (`TIENDO_KAFKA_LOG_ID`) is used instead of what is stored.
    """

    def __init__(self, client: Client, settings: MongoSettings, given: str | None) -> None:
        self._given = given or None
        self._logs = client[f"{settings.database}_platform"]["logs"]

    async def renew(self, made: Iterable[str]) -> None:
        """These topics were made just now: from here on their offsets start again."""
        for name in made:
            await self._logs.replace_one({"_id": name}, {"log": uuid4().hex}, upsert=True)

    async def of(self, topic: str) -> str:
        """The id of the topic's present log; one is made if nobody did (a topic made by other hands)."""
        if self._given is not None:
            own = owner_of(topic) is not None
            return hashlib.sha256(f"{self._given}/{topic}".encode()).hexdigest()[:32] if own else self._given
        stored: dict[str, str] | None = await self._logs.find_one_and_update(
            {"_id": topic}, {"$setOnInsert": {"log": uuid4().hex}}, upsert=True, return_document=True
        )
        assert stored is not None  # the document is given as it is after the upsert
        return stored["log"]
