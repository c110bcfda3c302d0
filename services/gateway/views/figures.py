"""One record as the page says it: figures with units, the gap in words, the bar."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from contracts.catalog import Kpi
from contracts.progress import Closed, ProgressJudged, Status, TargetJudged
from contracts.reading import GAPS, LACKS, PULLED, SPLIT, decimals_of, most_of, pulled_down, shown, side_of
from services.gateway.views import reasons, svg
from services.gateway.views.numbers import MINUS, Measure, Numbers
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


class Standing(Protocol):
    """What stands against a plan: a record, a point of its history, a unit below."""

    @property
    def value(self) -> float | None: ...
    @property
    def planned(self) -> float | None: ...
    @property
    def gap(self) -> float | None: ...


@dataclass(frozen=True, slots=True)
class Read:
    """Value and plan with units, a dash where there is none; the gap with sign and without unit, or empty."""

    value: str
    planned: str
    gap: str


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
        way, read = _way(record), self.read(against(record), measure)
        target = self.goal(record.target, measure) if record.target is not None else ""
        label = self.words(
            "{name}: đạt {value}, kế hoạch {planned}, mục tiêu {target}",
            name=name,
            value=read.value,
            planned=read.planned,
            target=target or self.words("không có"),
        )
        return Said(
            badge=badge(record.status, self.words),
            late=record.status in LATE,
            raw="" if record.value is None else repr(record.value),
            value=read.value,
            parts=self._parts(record),
            planned=read.planned,
            target=target,
            deadline=self.numbers.day(record.target.deadline) if record.target else "",
            gap=read.gap,
            gap_unit=self.numbers.unit_of_difference(measure),
            gap_words=self._gap_words(record, measure),
            pace=self.numbers.plain(record.pace, 2) if record.pace is not None and not missed(record) else "",
            as_of=self.numbers.day(day_of_figure(record)) if record.as_of is not None else "",
            bar=svg.gap_bar(way, record.status.value, label),
            badness=badness(record),
        )

    def reasons(self, record: ProgressJudged, kpi: Kpi | None) -> list[str]:
        """Why the record has its status, and why something in it is missing."""
        return reasons.why(record, self.measure(kpi, record), self.words, self.numbers)

    def closed(self, closed: Closed, measure: Measure) -> str:
        """What the record said when its period was closed, where later figures or another catalog changed it."""
        value = self.numbers.value(closed.value, measure) if closed.value is not None else self.words("Chưa có số liệu")
        status = badge(closed.status, self.words).word
        if closed.why == "later_figures" or closed.target is None:
            return self.words("{status}, {value}; số liệu được bổ sung hoặc sửa sau đó", status=status, value=value)
        goal = self.goal(closed.target, measure)
        if closed.why == "catalog":
            return self.words(
                "{status}, {value}, mục tiêu {goal}; danh mục thay đổi sau đó", status=status, value=value, goal=goal
            )
        return self.words(
            "{status}, {value}, mục tiêu {goal}; số liệu và danh mục thay đổi sau đó",
            status=status,
            value=value,
            goal=goal,
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

    def read(self, figure: Standing, measure: Measure) -> Read:
        """Value, plan and gap as they are read: alike in decimals, so that the three add up on the page."""
        gap, finer = shown_gap(figure, measure)
        return Read(
            self.numbers.value(figure.value, finer),
            self.numbers.value(figure.planned, finer),
            self.numbers.signed(gap, finer) if gap is not None else "",
        )

    def split(self, record: ProgressJudged, name: Callable[[str], str]) -> str:
        """“5/71 đơn vị trực thuộc chiếm 80 % phần thiếu: …”; empty where the gap cannot be split."""
        if record.contributions is None:
            return ""
        down, rest = pulled_down(record.contributions)
        if down:
            measure = Measure(record.unit_of_measure, 2)
            pulled = ", ".join(f"{name(one.org_unit)} {self.difference(one.gap, measure)}" for one in down)
            return self.words.either(*PULLED).format(pulled=pulled, rest=self.difference(rest, measure))
        named, share = most_of(record.contributions)
        if not named:
            return ""
        return self.words.either(*SPLIT).format(
            named=len(named),
            units=record.contributions.units,
            share=self.numbers.plain(100 * share, 0),
            names=", ".join(name(one) for one in named),
        )

    def difference(self, gap: float, measure: Measure) -> str:
        """A gap with its sign and unit: “−3,1 điểm %”."""
        return f"{MINUS if gap < 0 else '+'}{self.numbers.distance(gap, measure)}"

    def _gap_words(self, record: ProgressJudged, measure: Measure) -> str:
        gap, finer = shown_gap(against(record), measure)
        if gap is None:
            return ""
        side = side_of(gap, record.target.comparator if record.target is not None else ">=")
        if missed(record) and side in LACKS:
            return self.words.either(*LACKS[side]).format(gap=self.numbers.distance(gap, finer))
        return self.words.either(*GAPS[side]).format(gap=self.numbers.distance(gap, finer))


@dataclass(frozen=True, slots=True)
class _AtTheEnd:
    """A figure beside the target itself."""

    value: float
    planned: float

    @property
    def gap(self) -> float:
        return self.value - self.planned


def missed(record: ProgressJudged) -> bool:
    """Whether its time is up: then no plan of a former day counts any more."""
    return record.status is Status.MISSED


def against(record: ProgressJudged) -> Standing:
    """What the record is shown beside: the plan of the figure's date, and once the target is missed the target."""
    return held_against(record, record.status, _goal(record))


def held_against(figure: Standing, status: Status, goal: float | None) -> Standing:
    """The same of any figure judged against a target: once that is missed, the figure is shown beside the goal."""
    if status is not Status.MISSED or figure.value is None or goal is None:
        return figure
    return _AtTheEnd(figure.value, goal)


def _goal(record: ProgressJudged) -> float | None:
    """The target, or the nearer edge of a band."""
    target, value = record.target, record.value
    if target is None or target.value is not None or value is None:
        return None if target is None else target.value
    edges = [edge for edge in (target.low, target.high) if edge is not None]
    return min(edges, key=lambda edge: abs(edge - value), default=None)


def measure_of(kpi: Kpi | None, unit_of_measure: str) -> Measure:
    """How a KPI's figures are written: percentages with a decimal, amounts as declared."""
    return Measure(unit_of_measure, decimals_of(unit_of_measure, kpi.decimals if kpi is not None else 1))


def shown_gap(figure: Standing, measure: Measure) -> tuple[float | None, Measure]:
    """The gap between figure and plan as both are shown, and the measure in which they are."""
    if figure.gap is None or figure.value is None or figure.planned is None:
        return figure.gap, measure
    read = shown(figure.value, figure.planned, measure.decimals)
    return float(read.gap), Measure(measure.code, read.decimals)


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
    return svg.way_of(record.value, against(record).planned, target.baseline, goal)


def later(first: date | None, second: date | None) -> date | None:
    """The later of two days, of which either may be missing."""
    return max((day for day in (first, second) if day is not None), default=None)
