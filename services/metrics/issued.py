"""What was forecast of a record, and what came: the forecasts that went out, held against the figure of the deadline.

Of each natural unit of time the last forecast is kept. Those made under another version of the target are left out:
they were of another deadline, or of another number to be met.
"""

from collections.abc import Sequence
from statistics import fmean
from typing import Any

from services.metrics.days import Window, iso
from services.metrics.definition import Definition
from services.metrics.exact import nearest
from services.metrics.foretold import Issued, target_of
from services.metrics.obligation import Obligation
from services.metrics.reading import Reading


def landings(
    definition: Definition, unit: str, window: Window, today: int, reading: Reading, issued: Sequence[Issued]
) -> dict[str, Any] | None:
    """The landings and their score, as an explanation shows them; None where none was issued."""
    by = target_of(definition, unit, window, reading.as_of, today)
    mine = [] if by is None else [one for one in issued if one.target == by.mark]
    if by is None or not mine:
        return None
    came, met = _came(by, reading, today)
    rows = [_row(one, came, met) for one in mine]
    return {
        "deadline": iso(by.deadline),
        "issued": rows,
        "came": came,
        "met": met,
        **({} if came is None else _score(mine, rows, came)),
    }


def _came(by: Obligation, reading: Reading, today: int) -> tuple[float | None, bool | None]:
    """What stood at the deadline, and whether it meets the target; None as long as other figures may come."""
    if reading.value is None or reading.as_of is None:
        return None, None
    if reading.as_of < by.deadline and today < by.missed_on:
        return None, None
    return nearest(reading.value), by.met(reading.value)


def _row(one: Issued, came: float | None, met: bool | None) -> dict[str, Any]:
    return {
        "as_of": iso(one.as_of),
        "value": one.value,
        "low": one.low,
        "high": one.high,
        "p_meet": one.p_meet,
        "held": None if came is None else one.low <= came <= one.high,
        "brier": None if met is None else (one.p_meet - met) ** 2,
    }


def _score(issued: Sequence[Issued], rows: Sequence[dict[str, Any]], came: float) -> dict[str, Any]:
    return {
        "intervals_held": sum(row["held"] for row in rows),
        "mean_absolute_error": fmean(abs(one.value - came) for one in issued),
        "brier": fmean(row["brier"] for row in rows),
    }
