"""Asking ingest for its ledger, over its internal HTTP port."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple, Protocol

import orjson
from httpx2 import AsyncClient, HTTPError
from pydantic import ValidationError

from contracts.rebuilds import LedgerExtent
from services.metrics.rebuilding.reach import Stretch

TIMEOUT_S = 10.0
EXTENT = "/internal/v1/ledger/extent"
PAGE = "/internal/v1/ledger/page"


class Away(Exception):
    """Ingest does not answer, or not as it should: in a sentence. It may later."""


class Page(NamedTuple):
    """Observations, and the offset at which the next page begins; None if there is none."""

    items: list[dict[str, Any]]
    next: int | None


class Archive(Protocol):
    """The ledger as it can be asked. Both raise `Away`."""

    async def extent(self, key: str) -> LedgerExtent:
        """How far it reaches for a KPI."""
        ...

    async def page(self, key: str, stretch: Stretch, limit: int) -> Page:
        """Entries of a stretch, in order."""
        ...


class IngestArchive:
    """The ledger of a running ingest."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    async def extent(self, key: str) -> LedgerExtent:
        try:
            return LedgerExtent.model_validate_json(await self._asked(EXTENT, {"key": key}))
        except ValidationError as error:
            raise Away(f"ingest answers otherwise than this release expects: {error.errors()[0]['msg']}") from None

    async def page(self, key: str, stretch: Stretch, limit: int) -> Page:
        asked = {"key": key, "limit": str(limit)} | {name: str(value) for name, value in stretch._asdict().items()}
        try:
            found = orjson.loads(await self._asked(PAGE, asked))
            return Page(found["items"], found["next"])
        except (ValueError, KeyError) as error:
            raise Away(f"ingest answers otherwise than this release expects: {error}") from None

    async def _asked(self, path: str, asked: Mapping[str, str]) -> bytes:
        try:
            # The client's limit is for each read; this one is for the whole answer.
            async with asyncio.timeout(TIMEOUT_S):
                answer = await self._client.get(path, params=dict(asked))
        except (HTTPError, TimeoutError) as error:
            raise Away(
                f"ingest does not answer at {self._client.base_url} ({str(error) or type(error).__name__}); "
                "TIENDO_METRICS_INGEST_URL says where it is"
            ) from None
        if answer.status_code != 200:
            raise Away(f"ingest answers {answer.status_code}: {answer.text[:200]}")
        return answer.content


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[IngestArchive]:
    """The ledger of the ingest at this address. Nothing is connected before the first question."""
    async with AsyncClient(base_url=url, timeout=TIMEOUT_S, trust_env=False) as client:
        yield IngestArchive(client)
