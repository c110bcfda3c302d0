"""The open alerts: since when, how bad, whose."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contracts.alerts import AlertTransition
from contracts.progress import ProgressJudged
from services.gateway.views.figures import Teller
from services.gateway.views.kpis import owner_of
from services.gateway.views.links import Links
from services.gateway.views.reading import Ground
from services.gateway.views.statuses import Badge, severity_badge

SHOWN = 12


@dataclass(frozen=True, slots=True)
class AlertRow:
    """One open alert."""

    id: str
    badge: Badge
    unit: str
    above: str
    kpi: str
    gap: str
    since: str
    since_machine: str
    lasted: str
    owner: str
    acknowledged: bool
    href: str
    page_href: str


def alert_row(document: dict[str, Any], ground: Ground, teller: Teller, links: Links) -> AlertRow:
    """One alert in words; the gap is today's, or else the one at the last decision."""
    told = AlertTransition.model_validate(document["record"])
    record = ProgressJudged.model_validate(document["now"]) if document.get("now") else told.progress
    units, words = ground.catalog.units, teller.words
    parent = units.get(units.parent(told.org_unit, ground.day) or "") if told.org_unit not in ground.roots else None
    kpi = ground.catalog.kpis.get(told.kpi)
    since: datetime = (told.opened_at or told.at).astimezone(ground.catalog.zone)
    days = max((ground.now.astimezone(ground.catalog.zone).date() - since.date()).days, 0)
    return AlertRow(
        id=told.alert_id,
        badge=severity_badge(told.severity, words),
        unit=ground.name(told.org_unit, words),
        above=ground.short_name(parent.id, words) if parent is not None and parent.id not in ground.roots else "",
        kpi=words.either(kpi.short_name or kpi.name_vi, kpi.short_name_en or kpi.name_en) if kpi else told.kpi,
        gap=teller.say(record, kpi, "").gap_words if record is not None else "",
        since=words("từ {day}", day=teller.numbers.day(since.date())),
        since_machine=since.date().isoformat(),
        lasted=words("{count} ngày", days) if days else "",
        owner=_owner(told, ground),
        acknowledged=told.handling == "acked",
        href=links.board(
            anchor=f"kpi-{told.kpi}", kpi=told.kpi, unit=parent.id if parent and parent.id not in ground.roots else None
        ),
        page_href=f"/alerts/{told.alert_id}",
    )


def _owner(told: AlertTransition, ground: Ground) -> str:
    if told.owner:
        person = ground.catalog.people.get(told.owner)
        return person.name if person is not None else told.owner
    return owner_of(ground, told.progress) if isinstance(told.progress, ProgressJudged) else ""


def alert_rows(documents: Iterable[dict[str, Any]], ground: Ground, teller: Teller, links: Links) -> list[AlertRow]:
    """Alerts in the order in which they come."""
    return [alert_row(document, ground, teller, links) for document in documents]
