"""One record judged as it stands, and a version of it with what tells how it came about."""

from collections.abc import Iterator
from typing import NamedTuple

from services.metrics import closing
from services.metrics.contributions import Part, shown
from services.metrics.days import Window, iso, local_day
from services.metrics.definition import Definition
from services.metrics.derived.ranking import Ranking
from services.metrics.derived.remarks import remarks
from services.metrics.foretold import foregone, foretold_until, future_of, target_of
from services.metrics.judge import MISSED, Judgement, judge
from services.metrics.needed import best_pace, needed, why_not_beside
from services.metrics.obligation import Obligation
from services.metrics.progress import Emission, content_of, key_of
from services.metrics.reading import Reading
from services.metrics.reasons import Reason, because, catalog_changed, left_out, withdrawn
from services.metrics.shortfall import split
from services.metrics.state import Head, KpiState, Record


class Judged(NamedTuple):
    """What stands, the status, the content of the record, and the day on which time will judge otherwise."""

    reading: Reading
    status: str
    content: bytes
    due: int | None


class Judging:
    """The records of one KPI of a province on one day: `today` is the local date of the business clock."""

    def __init__(self, state: KpiState, definition: Definition, today: int) -> None:
        self.state = state
        self.definition = definition
        self.today = today
        self._ranking: Ranking | None = None

    def judge(self, unit: str, window: Window, limit: int | None) -> Judged:
        """Judge the record as it stands, or as it stood when figures after `limit` are left out.

        For a unit that did not live to see its deadline time has stopped on its last day.
        """
        definition, today = self.definition, self.today
        begun, ended = definition.lifetime(unit)
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
        if reading.completeness is not None and "left_out" in reading.completeness:
            found.reasons.append(left_out([self._named(one) for one in reading.completeness["left_out"]]))
        if verdict is not None and verdict.deadline < window.last and limit is None:
            late = readings.latest_after(unit, window, verdict.deadline)
            if late is not None:
                found.reasons.append(because("late_figures", deadline=iso(verdict.deadline), as_of=iso(late)))
        if definition.kind.sums_periods and begun > window.first and by is not None and reading.value is not None:
            found.reasons.append(because("unit_begun", begun=iso(begun)))
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
        foretold_last = foretold_until(definition, unit, by, reading.as_of, found.status)
        if foretold_last is not None and today <= foretold_last and (due is None or foretold_last < due):
            due = foretold_last + 1
        if outlived and (due is None or due > ended):
            due = ended + 1 if self.today <= ended else None
        self._add_what_was_derived(extra, found.reasons, unit, window, reading, limit)
        if foretold_last is not None and today > foretold_last:
            found.reasons.append(because("forecast_deadline_passed"))
        content = content_of(definition, unit, window, reading, found, by, extra)
        return Judged(reading, found.status, content, due)

    def _named(self, unit: str) -> tuple[str, str]:
        """What the unit is called in Vietnamese and in English."""
        known = self.definition.catalog.units.get(unit)
        return (unit, unit) if known is None else (known.name, known.name_en or known.name)

    def _withdrawn(self, unit: str, first: int, until: int) -> Iterator[Reason]:
        """By whom and when the unit's last figure was withdrawn, where it has none any more."""
        series = self.state.units.get(unit)
        found = None if series is None else series.withdrawn(first, until)
        if found is not None:
            day, figure = found
            on = local_day(figure.reported_at, self.definition.catalog.zone)
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
        definition = self.definition
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
        """The gap split over the units directly below, where the record is short of its plan and its parts make it; if
        it cannot be split, that is among the reasons."""
        if by is None or found.planned is None or found.gap is None or reading.value is None or not reading.parts:
            return None
        if found.gap[0] * by.sign >= 0 if by.sign else by.met(reading.value):
            return None
        brought = split(self.definition, window, reading, found.planned)
        if brought is None:
            found.reasons.append(because("not_split"))
            return None
        return shown(brought)

    def lowest(self, unit: str, window: Window, by: Obligation) -> tuple[Part, ...]:
        """What the lowest units below add to the sums of the record, which was judged `by` this version."""
        definition = self.definition
        verdict = definition.judging(unit, window, min(self.today, definition.lifetime(unit)[1])) or by
        until = min(window.last, verdict.deadline)
        return self.state.readings(definition).lowest(unit, window, until, self.today)

    def _read(self, unit: str, window: Window, verdict: Obligation | None, limit: int | None) -> Reading:
        until = window.last if verdict is None else min(window.last, verdict.deadline)
        if limit is not None and limit < until:
            return self.state.readings(self.definition).read(unit, window, limit, self.today, former=True)
        return self.state.readings(self.definition).read(unit, window, until, self.today)

    def emission(self, unit: str, window: Window, record: Record, head: Head, status: str, content: bytes) -> Emission:
        """A version of a record, with what tells how it came about."""
        definition = self.definition
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
