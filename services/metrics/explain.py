"""Why a record says what it says: the calculation in words, the figures in it, the units below, what would change it.

Pure, over state as it was loaded: the same judgement that was published is made again, and told step by step.
"""

from collections.abc import Iterator, Mapping
from decimal import ROUND_DOWN, Decimal
from typing import Any

import orjson

from contracts.explanations import Explanation, FigureBehind, Inputs, Step
from services.metrics.behind import figures_behind, units_in_sum
from services.metrics.bounds import would_change
from services.metrics.contributions import Brought
from services.metrics.days import Window, iso
from services.metrics.definition import Definition
from services.metrics.exact import SCALE
from services.metrics.fold import Fold
from services.metrics.progress import digest_of
from services.metrics.reading import Reading
from services.metrics.reasons import amount
from services.metrics.shortfall import split as split_of
from services.metrics.state import KpiState, Record
from services.metrics.trust import against
from services.metrics.wording import OF_PARTS, PER, measure, step, trusted, unit_of

FIGURES = 60
"""Figures that an explanation shows; the rest is under `/inputs`."""

_FOUR = Decimal("0.0001")


def explain(state: KpiState, definition: Definition, unit: str, window: Window, today: int) -> Explanation:
    """The explanation of a record as it stands on the local date `today`."""
    reading, status, content, _ = Fold(state, definition, today).judge(unit, window, None)
    record = state.records.get((unit, window.id), Record())
    judged = orjson.loads(content)
    until = min(today, window.last) if reading.as_of is None else reading.as_of
    split = None if judged["contributions"] is None else _split(definition, unit, window, reading)
    behind = figures_behind(definition, state.units, unit, window, until, today)
    return Explanation.model_validate(
        {
            **_name(definition, unit, window),
            "first": iso(window.first),
            "last": iso(window.last),
            "version": record.version,
            "published": record.digest == digest_of(content),
            "judged_on": iso(today),
            "catalog_version": definition.catalog.version,
            "kind": definition.kpi.kind,
            "on_track_pace": float(definition.kpi.on_track_pace),
            "at_risk_pace": float(definition.kpi.at_risk_pace),
            "judged": judged,
            "formula": list(_formula(definition, reading, judged)),
            "made_of": "own" if reading.direct else "parts" if behind else "nothing",
            "figures": behind[:FIGURES],
            "figures_count": len(behind),
            "observations_count": sum(one.events for one in behind),
            "children": list(_children(state, definition, unit, window, today, until, split)),
            "would_change": would_change(state, definition, unit, window, today, (reading, status)),
        }
    )


def inputs(
    state: KpiState, definition: Definition, unit: str, window: Window, today: int, start: int, limit: int
) -> Inputs:
    """A page of the figures in the record, the latest first."""
    reading, *_ = Fold(state, definition, today).judge(unit, window, None)
    behind: list[FigureBehind] = []
    if reading.as_of is not None:
        behind = figures_behind(definition, state.units, unit, window, reading.as_of, today)
    return Inputs.model_validate(
        {
            **_name(definition, unit, window),
            "figures_count": len(behind),
            "observations_count": sum(one.events for one in behind),
            "items": behind[start : start + limit],
            "next": start + limit if start + limit < len(behind) else None,
        }
    )


def _name(definition: Definition, unit: str, window: Window) -> dict[str, str]:
    province = definition.catalog.province.id
    return {"province": province, "kpi": definition.kpi_id, "org_unit": unit, "period": window.id}


def _split(definition: Definition, unit: str, window: Window, reading: Reading) -> Brought | None:
    """What each child brings to the gap, of a record that says what the first five of them do."""
    by = None if reading.as_of is None else definition.judging(unit, window, reading.as_of)
    if by is None or reading.value is None or reading.as_of is None:
        return None
    return split_of(definition, window, reading, by.planned(reading.as_of) or (by.aim(reading.value), SCALE))


def _children(
    state: KpiState,
    definition: Definition,
    unit: str,
    window: Window,
    today: int,
    until: int,
    split: Brought | None,
) -> Iterator[dict[str, Any]]:
    if not definition.kind.computed:
        return
    inside = units_in_sum(definition, state.units, unit, window, until)
    fold = Fold(state, definition, today)
    for child in definition.shape(until).children(unit):
        judged = orjson.loads(fold.judge(child, window, None)[2])
        yield {**judged, "org_unit": child, "in_sum": child in inside, **_brought(split, child)}


