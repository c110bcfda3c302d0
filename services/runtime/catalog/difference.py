"""What would change between the catalog that stands and the one of a folder, in words."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from services.runtime.catalog.codec import kind_of


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


def rejudged(changes: list[Change], after: Mapping[str, bytes], before: Mapping[str, bytes]) -> tuple[str, ...]:
    """The KPIs whose figures are judged anew. A change of units or calendars concerns all KPIs: `("*",)`."""
    if any(change.kind in ("org_unit", "succession", "calendar", "province") for change in changes):
        return ("*",)
    kpis = {change.id for change in changes if change.kind == "kpi"}
    for change in changes:
        if change.kind == "target":
            for values in (after, before):
                kpis.update(
                    str(json.loads(value)["kpi"])
                    for key, value in values.items()
                    if kind_of(key) == "target" and key.endswith(f"/{change.id}")
                )
    return tuple(sorted(kpis))


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
