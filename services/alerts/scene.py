"""What composing a mail looks up: names and rules in one catalog, and differences in words. Pure."""

from dataclasses import dataclass
from math import isclose

from contracts.alerts import CloseReason
from contracts.catalog import Kpi, Rule
from contracts.progress import ProgressJudged
from contracts.reading import GAPS, side_of
from services.alerts import figures
from services.alerts.figures import Language
from services.alerts.grouping import Mail, Member
from services.alerts.phrases import TABLES, say
from services.alerts.rules import line_of, shortfall
from services.runtime.catalog import Catalog


@dataclass(frozen=True, slots=True)
class Scene:
    """What composing needs to look up, bundled: one mail under one catalog."""

    catalog: Catalog
    mail: Mail
    kpi: Kpi

    def unit(self, unit_id: str, language: Language, *, short: bool = False) -> str:
        """A unit's name; its id where the catalog has no such unit any more."""
        unit = self.catalog.units.get(unit_id)
        if unit is None:
            return unit_id
        if short:
            return unit.short_name or unit.name
        return (unit.name_en or unit.name) if language == "en" else unit.name

    def kpi_name(self, language: Language) -> str:
        """The KPI's name."""
        return self.kpi.name_en if language == "en" else self.kpi.name_vi

    def rule(self, member: Member) -> Rule | None:
        """The rule of an alert, if it still exists."""
        return next((rule for rule in self.catalog.rules if rule.id == member.rule), None)

    def gap(self, short: float | None, record: ProgressJudged, language: Language) -> str:
        """How far off, in words: `thiếu 18,4 điểm %`. Empty where that is not known."""
        return gap_of(short, record, self.kpi, language) if short is not None else ""

    def revision(self, member: Member, language: Language) -> str:
        """` từ 80 % thành 60 %`: from which plan to which; empty where the plan of the day is the same."""
        before, after = member.planned_before, line_of(member.record)
        if before is None or after is None or before == after:
            return ""
        old, new = (figures.amount(line, self.kpi, language) for line in (before, after))
        return say(language, "revision", old=old, new=new)


def gap_of(short: float, record: ProgressJudged, kpi: Kpi, language: Language) -> str:
    """`thiếu 18,4 điểm %`; too high where lower is better, and off where a band is the target."""
    falls = record.target is not None and record.target.comparator == "<="
    side = side_of(short if falls else -short, record.target.comparator if record.target is not None else ">=")
    shown = standing_of(record, kpi, language) if short > 0 and _is_gap(short, record) else None
    gap = shown.gap if shown is not None else figures.difference(short, kpi, language)
    return GAPS[side][language == "en"].format(gap=gap)


def standing_of(record: ProgressJudged, kpi: Kpi, language: Language) -> figures.Standing | None:
    """Value, plan (target, where there is no plan) and gap as they are read everywhere in a mail."""
    line = line_of(record)
    return (
        figures.standing(record.value, line, kpi, language) if record.value is not None and line is not None else None
    )


def only_near(member: Member) -> bool:
    """Whether it is told as recovered while it is still a little short of the plan: rules clear below 100 %."""
    return member.close_reason is CloseReason.RECOVERED and member.shortfall is not None and member.shortfall > 0


def end_of(member: Member, language: Language) -> str:
    """How the episode ended, in a few words."""
    if member.corrected:
        return say(language, "end_corrected")
    key = f"end_{member.close_reason}{'_near' if only_near(member) else ''}"
    return say(language, key if key in TABLES[language] else "end_other")


def _is_gap(short: float, record: ProgressJudged) -> bool:
    """Whether this is the record's own shortfall, and not the worst of another day."""
    own = shortfall(record)
    return own is not None and isclose(short, own, rel_tol=1e-9)