def _brought(split: Brought | None, child: str) -> dict[str, float]:
    if split is None or child not in split.gaps:
        return {}
    gap = split.gaps[child]
    return {"brings": gap / split.under, "share": gap / sum(split.gaps.values())}


# the calculation in words


def _formula(definition: Definition, reading: Reading, judged: Mapping[str, Any]) -> Iterator[Step]:
    unit = {"unit": unit_of(judged["unit_of_measure"])}
    yield measure(definition.kpi.kind)
    value = judged["value"]
    if value is None:
        yield step("no_value", {})
    elif judged["numerator"] is not None and judged["denominator"]:
        numbers = {"n": number(judged["numerator"]), "d": number(judged["denominator"]), "value": number(value)}
        code = OF_PARTS.get(definition.kpi.kind, "share")
        yield step(code, {**numbers, "base": str(definition.kpi.rate_base or 100)}, unit)
    else:
        yield step("amount", {"value": number(value)}, unit)
    if judged["as_of"] is not None:
        complete = judged["completeness"] or {"reported": 0, "expected": 0}
        counts = {name: str(complete[name]) for name in ("reported", "expected")}
        yield step("own" if reading.direct else "parts", counts, {"as_of": judged["as_of"]})
    if value is not None:
        yield trusted(against(judged["flags"], judged["reasons"], judged["completeness"], direct=reading.direct))
    if judged["target"] is not None:
        yield from _against(definition, judged, judged["target"], unit)


def _against(
    definition: Definition, judged: Mapping[str, Any], target: Mapping[str, Any], unit: Mapping[str, str]
) -> Iterator[Step]:
    """What the figure is measured against."""
    goal = _goal(target)
    names = {**unit, "deadline": target["deadline"], "id": target["id"], "version": str(target["version"])}
    yield step("target", {"goal": goal}, names)
    if judged["value"] is None:
        return
    value, baseline = number(judged["value"]), target["baseline"]
    planned, pace, completion = judged["planned"], judged["pace"], judged["completion"]
    bounds = {"on_track": amount(definition.norms.on_track), "at_risk": amount(definition.norms.at_risk)}
    held = target["intent"] == "keep" or baseline is None or planned is None or target["value"] is None
    if planned is not None:
        names |= {"as_of": judged["as_of"], "baseline_on": str(target["baseline_on"])}
        if held:
            yield step("held_to", {"planned": number(planned)}, names)
        else:
            yield step(
                "planned",
                {"planned": number(planned), "baseline": number(baseline), "goal": number(target["value"])},
                names,
            )
        yield step("gap", {"value": value, "planned": number(planned), "gap": number(judged["gap"])})
    if completion is not None and target["value"] is not None:
        ends = {"value": value, "baseline": number(baseline), "aim": number(target["value"])}
        yield step("completion", {**ends, "completion": number(completion)})
    if pace is not None and (held or completion is None):
        yield step("pace_to_target", {"pace": number(pace), **bounds})
    elif pace is not None:
        ends = {"value": value, "baseline": number(baseline), "planned": number(planned)}
        yield step("pace", {**ends, "pace": number(pace), **bounds})
    if judged["needed"] is not None:
        per = judged["needed"]["per"]
        needed = {"amount": number(judged["needed"]["amount"])}
        yield step("needed", needed, {"per_vi": PER[per], "per_en": per, "deadline": target["deadline"]})


def _goal(target: Mapping[str, Any]) -> str:
    if target["value"] is None:
        return f"{number(target['low'])} … {number(target['high'])}"
    return f"{target['comparator'].replace('>=', '≥').replace('<=', '≤')} {number(target['value'])}"


def number(value: float) -> str:
    """Up to four decimals, cut and not rounded, as the reasons of a record write them."""
    text = format(Decimal(repr(value)).quantize(_FOUR, ROUND_DOWN), "f")
    cut = text.rstrip("0").rstrip(".")
    return "0" if cut == "-0" else cut
