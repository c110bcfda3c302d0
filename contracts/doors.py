"""What the doors say of events: how one is named in a link; and what they ask ingest of it, before it is published."""

import base64
import binascii
from typing import Literal

from pydantic import Field

from contracts.base import WireModel
from contracts.statistics import Flag, Problem

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


MOST_EXAMINED = 1_000
"""Events that one question may bring."""

Standing = Literal["new", "same", "taken"]


class Examined(WireModel):
    """What would become of one event if it were published now."""

    source: str | None = Field(description="Null where it could not be read.")
    id: str | None
    observation_id: str | None = Field(description="The id of its observation, once it is accepted.")
    problems: tuple[Problem, ...] = Field((), description="Why it would be refused; none: it would be accepted.")
    flags: tuple[Flag, ...] = Field(
        (),
        description="With which doubts it would be accepted; `another_figure_stands`: and change nothing; "
        "`replaces_another_figure`: and take its place under the same revision; `remark_stays`: its note or evidence "
        "is not taken.",
    )
    standing: Standing = Field(
        "new",
        description="`same`: this content was accepted before and counts once; `taken`: another content was, "
        "under this id.",
    )


class ParkedNote(WireModel):
    """A source whose events are kept and not counted, and why."""

    source: str
    message_vi: str
    message_en: str


class ParkedNotes(WireModel):
    """All that are parked."""

    items: tuple[ParkedNote, ...]


class ExaminedEvents(WireModel):
    """One for each event, in the order asked."""

    items: tuple[Examined, ...]
