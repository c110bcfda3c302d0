"""The ledger as the archive, over HTTP beside `/healthz`: for metrics, which computes figures anew from it.

Read-only. What is told is told in the order of the raw coordinates, and how far nothing can be added any more: up to
the offsets that ingest has committed, since it commits what it has claimed and published.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from pymongo.errors import PyMongoError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from contracts.rebuilds import LedgerExtent, LedgerPart
from services.ingest.decide import Entry
from services.ingest.logs import LogPartition
from services.ingest.store import Part
from services.runtime.errors import in_short
from services.runtime.kafka.offsets import committed
from services.runtime.kafka.topics import inbound_topics
from services.runtime.settings import KafkaSettings

log = structlog.get_logger()

EXTENT = "/internal/v1/ledger/extent"
PAGE = "/internal/v1/ledger/page"
MAX_PAGE = 5_000

Delivered = Callable[[Sequence[LogPartition]], Awaitable[Mapping[LogPartition, int]]]
"""The offsets that ingest has committed of these partitions; those whose log is no more are absent."""


class Ids(Protocol):
    """What is asked of `LogIds`."""

    async def of(self, topic: str) -> str:
        """The id of the topic's present log."""
        ...


class Archive(Protocol):
    """The ledger by key and coordinates."""

    async def parts(self, key: str) -> list[Part]: ...

    async def page(self, key: str, log: str, partition: int, start: int, until: int, limit: int) -> list[Entry]: ...

    async def removed_before(self) -> datetime | None: ...


def routes(ledger: Archive, delivered: Delivered) -> list[Route]:
    """`GET …/extent?key=` and `GET …/page?key=&log=&partition=&start=&until=&limit=`. Of a former log nothing comes any
    more."""

    async def extent(request: Request) -> Response:
        key = request.query_params.get("key", "")

        async def answer() -> Response:
            # The ledger first: what it holds now was read from offsets that are yet to be committed.
            parts = await ledger.parts(key)
            upto = await delivered([(part.log, part.partition) for part in parts]) if parts else {}
            said = LedgerExtent(
                key=key,
                parts=tuple(
                    LedgerPart(**part._asdict(), committed=upto.get((part.log, part.partition))) for part in parts
                ),
                removed_before=await ledger.removed_before(),
            )
            return Response(said.model_dump_json(), media_type="application/json")

        return await _answered(answer)

    async def page(request: Request) -> Response:
        asked = request.query_params
        numbers = [asked.get(name, "") for name in ("partition", "start", "until", "limit")]
        if not all(number.isdecimal() and len(number) < 19 for number in numbers):
            return _refused(400, "bad_parameter", "partition, start, until and limit are numbers")
        partition, start, until, limit = map(int, numbers)
        if not 1 <= limit <= MAX_PAGE:
            return _refused(400, "bad_parameter", f"limit is from 1 to {MAX_PAGE}")

        async def answer() -> Response:
            found = await ledger.page(asked.get("key", ""), asked.get("log", ""), partition, start, until, limit)
            # A page that is not full may have been cut for its size: whoever asks goes on until one is empty.
            following = str(found[-1].raw.offset + 1) if found else "null"
            payloads = b",".join(entry.payload for entry in found)
            body = b'{"items":[' + payloads + b'],"next":' + following.encode() + b"}"
            return Response(body, media_type="application/json")

        return await _answered(answer)

    return [Route(EXTENT, extent), Route(PAGE, page)]


async def delivered(
    settings: KafkaSettings, group: str, ids: Ids, partitions: Sequence[LogPartition]
) -> Mapping[LogPartition, int]:
    """`Delivered`, as the broker says. Raises `KafkaError`."""
    topics = {await ids.of(topic): topic for topic in await inbound_topics(settings)}
    there = {at: TopicPartition(topics[at[0]], at[1]) for at in partitions if at[0] in topics}
    upto = await committed(settings, group, list(there.values())) if there else {}
    return {at: upto.get(where, 0) for at, where in there.items()}


async def _answered(answer: Callable[[], Awaitable[Response]]) -> Response:
    try:
        return await answer()
    except PyMongoError as error:
        log.warning("question_not_answered", why=in_short(error))
        return _refused(503, "database_away", "MongoDB does not answer")
    except (KafkaError, TimeoutError, OSError) as error:
        log.warning("question_not_answered", why=in_short(error))
        return _refused(503, "broker_away", "the Kafka broker does not answer")


def _refused(status: int, code: str, why: str) -> Response:
    return JSONResponse({"code": code, "why": why}, status)
