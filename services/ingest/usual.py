"""Whether a figure is the usual one in another unit of measure (0.913 where 91.3 was accepted), as far as the ledger
shows. Pure.

Metrics doubts this of whole series once a figure is accepted; here it is told to whoever asks before sending.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from statistics import median
from typing import Any, NamedTuple

import orjson

from contracts.catalog import Kpi, KpiKind
from contracts.statistics import Flag
from services.ingest.decide import Entry
from services.ingest.wording import en, vi
from services.runtime.sameness import plain

CODE = "scale_shift"

LOOK_BACK = 4
"""Entries of a unit before the figure that are looked at."""

_FACTORS = (100, 1_000, 1_000_000)
"""Percent for a share, thousands, millions. Ten is too near to what may happen."""

_AT_LEAST: Mapping[KpiKind, int] = {"ratio": 1, "level": 1, "rate": 1, "stock": 2, "flow": 2}
"""Figures before it by which something is usual; amounts and counts may truly grow from little."""

_COUNTED = frozenset({"stock", "flow"})


COMPARED = frozenset(_AT_LEAST)
"""Kinds of KPI of which figures can be compared."""


class Said(NamedTuple):
    """A figure as one number."""

    number: Decimal
    period: str


def told(payload: bytes, kpi: Kpi) -> Said | None:
    """The number of an observation whose unit of measure can be mistaken: no share of parts is."""
    one: dict[str, Any] = orjson.loads(payload)
    return None if one.get("numerator") is not None else said(payload, kpi)


def said(payload: bytes, kpi: Kpi) -> Said | None:
    """The number of an observation; None of increments, withdrawals and forecasts, and where there is none."""
    one: dict[str, Any] = orjson.loads(payload)
    if one["mode"] == "increment" or one["retracts"] or one["status"] == "forecast":
        return None
    n, d, value = (one.get(name) for name in ("numerator", "denominator", "value"))
    if n is not None and d is not None:
        base = kpi.rate_base or Decimal(100)
        return Said(base * Decimal(n) / Decimal(d), one["period"]) if Decimal(d) else None
    return None if value is None else Said(Decimal(value), one["period"])


def numbers(entries: Iterable[Entry], kpi: Kpi) -> list[Said]:
    """Those of the entries that have one."""
    return [one for entry in entries if (one := said(entry.payload, kpi)) is not None]


def shifted(now: Said, before: Sequence[Said], kpi: Kpi) -> Flag | None:
    """The figure is one of the factors away from the median of those before, give or take a quarter; none of them is
    further than a factor of two from it."""
    if kpi.kind == "flow":  # a total that starts again with its period
        before = [one for one in before if one.period == now.period]
    numbers = [one.number for one in before]
    if now.number <= 0 or len(numbers) < _AT_LEAST[kpi.kind] or min(numbers) <= 0:
        return None
    middle = median(numbers)
    if any(number * 2 < middle or number > middle * 2 for number in numbers):
        return None
    low, high = sorted((middle, now.number))
    factor = next((one for one in _FACTORS if 4 * one * low <= 5 * high and 4 * high <= 5 * one * low), None)
    whole = now.number == now.number.to_integral_value()
    if factor is None or (kpi.kind in _COUNTED and whole and now.number < middle):
        return None  # a whole number of things: one left of a hundred is a fall, not another unit
    shown, usual = round(now.number, 4), round(middle, 4)
    return Flag(
        code=CODE,
        message_vi=f"{vi(shown)} trong khi trước đó là khoảng {vi(usual)}: có thể nhầm đơn vị ({vi(factor)} lần).",
        message_en=f"{en(shown)} where it was about {en(usual)} before: perhaps another unit ({en(factor)} times).",
        evidence={"now": plain(shown), "usual": plain(usual), "factor": str(factor)},
    )
