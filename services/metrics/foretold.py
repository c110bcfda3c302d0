"""What a record says of its future: the forecast that was made last, as long as it is of the target that judges; or why
there is none.

It stands beside the judgement and not in it: it comes seconds later, and is no part of what tells whether a judgement
changed.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import orjson

from services.metrics.days import Window
from services.metrics.definition import Definition
from services.metrics.judge import MISSED, NO_TARGET
from services.metrics.landing.no_landing import CODES, no_landing
from services.metrics.obligation import Obligation


class Foretold(NamedTuple):
    """The last forecast of a record.

    `of`: the digest of the judgement that it was made for; empty once it lacks a figure. `target`: the mark of the
    target's version. `as_of`: the latest day that it knows. `said`: the landing as JSON; where there is none, the
    reason, and `code` is its code.
    """

    of: bytes
    target: bytes
    as_of: int
    said: bytes
    code: str = ""


class Issued(NamedTuple):
    """A forecast that went out. `as_of`: the latest day that it knew; `target`: the mark of the target's version."""

    as_of: int
    value: float
    low: float
    high: float
    p_meet: float
    target: bytes


class Aim(NamedTuple):
    """A version of a target as it was when forecasts were made for it. `wire`: as a record shows it; `missed_on`: the
    first day on which it counts as missed."""

    wire: dict[str, Any]
    missed_on: int


class Issue(NamedTuple):
    """A forecast for the list of those issued: of its target the last one of the natural unit of time that ends on
    `end`."""

    unit: str
    period: str
    end: int
    forecast: Issued
    aim: Aim


class Future(NamedTuple):
    """What goes out with a record, as JSON: its `landing`, and what is added to its reasons. `open`: there may be
    a forecast, now or after the next figure."""

    landing: bytes
    reason: bytes = b""
    open: bool = True


REASONS: Mapping[str, bytes] = MappingProxyType(
    {code: orjson.dumps(no_landing(code).as_document()) for code in sorted(CODES)}
)
"""Every reason for which there is no forecast."""

_SETTLED = (MISSED, NO_TARGET)

NO_NEED = ""
"""In place of a code: the record has another reason already, which says it all."""

_NONE_YET: Mapping[str, Future] = MappingProxyType({code: Future(b"null", said) for code, said in REASONS.items()})
_NONE: Mapping[str, Future] = MappingProxyType(
    {NO_NEED: Future(b"null", b"", open=False)} | {code: one._replace(open=False) for code, one in _NONE_YET.items()}
)


def target_of(definition: Definition, unit: str, window: Window, as_of: int | None, today: int) -> Obligation | None:
    """The version of the target that judges a record: the one valid at its `as_of`, or else today."""
    day = as_of if as_of is not None else min(max(today, window.first), window.last)
    return definition.judging(unit, window, day) or definition.judging(unit, window, today)


def spoken_in(definition: Definition, window: Window, by: Obligation) -> Window:
    """The part of a record's period whose figures say where it will stand: all of it, or of a kind that begins anew the
    accounting period in which the deadline lies."""
    if not definition.kind.begins_anew:
        return window
    part = definition.accounting(min(by.deadline, window.last))
    return window if part.first <= window.first else Window(part.id, part.first, min(part.last, window.last))


def foregone(
    definition: Definition,
    unit: str,
    window: Window,
    by: Obligation | None,
    as_of: int | None,
    status: str | None,
    today: int,
) -> str | None:
    """The code of the reason why there is no forecast, where that is plain without looking at the series."""
    if by is None or as_of is None or status in _SETTLED:
        return NO_NEED
    if as_of >= by.deadline:
        return "forecast_deadline_reached"
    if not _foretells(definition, unit, as_of):
        return "forecast_not_for_kind"
    if today > min(by.deadline, definition.lifetime(unit)[1]):
        return NO_NEED
    if definition.kind.begins_anew and as_of < spoken_in(definition, window, by).first:
        return "forecast_period_to_come"
    return None


def foretold_until(
    definition: Definition, unit: str, by: Obligation | None, as_of: int | None, status: str
) -> int | None:
    """The last day on which the record may have a forecast: the deadline, unless figures have reached it; None where
    there can be none. That it is over is a reason of the judgement, so that the day itself makes a new version."""
    if by is None or as_of is None or status in _SETTLED or as_of >= by.deadline:
        return None
    return by.deadline if _foretells(definition, unit, as_of) else None


def _foretells(definition: Definition, unit: str, as_of: int) -> bool:
    kind = definition.kind
    return kind.foretells and not (kind.counts_units and definition.shape(as_of).is_leaf(unit))


def future_of(foretold: Foretold | None, why: str | None, by: Obligation | None, as_of: int | None) -> Future:
    """What goes out with a record that stands at `as_of`. `why`: as `foregone` says.

    A forecast that knows later figures than the record, because they were withdrawn or the record is said again as it
    stood on a former day, is not its own.
    """
    if why is not None or by is None or as_of is None:
        return _NONE[why or NO_NEED]
    if foretold is None or foretold.target != by.mark or foretold.as_of > as_of:
        return _NONE_YET["forecast_coming"]
    return _NONE_YET[foretold.code] if foretold.code else Future(foretold.said)
