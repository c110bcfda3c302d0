"""What is to be judged of one KPI although no figure came: all of it, or what a day or another catalog touches."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from services.metrics.days import Window
from services.metrics.definition import Definition
from services.metrics.documents import Document
from services.metrics.given import given_by_figures
from services.metrics.state import KpiState
from services.runtime.catalog import Catalog
from services.runtime.catalog.rejudging import NOTHING, Comparison, Marks, Touched, touched_by_marks


def between(judged: Document, catalog: Catalog) -> list[Mapping[str, str]]:
    """The marks of the catalogs by which some records were judged since all were, but for this one."""
    return [marks for version, marks in judged.get("between", {}).items() if version != catalog.version]


def since_any(former: Iterable[Mapping[str, str]], marks: Mapping[str, str]) -> frozenset[str]:
    """What is new since any of the catalogs with the former marks."""
    return frozenset(reason for one in former for reason in touched_by_marks(one, marks).everything)


class Changes:
    """What is new in the catalog in force, since records were judged: compared with the catalog before where this
    process still has it, else by its marks."""

    def __init__(self, catalog: Catalog) -> None:
        self._former = catalog
        self._put(catalog)

    def to(self, catalog: Catalog) -> Self:
        """The same, with this catalog in force."""
        if catalog is not self._catalog:
            self._put(catalog)
        return self

    def since(self, judged: Document, kpi_id: str) -> Touched:
        """What of the KPI may be judged otherwise since it was noted as `judged`."""
        if judged["catalog"] == self._catalog.version:
            return NOTHING
        marks = self.marks(kpi_id)
        if judged["catalog"] == self._former.version:
            touched = self._comparison.of(kpi_id)
        else:
            touched = touched_by_marks(judged.get("marks", {}), marks)
        return touched.and_all(since_any(between(judged, self._catalog), marks))

    def marks(self, kpi_id: str) -> dict[str, str]:
        """The marks of the catalog in force."""
        return self._marks.of(kpi_id)

    def done(self) -> None:
        """Everything is judged under the catalog in force: the one before is of no use any more."""
        self._former = self._catalog

    def _put(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._marks = Marks(catalog)
        self._comparison = Comparison(self._former, catalog)


@dataclass(frozen=True, slots=True)
class Duty:
    """`since`: the day on which all records were judged last, None if they never were. `documents`: periods and chunks
    that hold a record whose day has come."""

    definition: Definition
    today: int
    since: int | None
    touched: Touched
    documents: Sequence[tuple[str, int]] = ()

    def __bool__(self) -> bool:
        return self.since is None or bool(self.touched or self.documents) or any(self._born(self.since))

    def records(self, state: KpiState) -> list[tuple[str, Window]]:
        """The records to be judged, in order."""
        if self.since is None:
            return sorted(self._all(state))
        when = set(self._born(self.since))
        for period, chunk in self.documents:
            window = self.definition.window(period)
            when.update((unit, window) for unit in state.by_bucket[period, chunk])
        # A unit that has lost a target has records of accounting periods instead.
        retargeted = {unit for unit, _ in self.touched.targets}
        when.update((unit, window) for unit, window in given_by_figures(state, self.definition, retargeted))
        if self.touched:
            when.update((unit, window) for unit, window in self._all(state) if self.touched.why(unit, window.id))
        return sorted(when)

    def _all(self, state: KpiState) -> set[tuple[str, Window]]:
        """Every record that there is or should be by today."""
        records = {(unit, self.definition.window(period)) for unit, period in state.records}
        return records.union(self._born(None), given_by_figures(state, self.definition))

    def _born(self, since: int | None) -> Iterator[tuple[str, Window]]:
        """The records that begin to exist after that day and until today."""
        if since is not None and since >= self.today:
            return
        for unit, window in self.definition.bound_units():
            begins = self.definition.begins(unit, window)
            if begins is not None and begins <= self.today and (since is None or since < begins):
                yield unit, window
