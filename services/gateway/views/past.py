"""The history of a record on its page: a picture, and a table that says the same."""

from dataclasses import dataclass
from datetime import date

from contracts.explanations import History, HistoryPoint
from services.gateway.views.chart import NARROW, WIDE, Picture, Plan, Point, chart, lines_of
from services.gateway.views.figures import Teller, held_against
from services.gateway.views.numbers import Measure, Numbers
from services.gateway.views.statuses import Badge, badge


@dataclass(frozen=True, slots=True)
class PastRow:
    """A point of the history, for reading."""

    as_of: str
    badge: Badge
    value: str
    planned: str
    """What the gap is counted from: the plan of the day, or the target once it is missed."""
    missed: bool
    gap: str


def picture_of(past: History, today: date, teller: Teller, measure: Measure, name: str) -> str:
    """The series beside the plan and the target, once for a wide page and once for a phone: one of them is seen."""
    words, numbers = teller.words, teller.numbers
    points = [
        Point(
            point.as_of,
            point.value,
            point.status.value,
            f"{numbers.day(point.as_of)}: {numbers.value(point.value, measure)}, {badge(point.status, words).word}",
        )
        for point in past.points
        if point.value is not None
    ]
    plans = [Plan(one.first, one.last, one.points, one.goal) for one in past.plans]
    drawn = Picture(past.first, past.last, points, plans, today)
    label = words(
        "{name}: {count} lần báo cáo từ {first} đến {last}", name=name, count=len(points), **_ends(drawn, numbers)
    )
    texts = [numbers.plain(value, 2) for value in lines_of(drawn)]
    return "".join(chart(drawn, label, texts, size) for size in (WIDE, NARROW))


def _ends(drawn: Picture, numbers: Numbers) -> dict[str, str]:
    return {"first": numbers.day(drawn.first), "last": numbers.day(drawn.last)}


def past_row(point: HistoryPoint, teller: Teller, measure: Measure) -> PastRow:
    """A point beside the plan of its day; once its target was missed, beside that."""
    beside = held_against(point, point.status, point.goal)
    read = teller.read(beside, measure)
    return PastRow(
        as_of=teller.numbers.day(point.as_of),
        badge=badge(point.status, teller.words),
        value=read.value,
        planned=read.planned,
        missed=beside is not point,
        gap=read.gap or "–",
    )
