"""Which records are to be forecast, what a forecast of one is asked from, and what becomes of the answer.

A record of which a figure moved while its forecast was made is asked again. A forecast that says what went out already
is kept without a new version.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import orjson

from services.metrics.course import Course, Courses
from services.metrics.days import Window
from services.metrics.definition import Definition
from services.metrics.exact import SCALE
from services.metrics.foretold import REASONS, Aim, Foretold, Issue, Issued, foregone, future_of, spoken_in, target_of
from services.metrics.judging import Judging
from services.metrics.landing.asked import Asked, Earlier, Goal, Point
from services.metrics.landing.forecast import land
from services.metrics.landing.no_landing import NoLanding
from services.metrics.obligation import Obligation
from services.metrics.progress import Emission, digest_of
from services.metrics.state import KpiState, Record
from services.metrics.wording import decimals_of

EARLIER = 3
"""Earlier periods that are looked at for the shape of the year."""


class Question(NamedTuple):
    """A record to be forecast: as it was judged, under which version of the target, and what is asked. `since`: the
    move since which it awaits that."""

    unit: str
    window: Window
    of: bytes
    target: bytes
    as_of: int
    asked: Asked
    since: int


class Answer(NamedTuple):
    """What became of a question. `issued`: for the list of those that went out, None where there is no forecast."""

    question: Question
    foretold: Foretold
    issued: Issued | None


# what is asked


def questions(state: KpiState, definition: Definition, today: int, limit: int) -> list[Question]:
    """What is to be asked of the records that await a forecast, at most so many; those of which there can be none await
    no longer."""
    asked: list[tuple[str, Window, Window, Obligation, Record]] = []
    for unit, period in sorted(state.awaiting()):
        if len(asked) == limit:
            break
        record, window = state.records[unit, period], definition.window(period)
        by = target_of(definition, unit, window, record.as_of, today)
        if by is None or foregone(definition, unit, window, by, record.as_of, record.status, today) is not None:
            state.await_no_forecast(unit, period)
            continue
        asked.append((unit, window, spoken_in(definition, window, by), by, record))
    if not asked:
        return []
    courses = Courses(definition, state.units)
    found = courses.of([(unit, part, record.as_of or 0) for unit, _, part, _, record in asked])
    before = _earlier(definition, courses, [(unit, part) for unit, _, part, _, _ in asked])
    return [
        Question(
            unit,
            window,
            record.digest,
            by.mark,
            record.as_of or 0,
            _asked(definition, unit, part, by, course, before.get((unit, part.first), ())),
            state.awaits_since(unit, window.id),
        )
        for (unit, window, part, by, record), course in zip(asked, found, strict=True)
    ]


def _asked(
    definition: Definition, unit: str, part: Window, by: Obligation, course: Course, before: Sequence[Earlier]
) -> Asked:
    """`part`: of the record's period, as `spoken_in` says."""
    kpi, kind, target = definition.kpi, definition.kind, by.wire
    low = kind.lowest if definition.low is None else definition.low
    high = kind.highest if definition.high is None else definition.high
    if high is None and kind.counts_units:
        high = SCALE * len(definition.shape(part.first).expected(unit))
    baseline = _start(definition, part, by)
    return Asked(
        kind=kpi.kind,
        points=course.points,
        goal=Goal(target["comparator"], by.deadline, value=target["value"], low=target["low"], high=target["high"]),
        first=part.first,
        baseline=baseline,
        earlier=before,
        low=None if low is None else low / SCALE,
        high=None if high is None else high / SCALE,
        cumulative=_only_grows(definition) and (baseline is not None or kind.from_zero),
        decimals=decimals_of(kpi),
        reported=course.reported,
    )


def _start(definition: Definition, part: Window, by: Obligation) -> Point | None:
    """What the course starts from: the baseline of the target. Of a kind that begins anew that is of another accounting
    period; its own course has a start only where it climbs from zero."""
    kind = definition.kind
    if not kind.begins_anew:
        return None if by.baseline is None else (by.baseline_on, by.baseline / SCALE)
    whole = part.first == definition.accounting(part.first).first
    return (part.first - 1, 0.0) if kind.from_zero and whole else None


