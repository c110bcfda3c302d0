"""Whose the gap of a record is: what each unit directly below brings to it, where its value is made of theirs."""

from services.metrics.contributions import Brought, of_amount, of_quotient
from services.metrics.days import Window
from services.metrics.definition import Definition
from services.metrics.exact import SCALE, Quotient
from services.metrics.reading import Reading


def split(definition: Definition, window: Window, reading: Reading, planned: Quotient) -> Brought | None:
    """What each child brings to value − planned; None if that cannot be said."""
    parts = reading.parts
    if reading.value is None or not parts:
        return None
    n, d = sum([n for _, n, _ in parts]), sum([d for _, _, d in parts])
    p, q = reading.value
    if d > 0:
        factor = definition.kind.value(1, 1)
        if factor is None or p * d * factor[1] != factor[0] * n * q:
            return None
        return of_quotient(parts, planned, factor)
    if d or p * SCALE != n * q:
        return None  # a value that is neither a quotient nor a sum of its parts
    day, plans = reading.as_of or window.last, {}
    for unit, _, _ in parts:
        own = definition.judging(unit, window, day)
        expected = own.planned(day) if own is not None else None
        if expected is not None:
            plans[unit] = expected
    return of_amount(parts, planned, plans)
