"""Who has reported the figures of a record and who has not, by name."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from contracts.explanations import Judged
from services.gateway.views.links import explain_href
from services.gateway.views.reading import Ground
from services.gateway.views.words import Words

OPEN_AT_MOST = 12
"""Names that are shown without being asked for."""


@dataclass(frozen=True, slots=True)
class Named:
    """A unit with its page; a member of a roster that is no unit has none."""

    name: str
    href: str


@dataclass(frozen=True, slots=True)
class Group:
    """Those of whom one thing is true."""

    code: str
    title: str
    named: list[Named]
    open: bool


@dataclass(frozen=True, slots=True)
class Reporters:
    """How many have reported and how many in time, and who has not."""

    summary: list[str]
    groups: list[Group]


def reporters(judged: Judged, kpi: str, period: str, ground: Ground, words: Words) -> Reporters | None:
    """None where the record is of a unit that reports by itself, and there is no roster."""
    complete, timely = judged.completeness, judged.timeliness
    summary = []
    groups = []

    def group(code: str, title: str, ids: Iterable[str], href: Callable[[str], str]) -> None:
        named = sorted((_named(one, ground, words, href) for one in ids), key=lambda one: one.name)
        if named:
            groups.append(Group(code, words(title, len(named)), named, len(named) <= OPEN_AT_MOST))

    def page(unit: str) -> str:
        return explain_href(kpi, unit, period)

    if complete is not None and complete.expected:
        summary.append(
            words("Đã báo cáo: {reported}/{expected}", reported=complete.reported, expected=complete.expected)
        )
        group("missing", "{count} đơn vị chưa báo cáo", complete.missing, page)
        group("left_out", "{count} đơn vị có số liệu không cộng được", complete.left_out, page)
        group("members", "{count} thành viên của danh sách chưa đạt", complete.missing_members, lambda _: "")
    if timely is not None and timely.due:
        summary.append(words("đúng hạn {on_time}/{due} lần", on_time=timely.on_time, due=timely.due))
        group("late", "{count} đơn vị báo cáo trễ", timely.late, page)
    return Reporters(summary, groups) if summary else None


def _named(one: str, ground: Ground, words: Words, href: Callable[[str], str]) -> Named:
    return Named(ground.name(one, words), href(one) if ground.catalog.units.get(one) is not None else "")
