"""Cursors of lists: where the last page ended, packed into one word that callers pass back as it is.

A cursor also holds a mark of the filters that it belongs to, so that it is not used with others by mistake. It is no
secret and gives no rights: whoever makes one up sees a page that the filters would have shown anyway.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Sequence
from typing import Any

_MARK_LENGTH = 8
_MAX_LENGTH = 1_000


class BadCursor(ValueError):
    """The word is no cursor of this list."""


def mark_of(conditions: Any) -> str:
    """A short mark of the filters: equal filters have equal marks."""
    text = json.dumps(conditions, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:_MARK_LENGTH]


def pack(mark: str, position: Sequence[Any]) -> str:
    """The cursor that stands after `position`."""
    text = json.dumps([mark, *position], ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def unpack(word: str, mark: str, kinds: Sequence[type]) -> tuple[Any, ...]:
    """The position in a cursor. Raises `BadCursor` unless it belongs to this list and these filters."""
    if len(word) > _MAX_LENGTH:
        raise BadCursor
    try:
        found = json.loads(base64.b64decode(word + "=" * (-len(word) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError):
        raise BadCursor from None
    if not isinstance(found, list) or len(found) != len(kinds) + 1 or found[0] != mark:
        raise BadCursor
    position = tuple(found[1:])
    if not all(type(value) is kind for value, kind in zip(position, kinds, strict=True)):
        raise BadCursor
    return position
