"""The database, for a command: it waits a short while only, and says in a sentence that there is none."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from pymongo.errors import PyMongoError

from services.cli.settings import CommandSettings
from services.runtime import mongo
from services.runtime.errors import StartError
from services.runtime.mongo import Client
from services.runtime.waiting import Waiting

PATIENCE_S = 5.0

T = TypeVar("T")


def using(read: CommandSettings, work: Callable[[Client], Awaitable[T]]) -> T:
    """Do the work with a connection. Raises `StartError` where the database does not answer."""

    async def run() -> T:
        patience_s = read.start.timeout_s if "timeout_s" in read.start.model_fields_set else PATIENCE_S
        async with mongo.connect(read.mongo, Waiting(patience_s, asyncio.Event())) as client:
            return await work(client)

    try:
        return asyncio.run(run())
    except PyMongoError as error:
        why = str(error).split(", Timeout:")[0][:200]
        raise StartError(f"MongoDB does not answer ({why}); start it, or mend TIENDO_MONGO_URI.") from None
