"""Folding a batch into the state of one KPI, and what is to be said afterwards.

1. Each observation is folded: absolute figures by their order, increments once, by the watermark of their document.
2. Every record that an observation touches is judged, with those of the units above, whether or not anything moved: a
   repeat must say again what a crash may have kept from being said.
3. One version goes out for each `as_of` that became the head of a record, in the order of the dates; late figures
   change the version at the head.
4. Of the figures in the batch that stand, and of the few that look back upon a late one, those that others give reason
   to doubt are told to their publishers.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property

from services.metrics import closing
from services.metrics.contributions import shown
from services.metrics.days import Window, iso, local_day
from services.metrics.definition import Definition
from services.metrics.derived.ranking import Ranking
from services.metrics.derived.remarks import remarks
from services.metrics.doubting import Doubted, doubted
from services.metrics.doubts import LOOK_BACK
from services.metrics.figures import Figure
from services.metrics.foretold import foregone, future_of, target_of
from services.metrics.judge import MISSED, Judgement, judge
from services.metrics.needed import best_pace, needed, why_not_beside
from services.metrics.obligation import Obligation
from services.metrics.observations import Observation
from services.metrics.progress import Emission, content_of, digest_of, key_of
from services.metrics.reading import Reading
from services.metrics.reasons import Reason, because, catalog_changed, withdrawn
from services.metrics.shortfall import split
from services.metrics.state import Cause, Head, KpiState, Record

Touched = dict[tuple[str, Window], set[int]]
"""Records, and the days of the figures that touched them."""

_Judged = tuple[Reading, str, bytes, int | None]
"""What stands, the status, the content, and the day on which time will judge otherwise."""


class Fold:
    """One KPI of a province on one day: `today` is the local date of the business clock.

    `former`: by which records were judged before, as long as the catalog that changed them has not been asked of all.
    """

    def __init__(
        self, state: KpiState, definition: Definition | None, today: int, former: Definition | None = None
    ) -> None:
        self.state = state
        self.today = today
        self.folded = 0
        self.skipped = 0
        self.doubted: list[Doubted] = []
        self.repeats = True
        """Whether the batch, or a part of it, may have been judged before."""
        self.owes = False
        """Whether what is said must be marked as owed."""
        self.cause: Cause | None = None
        self._definition = definition
        self._former = former
        self._ranking: Ranking | None = None
        self._moved: dict[str, set[int]] = {}
        self._after: dict[str, set[int]] = {}

    def batch(self, observations: Sequence[Observation], first: int, last: int) -> list[Emission]:
        """Fold a batch and judge what it touches. Without a definition (the catalog does not know the KPI) the figures
        are kept and nothing is said. `first` and `last`: the offsets of its observations."""
        through = self.state.through
        self.repeats = through is None or first <= through
        self.state.through = last if through is None else max(last, through)
        records = self._fold(observations)
        if self._definition is None:
            return []
        told = self._tell(records)
        self.doubted = doubted(self.state, self._definition, observations, self._after, self.today)
        return told

    def derived(self, figures: Mapping[str, Mapping[int, Figure | None]], cause: Cause | None = None) -> list[Emission]:
        """Have these figures stand, by unit and day, and judge what they touch; say what changed. Nobody delivers them
        again: what is said is owed until it was published. `cause`: the catalog that brought them about."""
        assert self._definition is not None
        days = {unit: set(mine) for unit, mine in figures.items() if mine}
        if self._former is not None and days:
            for unit, window in self._touched(days):
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
        self.owes, self.cause = True, cause
        return self._tell(self._touched(days))

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
            self.state.readings(self._definition).moved(days)

    def again(self, records: Iterable[tuple[str, Window, Cause | None]]) -> list[Emission]:
        """Judge records that no figure touched: a tick, or a new catalog as the cause. Only what changed is said."""
        said: list[Emission] = []
        for unit, window, cause in records:
            self._say_if_changed(said, unit, window, cause)
        return said

    def repeat(self, records: Iterable[tuple[str, Window]]) -> list[Emission]:
        """Say records again under the version that they have, or under a new one if they changed meanwhile."""
        return self._tell({(unit, window): self._trail(unit, window) for unit, window in records})

    def _trail(self, unit: str, window: Window) -> set[int]:
        """The days of the heads before the present one that only the tick that is repeated said."""
        assert self._definition is not None
        if not self._definition.kind.derived:
            return set()
        return {head.as_of for head in self.state.record(unit, window.id).trail if head.as_of is not None}

    def _tell(self, touched: Touched) -> list[Emission]:
        """What is to be said of these records, given the days on which something touched them."""
        tellings = [_Telling(self, unit, window, days) for (unit, window), days in touched.items()]
        # Day by day over all records, so that the tree is swept once and not once a record.
        steps: dict[int, list[_Telling]] = {}
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
        before = self._before or self
        for observation in observations:
            for found in closing.closings(self.state, definition, observation, self.today):
                unit, window = found.unit, found.window
                record = self.state.record(unit, window.id)
                content = before.judge(unit, window, None)[2]
                record.closed = closing.for_later_figures(found, record, content, definition.catalog.version)
                self.state.record_moved(unit, window.id)

    def _closes(self, observation: Observation) -> bool:
        """Whether it is to be taken down before how a closed record stands."""
        definition = self._former or self._definition
        assert definition is not None
        return any(closing.closings(self.state, definition, observation, self.today))

    @cached_property
    def _before(self) -> "Fold | None":
        """The same figures under the former definition. It reads them as they are when it is first asked."""
        if self._former is None:
            return None
        state = KpiState(self.state.key, self.state.chunks)
        state.units = self.state.units
        return Fold(state, self._former, self.today)

    def _keep_closed(self, unit: str, window: Window, content: bytes | None = None) -> bool:
        """Take down how a record stood that was closed under the former definition, unless its new `content` says the
        same; whether there was anything to take down."""
        former, before = self._former, self._before
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

    def _say_if_changed(self, said: list[Emission], unit: str, window: Window, cause: Cause | None) -> None:
        state = self.state
        known = state.records.get((unit, window.id))
        reading, status, content, due = self.judge(unit, window, None)
        digest = digest_of(content)
        if known is not None and known.digest == digest:
            if known.due != due:
                known.due = due
                state.record_moved(unit, window.id)
            return
        if cause is not None:
            self._keep_closed(unit, window, content)
        record = state.record(unit, window.id)
        record.becomes(status, reading.as_of, digest, cause)
        record.due = due
        state.record_moved(unit, window.id, owes=True)
        said.append(self.emission(unit, window, record, record.head, status, content))
        if said[-1].future.open:
            state.await_forecast(unit, window.id)

    def judge(self, unit: str, window: Window, limit: int | None) -> _Judged:
        """Judge the record as it stands, or as it stood when figures after `limit` are left out.

        For a unit that did not live to see its deadline time has stopped on its last day.
        """
        definition, today = self._definition, self.today
        assert definition is not None
        ended = definition.lifetime(unit)[1]
        readings = self.state.readings(definition)
        verdict = definition.judging(unit, window, min(today, ended))
        outlived = ended < (window.last if verdict is None else min(window.last, verdict.deadline))
        if outlived:
            today = min(today, ended)
        reading = self._read(unit, window, verdict, limit)
        day = reading.as_of if reading.as_of is not None else min(max(today, window.first), window.last)
        by = definition.judging(unit, window, day) or verdict
        if verdict is None and by is not None:  # none is valid any more: the one that was says until when
            verdict = by
            if by.deadline < window.last:
                reading = self._read(unit, window, by, limit)
        found = judge(reading, by, verdict, definition.norms, today, window.last)
        extra: dict[str, object] = {"needed": None}
        extra["contributions"] = self._contributions(window, reading, found, by)
        if by is not None and by.keeps:
            values = list(readings.held(unit, window, min(window.last, by.deadline, limit or window.last)))
            extra["held"] = {"readings": len(values), "kept": sum(by.met(value) for value in values)}
        if found.open and by is not None and reading.value is not None and reading.as_of is not None:
            if found.status != MISSED and reading.as_of < by.deadline:
                per = definition.natural_unit(window)
                reached = readings.history.reached(unit, window, (reading.as_of, reading.value), per)
                best = best_pace(reached, by, per)
                extra["needed"] = needed(reading.value, by, reading.as_of, per, best)
                why_not = why_not_beside(by, reading.as_of, best)
                if why_not is not None:
                    found.reasons.append(why_not)
            else:
                found.reasons.append(because("no_time_left"))
        if reading.as_of is None:
            until = window.last if verdict is None else min(window.last, verdict.deadline)
            found.reasons += self._withdrawn(unit, window.first, until if limit is None else min(until, limit))
        if reading.preliminary:
            found.reasons.append(because("preliminary"))
        if reading.newer_parts:
            found.reasons.append(because("parts_newer"))
        if verdict is not None and verdict.deadline < window.last and limit is None:
            late = readings.latest_after(unit, window, verdict.deadline)
            if late is not None:
                found.reasons.append(because("late_figures", deadline=iso(verdict.deadline), as_of=iso(late)))
        if outlived and ended < self.today:
            found.reasons.append(because("unit_ended", ended=iso(ended)))
        due = found.due
        for turn in definition.turns(unit, window):
            if turn > today and (due is None or turn < due):
                due = turn
        if reading.as_of is None and found.status != MISSED and not definition.fixed_tree:
            changes = definition.turns_below_after(unit, today, window.last)
            if changes is not None and (due is None or changes < due):
                due = changes
        if reading.report_due is not None and (due is None or reading.report_due < due):
            due = reading.report_due
        if outlived and (due is None or due > ended):
            due = ended + 1 if self.today <= ended else None
        self._add_what_was_derived(extra, found.reasons, unit, window, reading, limit)
        content = content_of(definition, unit, window, reading, found, by, extra)
        return reading, found.status, content, due

    def _withdrawn(self, unit: str, first: int, until: int) -> Iterator[Reason]:
        """By whom and when the unit's last figure was withdrawn, where it has none any more."""
        series = self.state.units.get(unit)
        found = None if series is None else series.withdrawn(first, until)
        if found is not None and self._definition is not None:
            day, figure = found
            on = local_day(figure.reported_at, self._definition.catalog.zone)
            yield withdrawn(iso(day), figure.source, iso(on))

    def _add_what_was_derived(
        self,
        extra: dict[str, object],
        reasons: list[Reason],
        unit: str,
        window: Window,
        reading: Reading,
        limit: int | None,
    ) -> None:
        """What a derived figure says beside its value: its score and rank, and what a reader should know of it."""
        definition = self._definition
        assert definition is not None
        if not definition.kind.derived:
            return
        figure = reading.own[-1].figure if reading.own else None
        reasons += remarks(figure, definition.catalog.kpis)
        if definition.kind.ranked:
            if self._ranking is None:
                self._ranking = Ranking(definition, self.state.readings(definition), self.today)
            extra["score"] = self._ranking.score(unit, window, reading, limit)

    def _contributions(
        self, window: Window, reading: Reading, found: Judgement, by: Obligation | None
    ) -> dict[str, object] | None:
        """The gap split over the units directly below, where the record is short of its plan and its parts make it."""
        if by is None or found.planned is None or found.gap is None or reading.value is None or not reading.parts:
            return None
        if found.gap[0] * by.sign >= 0 if by.sign else by.met(reading.value):
            return None
        assert self._definition is not None
        brought = split(self._definition, window, reading, found.planned)
        return None if brought is None else shown(brought)

    def _read(self, unit: str, window: Window, verdict: Obligation | None, limit: int | None) -> Reading:
        assert self._definition is not None
        until = window.last if verdict is None else min(window.last, verdict.deadline)
        if limit is not None and limit < until:
            return self.state.readings(self._definition).read(unit, window, limit, self.today, former=True)
        return self.state.readings(self._definition).read(unit, window, until, self.today)

    def emission(self, unit: str, window: Window, record: Record, head: Head, status: str, content: bytes) -> Emission:
        """A version of a record, with what tells how it came about."""
        definition = self._definition
        assert definition is not None
        key, version = key_of(definition, unit, window), definition.catalog.version
        by = target_of(definition, unit, window, head.as_of, self.today)
        why = foregone(definition, unit, window, by, head.as_of, status, self.today)
        future = future_of(record.foretold, why, by, head.as_of)
        if head.cause is None and record.closed is None:
            return Emission(key, head.version, status, head.previous, version, content, future)
        further = [] if head.cause is None else [catalog_changed(*head.cause)]
        closes = definition.closes_on(unit, window, self.today)
        closed = closing.shown(record.closed, closes, self.today, content)
        if closed is not None:
            further = [*closing.reasons(closed, content), *further]
        return Emission(key, head.version, status, head.previous, version, content, future, tuple(further), closed)


