"""What the checks look things up in: every readable object by kind and id."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import date
from functools import cached_property
from typing import TypeVar

from contracts.catalog import CalendarSpec, CatalogObject, Dated, Kpi, OrgUnit, Person, Province, Target
from services.runtime.catalog.calendar import Calendar
from services.runtime.catalog.problems import Located, Problem, did_you_mean
from services.runtime.catalog.tree import OrgTree

ObjectT = TypeVar("ObjectT", bound=CatalogObject)


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
        if word not in known and word not in self._unread:
            yield located.problem(f"there is no {what} “{word}”{did_you_mean(word, known)}", *path)

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


def overlap(one: Dated, other: Dated) -> bool:
    """Whether two validities share a day."""
    return (one.valid_from or date.min) < (other.valid_to or date.max) and (other.valid_from or date.min) < (
        one.valid_to or date.max
    )


def ends_before_it_begins(located: Located, dated: Dated, *path: str | int) -> Iterator[Problem]:
    """A problem if the validity holds no day."""
    if dated.valid_from and dated.valid_to and dated.valid_to <= dated.valid_from:
        yield located.problem(
            f"valid_to {dated.valid_to} is not after valid_from {dated.valid_from}; valid_to is the first day on which "
            "it no longer holds, write a later one",
            *path,
            "valid_to",
        )
