"""Taking an alert up: somebody says that they are at it, until when, and perhaps how. Pure.

It stops the steps that are not reached yet, and nothing else: who was told hears of a worse state and of the end as
before. When its end passes and the alert still fires, they are reminded, and the climb goes on where it stood.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from contracts.alerts import Severity, TakenUp
from services.alerts.alert import Handling, Told

LASTS: Mapping[Severity, timedelta] = {
    Severity.WATCH: timedelta(days=14),
    Severity.BEHIND: timedelta(days=7),
    Severity.CRITICAL: timedelta(days=3),
}
"""How long it holds where no end is said."""

_REMEMBERED = 20


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """The command. `by` is a person of the catalog; without `until` it ends by the alert's severity."""

    command_id: str
    by: str
    note: str | None
    until: datetime | None
    at: datetime


def taken_up(command: Acknowledge, severity: Severity) -> Handling:
    """The alert's handling after the command."""
    until = command.until or command.at + LASTS[severity]
    return Handling("acked", command.by, until, command.note, command.at)


def told_of(handling: Handling) -> TakenUp | None:
    """Who is at it, as others are told."""
    if handling.by is None or handling.at is None or handling.until is None:
        return None
    return TakenUp(by=handling.by, at=handling.at, until=handling.until, note=handling.note)


def ended(handling: Handling, now: datetime) -> bool:
    """Whether it was taken up and the end of that has passed."""
    return handling.state == "acked" and handling.until is not None and handling.until <= now


def reminded(handling: Handling, told: Told) -> tuple[str, ...]:
    """Who is reminded at its end: who took it up; where they get no mail of it, everybody who does."""
    people = tuple(who.person for who in told.recipients)
    return (handling.by,) if handling.by is not None and handling.by in people else people


def remembered(commands: tuple[str, ...], command_id: str) -> tuple[str, ...]:
    """The commands with another one, as many as are kept."""
    return (*commands, command_id)[-_REMEMBERED:]
