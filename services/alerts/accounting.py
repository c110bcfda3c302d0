"""Giải trình: who heads a unit asks, until a day, why it is behind; who answers for the figure gives account. Pure.

It changes nothing about the condition. When the day has passed without an answer, both are told once.
"""

from dataclasses import dataclass
from datetime import datetime

from contracts.alerts import Account
from services.alerts.alert import Alert, Asked


@dataclass(frozen=True, slots=True)
class Ask:
    """The command to ask. `due` is the end of the time for an answer."""

    command_id: str
    by: str
    note: str | None
    due: datetime
    at: datetime


@dataclass(frozen=True, slots=True)
class GiveAccount:
    """The command to answer."""

    command_id: str
    by: str
    note: str
    at: datetime


def asked(command: Ask, of: tuple[str, ...]) -> Asked:
    """What stands from now on. `of`: the people who are to answer."""
    return Asked(command.by, command.at, command.due, command.note, of)


def waits_until(alert: Alert) -> datetime | None:
    """When those who have not answered are to be told that the time is over."""
    one = alert.asked
    return one.due if one is not None and one.given_at is None and not one.reminded else None


def told_of(one: Asked | None) -> Account | None:
    """What was asked and answered, as others are told."""
    if one is None:
        return None
    return Account(
        asked_by=one.by,
        asked_at=one.at,
        due=one.due,
        question=one.question,
        given_by=one.given_by,
        given_at=one.given_at,
        answer=one.answer,
    )
