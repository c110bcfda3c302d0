"""What was said on a former day: the judgement over what had been reported by the end of that day, by the definitions
that were in force then, as far as the annals know them.

Of a unit and day metrics keeps the figures that stand, and when the first was reported. Where some were reported before
that day's end and some after, what they replaced is in ingest's ledger alone: given the observations, the day is put
together exactly as it stood; without them the answer names the unit and day, and is not certain.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple

import orjson

from contracts.explanations import SaidThen, Step
from services.metrics.behind import moment_of
from services.metrics.days import Window, iso
from services.metrics.definition import Definition
from services.metrics.figures import Day
from services.metrics.foretold import NO_NEED, foregone, target_of
from services.metrics.judging import Judging
from services.metrics.landing.no_landing import no_landing
from services.metrics.observations import Observation
from services.metrics.progress import with_reasons
from services.metrics.state import KpiState
from services.metrics.wording import step

NAMED = 1_000
"""Units and days that an answer names as not certain."""

FORECAST_NOT_KEPT = "forecast_of_former_day"


class Known(NamedTuple):
    """The definition by which a former day is judged. `catalog`: the version that brought it; None where what was in
    force is not known, and `since`: from when on it would be, if ever. `made_otherwise`: a derived KPI's figures were
    made from other definitions than today's."""

    definition: Definition
    catalog: str | None
    since: datetime | None = None
    made_otherwise: bool = False


class Former(NamedTuple):
    """A day that is asked about, and by what it is judged."""

    on: int
    known: Known


def concerns(definition: Definition, unit: str, other: str, day: int) -> bool:
    """Whether another unit's figures of a day are any of the unit's."""
    return other == unit or unit in definition.shape(day).ancestors(other)


def said_on(state: KpiState, former: Former, unit: str, period: str, given: Iterable[Observation] = ()) -> SaidThen:
    """What was said at the end of the day. `given`: observations from the ledger, of days that are not certain."""
    on, known_then = former
    definition = known_then.definition
    window = definition.window(period)
    midnight = datetime.combine(date.fromordinal(on) + timedelta(days=1), time(), definition.catalog.zone)
    ledger: defaultdict[tuple[str, int], list[Observation]] = defaultdict(list)
    for one in given:
        ledger[one.unit, one.day].append(one)
    then = KpiState(state.key, state.chunks)
    unsure: list[dict[str, Any]] = []
    first = definition.accounting(window.first).first
    for other, series in state.units.items():
        kept = then.series(other)
        for day in series.order:
            if day > on:
                break
            known = _known(series.days[day], ledger.get((other, day), ()), midnight)
            if known is None:
                known = _supposed(series.days[day], midnight)
                if first <= day <= window.last and concerns(definition, unit, other, day):
                    unsure.append({"org_unit": other, "as_of": iso(day)})
            if known.figures or known.increments is not None:
                kept.put(day, known)
    judged = _judged(Judging(then, definition, on), definition, unit, window)
    unsure.sort(key=lambda one: (one["as_of"], one["org_unit"]))
    doubts = [*_doubts(known_then), *([step("replaced", {"count": str(len(unsure))})] if unsure else [])]
    return SaidThen.model_validate(
        {
            "on": iso(on),
            "catalog_version": known_then.catalog,
            "judged": judged,
            "certain": not doubts,
            "doubts": doubts,
            "incomplete": unsure[:NAMED],
            "incomplete_count": len(unsure),
        }
    )


def _judged(judging: Judging, definition: Definition, unit: str, window: Window) -> dict[str, Any]:
    """The judgement. Forecasts are said beside it and not kept by day: where there may have been one, that is told."""
    reading, status, content, _ = judging.judge(unit, window, None)
    by = target_of(definition, unit, window, reading.as_of, judging.today)
    why = foregone(definition, unit, window, by, reading.as_of, status, judging.today)
    code = FORECAST_NOT_KEPT if why is None else why
    reasons = [] if code == NO_NEED else [no_landing(code).as_document()]
    judged: dict[str, Any] = orjson.loads(with_reasons(content, reasons))
    return judged


def _doubts(known: Known) -> Iterator[Step]:
    """What the annals do not know of that day."""
    if known.catalog is None:
        since = "" if known.since is None else known.since.astimezone(known.definition.catalog.zone).date().isoformat()
        yield step("definitions_since", {}, {"since": since}) if since else step("definitions_unknown", {})
    elif known.made_otherwise:
        yield step("made_otherwise", {})


def _known(content: Day, ledger: Sequence[Observation], before: datetime) -> Day | None:
    """What was known of the day before that moment; None where that cannot be told."""
    later = [figure for figure in content.figures if moment_of(figure.reported_at) >= before]
    added_later = content.increments is not None and moment_of(content.increments.reported_at) >= before
    if not later and not added_later:
        return content
    if content.since is None or moment_of(content.since) >= before:
        return Day(tuple(figure for figure in content.figures if figure not in later))
    return _as_it_stood(ledger, before) if _is_whole(content, ledger) else None


def _is_whole(content: Day, ledger: Sequence[Observation]) -> bool:
    """Whether the ledger has all that was ever said of the day: what stands, every increment, and the first report."""
    figures = [one.figure for one in ledger if one.figure is not None and not one.forecast]
    increments = [one.increments for one in ledger if one.increments is not None and not one.forecast]
    moments = [figure.reported_at for figure in figures if not figure.retracts]
    moments += [increment.reported_at for increment in increments]
    return (
        {figure.id for figure in content.figures} <= {figure.id for figure in figures}
        and len(increments) == (0 if content.increments is None else content.increments.events)
        and min(moments, default=None) == content.since
    )


def _as_it_stood(ledger: Sequence[Observation], before: datetime) -> Day:
    day = Day()
    for one in ledger:
        if one.forecast:
            continue
        if one.figure is not None and moment_of(one.figure.reported_at) < before:
            day.take(one.figure)
        elif one.increments is not None and moment_of(one.increments.reported_at) < before:
            day.add(one.increments)
    return day


def _supposed(content: Day, before: datetime) -> Day:
    """The best guess: the figures that still stand and were known, and all that was ever added."""
    known = tuple(figure for figure in content.figures if moment_of(figure.reported_at) < before)
    return Day(known, content.increments)
