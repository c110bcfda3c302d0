"""What a reader should know of a derived figure beside its value."""

from collections.abc import Mapping

from contracts.catalog import Kpi
from services.metrics.figures import Figure
from services.metrics.reasons import Reason, because, because_of


def remarks(figure: Figure | None, kpis: Mapping[str, Kpi]) -> list[Reason]:
    """The reasons to be shown with the figure. `kpis`: those of the catalog, for their names."""
    more = figure.more if figure is not None else None
    if not more:
        return []
    if "units" in more:
        now, then = more["units"]
        return [because("other_units_before", now=str(now), then=str(then))]
    missing = [kpi for kpi, _, points, _ in more.get("items", ()) if points is None]
    if not missing:
        return []
    both = [named_in_both(kpis, kpi) for kpi in missing]
    items = {"items": ", ".join(vi for vi, _ in both)}
    return [because_of("items_missing", items, {"items": ", ".join(en for _, en in both)})]


def named_in_both(kpis: Mapping[str, Kpi], kpi_id: str) -> tuple[str, str]:
    """What the KPI is called in Vietnamese and in English."""
    return _named(kpis, kpi_id, "short_name", "name_vi"), _named(kpis, kpi_id, "short_name_en", "name_en")


def _named(kpis: Mapping[str, Kpi], kpi_id: str, *fields: str) -> str:
    kpi = kpis.get(kpi_id)
    return next((name for field in fields if (name := getattr(kpi, field, ""))), kpi_id)
