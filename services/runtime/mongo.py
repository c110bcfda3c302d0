"""MongoDB through PyMongo's async API: opening, waiting for it, and which of its errors pass by themselves.

Nothing about documents is known here; those are each service's `store.py`.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pymongo
from pymongo import AsyncMongoClient, ReadPreference, WriteConcern
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import (
    BulkWriteError,
    ConfigurationError,
    ConnectionFailure,
    InvalidURI,
    OperationFailure,
    PyMongoError,
    WaitQueueTimeoutError,
    WriteConcernError,
)

from services.runtime.errors import StartError
from services.runtime.settings import MongoSettings
from services.runtime.waiting import Waiting

Document = Mapping[str, Any]
Database = AsyncDatabase[dict[str, Any]]
Client = AsyncMongoClient[dict[str, Any]]

DURABLE = WriteConcern("majority", j=True)

DUPLICATE_KEY = 11000

_HELLO_S = 2.0
_OUT_OF_DISK = 14031
_LOST_CURSOR = frozenset({43, 175, 237})
_MAINTENANCE = _LOST_CURSOR | {91, 189, 10107, 11600, 11602, 13435, 13436, 64, 24, 50, 112, 262, 251, _OUT_OF_DISK}
"""Server codes that pass by themselves: stepdowns, shutdowns, time limits, lock and write conflicts, cursors that went
with their server, a full disk."""


def is_transient(error: BaseException) -> bool:
    """Whether the same operation may succeed later without anything being changed on our side."""
    if isinstance(error, BulkWriteError):
        details = error.details or {}
        failed = details.get("writeErrors") or []
        return bool(details.get("writeConcernErrors")) or any(problem.get("code") in _MAINTENANCE for problem in failed)
    if isinstance(error, ConnectionFailure | WaitQueueTimeoutError | WriteConcernError):
        return True
    return isinstance(error, OperationFailure) and (
        error.code in _MAINTENANCE or error.has_error_label("RetryableWriteError")
    )


@asynccontextmanager
async def connect(settings: MongoSettings, waiting: Waiting) -> AsyncIterator[Client]:
    """A client of a replica set's primary that answers. Waits for one, else `StartError`."""
    client = _client(settings)
    try:
        async for _ in waiting.tries("MongoDB", "TIENDO_MONGO_URI"):
            try:
                # Shorter than an operation's own time, which would keep the waiting silent.
                with pymongo.timeout(_HELLO_S):
                    hello = await client.admin.command("hello")
            except OperationFailure as error:
                raise StartError(
                    f"MongoDB refuses us: {error.details and error.details.get('errmsg')}. Look at TIENDO_MONGO_URI."
                ) from None
            except ConfigurationError as error:
                raise StartError(f"MongoDB does not fit TIENDO_MONGO_URI: {error}.") from None
            except PyMongoError as error:
                waiting.because(_short(error))
                continue
            if "setName" not in hello:
                raise StartError(
                    "MongoDB answers but is no replica set, which even a single node must be: start mongod with "
                    "--replSet rs0 "
                    "and run rs.initiate() once."
                )
            if hello.get("isWritablePrimary"):
                break
            waiting.because("the replica set has no primary yet")
        yield client
    finally:
        await client.close()


def _client(settings: MongoSettings) -> Client:
    try:
        return AsyncMongoClient(
            settings.uri.get_secret_value(),
            tz_aware=True,
            w="majority",
            journal=True,
            read_preference=ReadPreference.PRIMARY,
            serverSelectionTimeoutMS=min(settings.timeout_ms, 3_000),
            timeoutMS=settings.timeout_ms,
            appname="tiendo",
        )
    except (InvalidURI, ConfigurationError, ValueError) as error:
        raise StartError(f"TIENDO_MONGO_URI cannot be used: {error}.") from None


async def answers(client: Client) -> bool:
    """Whether a primary answers now; for `/readyz`."""
    try:
        await client.admin.command("ping")
    except PyMongoError:
        return False
    return True


def _short(error: PyMongoError) -> str:
    return str(error).split(", Timeout:")[0].split(" (configured timeouts")[0][:200]
