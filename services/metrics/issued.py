"""What was forecast of a record, and what came: the forecasts that went out, each held against the target that it was
made for and the figure that stood at its deadline.

Of each natural unit of time and target the last forecast is kept. One that knew the figure already that stood in the
end has foretold nothing: it is shown, and not scored.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from statistics import fmean
from typing import Any, NamedTuple

from services.metrics.days import day_of, iso
from services.metrics.exact import SCALE, Quotient, nearest, scaled
from services.metrics.foretold import Aim, Issued
from services.metrics.obligation import Obligation
from services.metrics.reading import Reading
from services.metrics.wording import step

Stood = Callable[[int], Reading]
"""What stands for the record at the end of a day."""


class _Came(NamedTuple):
    """What stood at a deadline, once that is settled."""

    as_of: int
    value: Quotient
    met: bool


def landings(
    by: Obligation | None, today: int, stood: Stood, issued: Sequence[Issued], aims: Mapping[bytes, Aim]
) -> dict[str, Any] | None:
    """The landings and their score, as an explanation shows them; None where none was issued. `by`: the version of the
    target that judges; `aims`: those that forecasts were made for, by their marks."""
    known = dict(aims)
    if by is not None:
        known.setdefault(by.mark, Aim(by.wire, by.missed_on))
    mine = [one for one in issued if one.target in known]
    if not mine:
        return None
    came = {mark: _came(known[mark], stood, today) for mark in {one.target for one in mine}}
    rows = [_row(one, known[one.target], came[one.target]) for one in mine]
    present = mine[-1].target if by is None else by.mark
    outcome = came[present] if present in came else _came(known[present], stood, today)
    return {
        "deadline": known[present].wire["deadline"],
        "issued": rows,
        "came": None if outcome is None else nearest(outcome.value),
        "came_as_of": None if outcome is None else iso(outcome.as_of),
        "met": None if outcome is None else outcome.met,
        **_score([(one, row, came[one.target]) for one, row in zip(mine, rows, strict=True)]),
    }


def _came(aim: Aim, stood: Stood, today: int) -> _Came | None:
    """None as long as other figures may come."""
    deadline = day_of(aim.wire["deadline"])
    reading = stood(deadline)
    if reading.value is None or reading.as_of is None:
        return None
    if reading.as_of < deadline and today < aim.missed_on:
        return None
    return _Came(reading.as_of, reading.value, _meets(aim.wire, reading.value))


def _meets(target: Mapping[str, Any], value: Quotient) -> bool:
    """Whether the value meets a target as a record shows it."""
    p, q = value

    def beyond(edge: str) -> int:
        return p * SCALE - q * scaled(Decimal(repr(target[edge])))

    if target["comparator"] == "band":
        return beyond("low") >= 0 >= beyond("high")
    return beyond("value") >= 0 if target["comparator"] == ">=" else beyond("value") <= 0


def _row(one: Issued, aim: Aim, came: _Came | None) -> dict[str, Any]:
    scored = came if came is not None and came.as_of > one.as_of else None
    return {
        "as_of": iso(one.as_of),
        "value": one.value,
        "low": one.low,
        "high": one.high,
        "p_meet": one.p_meet,
        "held": None if scored is None else one.low <= nearest(scored.value) <= one.high,
        "brier": None if scored is None else (one.p_meet - scored.met) ** 2,
        "target": aim.wire,
        "not_scored": step("outcome_known", {}) if came is not None and scored is None else None,
    }


def _score(told: Sequence[tuple[Issued, dict[str, Any], _Came | None]]) -> dict[str, Any]:
    scored = [(one.value - nearest(came.value), row) for one, row, came in told if came and row["brier"] is not None]
    if not scored:
        return {}
    return {
        "scored": len(scored),
        "intervals_held": sum(row["held"] for _, row in scored),
        "mean_absolute_error": fmean(abs(error) for error, _ in scored),
        "brier": fmean(row["brier"] for _, row in scored),
    }
