"""What the doors say of events: how one is named in a link."""

import base64
import binascii

MAX_EVENT_REF = 22_000
"""Characters: two attributes of the greatest length, of letters that take four bytes each, are named by fewer."""


class NoEventRef(ValueError):
    """The word names no event."""


def event_ref(source: str, id: str) -> str:
    """The event's name in a link: base64url of `source NUL id` without padding."""
    return base64.urlsafe_b64encode(f"{source}\0{id}".encode()).decode().rstrip("=")


def event_of(ref: str) -> tuple[str, str]:
    """Source and id of the event with this name. Raises `NoEventRef` where `event_ref` makes no such name."""
    if len(ref) > MAX_EVENT_REF:
        raise NoEventRef("longer than any name")
    try:
        text = base64.b64decode(ref + "=" * (-len(ref) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise NoEventRef("not base64url of UTF-8") from None
    source, found, id = text.partition("\0")
    if not (source and found and id) or "\0" in id or event_ref(source, id) != ref:
        raise NoEventRef("not a source and an id")
    return source, id
