"""What views of all kinds say alike on the wire (`contracts/views.py`)."""

from collections.abc import Iterator, Sequence
from datetime import date
from fractions import Fraction
from typing import Any, Protocol

from contracts.views import PeriodView
from services.metrics.days import Window, iso
from services.metrics.definition import Definition
from services.metrics.views.placed import Bring, Left
from services.metrics.views.rolled import value_of
from services.runtime.catalog.carrying import View
from services.runtime.catalog.portable import AnyFigure, Counted, Reason, Weighted


class Seen(Protocol):
    """What a view shows: the units of the day `on`, with figures up to `as_of`."""

    @property
    def on(self) -> int: ...
    @property
    def as_of(self) -> int | None: ...
    @property
    def reasons(self) -> Sequence[dict[str, str]]: ...
    def before(self) -> dict[str, Any] | None: ...
    def after(self) -> dict[str, Any] | None: ...
    def units(self) -> Iterator[dict[str, Any]]: ...
    def not_carried(self) -> Iterator[dict[str, Any]]: ...


def put_on_the_wire(definition: Definition, window: Window, asked: View, seen: Seen) -> PeriodView:
    """The answer."""
    return PeriodView.model_validate(
        {
            "province": definition.catalog.province.id,
            "kpi": definition.kpi_id,
            "period": window.id,
            "first": iso(window.first),
            "last": iso(window.last),
            "view": asked.isoformat() if isinstance(asked, date) else asked,
            "on": iso(seen.on),
            "as_of": None if seen.as_of is None else iso(seen.as_of),
            "kind": definition.kpi.kind,
            "unit_of_measure": definition.kpi.unit_of_measure,
            "catalog_version": definition.catalog.version,
            "before": seen.before(),
            "after": seen.after(),
            "units": list(seen.units()),
            "not_carried": list(seen.not_carried()),
            "reasons": list(seen.reasons),
        }
    )


def units_on(definition: Definition, on: int) -> Iterator[tuple[str, str | None]]:
    """Every unit of the day that has to do with the KPI, and the one above it, which comes before."""
    shape, tree = definition.shape(on), definition.catalog.units
    waiting: list[tuple[str, str | None]] = [(root, None) for root in tree.roots(date.fromordinal(on))[::-1]]
    while waiting:
        unit, parent = waiting.pop()
        if shape.is_leaf(unit) or shape.children(unit):
            yield unit, parent
            waiting += [(child, unit) for child in shape.children(unit)[::-1]]


def place_of(definition: Definition, unit: str, parent: str | None, window: Window, on: int) -> dict[str, Any]:
    """Which unit it is, and its own target on that day."""
    known = definition.catalog.units.get(unit)
    by = definition.judging(unit, window, on)
    return {
        "org_unit": unit,
        "level": known.level if known is not None else "",
        "parent": parent,
        "target": None if by is None else by.wire,
    }


def amounts(definition: Definition, figure: AnyFigure) -> dict[str, Any]:
    """The value, and the parts that it has."""
    return {
        "value": number(value_of(definition, figure)),
        "numerator": number(figure.numerator) if isinstance(figure, Counted) else None,
        "denominator": number(figure.denominator) if isinstance(figure, Counted) else None,
        "weight": number(figure.weight) if isinstance(figure, Weighted) else None,
    }


def brought_of(definition: Definition, bring: Bring) -> dict[str, Any]:
    """What one unit brings to another."""
    return {
        "org_unit": bring.unit,
        "as_of": iso(bring.stood.day) if bring.stood.reported else None,
        "share": float(bring.share),
        "estimated": bring.estimated,
        "whole": amounts(definition, bring.stood.figure),
    }


def left_of(definition: Definition, left: Left) -> dict[str, Any]:
    """What is on no unit of the day."""
    return {**brought_of(definition, left.bring), "reason": worded(left.reason)}


def number(value: Fraction | None) -> int | float | None:
    """Whole ones as integers, others as the nearest double."""
    if value is None:
        return None
    return value.numerator if value.denominator == 1 else value.numerator / value.denominator


def worded(reason: Reason) -> dict[str, str]:
    """A reason in both languages."""
    return {"code": reason.code, "text_vi": reason.text_vi, "text_en": reason.text_en}
