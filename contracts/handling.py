"""What is said when somebody acts on an alert, and when somebody asks why it is as it is: to alerts by the gateway.

Not on a topic: over the internal HTTP port of alerts. Who may act is the gateway's to decide.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from contracts.alerts import TakenUp
from contracts.base import Id, Instant, WireModel

MAX_NOTE = 1_000
"""Characters of a note."""

Note = Annotated[str, Field(max_length=MAX_NOTE)]
CommandId = Annotated[str, Field(pattern=r"^[!-~]{1,200}$")]


class TakeUp(WireModel):
    """Take the alert up. The same command again changes nothing. Without `until` it ends by the alert's severity."""

    command_id: CommandId
    by: Id
    note: Note | None = None
    until: Instant | None = None


class Write(WireModel):
    """Say something about the alert, or give the account asked for. The same command again changes nothing."""

    command_id: CommandId
    by: Id
    note: Annotated[Note, Field(min_length=1)]


class Dismiss(Write):
    """Close the alert, with `until` so that it does not open again before. The same command again changes nothing."""

    until: Instant | None = None


class AskAccount(WireModel):
    """Ask why the unit is behind, until `due`. The same command again changes nothing."""

    command_id: CommandId
    by: Id
    note: Note | None = None
    due: Instant


Commanded = TakeUp | Write | AskAccount


class Outcome(StrEnum):
    """What became of a command."""

    DONE = "done"
    DONE_BEFORE = "done_before"
    NOT_OPEN = "not_open"
    NOT_ASKED = "not_asked"
    ENDS_TOO_SOON = "ends_too_soon"


class Handled(WireModel):
    """What became of the command, and who is at the alert now."""

    outcome: Outcome
    taken_up: TakenUp | None = None


class Said(WireModel):
    """A sentence, or a title."""

    vi: str
    en: str


class Chapter(WireModel):
    """What is said under one title."""

    title: Said
    lines: tuple[Said, ...]


class AlertExplained(WireModel):
    """Why an alert is as it is, who was told and who was not, and what comes next, in words."""

    chapters: tuple[Chapter, ...]
