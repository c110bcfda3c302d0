"""Folding a batch into the state of one KPI, and what is to be said afterwards.

1. Each observation is folded: absolute figures by their order, increments once, by the watermark of their document.
2. Every record that an observation touches is judged, with those of the units above, whether or not anything moved: a
   repeat must say again what a crash may have kept from being said.
3. One version goes out for each `as_of` that became the head of a record, in the order of the dates; late figures
   change the version at the head.
4. Of the figures in the batch that stand, and of the few that look back upon a late one, those that others give reason
   to doubt are told to their publishers.

Whoever judges a record first under another catalog says so: a version has the catalog as its cause where that judges
the figures behind the version before otherwise than the catalog before did.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property

from services.metrics import closing
from services.metrics.days import Window
from services.metrics.definition import Definition
from services.metrics.doubting import Doubted, doubted
from services.metrics.doubts import LOOK_BACK
from services.metrics.figures import Figure
from services.metrics.judging import Judging
from services.metrics.observations import Observation
from services.metrics.progress import Emission, digest_of
from services.metrics.replaced import Replaced
from services.metrics.state import Cause, KpiState, Record
from services.metrics.telling import Occasion, Telling

Touched = dict[tuple[str, Window], set[int]]
"""Records, and the days of the figures that touched them."""

Causes = Mapping[tuple[str, Window], Cause]
"""By record the catalog that judges it otherwise, where that was not yet said."""


class Fold:
    """One KPI of a province on one day: `today` is the local date of the business clock.

    `replaced`: by what records were judged before, as long as not all are judged by the definition.
    """

    def __init__(
        self, state: KpiState, definition: Definition | None, today: int, replaced: Replaced | None = None
    ) -> None:
        self.state = state
        self.today = today
        self.folded = 0
        self.skipped = 0
        self.doubted: list[Doubted] = []
        self._definition = definition
        self._replaced = replaced
        self._former = None if replaced is None else replaced.former
        self._before: Judging | None = None
        self._moved: dict[str, set[int]] = {}
        self._after: dict[str, set[int]] = {}

    @property
    def replaces(self) -> bool:
        """Whether some records may still be judged by another definition."""
        return self._replaced is not None

    @cached_property
    def judging(self) -> Judging:
        """The records under the definition, as the figures stand."""
        assert self._definition is not None
        return Judging(self.state, self._definition, self.today)

    def batch(self, observations: Sequence[Observation], first: int, last: int) -> list[Emission]:
        """Fold a batch and judge what it touches. Without a definition (the catalog does not know the KPI) the figures
        are kept and nothing is said. `first` and `last`: the offsets of its observations."""
        through = self.state.through
        repeats = through is None or first <= through
        self.state.through = last if through is None else max(last, through)
        causes = self._causes_of(observations)
        records = self._fold(observations)
        if self._definition is None:
            return []
        told = self._tell(records, Occasion(repeats, owes=False, moved=self.folded > 0, cause=None), causes)
        self.doubted = doubted(self.state, self._definition, observations, self._after, self.today)
        return told

    def derived(self, figures: Mapping[str, Mapping[int, Figure | None]], cause: Cause | None = None) -> list[Emission]:
        """Have these figures stand, by unit and day, and judge what they touch; say what changed. Nobody delivers them
        again: what is said is owed until it was published. `cause`: the catalog that brought them about."""
        assert self._definition is not None
        days = {unit: set(mine) for unit, mine in figures.items() if mine}
        causes: Causes = {}
        if self._replaced is not None and days:
            touched = self._touched(days)
            causes = self._causes(touched)
            if cause is not None:
                for unit, window in touched:
                    self._keep_closed(unit, window)
        later = {(one.unit, one.day): one for one in _as_observed(figures) if self._closes(one)}
        self._have_stand(
            {
                unit: {day: one for day, one in mine.items() if (unit, day) not in later}
                for unit, mine in figures.items()
            }
        )
        self.close(later.values())
        self._have_stand(
            {unit: {day: one for day, one in mine.items() if (unit, day) in later} for unit, mine in figures.items()}
        )
        if not days:
            return []
        occasion = Occasion(repeats=True, owes=True, moved=self.folded > 0, cause=cause)
        return self._tell(self._touched(days), occasion, causes)

    def _have_stand(self, figures: Mapping[str, Mapping[int, Figure | None]]) -> None:
        assert self._definition is not None
        for unit, mine in figures.items():
            series = self.state.series(unit)
            before = len(series.days)
            for day, figure in mine.items():
                series.replace(day, figure)
                self.state.figure_moved(unit, day)
            self.state.size += len(series.days) - before
            self.folded += len(mine)
        days = {unit: set(mine) for unit, mine in figures.items() if mine}
        if days:
            self._before = None
            self.state.readings(self._definition).moved(days)

    def again(self, records: Iterable[tuple[str, Window]]) -> list[Emission]:
        """Judge records that no figure touched: a day passed, or the catalog is new. Only what changed is said."""
        said: list[Emission] = []
        for unit, window in records:
            self._say_if_changed(said, unit, window)
        return said

    def repeat(self, records: Iterable[tuple[str, Window]]) -> list[Emission]:
        """Say records again under the version that they have, or under a new one if they changed meanwhile."""
        again = {(unit, window): self._trail(unit, window) for unit, window in records}
        return self._tell(again, Occasion(repeats=True, owes=False, moved=False, cause=None), self._causes(again))

    def _trail(self, unit: str, window: Window) -> set[int]:
        """The days of the heads before the present one that only the tick that is repeated said."""
        assert self._definition is not None
        if not self._definition.kind.derived:
            return set()
        return {head.as_of for head in self.state.record(unit, window.id).trail if head.as_of is not None}

    def _tell(self, touched: Touched, occasion: Occasion, causes: Causes) -> list[Emission]:
        """What is to be said of these records, given the days on which something touched them."""
        judging = self.judging
        tellings = [
            Telling(judging, occasion, *record, days, causes.get(record) if causes else None)
            for record, days in touched.items()
        ]
        # Day by day over all records, so that the tree is swept once and not once a record.
        steps: dict[int, list[Telling]] = {}
        for telling in tellings:
            for day in telling.steps():
                steps.setdefault(day, []).append(telling)
        for day in sorted(steps):
            for telling in steps[day]:
                telling.step(day)
        return [emission for telling in tellings for emission in telling.told()]

    def close(self, observations: Iterable[Observation]) -> None:
        """Take down how the records stand that these observations may change after their closing; before folding."""
        definition = self._former or self._definition
        if definition is None:
            return
        before = self._formerly() or self.judging
        for observation in observations:
            for found in closing.closings(self.state, definition, observation, self.today):
                unit, window = found.unit, found.window
                record = self.state.record(unit, window.id)
                if definition.kind.derived and not record.version:
                    continue  # what stood at the closing was never made, and its sources are further now
                content = before.judge(unit, window, None)[2]
                record.closed = closing.for_later_figures(found, record, content, definition.catalog.version)
                self.state.record_moved(unit, window.id)

    def _closes(self, observation: Observation) -> bool:
        """Whether it is to be taken down before how a closed record stands."""
        definition = self._former or self._definition
        assert definition is not None
        return any(closing.closings(self.state, definition, observation, self.today))

    def _formerly(self) -> Judging | None:
        """The same figures under the former definition."""
        if self._before is None and self._former is not None:
            state = KpiState(self.state.key, self.state.chunks)
            state.units = self.state.units
            self._before = Judging(state, self._former, self.today)
        return self._before

    # what another catalog changes

    def _causes_of(self, observations: Sequence[Observation]) -> Causes:
        """For the records that these observations touch; before they are folded."""
        if self._replaced is None or self._definition is None:
            return {}
        days: dict[str, set[int]] = {}
        for one in observations:
            if not one.forecast:
                days.setdefault(one.unit, set()).add(one.day)
        touched = self._touched(days)
        self._after.clear()
        return self._causes(touched)

    def _causes(self, records: Collection[tuple[str, Window]]) -> Causes:
        """Which of these the definition judges otherwise than they were judged, as the figures stand."""
        if self._replaced is None:
            return {}
        found, judging = {}, Judging(self.state, self.judging.definition, self.today)
        for unit, window in records:
            record = self.state.records.get((unit, window.id))
            if record is None or not record.version:
                continue
            content = judging.judge(unit, window, None)[2]
            if digest_of(content) != record.digest and (cause := self._cause(unit, window, record, content)):
                found[unit, window] = cause
        return found

    def _cause(
        self, unit: str, window: Window, record: Record, content: bytes, *, else_too: bool = True
    ) -> Cause | None:
        """The catalog, where it judges the figures as they stand otherwise than the former definition, of a record that
        is not judged by it yet. How that stood is taken down if it was closed. `content`: the judgement by the catalog,
        which is not what the record says; `else_too`: also a day or a figure may have changed it."""
        if self._replaced is None or not record.version:
            return None
        what = self._replaced.touched.why(unit, window.id)
        cause = Cause(self.judging.definition.catalog.version, what)
        if not what or (record.cause is not None and record.cause.catalog == cause.catalog):
            return None
        before = self._formerly() if else_too and not self._replaced.between else None
        if before is not None and before.judge(unit, window, None)[2] == content:
            return None
        self._keep_closed(unit, window, content)
        return cause

    def _keep_closed(self, unit: str, window: Window, content: bytes | None = None) -> bool:
        """Take down how a record stood that was closed under the former definition, unless its new `content` says the
        same; whether there was anything to take down."""
        former, before = self._former, self._formerly()
        record = self.state.records.get((unit, window.id))
        if former is None or before is None or record is None or not record.version:
            return False
        day = former.closes_on(unit, window, self.today)
        if self.today < day:
            return False
        said = before.judge(unit, window, None)[2]
        closed = closing.for_a_catalog(record, day, said, former.catalog.version)
        if closed == record.closed or (content is not None and closing.same(closed, content)):
            return False
        record.closed = closed
        self.state.record_moved(unit, window.id)
        return True

    # folding

    def collect(self, observations: Sequence[Observation]) -> Iterable[tuple[str, Window]]:
        """Fold a batch without judging; the records that it touches, for whoever judges them later."""
        return self._fold(observations).keys()

    def _fold(self, observations: Sequence[Observation]) -> Touched:
        days: dict[str, set[int]] = {}
        for observation in observations:
            self._take(observation)
            if not observation.forecast:
                days.setdefault(observation.unit, set()).add(observation.day)
        if self._definition is None:
            return {}
        if self._moved:
            self._before = None
            self.state.readings(self._definition).moved(self._moved)
        return self._touched(days)

    def _take(self, observation: Observation) -> None:
        state, unit, day = self.state, observation.unit, observation.day
        if observation.forecast and observation.figure is None:
            self.skipped += 1  # a forecast of an increment says nothing that could be shown
            return
        if observation.increments is not None:
            log = observation.log, observation.partition
            _, bucket = state.figure_bucket(unit, day)
            if bucket.folded.get(log, -1) >= observation.offset:
                self.skipped += 1
                return
            bucket.folded[log] = observation.offset
            series = state.series(unit)
            before = len(series.days)
            series.add(day, observation.increments)
            state.figure_moved(unit, day, log)
        else:
            figure = observation.figure
            assert figure is not None
            series = state.series(unit)
            before = len(series.days)
            moved = series.take_forecast(day, figure) if observation.forecast else series.take(day, figure)
            if not moved:
                self.skipped += 1
                return
            state.figure_moved(unit, day)
        self.folded += 1
        state.size += len(series.days) - before
        if not observation.forecast:
            self._moved.setdefault(unit, set()).add(day)

    def _touched(self, days: dict[str, set[int]]) -> Touched:
        """The records that the figures touch: of their units, of those above as the tree stood on their days, and of
        those that came to be above later in a period of theirs."""
        definition = self._definition
        assert definition is not None
        moved: dict[str, set[int]] = {}
        for unit, on in days.items():
            if definition.catalog.units.get(unit) is None:
                continue
            moved.setdefault(unit, set()).update(on)
            if definition.fixed_tree:
                for above in definition.shape(min(on)).ancestors(unit):
                    moved.setdefault(above, set()).update(on)
                continue
            for day in on:
                for above in definition.shape(day).ancestors(unit):
                    moved.setdefault(above, set()).add(day)
        touched: Touched = {}
        readings = self.state.readings(definition)
        for unit, on in days.items():  # a late figure may raise or clear doubts about the next few
            if definition.kind.derived:
                break
            if unit in moved and (series := self.state.units.get(unit)) is not None:
                after = {later for day in on for later in series.standing_after(day, LOOK_BACK)} - on
                if after:
                    self._after[unit] = after
                    moved[unit].update(after)
        for unit, on in moved.items():
            windows = self.state.windows(definition, unit)
            bound = len(windows) == 1 and definition.windows(unit)
            if bound and windows[0].first <= min(on) and max(on) <= windows[0].last:
                touched[unit, windows[0]] = on
                continue
            for day in on:
                for window in self._windows(unit, day):
                    touched.setdefault((unit, window), set()).add(day)
        if not definition.fixed_tree:
            for key, day in self._touched_later(days):
                touched.setdefault(key, set()).add(day)
        for (unit, window), on in touched.items():
            readings.history.moved_record(unit, window, min(on))
        return touched

    def _touched_later(self, days: dict[str, set[int]]) -> Iterator[tuple[tuple[str, Window], int]]:
        """The records that there are of units below which a figure's unit was moved after the figure's day."""
        definition, records = self._definition, self.state.records
        assert definition is not None
        for unit, on in days.items():
            for day in on:
                for since, above in definition.above_later(unit, day):
                    for window in self.state.windows(definition, above):
                        if window.first <= day and since <= window.last and (above, window.id) in records:
                            yield (above, window), day

    def _windows(self, unit: str, day: int) -> list[Window]:
        """The periods of the unit's records that contain the day: those of its targets or else the accounting period,
        and those that have a record already."""
        definition = self._definition
        assert definition is not None
        found = [window for window in self.state.windows(definition, unit) if window.first <= day <= window.last]
        if definition.is_bound(unit, day):
            return found
        accounting = definition.accounting(day)
        return found if accounting in found else [*found, accounting]

    # judging

    def _say_if_changed(self, said: list[Emission], unit: str, window: Window) -> None:
        state = self.state
        known = state.records.get((unit, window.id))
        reading, status, content, due = self.judging.judge(unit, window, None)
        digest = digest_of(content)
        if known is not None and known.digest == digest:
            if known.due != due:
                known.due = due
                state.record_moved(unit, window.id)
            return
        record = state.record(unit, window.id)
        day_came = record.due is not None and record.due <= self.today
        else_too = day_came or self.judging.definition.kind.ranked
        cause = self._cause(unit, window, record, content, else_too=else_too)
        record.becomes(status, reading.as_of, digest, cause)
        record.due = due
        state.record_moved(unit, window.id, owes=True)
        said.append(self.judging.emission(unit, window, record, record.head, status, content))
        if said[-1].future.open:
            state.await_forecast(unit, window.id)


def _as_observed(figures: Mapping[str, Mapping[int, Figure | None]]) -> Iterator[Observation]:
    """Derived figures as if somebody had reported them."""
    for unit, mine in figures.items():
        for day, figure in mine.items():
            if figure is not None:
                yield Observation(unit, day, False, figure, None, "", 0, 0)
