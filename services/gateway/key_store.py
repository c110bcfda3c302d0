"""Keys in MongoDB: `keys`, `_id` is the id of the key. Its secret is not there, only the digest."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Protocol

import pymongo
from bson.binary import Binary
from pymongo import ASCENDING, IndexModel
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import DuplicateKeyError

from services.gateway.keys import Key, Scope, seat_for
from services.runtime.errors import Transient
from services.runtime.mongo import Client
from services.runtime.settings import MongoSettings

USED_EVERY = timedelta(minutes=1)
"""The time of the last use is written at most so often."""

_LOOK_UP_S = 3.0
"""A caller waits for this, so it is given up sooner than other operations."""

_TRIES = 5

_SEATS = {"publisher": "seat", "person": "persons_seat"}
"""Whose key it is, and under which name its seat is kept: an index over both would seat people as one publisher."""

_NO_SEAT = dict.fromkeys(_SEATS.values(), "")


class Keys(Protocol):
    """Where keys are kept, as far as whoever answers requests needs it."""

    async def find(self, key_id: str) -> Key | None: ...
    async def used(self, key_id: str, now: datetime) -> None: ...


class KeyStore:
    """All keys, those that hold no longer too: a key is never deleted, so that its traces can be read."""

    def __init__(self, client: Client, settings: MongoSettings) -> None:
        database = client[f"{settings.database}_gateway"]
        self._keys: AsyncCollection[dict[str, Any]] = database["keys"]

    async def prepare(self) -> None:
        """Make the indexes by which nobody has more keys at a time than seats, whoever makes them at once."""
        seats = [
            IndexModel(
                [("province", ASCENDING), (whose, ASCENDING), (seat, ASCENDING)],
                unique=True,
                partialFilterExpression={seat: {"$exists": True}},
            )
            for whose, seat in _SEATS.items()
        ]
        await self._keys.create_indexes(seats)

    async def find(self, key_id: str) -> Key | None:
        """The key of this id."""
        with pymongo.timeout(_LOOK_UP_S):
            found = await self._keys.find_one({"_id": key_id})
        return _key(found) if found is not None else None

    async def of(
        self, province: str | None = None, publisher: str | None = None, person: str | None = None
    ) -> list[Key]:
        """Keys by province, holder and age, people's first."""
        given = {"province": province, "publisher": publisher, "person": person}
        wanted = {name: value for name, value in given.items() if value is not None}
        order = [("province", 1), ("publisher", 1), ("person", 1), ("created", 1), ("_id", 1)]
        return [_key(document) async for document in self._keys.find(wanted).sort(order)]

    async def add(self, key: Key, now: datetime) -> Key:
        """Keep a new key; return it with its seat. Raises `TooManyKeys`."""
        for _ in range(_TRIES):
            taken = replace(key, seat=seat_for(await self.of(key.province, key.publisher, key.person), now))
            ended = {"province": key.province, _whose(key): key.holder, "expires": {"$lte": now}}
            await self._keys.update_many(ended, {"$unset": _NO_SEAT})
            try:
                await self._keys.insert_one(_document(taken))
            except DuplicateKeyError:
                continue  # somebody else took the seat in between
            return taken
        raise Transient(f"keys of {key.holder} are being made elsewhere at the same time: try again")

    async def retire(self, key_id: str, at: datetime) -> None:
        """Let a key cease to hold then, if it would have held longer."""
        await self._keys.update_one({"_id": key_id}, {"$min": {"expires": at}})

    async def revoke(self, key_id: str, now: datetime) -> Key | None:
        """Let a key hold no longer; return it, or None where there is none. The first revocation stands."""
        await self._keys.update_one(
            {"_id": key_id, "revoked": {"$exists": False}}, {"$set": {"revoked": now}, "$unset": _NO_SEAT}
        )
        return await self.find(key_id)

    async def used(self, key_id: str, now: datetime) -> None:
        """Note the use, unless one was noted less than `USED_EVERY` ago, by whichever process."""
        lately = {"$gt": now - USED_EVERY}
        await self._keys.update_one({"_id": key_id, "last_used": {"$not": lately}}, {"$set": {"last_used": now}})


def _document(key: Key) -> dict[str, Any]:
    """The key as it is stored; `revoked`, `last_used` and `seat` are there only once they say something."""
    whose = _whose(key)
    later = {"revoked": key.revoked, "last_used": key.last_used, _SEATS[whose]: key.seat}
    return {
        "_id": key.id,
        "digest": Binary(key.digest),
        "province": key.province,
        whose: key.holder,
        "name": key.name,
        "scopes": sorted(key.scopes),
        "created": key.created,
        "expires": key.expires,
        **{name: value for name, value in later.items() if value is not None},
    }


def _whose(key: Key) -> str:
    return "publisher" if key.publisher is not None else "person"


def _key(document: Mapping[str, Any]) -> Key:
    known = {scope.value for scope in Scope}
    return Key(
        id=document["_id"],
        digest=bytes(document["digest"]),
        province=document["province"],
        publisher=document.get("publisher"),
        person=document.get("person"),
        name=document["name"],
        scopes=frozenset(Scope(text) for text in document["scopes"] if text in known),
        created=document["created"],
        expires=document["expires"],
        revoked=document.get("revoked"),
        last_used=document.get("last_used"),
        seat=document.get("seat", document.get("persons_seat")),
    )
