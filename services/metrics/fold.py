"""Folding a batch into the state of one KPI, and what is to be said afterwards.

1. Each observation is folded: absolute figures by their order, increments once, by the watermark of their document.
2. Every record that an observation touches is judged, with those of the units above, whether or not anything moved: a
   repeat must say again what a crash may have kept from being said.
3. One version goes out for each `as_of` that became the head of a record, in the order of the dates; late figures
   change the version at the head.
"""

from collections.abc import Iterable, Sequence

from services.metrics.days import Window, iso
from services.metrics.definition import Definition
from services.metrics.judge import MISSED, judge
from services.metrics.needed import best_pace, needed
from services.metrics.obligation import Obligation
from services.metrics.observations import Observation
from services.metrics.progress import Emission, content_of, digest_of, key_of
from services.metrics.reading import Reading
from services.metrics.reasons import because
from services.metrics.state import Head, KpiState, Record

Touched = dict[tuple[str, Window], set[int]]
"""Records, and the days of the figures that touched them."""


class Fold:
    """One KPI of a province on one day: `today` is the local date of the business clock."""

    def __init__(self, state: KpiState, definition: Definition | None, today: int) -> None:
        self.state = state
        self.today = today
        self.folded = 0
        self.skipped = 0
        self._definition = definition

    def batch(self, observations: Sequence[Observation]) -> list[Emission]:
        """Fold a batch and judge what it touches. Without a definition (the catalog does not know the KPI) the figures
        are kept and nothing is said."""
        days: dict[str, set[int]] = {}
        for observation in observations:
            self._take(observation)
            if not observation.forecast:
                days.setdefault(observation.unit, set()).add(observation.day)
        if self._definition is None:
            return []
        said: list[Emission] = []
        for (unit, window), touched in self._touched(days).items():
            self._say(said, unit, window, touched)
        return said

    def again(self, records: Iterable[tuple[str, Window]]) -> list[Emission]:
        """Judge records that no figure touched: a tick, a new catalog. Only what changed is said."""
        said: list[Emission] = []
        for unit, window in records:
            self._say_if_changed(said, unit, window)
        return said

    def repeat(self, records: Iterable[tuple[str, Window]]) -> list[Emission]:
        """Say records again under the version that they have, or under a new one if they changed meanwhile."""
        said: list[Emission] = []
        for unit, window in records:
            self._say(said, unit, window, set())
        return said

    # folding

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
            state.series(unit).add(day, observation.increments)
            state.figure_moved(unit, day, log)
        else:
            figure = observation.figure
            assert figure is not None
            series = state.series(unit)
            moved = series.take_forecast(day, figure) if observation.forecast else series.take(day, figure)
            if not moved:
                self.skipped += 1
                return
            state.figure_moved(unit, day)
        self.folded += 1
        if self._definition is not None and not observation.forecast:
            state.readings(self._definition).moved(unit, day)

    def _touched(self, days: dict[str, set[int]]) -> Touched:
        """The records that the figures touch: of their units and of those above, as the tree stood on their days."""
        definition = self._definition
        assert definition is not None
        touched: Touched = {}
        rolls_up = definition.kind.computed
        for unit, on in days.items():
            if definition.catalog.units.get(unit) is None:
                continue
            for day in on:
                for window in self._windows(unit, day):
                    touched.setdefault((unit, window), set()).add(day)
                if rolls_up:
                    for above in definition.shape(day).ancestors(unit):
                        for window in self._windows(above, day):
                            touched.setdefault((above, window), set()).add(day)
        readings = self.state.readings(definition)
        for (unit, window), moved in touched.items():
            readings.moved_record(unit, window, min(moved))
        return touched

    def _windows(self, unit: str, day: int) -> list[Window]:
        """The periods of the unit's records that contain the day: those of its targets, those that have a record
        already, or else the accounting period."""
        definition = self._definition
        assert definition is not None
        found = [window for window in self.state.windows(definition, unit) if window.first <= day <= window.last]
        return found or [definition.accounting(day)]

    # judging

    def _say(self, said: list[Emission], unit: str, window: Window, touched: set[int]) -> None:
        """Publish what the record was and is, by the order of its dates."""
        record = self.state.record(unit, window.id)
        before = record.as_of
        new: list[Head] = []
        for head in record.trail:
            if head.as_of in touched and head.as_of != before:
                _, status, content, _ = self._judge(unit, window, head.as_of)
                said.append(self._emission(unit, window, head, status, content))
                new.append(head)
        ahead = sorted(day for day in touched if before is None or day > before)
        if before in touched and ahead:
            self._step(said, new, record, unit, window, before)
        for day in ahead[:-1]:
            self._step(said, new, record, unit, window, day)
        reading, status, content, due = self._judge(unit, window, None)
        digest = digest_of(content)
        if digest == record.digest:
            self._still(record, unit, window, due)
        elif new and new[-1].version == record.version and reading.as_of == record.as_of:
            said.pop()  # the last step was the head already
            new.pop()
            self._becomes(record, unit, window, reading, status, digest, due, new)
        else:
            record.previous, record.version = record.status, record.version + 1
            self._becomes(record, unit, window, reading, status, digest, due, new)
        said.append(self._emission(unit, window, _head(record), status, content))

    def _still(self, record: Record, unit: str, window: Window, due: int | None) -> None:
        """Nothing changed, apart perhaps from the day on which to look again."""
        if record.due != due:
            record.due = due
            self.state.record_moved(unit, window.id)

    def _becomes(
        self,
        record: Record,
        unit: str,
        window: Window,
        reading: Reading,
        status: str,
        digest: bytes,
        due: int | None,
        trail: Sequence[Head],
    ) -> None:
        record.status, record.as_of, record.digest, record.due = status, reading.as_of, digest, due
        record.trail = tuple(trail)
        self.state.record_moved(unit, window.id)

    def _step(self, said: list[Emission], new: list[Head], record: Record, unit: str, window: Window, day: int) -> None:
        """A date that is the head, or became it, and was overtaken within the batch. Unchanged, it is only repeated."""
        reading, status, content, _ = self._judge(unit, window, day)
        if reading.as_of is None or (record.as_of is not None and reading.as_of < record.as_of):
            return
        digest = digest_of(content)
        if digest != record.digest:
            if reading.as_of == record.as_of and new and new[-1].version == record.version:
                said.pop()
                new.pop()
            else:
                record.previous, record.version = record.status, record.version + 1
            record.status, record.as_of, record.digest = status, reading.as_of, digest
        elif new and new[-1].version == record.version:
            return
        new.append(_head(record))
        said.append(self._emission(unit, window, _head(record), status, content))

    def _say_if_changed(self, said: list[Emission], unit: str, window: Window) -> None:
        state = self.state
        known = state.records.get((unit, window.id))
        reading, status, content, due = self._judge(unit, window, None)
        digest = digest_of(content)
        if known is not None and known.digest == digest:
            self._still(known, unit, window, due)
            return
        record = state.record(unit, window.id)
        record.previous, record.version = record.status, record.version + 1
        self._becomes(record, unit, window, reading, status, digest, due, record.trail)
        state.record_moved(unit, window.id, owes=True)
        said.append(self._emission(unit, window, _head(record), status, content))

    def _judge(self, unit: str, window: Window, limit: int | None) -> tuple[Reading, str, bytes, int | None]:
        """Judge the record as it stands, or as it stood when figures after `limit` are left out."""
        definition, today = self._definition, self.today
        assert definition is not None
        readings = self.state.readings(definition)
        verdict = definition.judging(unit, window, today)
        reading = self._read(unit, window, verdict, limit)
        day = reading.as_of if reading.as_of is not None else min(max(today, window.first), window.last)
        by = definition.judging(unit, window, day) or verdict
        if verdict is None and by is not None:  # none is valid any more: the one that was says until when
            verdict = by
            if by.deadline < window.last:
                reading = self._read(unit, window, by, limit)
        found = judge(reading, by, verdict, definition.norms, today, window.last)
        extra: dict[str, object] = {"needed": None}
        if by is not None and definition.kind.computed and reading.value is not None and reading.as_of is not None:
            if by.keeps:
                values = list(readings.held(unit, window, min(window.last, by.deadline, limit or window.last)))
                kept = sum(by.met(value) for value in values)
                extra["held"] = {"readings": len(values), "kept": kept}
            elif found.open:
                if found.status != MISSED and reading.as_of < by.deadline:
                    per = definition.natural_unit(window)
                    reached = readings.reached(unit, window, (reading.as_of, reading.value), per)
                    best = best_pace(reached, by, per)
                    extra["needed"] = needed(reading.value, by, reading.as_of, per, best)
                else:
                    found.reasons.append(because("no_time_left"))
        if reading.preliminary:
            found.reasons.append(because("preliminary"))
        if reading.newer_parts:
            found.reasons.append(because("parts_newer"))
        if verdict is not None and verdict.deadline < window.last and limit is None:
            late = readings.latest_after(unit, window, verdict.deadline)
            if late is not None:
                found.reasons.append(because("late_figures", deadline=iso(verdict.deadline), as_of=iso(late)))
        due = found.due
        for turn in definition.turns(unit, window):
            if turn > today and (due is None or turn < due):
                due = turn
        if reading.as_of is None and found.status != MISSED:
            changes = definition.tree_turns_after(today, window.last)
            if changes is not None and (due is None or changes < due):
                due = changes
        content = content_of(definition, unit, window, reading, found, by, extra)
        return reading, found.status, content, due

    def _read(self, unit: str, window: Window, verdict: Obligation | None, limit: int | None) -> Reading:
        assert self._definition is not None
        until = window.last if verdict is None else min(window.last, verdict.deadline)
        if limit is not None and limit < until:
            return self.state.readings(self._definition).read(unit, window, limit, self.today, former=True)
        return self.state.readings(self._definition).read(unit, window, until, self.today)

    def _emission(self, unit: str, window: Window, head: Head, status: str, content: bytes) -> Emission:
        definition = self._definition
        assert definition is not None
        key = key_of(definition, unit, window)
        return Emission(key, head.version, status, head.previous, definition.catalog.version, content)


def _head(record: Record) -> Head:
    return Head(record.as_of, record.version, record.previous)
