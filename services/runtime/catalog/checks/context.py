"""What the checks look things up in: every readable object by kind and id."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import date
from functools import cached_property
from typing import TypeVar

from contracts.catalog import CalendarSpec, CatalogObject, Dated, Kpi, OrgUnit, PeriodKind, Person, Province, Target
from services.runtime.catalog.calendar import Calendar
from services.runtime.catalog.problems import Located, Problem, Words, did_you_mean
from services.runtime.catalog.tree import OrgTree

ObjectT = TypeVar("ObjectT", bound=CatalogObject)


_KINDS = {
    "unit": "đơn vị",
    "level": "cấp",
    "KPI": "chỉ tiêu",
    "calendar": "lịch",
    "pillar": "trụ cột",
    "role held by anybody,": "người giữ vai trò",
    "escalation policy": "quy trình báo cấp trên",
}
"""What may be unknown, as the sentences call it."""

PERIODS: dict[PeriodKind, str] = {
    "day": "ngày", "week": "tuần", "month": "tháng", "quarter": "quý", "half": "sáu tháng", "year": "năm",
}  # fmt: skip
"""Kinds of periods, as the sentences call them."""

_DECLARE = Words("; hãy sửa lại tên, hoặc khai báo trong danh mục", "; correct the name, or declare it")


class Context:
    """The objects of a folder, by kind, and the indexes that several checks share."""

    def __init__(self, objects: Sequence[Located], unread: Collection[str] = ()) -> None:
        self.objects = objects
        self._unread = unread
        self._by_kind: dict[type[CatalogObject], list[Located]] = defaultdict(list)
        for located in objects:
            self._by_kind[type(located.item)].append(located)

    def unknown(
        self, located: Located, what: str, word: str, known: Collection[str], *path: str | int
    ) -> Iterator[Problem]:
        """A problem if the word is not known, unless what it names stands there and only could not be read."""
        if word in known or word in self._unread or (what == "unit" and not self.units):
            return  # that there is no unit at all is said once
        advice = self._by_code(word) if what == "unit" else None
        said = Words(f"không có {_KINDS[what]} “{word}”", f"there is no {what} “{word}”")
        yield located.problem(said.then(advice or did_you_mean(word, known, _DECLARE)), *path)

    def _by_code(self, word: str) -> Words | None:
        """What to write for a unit that is named by one of its external ids, with or without leading zeros."""
        unit = self._codes.get(word.lstrip("0"))
        if unit is None:
            return None
        return Words(
            f"; “{word}” là mã ngoài của “{unit}”, hãy viết “{unit}”",
            f"; “{word}” is an external id of “{unit}”, write “{unit}” instead",
        )

    @cached_property
    def _codes(self) -> dict[str, str]:
        return {code.lstrip("0"): unit.id for unit in self.units.values() for code in unit.external_ids}

    def of(self, kind: type[ObjectT]) -> Iterator[tuple[ObjectT, Located]]:
        """The objects of a kind, each with its place."""
        for located in self._by_kind[kind]:
            assert isinstance(located.item, kind)
            yield located.item, located

    @cached_property
    def province(self) -> Province | None:
        return next((item for item, _ in self.of(Province)), None)

    @cached_property
    def levels(self) -> tuple[str, ...]:
        """The levels of the tree, highest first: those declared, or those that occur."""
        if self.province is not None and self.province.levels:
            return tuple(level.id for level in self.province.levels)
        return tuple(dict.fromkeys(unit.level for unit, _ in self.of(OrgUnit)))

    @cached_property
    def units(self) -> dict[str, OrgUnit]:
        return {unit.id: unit for unit, _ in self.of(OrgUnit)}

    @cached_property
    def tree(self) -> OrgTree:
        return OrgTree(self.units.values())

    @cached_property
    def kpis(self) -> dict[str, Kpi]:
        return {kpi.id: kpi for kpi, _ in self.of(Kpi)}

    @cached_property
    def calendars(self) -> dict[str, Calendar]:
        """Calendars that can be computed with."""
        usable: dict[str, Calendar] = {}
        for spec, _ in self.of(CalendarSpec):
            try:
                usable[spec.id] = Calendar(spec)
            except (ValueError, OSError, KeyError):
                continue  # an unknown time zone, said by the check of calendars
        return usable

    @cached_property
    def roles(self) -> frozenset[str]:
        """Every role that somebody holds."""
        return frozenset(post.role for person, _ in self.of(Person) for post in person.posts)

    @cached_property
    def targets(self) -> tuple[tuple[Target, Located], ...]:
        return tuple(self.of(Target))


def listed(names: Sequence[str], most: int = 3) -> Words:
    """The first few names, and how many more there are."""
    some, more = ", ".join(names[:most]), len(names) - most
    return Words(f"{some} và {more} mục khác", f"{some} and {more} more") if more > 0 else Words(some, some)


def overlap(one: Dated, other: Dated) -> bool:
    """Whether two validities share a day."""
    return (one.valid_from or date.min) < (other.valid_to or date.max) and (other.valid_from or date.min) < (
        one.valid_to or date.max
    )


def ends_before_it_begins(located: Located, dated: Dated, *path: str | int) -> Iterator[Problem]:
    """A problem if the validity holds no day."""
    if dated.valid_from and dated.valid_to and dated.valid_to <= dated.valid_from:
        yield located.problem(
            Words(
                f"valid_to {dated.valid_to} không sau valid_from {dated.valid_from}; valid_to là ngày đầu tiên không "
                "còn hiệu lực, hãy viết ngày muộn hơn",
                f"valid_to {dated.valid_to} is not after valid_from {dated.valid_from}; valid_to is the first day on "
                "which it no longer holds, write a later one",
            ),
            *path,
            "valid_to",
        )
