"""Why a record says what it says: the calculation in words, the figures in it, the units below, what would change it.

Pure, over state as it was loaded: the same judgement that was published is made again, and told step by step.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from contracts.explanations import Explanation, FigureBehind, Inputs, SourceBehind
from services.metrics.behind import figures_behind, flagged, forecasts_of, units_in_sum
from services.metrics.bounds import would_change
from services.metrics.contributions import Brought, share
from services.metrics.days import Window, iso
from services.metrics.definition import Definition
from services.metrics.derived.source import Source
from services.metrics.derived.told import sources_behind
from services.metrics.doubts import PARTS_DISAGREE, Doubt, among_parts, among_sources, of_series
from services.metrics.exact import SCALE, Quotient
from services.metrics.foretold import Aim, Issued, target_of
from services.metrics.formula import Told, formula
from services.metrics.issued import landings
from services.metrics.judging import Judging
from services.metrics.lowest import lowest
from services.metrics.obligation import Obligation
from services.metrics.past import goal_of
from services.metrics.progress import digest_of, with_reasons
from services.metrics.reading import Reading
from services.metrics.shortfall import split as split_of
from services.metrics.state import KpiState, Record
from services.metrics.versions import versions

FIGURES = 60
"""Figures that an explanation shows; the rest is under `/inputs`."""


def explain(
    state: KpiState,
    definition: Definition,
    unit: str,
    window: Window,
    today: int,
    issued: tuple[Sequence[Issued], Mapping[bytes, Aim]] | None = None,
    sources: Sequence[Source] = (),
) -> Explanation:
    """The explanation of a record as it stands on the local date `today`. `issued`: its landings that went out, and the
    targets that they were made for; `sources`: what a derived KPI is made from."""

    def stood(day: int) -> Reading:
        return state.readings(definition).read(unit, window, min(window.last, day), today, former=True)

    judging = Judging(state, definition, today)
    reading, status, content, _ = judging.judge(unit, window, None)
    record = state.records.get((unit, window.id), Record())
    published = record.digest == digest_of(content)
    said = judging.emission(unit, window, record, record.head._replace(as_of=reading.as_of), status, content)
    further = [orjson.loads(said.future.reason)] if said.future.reason else []
    further += said.further if published else ()
    judged = orjson.loads(with_reasons(content, further))
    judged["landing"] = orjson.loads(said.future.landing)
    until = min(today, window.last) if reading.as_of is None else reading.as_of
    by = None if judged["target"] is None else _judging(definition, unit, window, reading, today)
    planned = _planned_of_a_short(judged, reading, by)
    split = None if planned is None else split_of(definition, window, reading, planned)
    doubts = list(_doubts(state, definition, unit, reading))
    derived = definition.kind.derived
    behind = [] if derived else figures_behind(definition, state.units, unit, window, until, today)
    behind = flagged(definition, state.units, behind)
    lowest_split = None
    if planned is not None and by is not None:
        parts, speaking = judging.lowest(unit, window, by), {one.org_unit for one in behind}
        lowest_split = lowest(definition, window, reading, planned, parts, speaking)
    made_from = [] if reading.as_of is None else sources_behind(definition, sources, unit, reading.as_of)
    told = Told(definition, window, reading, judged, by, doubts, made_from, behind)
    return Explanation.model_validate(
        {
            **_name(definition, unit, window),
            "first": iso(window.first),
            "last": iso(window.last),
            "version": record.version,
            "published": published,
            "judged_on": iso(today),
            "catalog_version": definition.catalog.version,
            "kind": definition.kpi.kind,
            "on_track_pace": float(definition.kpi.on_track_pace),
            "at_risk_pace": float(definition.kpi.at_risk_pace),
            "judged": judged,
            "closed": None if said.closed is None else said.closed._asdict(),
            "targets": list(versions(state, definition, unit, window, today)),
            "formula": list(formula(told)),
            "doubts": [doubt._asdict() for doubt in doubts],
            "made_of": _made_of(reading, behind, made_from),
            "figures": behind[:FIGURES],
            "figures_count": len(behind),
            "observations_count": sum(one.events for one in behind),
            "forecasts": forecasts_of(state.units, unit, window),
            "sources": made_from,
            "children": list(_children(state, definition, unit, window, today, until, split)),
            "lowest": lowest_split,
            "would_change": would_change(state, definition, unit, window, today, (reading, status)),
            "landings": landings(
                target_of(definition, unit, window, reading.as_of, today), today, stood, *(issued or ((), {}))
            ),
        }
    )


def _made_of(reading: Reading, behind: Sequence[FigureBehind], made_from: Sequence[SourceBehind]) -> str:
    if made_from:
        return "sources"
    return "own" if reading.direct else "parts" if behind else "nothing"


def inputs(
    state: KpiState, definition: Definition, unit: str, window: Window, today: int, start: int, limit: int
) -> Inputs:
    """A page of the figures in the record, the latest first."""
    reading, *_ = Judging(state, definition, today).judge(unit, window, None)
    behind: list[FigureBehind] = []
    if reading.as_of is not None and not definition.kind.derived:
        behind = figures_behind(definition, state.units, unit, window, reading.as_of, today)
    return Inputs.model_validate(
        {
            **_name(definition, unit, window),
            "figures_count": len(behind),
            "observations_count": sum(one.events for one in behind),
            "items": flagged(definition, state.units, behind[start : start + limit]),
            "next": start + limit if start + limit < len(behind) else None,
        }
    )


def _name(definition: Definition, unit: str, window: Window) -> dict[str, str]:
    province = definition.catalog.province.id
    return {"province": province, "kpi": definition.kpi_id, "org_unit": unit, "period": window.id}


def _judging(definition: Definition, unit: str, window: Window, reading: Reading, today: int) -> Obligation | None:
    """The version of the target that judged."""
    day = reading.as_of if reading.as_of is not None else min(max(today, window.first), window.last)
    return definition.judging(unit, window, day) or definition.judging(unit, window, today)


def _doubts(state: KpiState, definition: Definition, unit: str, reading: Reading) -> Iterator[Doubt]:
    """What other figures make doubtful in the unit's own figure, or in what it says beside its parts."""
    for own in reading.own if reading.direct else ():
        if own.figure is not None and not definition.kind.derived:
            series = state.units[unit]
            differs = among_sources(series.days[own.base], own.figure)
            yield from [] if differs is None else [differs]
            yield from of_series(definition, series, own.base, own.figure)
    if reading.discrepancy is not None and PARTS_DISAGREE in reading.flags:
        yield among_parts(reading.discrepancy["reported"], reading.discrepancy["parts"])


def _planned_of_a_short(judged: Mapping[str, Any], reading: Reading, by: Obligation | None) -> Quotient | None:
    """What a record should have reached that is short of it and made of its parts; None of any other."""
    split = judged["contributions"] is not None or any(one["code"] == "not_split" for one in judged["reasons"])
    if not split or by is None or reading.value is None or reading.as_of is None:
        return None
    return by.planned(reading.as_of) or (by.aim(reading.value), SCALE)


def _children(
    state: KpiState,
    definition: Definition,
    unit: str,
    window: Window,
    today: int,
    until: int,
    split: Brought | None,
) -> Iterator[dict[str, Any]]:
    inside = units_in_sum(definition, state.units, unit, window, until)
    judging = Judging(state, definition, today)
    for child in definition.shape(until).children(unit):
        judged = orjson.loads(judging.judge(child, window, None)[2])
        yield {
            **judged,
            "goal": goal_of(judged),
            "org_unit": child,
            "in_sum": child in inside,
            **_brought(split, child),
        }


def _brought(split: Brought | None, child: str) -> dict[str, float]:
    if split is None or child not in split.gaps:
        return {}
    gap = split.gaps[child]
    return {"brings": gap / split.under, "share": share(gap, sum(split.gaps.values()))}
