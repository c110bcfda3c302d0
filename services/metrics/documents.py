"""How the state of a KPI looks in documents, and which fields of which documents a batch changes.

Short names, since they are stored a million times; absent where the value is the usual one. `kpi` is the KPI's key and
generation: "<province>/<kpi>", once computed anew "<province>/<kpi>#<number>". Figures:

    {_id: "<kpi>/<yyyy-mm>/<chunk>", kpi, month, chunk, rev, writer, schema, folded: {<log>: {<partition>: offset}},
     units: {<unit>: {<dd>: {a: [figure …], f: [forecast …], i: [n, d, v, events, ids, reported_at, preliminary],
                           e: first reported, where that figure was replaced}}}}
    figure: {o: id, s: source, k: id at the source (packed), t: reported_at, r: revision, g: 0: preliminary,
             x: retracts, n, d, v, l: flags, m: more}

Judgements:

    {_id: "<kpi>/<period>/<chunk>", kpi, period, chunk, rev, writer, schema, next_due, owed: [unit …],
     through, awaits: whether a record is to be forecast,
     units: {<unit>: {v: version, s: status, p: previous status, a: as_of, h: digest, t: trail, u: due,
                      c: [catalog, what is new in it …], x: [status, value, as_of, pace, closed on, version],
                      f: [digest forecast for, mark of the target, as_of, landing as JSON, or the code of the reason
                          why there is none]}}}

Forecasts that were issued, by the end of the natural unit of time in which their latest figure lies, and by target; and
these targets, as they were then:

    {_id: "<province>/<kpi>/<period>/<chunk>", kpi, period, chunk, schema,
     units: {<unit>: {"<yyyy-mm-dd>@<mark>": [as_of, value, low, high, p_meet, mark of the target]}},
     targets: {<unit>: {<mark>: [as a record shows it, missed on]}}}
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from sys import intern
from typing import Any, TypeVar

from services.metrics.days import day_of, iso
from services.metrics.exact import loaded, stored
from services.metrics.figures import ACTUAL, Day, Figure, Increments
from services.metrics.foretold import REASONS, Aim, Foretold, Issue, Issued
from services.metrics.series import Series
from services.metrics.state import Cause, Closed, FigureBucket, Head, JudgementBucket, KpiState, Record
from services.runtime.errors import Unprocessable

SCHEMA = 1

Document = Mapping[str, Any]
S = TypeVar("S", bound=Series)


@dataclass(frozen=True, slots=True)
class Change:
    """What to set in one document. `rev` is the version that was read: 0 for a document that is not there yet."""

    id: str
    rev: int
    sets: dict[str, Any]
    once: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Stored:
    """The documents of one KPI."""

    chunks: int
    figures: tuple[Document, ...] = ()
    judgements: tuple[Document, ...] = ()
    generation: int = 0


def name_of(key: str, generation: int) -> str:
    """What the documents of a generation of a KPI say that they belong to."""
    return f"{key}#{generation}" if generation else key


def generation_of(name: str) -> int:
    """The generation that a document of this name belongs to."""
    _, _, number = name.partition("#")
    return int(number) if number else 0


@lru_cache(maxsize=200_000)
def escaped(name: str) -> str:
    """A name as a field of a document, which may hold neither `.` nor `$`."""
    return name.replace("%", "%25").replace(".", "%2E").replace("$", "%24")


def plain(field: str) -> str:
    """The name that a field stands for."""
    return field.replace("%24", "$").replace("%2E", ".").replace("%25", "%")


# from documents


def state_of(key: str, stored_kpi: Stored) -> KpiState:
    """Everything that is stored of a KPI. Raises `Unprocessable` for a document of a newer release."""
    state = KpiState(key, stored_kpi.chunks, stored_kpi.generation)
    for document in stored_kpi.figures:
        _check(document)
        _load_figures(state, document)
    for document in stored_kpi.judgements:
        _check(document)
        _load_judgements(state, document)
    return state


def _check(document: Document) -> None:
    if document.get("schema", SCHEMA) > SCHEMA:
        raise Unprocessable(
            f"the document {document['_id']} has schema {document['schema']}, this release knows {SCHEMA}: "
            "run the release that wrote it, or a newer one"
        )


def _load_figures(state: KpiState, document: Document) -> None:
    _, month, chunk = document["_id"].rsplit("/", 2)
    folded = {
        (plain(log), int(partition)): offset
        for log, partitions in document.get("folded", {}).items()
        for partition, offset in partitions.items()
    }
    state.figure_buckets[month, int(chunk)] = FigureBucket(document["rev"], folded)
    _load_days(state.units, document, Series)
    state.size += sum(len(days) for days in document.get("units", {}).values())


def _load_days(units: dict[str, S], document: Document, kind: type[S]) -> None:
    first = first_day(document) - 1
    for field, days in document.get("units", {}).items():
        series = units.setdefault(plain(field), kind())
        for day, content in days.items():
            series.put(first + int(day), _day(content))


def series_of(figures: Iterable[Document], kind: type[S]) -> dict[str, S]:
    """The series of a KPI by unit, and nothing else of its state. Raises `Unprocessable` like `state_of`."""
    units: dict[str, S] = {}
    for document in figures:
        _check(document)
        _load_days(units, document, kind)
    return units


def first_day(figures: Document) -> int:
    """The first day of the month of which a document holds figures."""
    return day_of(f"{figures['_id'].rsplit('/', 2)[1]}-01")


def _day(content: Document) -> Day:
    increments = None
    if "i" in content:
        n, d, v, events, ids, reported_at, preliminary = content["i"]
        packed = bytes(ids)
        increments = Increments(
            _number(n),
            _number(d),
            _number(v),
            events,
            tuple(packed[at : at + 16] for at in range(0, len(packed), 16)),
            reported_at,
            preliminary,
        )
    return Day(
        tuple(_figure(one) for one in content.get("a", ())),
        increments,
        tuple(_figure(one) for one in content.get("f", ())),
        content.get("e"),
    )


def _figure(one: Document) -> Figure:
    return Figure(
        one.get("r", 1),
        one.get("g", ACTUAL),
        one["t"],
        bytes(one["o"]),
        intern(one["s"]),
        one.get("x", False),
        _number(one.get("n")),
        _number(one.get("d")),
        _number(one.get("v")),
        tuple(one.get("l", ())),
        one.get("m"),
        _name(one.get("k", "")),
    )


def _name(value: str | bytes) -> str | bytes:
    return value if isinstance(value, str) else bytes(value)


def _number(value: Any) -> int | None:
    return None if value is None else loaded(value)


def _load_judgements(state: KpiState, document: Document) -> None:
    _, period, chunk = document["_id"].rsplit("/", 2)
    owed = frozenset(document.get("owed", ()))
    bucket = state.judgement_buckets[period, int(chunk)] = JudgementBucket(
        document["rev"], owed, awaited=bool(document.get("awaits"))
    )
    through = document.get("through")
    if through is not None and (state.through is None or through > state.through):
        state.through = through
    for field, cell in document.get("units", {}).items():
        due = cell.get("u")
        record = Record(
            version=cell["v"],
            status=cell["s"],
            previous=cell.get("p"),
            as_of=_ordinal(cell.get("a")),
            digest=bytes(cell["h"]),
            trail=tuple(_head(*head) for head in cell.get("t", ())),
            due=None if due is None else day_of(due),
            cause=_cause(cell.get("c")),
            closed=None if "x" not in cell else Closed(*cell["x"]),
            foretold=_foretold(cell["f"]) if "f" in cell else None,
        )
        unit = plain(field)
        state.place(unit, period, record)
        known = record.foretold is not None and record.foretold.of == record.digest
        if bucket.awaited and record.as_of is not None and not known:
            bucket.awaiting[unit] = 0


def _foretold(cell: Sequence[Any]) -> Foretold | None:
    of, target, as_of, said = cell
    if said in REASONS:
        return Foretold(bytes(of), bytes(target), day_of(as_of), REASONS[said], said)
    return Foretold(bytes(of), bytes(target), day_of(as_of), said.encode())


def _head(as_of: str | None, version: int, previous: str | None, cause: Sequence[str] | None = None) -> Head:
    return Head(_ordinal(as_of), version, previous, _cause(cause))


def _cause(content: Sequence[str] | None) -> Cause | None:
    return None if content is None else Cause(content[0], tuple(content[1:]))


def _ordinal(text: str | None) -> int | None:
    return None if text is None else day_of(text)


# to documents


def figure_changes(state: KpiState, writer: str) -> list[Change]:
    """What the dirty figures change."""
    changes, name = [], name_of(state.key, state.generation)
    for key in state.dirty_figures:
        bucket = state.figure_buckets[key]
        month, chunk = key
        sets: dict[str, Any] = {"rev": bucket.rev + 1, "writer": writer}
        for unit, day in bucket.days:
            sets[f"units.{escaped(unit)}.{iso(day)[8:]}"] = _day_document(state.units[unit].days[day])
        for log in bucket.logs:
            sets[f"folded.{escaped(log[0])}.{log[1]}"] = bucket.folded[log]
        once = {"kpi": name, "month": month, "chunk": chunk, "schema": SCHEMA}
        changes.append(Change(f"{name}/{month}/{chunk}", bucket.rev, sets, once))
    return changes


def judgement_changes(state: KpiState, writer: str) -> list[Change]:
    """What the dirty records change."""
    changes, name = [], name_of(state.key, state.generation)
    for key in state.dirty_judgements:
        bucket = state.judgement_buckets[key]
        period, chunk = key
        records = state.by_bucket[key]
        sets: dict[str, Any] = {"rev": bucket.rev + 1, "writer": writer}
        for unit in bucket.units:
            sets[f"units.{escaped(unit)}"] = _record_document(records[unit])
        soonest = min((record.due for record in records.values() if record.due is not None), default=None)
        sets["next_due"] = None if soonest is None else iso(soonest)
        sets["awaits"] = bool(bucket.awaiting)
        if state.through is not None:
            sets["through"] = state.through
        if bucket.owes:
            sets["owed"] = sorted(bucket.owed)
        once = {"kpi": name, "period": period, "chunk": chunk, "schema": SCHEMA}
        changes.append(Change(f"{name}/{period}/{chunk}", bucket.rev, sets, once))
    return changes


def issue_changes(state: KpiState, issues: Iterable[Issue]) -> list[Change]:
    """What to set in the lists of forecasts issued. They have no versions: the same again changes nothing."""
    by_document: dict[tuple[str, int], dict[str, Any]] = {}
    for one in issues:
        as_of, *rest = one.forecast
        sets = by_document.setdefault((one.period, state.chunk_of(one.unit)), {})
        unit, mark = escaped(one.unit), one.forecast.target.hex()
        sets[f"units.{unit}.{iso(one.end)}@{mark}"] = [iso(as_of), *rest]
        sets[f"targets.{unit}.{mark}"] = [one.aim.wire, iso(one.aim.missed_on)]
    return [
        Change(
            f"{state.key}/{period}/{chunk}",
            0,
            sets,
            {"kpi": state.key, "period": period, "chunk": chunk, "schema": SCHEMA},
        )
        for (period, chunk), sets in by_document.items()
    ]


def issued_of(kept: Document) -> tuple[list[Issued], dict[bytes, Aim]]:
    """The forecasts issued of one unit, in order of time, and by their marks the targets that they were made for."""
    found = []
    for _, (as_of, *numbers, target) in sorted(kept.get("units", {}).items()):
        found.append(Issued._make([day_of(as_of), *numbers, bytes(target)]))
    aims = {
        bytes.fromhex(mark): Aim(dict(wire), day_of(missed_on))
        for mark, (wire, missed_on) in kept.get("targets", {}).items()
    }
    return sorted(found, key=lambda one: one.as_of), aims


def written(state: KpiState) -> None:
    """The changes are stored: what is in memory is what is stored."""
    for key in state.dirty_figures:
        bucket = state.figure_buckets[key]
        bucket.rev += 1
        bucket.days.clear()
        bucket.logs.clear()
    for key in state.dirty_judgements:
        judgements = state.judgement_buckets[key]
        judgements.rev += 1
        judgements.units.clear()
        judgements.owes = False
        judgements.awaited = bool(judgements.awaiting)
    state.dirty_figures.clear()
    state.dirty_judgements.clear()


def published(state: KpiState) -> None:
    """What was written beside the stream has been published: nothing is owed any more. To be written like any
    change."""
    for key, bucket in state.judgement_buckets.items():
        if bucket.owed:
            bucket.owed = frozenset()
            bucket.owes = True
            state.dirty_judgements.add(key)


def _day_document(day: Day) -> dict[str, Any]:
    content: dict[str, Any] = {}
    if day.figures:
        content["a"] = [_figure_document(one) for one in day.figures]
    if day.increments is not None:
        n, d, v, events, ids, reported_at, preliminary = day.increments
        content["i"] = [_stored(n), _stored(d), _stored(v), events, b"".join(ids), reported_at, preliminary]
    if day.forecasts:
        content["f"] = [_figure_document(one) for one in day.forecasts]
    if day.since != day.since_held:
        content["e"] = day.since
    return content


def _figure_document(one: Figure) -> dict[str, Any]:
    content: dict[str, Any] = {"o": one.id, "s": one.source, "t": one.reported_at}
    if one.n is not None:
        content["n"] = stored(one.n)
    if one.d is not None:
        content["d"] = stored(one.d)
    if one.v is not None:
        content["v"] = stored(one.v)
    if one.revision != 1:
        content["r"] = one.revision
    if one.grade != ACTUAL:
        content["g"] = one.grade
    if one.retracts:
        content["x"] = True
    if one.flags:
        content["l"] = list(one.flags)
    if one.more:
        content["m"] = one.more
    if one.source_id:
        content["k"] = one.source_id
    return content


def _stored(number: int | None) -> int | str | None:
    return None if number is None else stored(number)


def _record_document(record: Record) -> dict[str, Any]:
    content: dict[str, Any] = {"v": record.version, "s": record.status, "h": record.digest}
    if record.previous is not None:
        content["p"] = record.previous
    if record.as_of is not None:
        content["a"] = iso(record.as_of)
    if record.trail:
        content["t"] = [_head_document(head) for head in record.trail]
    if record.due is not None:
        content["u"] = iso(record.due)
    if record.cause is not None:
        content["c"] = [record.cause.catalog, *record.cause.what]
    if record.closed is not None:
        content["x"] = list(record.closed)
    if (forecast := record.foretold) is not None:
        content["f"] = [forecast.of, forecast.target, iso(forecast.as_of), forecast.code or forecast.said.decode()]
    return content


def _head_document(head: Head) -> list[Any]:
    content = [None if head.as_of is None else iso(head.as_of), head.version, head.previous]
    return content if head.cause is None else [*content, [head.cause.catalog, *head.cause.what]]