def _only_grows(definition: Definition) -> bool:
    """Whether a figure cannot fall within its period: as the doubt `cumulative_fell` has it. One that is derived falls
    when what it is divided by is corrected."""
    kpi = definition.kpi
    if definition.kind.derived:
        return False
    if kpi.may_fall is not None:
        return not kpi.may_fall
    return kpi.kind == "flow" or (definition.kind.rosters and kpi.direction == "increase")


def _earlier(
    definition: Definition, courses: Courses, asked: Sequence[tuple[str, Window]]
) -> dict[tuple[str, int], list[Earlier]]:
    """The courses of the accounting periods before, of records that are of one accounting period."""
    wanted = []
    for unit, window in asked:
        period = definition.accounting(window.first)
        if (period.first, period.last) != (window.first, window.last):
            continue
        for _ in range(EARLIER):
            if courses.first is None or period.first <= courses.first:
                break
            period = definition.accounting(period.first - 1)
            wanted.append((unit, period, window.first))
    found: dict[tuple[str, int], list[Earlier]] = {}
    told = courses.of([(unit, period, period.last) for unit, period, _ in wanted])
    for (unit, period, first), course in zip(wanted, told, strict=True):
        if course.points:
            until = definition.speaks_until(course.points[-1][0])
            found.setdefault((unit, first), []).append(Earlier(period.first, period.last, course.points, until))
    return found


# what is answered


def answer(question: Question) -> Answer:
    """Make the forecast."""
    found = land(question.asked)
    of, target, as_of = question.of, question.target, question.as_of
    if isinstance(found, NoLanding):
        return Answer(question, Foretold(of, target, as_of, REASONS[found.code], found.code), None)
    said = orjson.dumps(found.as_document())
    issued = Issued(found.as_of, found.value, found.low, found.high, found.p_meet, target)
    return Answer(question, Foretold(of, target, as_of, said), issued)


def foretell(judging: Judging, definition: Definition, answers: Iterable[Answer]) -> tuple[list[Emission], list[Issue]]:
    """Keep the answers with their records; what is to be said of them, and which forecasts go out with it."""
    said: list[Emission] = []
    issues: list[Issue] = []
    for question, foretold, issued in answers:
        unit, window = question.unit, question.window
        record = judging.state.records.get((unit, window.id))
        moved = judging.state.awaits_since(unit, window.id) != question.since
        if record is None or moved or record.digest != question.of:
            continue
        emission = _tell(judging, definition, unit, window, record, foretold)
        judging.state.await_no_forecast(unit, window.id)
        if emission is None:
            continue
        said.append(emission)
        if record.digest != question.of and emission.future.open:
            judging.state.await_forecast(unit, window.id)
        if issued is not None:
            end = definition.end_of_unit(definition.natural_unit(window), issued.as_of)
            by = target_of(definition, unit, window, record.as_of, judging.today)
            if by is not None:
                issues.append(Issue(unit, window.id, end, issued, Aim(by.wire, by.missed_on)))
    return said, issues


def _tell(
    judging: Judging, definition: Definition, unit: str, window: Window, record: Record, foretold: Foretold
) -> Emission | None:
    """The record with this forecast, as a new version; None where it would say the same as before."""
    if foretold == record.foretold:
        return None
    by = target_of(definition, unit, window, record.as_of, judging.today)
    why = foregone(definition, unit, window, by, record.as_of, record.status, judging.today)
    before = future_of(record.foretold, why, by, record.as_of)
    record.foretold = foretold
    if future_of(foretold, why, by, record.as_of) == before:
        judging.state.record_moved(unit, window.id)
        return None
    reading, status, content, due = judging.judge(unit, window, None)
    digest = digest_of(content)
    record.becomes(status, reading.as_of, digest, record.cause if digest == record.digest else None)
    record.due = due
    judging.state.record_moved(unit, window.id, owes=True)
    return judging.emission(unit, window, record, record.head, status, content)
