"""What a list is asked for: the filters, and where the page before ended. Pure."""

from dataclasses import dataclass, field
from typing import Any, Literal

Filter = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ProgressFilter:
    """Records that fulfil all that is given. `under` means below a unit at any depth, the unit itself not included."""

    province: str | None = None
    kpi: tuple[str, ...] = ()
    org_unit: tuple[str, ...] = ()
    under: str | None = None
    period: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    level: tuple[str, ...] = ()

    def query(self) -> Filter:
        """For MongoDB."""
        return _given(
            province=self.province,
            kpi=_any(self.kpi),
            org_unit=_any(self.org_unit),
            ancestors=self.under,
            period=_any(self.period),
            status=_any(self.status),
            level=_any(self.level),
        )


@dataclass(frozen=True, slots=True)
class AlertFilter:
    """Alerts that fulfil all that is given."""

    province: str | None = None
    status: Literal["open", "closed"] | None = None
    kpi: tuple[str, ...] = ()
    org_unit: tuple[str, ...] = ()
    under: str | None = None
    severity: tuple[str, ...] = ()

    def query(self) -> Filter:
        """For MongoDB."""
        return _given(
            province=self.province,
            state=self.status,
            kpi=_any(self.kpi),
            org_unit=_any(self.org_unit),
            ancestors=self.under,
            severity=_any(self.severity),
        )


@dataclass(frozen=True, slots=True)
class Slice:
    """A page of a list: documents, and where the next one begins (None: there is none)."""

    documents: list[dict[str, Any]] = field(default_factory=list)
    next: tuple[Any, ...] | None = None


def _given(**conditions: Any) -> Filter:
    return {name: condition for name, condition in conditions.items() if condition is not None}


def _any(values: tuple[str, ...]) -> Any:
    if not values:
        return None
    return values[0] if len(values) == 1 else {"$in": list(values)}
