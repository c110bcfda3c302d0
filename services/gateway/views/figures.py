"""One record as the page says it: figures with units, the gap in words, the bar."""

from dataclasses import dataclass
from datetime import date

from contracts.catalog import Kpi
from contracts.progress import Closed, ProgressJudged, Status, TargetJudged
from services.gateway.views import reasons, svg
from services.gateway.views.numbers import Measure, Numbers, is_zero, rounded
from services.gateway.views.reading import day_of_figure
from services.gateway.views.statuses import LATE, Badge, badge, urgency
from services.gateway.views.words import Words


@dataclass(frozen=True, slots=True)
class Said:
    """A record in words. Texts are empty where there is nothing to say."""

    badge: Badge
    late: bool
    raw: str
    """The value unrounded, for whoever compares pages by machine."""
    value: str
    parts: str
    planned: str
    target: str
    deadline: str
    gap: str
    """With sign and without unit, for columns."""
    gap_unit: str
    gap_words: str
    """“thiếu 18,4 điểm %”."""
    pace: str
    as_of: str
    bar: str
    badness: tuple[int, float]
    """To sort by: the most urgent status first, then the largest share of the way that is missing."""


class Teller:
    """Puts records into words of one language."""

    def __init__(self, words: Words, numbers: Numbers) -> None:
        self.words, self.numbers = words, numbers

    def measure(self, kpi: Kpi | None, record: ProgressJudged) -> Measure:
        """How the KPI's figures are written."""
        return measure_of(kpi, record.unit_of_measure)

    def say(self, record: ProgressJudged, kpi: Kpi | None, name: str) -> Said:
        """The record of a unit or KPI of that name."""
        measure = self.measure(kpi, record)
        way, gap = _way(record), shown_gap(record, measure)
        value, planned, target = (
            self.numbers.value(record.value, measure),
            self.numbers.value(record.planned, measure),
            self.goal(record.target, measure) if record.target is not None else "",
        )
        label = self.words(
            "{name}: đạt {value}, kế hoạch {planned}, mục tiêu {target}",
            name=name,
            value=value,
            planned=planned,
            target=target or self.words("không có"),
        )
        return Said(
            badge=badge(record.status, self.words),
            late=record.status in LATE,
            raw="" if record.value is None else repr(record.value),
            value=value,
            parts=self._parts(record),
            planned=planned,
            target=target,
            deadline=self.numbers.day(record.target.deadline) if record.target else "",
            gap=self.numbers.signed(gap, measure) if gap is not None else "",
            gap_unit=self.words("điểm %") if measure.percent else self.numbers.unit(measure),
            gap_words=self._gap_words(record, gap, measure),
            pace=self.numbers.plain(record.pace, 2) if record.pace is not None else "",
            as_of=self.numbers.day(day_of_figure(record)) if record.as_of is not None else "",
            bar=svg.gap_bar(way, record.status.value, label),
            badness=badness(record),
        )

    def reasons(self, record: ProgressJudged, kpi: Kpi | None) -> list[str]:
        """Why the record has its status, and why something in it is missing."""
        return reasons.why(record, self.measure(kpi, record), self.words, self.numbers)

    def closed(self, closed: Closed, measure: Measure) -> str:
        """What the record said when its period was closed, where later figures changed it."""
        value = self.numbers.value(closed.value, measure) if closed.value is not None else self.words("Chưa có số liệu")
        return self.words(
            "{status}, {value}; số liệu được bổ sung hoặc sửa sau đó",
            status=badge(closed.status, self.words).word,
            value=value,
        )

    def goal(self, target: TargetJudged, measure: Measure) -> str:
        """What is to be reached or held."""
        if target.value is not None:
            sign = "≤\u202f" if target.comparator == "<=" else ""
            return sign + self.numbers.value(target.value, measure, fixed=False)
        ends = [self.numbers.plain(edge, measure.decimals) for edge in (target.low, target.high) if edge is not None]
        return "–".join(ends)

    def _parts(self, record: ProgressJudged) -> str:
        if record.numerator is None or record.denominator is None:
            return ""
        return f"{self.numbers.plain(record.numerator, 2)}\u202f/\u202f{self.numbers.plain(record.denominator, 2)}"

    def _gap_words(self, record: ProgressJudged, gap: float | None, measure: Measure) -> str:
        if gap is None:
            return ""
        distance = self.numbers.distance(gap, measure)
        if is_zero(self.numbers.signed(gap, measure)):
            return self.words("đúng kế hoạch")
        return self.words("thiếu {gap}" if is_short(record) else "vượt {gap}", gap=distance)


def measure_of(kpi: Kpi | None, unit_of_measure: str) -> Measure:
    """How a KPI's figures are written: percentages with a decimal, amounts as declared."""
    declared = kpi.decimals if kpi is not None else 1
    return Measure(unit_of_measure, min(max(declared, 1) if unit_of_measure == "percent" else declared, 2))


def shown_gap(record: ProgressJudged, measure: Measure) -> float | None:
    """The gap as it is read: between figure and plan as they are shown, so that the three add up on the page."""
    if record.gap is None or record.value is None or record.planned is None:
        return record.gap
    return float(rounded(record.value, measure.decimals) - rounded(record.planned, measure.decimals))


def is_short(record: ProgressJudged) -> bool:
    """Whether the figure is on the wrong side of its plan: below it, or above where lower is better."""
    if record.gap is None:
        return False
    falling = record.target is not None and record.target.comparator == "<="
    return record.gap > 0 if falling else record.gap < 0


def badness(record: ProgressJudged) -> tuple[int, float]:
    """Sorts the worst first: by status, then by the share of the way that is missing against the plan."""
    way = _way(record)
    if way is not None and way.value is not None and way.planned is not None:
        missing = way.planned - way.value
    elif record.pace is not None:
        missing = 1 - record.pace
    else:
        missing = 0.0
    return urgency(record.status), -missing


def worst(records: list[ProgressJudged]) -> ProgressJudged | None:
    """The worst of those that are late."""
    late = [record for record in records if record.status in LATE]
    return min(late, key=lambda record: (*badness(record), record.org_unit), default=None)


def _way(record: ProgressJudged) -> svg.Way | None:
    target = record.target
    if target is None or record.status is Status.NO_TARGET:
        return None
    goal = target.value if target.value is not None else target.low
    return svg.way_of(record.value, record.planned, target.baseline, goal)


def later(first: date | None, second: date | None) -> date | None:
    """The later of two days, of which either may be missing."""
    return max((day for day in (first, second) if day is not None), default=None)
