"""Keys that were asked for lately, in memory: a request costs no round trip, a revoked key opens for seconds only."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog
from pymongo.errors import PyMongoError

from services.gateway.key_store import USED_EVERY, Keys
from services.gateway.keys import Key
from services.runtime.errors import in_short

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Known:
    key: Key
    asked_at: float


class Keyring:
    """Keys by id. Each is asked for again once what is known of it is `fresh_s` old.

    Ids that nobody has are not remembered: so whoever makes them up fills no memory.
    """

    def __init__(self, keys: Keys, fresh_s: float, seconds: Callable[[], float] = time.monotonic) -> None:
        self._keys = keys
        self._fresh_s = fresh_s
        self._seconds = seconds
        self._known: dict[str, _Known] = {}
        self._asking: dict[str, asyncio.Task[Key | None]] = {}
        self._used: dict[str, datetime] = {}
        self._noting: set[asyncio.Task[None]] = set()

    async def find(self, key_id: str) -> Key | None:
        """The key of this id, as it was at most `fresh_s` ago. Raises `PyMongoError` if that cannot be known."""
        known = self._known.get(key_id)
        if known is not None and self._seconds() - known.asked_at < self._fresh_s:
            return known.key
        asking = self._asking.get(key_id)
        if asking is None:
            asking = self._asking[key_id] = asyncio.create_task(self._ask(key_id))
        return await asyncio.shield(asking)

    def used(self, key: Key, now: datetime) -> None:
        """Have the use noted, if none was lately. Nobody waits for it."""
        last = max((at for at in (key.last_used, self._used.get(key.id)) if at is not None), default=None)
        if last is not None and now - last < USED_EVERY:
            return
        self._used[key.id] = now
        noting = asyncio.create_task(self._note(key.id, now))
        self._noting.add(noting)
        noting.add_done_callback(self._noting.discard)

    async def _ask(self, key_id: str) -> Key | None:
        asked_at = self._seconds()  # before the question: what is answered may be as old as that
        try:
            key = await self._keys.find(key_id)
        finally:
            del self._asking[key_id]
        if key is None:
            self._known.pop(key_id, None)
        else:
            self._known[key_id] = _Known(key, asked_at)
        return key

    async def _note(self, key_id: str, now: datetime) -> None:
        try:
            await self._keys.used(key_id, now)
        except PyMongoError as error:
            log.warning("key_use_not_noted", key=key_id, why=in_short(error))