def _as_observed(figures: Mapping[str, Mapping[int, Figure | None]]) -> Iterator[Observation]:
    """Derived figures as if somebody had reported them."""
    for unit, mine in figures.items():
        for day, figure in mine.items():
            if figure is not None:
                yield Observation(unit, day, False, figure, None, "", 0, 0)


class _Telling:
    """What a batch says of one record, in the order of the dates: former heads again, new heads, the head."""

    def __init__(self, fold: Fold, unit: str, window: Window, touched: set[int]) -> None:
        self._fold, self._unit, self._window = fold, unit, window
        self._record = fold.state.record(unit, window.id)
        self._before = self._record.as_of
        self._touched = touched
        self._changed = False
        self._said: list[Emission] = []
        self._heads: list[Head] = []
        self._found: _Judged | None = None

    def steps(self) -> list[int]:
        """The days before the last at which something is to be said.

        Heads of the last batch that wrote, if this one may be that batch again; the present head, if it is overtaken;
        and the dates that become the head and are overtaken within the batch. A later figure that does not become the
        head (it counts for nothing, or a figure reported above stands) overtakes nothing.
        """
        before, touched = self._before, self._touched
        if before is None:
            return sorted(touched)[:-1]
        ahead = sorted(day for day in touched if day > before)
        again: list[int] = []
        if self._may_repeat():
            again = [day for day, head in self._former(before) if head.as_of in touched]
        if not ahead:
            return again
        self._found = self._fold.judge(self._unit, self._window, None)
        head = self._found[0].as_of
        if head is None or head <= before:
            return again
        return [*again, *([before] if before in touched else []), *ahead[:-1]]

    def _former(self, before: int) -> Iterator[tuple[int, Head]]:
        """The heads before the present one, each with the day at whose end it was said: the last one that was touched
        before the next head, since a figure that counts for nothing does not become the head, but changes what it
        says."""
        trail = [(head.as_of, head) for head in self._record.trail if head.as_of is not None and head.as_of < before]
        ends = [*(as_of for as_of, _ in trail[1:]), before]
        for (as_of, head), end in zip(trail, ends, strict=False):
            yield max((day for day in self._touched if as_of <= day < end), default=as_of), head

    def _may_repeat(self) -> bool:
        """Whether former heads may be unsaid. Those of what nobody delivers again are as long as the record is owed."""
        fold = self._fold
        return fold.repeats and (not fold.owes or fold.state.is_owed(self._unit, self._window.id))

    def step(self, day: int) -> None:
        """Say what stood at the end of that day."""
        record, before = self._record, self._before
        reading, status, content, _ = self._fold.judge(self._unit, self._window, day)
        as_of = reading.as_of
        if before is not None and day < before:
            former = next(head for at, head in self._former(before) if at == day)
            if as_of != former.as_of:
                _, status, content, _ = self._fold.judge(self._unit, self._window, former.as_of)
            self._say(former, status, content)
        elif as_of is not None and (as_of != before or day == before) and as_of >= (record.as_of or 0):
            self._settle(as_of, status, content)

    def told(self) -> list[Emission]:
        """Everything, the head last: under a new version if it changed, again under its own if not."""
        record, state = self._record, self._fold.state
        reading, status, content, due = self._found or self._fold.judge(self._unit, self._window, None)
        self._settle(reading.as_of, status, content)
        if self._changed:
            record.trail = tuple(self._heads[:-1])
        if self._changed or record.due != due:
            record.due = due
            state.record_moved(self._unit, self._window.id, owes=self._changed and self._fold.owes)
        if (self._changed or self._fold.folded) and self._said[-1].future.open:
            state.await_forecast(self._unit, self._window.id)
            self._outdate_forecast()
        silent = self._fold.owes and not self._changed and not state.is_owed(self._unit, self._window.id)
        return [] if silent else self._said

    def _outdate_forecast(self) -> None:
        """Have it stored that the forecast knows less than the judgement, also where that stayed as it was."""
        record = self._record
        if record.foretold is not None and record.foretold.of == record.digest:
            record.foretold = record.foretold._replace(of=b"")
            self._fold.state.record_moved(self._unit, self._window.id)

    def _settle(self, as_of: int | None, status: str, content: bytes) -> None:
        """Say a head. Of one date only the last word of a batch goes out."""
        record, digest = self._record, digest_of(content)
        fresh = bool(self._heads) and self._heads[-1].version == record.version  # said by this batch already
        if digest == record.digest:
            if not fresh:
                self._say(record.head, status, content)
            return
        if fresh and self._changed and as_of == record.as_of:
            self._said.pop()
            self._heads.pop()
            record.status, record.digest = status, digest
        else:
            record.becomes(status, as_of, digest, self._fold.cause)
        self._changed = True
        self._say(record.head, status, content)

    def _say(self, head: Head, status: str, content: bytes) -> None:
        self._heads.append(head)
        self._said.append(self._fold.emission(self._unit, self._window, self._record, head, status, content))
