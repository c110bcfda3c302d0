"""What would change between the catalog that stands and the one of a folder, in words."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from services.runtime.catalog.catalog import Catalog
from services.runtime.catalog.codec import kind_of
from services.runtime.catalog.rejudging import NEW, REASONS, TREE, Comparison, Touched

IN_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "target": "target",
        "targets_below": "targets of the units below",
        "bounds": "bounds on the pace",
        "definition": "definition",
        "sources": "KPIs that it is derived from",
        "tree": "units",
        "calendar": "calendar",
        "working_days": "working days",
    }
)
_NAMED = 5


@dataclass(frozen=True, slots=True)
class Change:
    """One object that is added, removed or changed; `details` says which fields, old and new."""

    what: Literal["added", "removed", "changed"]
    kind: str
    id: str
    details: tuple[str, ...] = ()


def differences(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> list[Change]:
    """The changes from one set of record values to another, by kind and id."""
    return sorted(_changes(before, after), key=lambda change: (change.kind, change.id))


def rejudged(before: Catalog | None, after: Catalog) -> Iterator[str]:
    """Whose figures are judged anew and why, a sentence for each KPI that is touched: by the comparison that metrics
    acts on."""
    comparison = None if before is None else Comparison(before, after)
    for kpi_id in sorted(after.kpis):
        touched = NEW if comparison is None else comparison.of(kpi_id)
        if touched.everything:
            yield f"{kpi_id}: all figures ({_words(touched.everything)})"
        elif touched:
            records = set(touched.targets | touched.above)
            if touched.units or touched.days is not None:
                records |= _bound(after, kpi_id)
            if touched.days is not None:
                records |= _waiting(after, touched.days.years())
            said = _counted(touched, records)
            if said:
                yield f"{kpi_id}: {said}"


def _bound(catalog: Catalog, kpi_id: str) -> set[tuple[str, str]]:
    """Units and periods for which the KPI has a target."""
    targets = catalog.targets
    return {(unit.id, period.id) for unit in catalog.units for period in targets.periods(kpi_id, unit.id)}


def _waiting(catalog: Catalog, years: Iterable[str]) -> set[tuple[str, str]]:
    """The units that have others below them, in these years: their records say who is late, target or not."""
    above = {parent.unit for unit in catalog.units for parent in unit.parents}
    return {(unit, year) for year in years for unit in above}


def _counted(touched: Touched, records: Iterable[tuple[str, str]]) -> str:
    """The units, the first few by name; empty where there are none."""
    why = {record: touched.why(*record) for record in records}
    units = sorted({unit for (unit, _), reasons in why.items() if reasons} | touched.units)
    if not units:
        return ""
    more = f" and {len(units) - _NAMED} more units" if len(units) > _NAMED else ""
    reasons = {reason for found in why.values() for reason in found} | ({TREE} if touched.units else set())
    return f"{', '.join(units[:_NAMED])}{more} ({_words(reasons)})"


def _words(reasons: Iterable[str]) -> str:
    return ", ".join(IN_WORDS[reason] for reason in REASONS if reason in set(reasons))


def _changes(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> Iterator[Change]:
    for key in before.keys() | after.keys():
        kind, name = kind_of(key), key.rsplit("/", 1)[-1]
        if key not in before:
            yield Change("added", kind, name)
        elif key not in after:
            yield Change("removed", kind, name)
        elif before[key] != after[key]:
            yield Change("changed", kind, name, tuple(_fields(json.loads(before[key]), json.loads(after[key]))))


def _fields(before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old != new:
            yield f"{name}: {_short(old)} → {_short(new)}"


def _short(value: Any) -> str:
    text = "nothing" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "…"
