"""Keys of publishers and of people: how they are made, what is kept of them, which holds, how many one has at a time.
Pure.

A key is `tdk_<id>_<secret>`. The secret is 256 random bits, so that its SHA-256 is as good as any slow hash: there is
nothing that could be guessed.
"""

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

ID_LENGTH = 12
SECRET_BYTES = 32
MAX_NAME = 80

_ID = re.compile(r"[a-z0-9]{12}")
_KEY = re.compile(r"tdk_([a-z0-9]{12})_[A-Za-z0-9_-]{43}")
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
_NOBODYS = bytes(32)

SEATS = (1, 2)
"""Whoever has keys has so many that hold at a time: the one in use, and the one that follows it."""


class Scope(StrEnum):
    """What a key is good for."""

    STATISTICS_WRITE = "statistics:write"
    IMPORTS_WRITE = "imports:write"
    EVENTS_READ = "events:read"
    ALERTS_ACT = "alerts:act"


PUBLISHERS_SCOPES = frozenset({Scope.STATISTICS_WRITE, Scope.IMPORTS_WRITE, Scope.EVENTS_READ})
"""What a publisher's key may be good for."""

PEOPLES_SCOPES = frozenset({Scope.ALERTS_ACT})
"""What a person's key may be good for."""


class Standing(StrEnum):
    """Whether a key holds."""

    VALID = "valid"
    EXPIRED = "expired"
    REVOKED = "revoked"


class Refusal(StrEnum):
    """Why somebody who shows a key is not let in; the codes of the answer."""

    NO_KEY = "no_key"
    BAD_KEY = "bad_key"
    EXPIRED_KEY = "expired_key"
    REVOKED_KEY = "revoked_key"


@dataclass(frozen=True, slots=True)
class Key:
    """What is kept of a key: nobody can make the key from it. It holds from `created` until before `expires`.

    It is a publisher's, or a person's. `seat` is one of `SEATS`, for as long as the key holds; it may be left behind by
    one that has expired.
    """

    id: str
    digest: bytes
    province: str
    publisher: str | None
    person: str | None
    name: str
    scopes: frozenset[Scope]
    created: datetime
    expires: datetime
    revoked: datetime | None = None
    last_used: datetime | None = None
    seat: int | None = None

    @property
    def holder(self) -> str:
        """Whose it is: the id of a publisher or a person in the catalog."""
        holder = self.publisher or self.person
        assert holder is not None
        return holder

    def standing(self, now: datetime) -> Standing:
        """Whether it holds at that moment."""
        if self.revoked is not None:
            return Standing.REVOKED
        return Standing.VALID if now < self.expires else Standing.EXPIRED


@dataclass(frozen=True, slots=True)
class Made:
    """A new key. `text` is shown to its holder once and kept nowhere."""

    key: Key
    text: str = field(repr=False)


class TooManyKeys(Exception):
    """The holder has as many keys that hold as they may have. `keys` are these."""

    def __init__(self, keys: Collection[Key]) -> None:
        super().__init__(f"{len(keys)} keys hold already")
        self.keys = tuple(keys)


def make(
    *,
    province: str,
    publisher: str | None = None,
    person: str | None = None,
    name: str,
    scopes: Iterable[Scope],
    now: datetime,
    lasts: timedelta,
) -> Made:
    """A new key of a publisher or a person, from the system's source of secrets. Its times are whole seconds."""
    begins = now.replace(microsecond=0)
    key_id = "".join(secrets.choice(_LETTERS) for _ in range(ID_LENGTH))
    secret = base64.urlsafe_b64encode(secrets.token_bytes(SECRET_BYTES)).decode().rstrip("=")
    text = f"tdk_{key_id}_{secret}"
    key = Key(key_id, digest_of(text), province, publisher, person, name, frozenset(scopes), begins, begins + lasts)
    return Made(key, text)


def is_id(text: str) -> bool:
    """Whether this may be the id of a key."""
    return _ID.fullmatch(text) is not None


def id_of(text: str) -> str | None:
    """The id in a key; None for what is no key."""
    found = _KEY.fullmatch(text)
    return found[1] if found else None


def digest_of(text: str) -> bytes:
    """What is kept of a key: the SHA-256 of the whole of it."""
    return hashlib.sha256(text.encode()).digest()


def refusal(key: Key | None, text: str, now: datetime) -> Refusal | None:
    """Why `text`, under whose id `key` was found, is not taken; None if it is.

    Whether a key has expired is told only to whoever has the whole of it.
    """
    kept = _NOBODYS if key is None else key.digest
    if not hmac.compare_digest(kept, digest_of(text)) or key is None:
        return Refusal.BAD_KEY
    return _REFUSED[key.standing(now)]


_REFUSED = {
    Standing.VALID: None,
    Standing.EXPIRED: Refusal.EXPIRED_KEY,
    Standing.REVOKED: Refusal.REVOKED_KEY,
}


def seat_for(standing: Iterable[Key], now: datetime) -> int:
    """The seat that a further key of whoever has these would take. Raises `TooManyKeys`."""
    valid = [key for key in standing if key.standing(now) is Standing.VALID]
    free = [seat for seat in SEATS if seat not in {key.seat for key in valid}]
    if len(valid) >= len(SEATS) or not free:
        raise TooManyKeys(valid)
    return free[0]


def retires(key: Key, now: datetime, overlap: timedelta) -> datetime:
    """When a key that is being replaced ceases to hold: never later than it would have."""
    return min(key.expires, now.replace(microsecond=0) + overlap)
