"""The calculation of a record in words, line by line.

Numbers are rounded to four decimals, as the reasons of a record write them, and a line that shows a sum or a quotient
says whether what it shows is exact. A difference is that of the numbers shown, so that whoever checks it finds it
right.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from contracts.explanations import FigureBehind, SourceBehind, Step
from contracts.progress import Landing
from contracts.reading import WIDE, in_decimals
from services.metrics.days import Window, iso
from services.metrics.definition import Definition
from services.metrics.doubts import Doubt
from services.metrics.exact import SCALE, Quotient
from services.metrics.kinds.level import EVERY_COUNT
from services.metrics.landing.explain import Sentence, explain, explain_skill
from services.metrics.obligation import Obligation
from services.metrics.reading import Reading
from services.metrics.reasons import MOST_PLACES, PLACES, amount
from services.metrics.trust import against
from services.metrics.wording import OF_PARTS, PER, decimals_of, doubted, measure, points_of, step, trusted, unit_of


@dataclass(frozen=True, slots=True)
class Told:
    """What is told: a judgement (as published), what it was made from, and by which version of the target."""

    definition: Definition
    window: Window
    reading: Reading
    judged: Mapping[str, Any]
    by: Obligation | None
    doubts: Sequence[Doubt] = ()
    sources: Sequence[SourceBehind] = ()
    behind: Sequence[FigureBehind] = ()

    @property
    def doubted_units(self) -> list[tuple[str, str]]:
        """The units below of which figures that are in this one carry a flag: names in Vietnamese and English."""
        if self.reading.direct:
            return []
        units = self.definition.catalog.units
        found = [units.get(one) for one in dict.fromkeys(one.org_unit for one in self.behind if one.flags)]
        return sorted((one.name, one.name_en or one.name) for one in found if one is not None)


def formula(told: Told) -> Iterator[Step]:
    """How the value came about, what it is held against, and what follows."""
    yield measure(told.definition.kpi.kind)
    yield from _value(told)
    if told.judged["value"] is not None:
        held = told.judged["flags"], told.judged["reasons"], told.judged["completeness"], told.judged.get("score")
        yield trusted(against(*held, direct=told.reading.direct), told.doubted_units)
    for doubt in told.doubts:
        yield doubted(doubt)
    if told.by is not None:
        yield from _against(told, told.by)
        if told.judged.get("landing") is not None:
            yield from _landing(told, told.by)


def _value(told: Told) -> Iterator[Step]:
    judged, kpi = told.judged, told.definition.kpi
    unit = {"unit": unit_of(kpi.unit_of_measure)}
    value = judged["value"]
    if told.sources:
        yield from _derived(told, unit)
    elif value is None:
        yield step("no_value", {})
    elif kpi.kind == "level" and not told.reading.direct and told.reading.n is not None and told.reading.d:
        yield step(
            "weighted",
            {**_weighed(told.definition, told.reading), "value": number(value)},
            {**unit, "eq": _sign(value)},
        )
    elif judged["numerator"] is not None and judged["denominator"]:
        numbers = {"n": number(judged["numerator"]), "d": number(judged["denominator"]), "value": number(value)}
        base = {"base": number(float(kpi.rate_base or 100))}
        yield step(OF_PARTS.get(kpi.kind, "share"), {**numbers, **base}, {**unit, "eq": _sign(value)})
    else:
        yield step("amount", {"value": number(value)}, unit)
    if judged["as_of"] is not None:
        complete = judged["completeness"] or {"reported": 0, "expected": 0}
        left_out = len(complete.get("left_out", ()))
        counts = {name: number(complete[name]) for name in ("reported", "expected")}
        counts["summed"] = number(complete["reported"] - left_out)
        made = "parts_but_some" if left_out else "parts"
        code = "derived" if told.sources else "own" if told.reading.direct else made
        yield step(code, counts, {"as_of": judged["as_of"]})
        yield from _several(told)
    if judged["discrepancy"] is not None:
        yield step("discrepancy", {name: number(judged["discrepancy"][name]) for name in ("reported", "parts")}, unit)


def _weighed(definition: Definition, reading: Reading) -> dict[str, str]:
    """Σ value·weight and Σ weight, as numbers of the KPI."""
    scale = SCALE**2 * (EVERY_COUNT if definition.kind.averages else 1)
    return {"n": number((reading.n or 0) / scale), "d": number((reading.d or 0) / scale)}


def _several(told: Told) -> Iterator[Step]:
    """Where several reports or several periods make the figure."""
    definition, reading = told.definition, told.reading
    if reading.direct and reading.own:
        count = {"count": number(sum(own.count for own in reading.own))}
        if definition.kind.averages:
            yield step("mean", count)
        elif any(own.summed for own in reading.own):
            yield step("summed", count)
    if definition.sums_periods and reading.as_of is not None:
        periods = len(list(definition.accounting_in(told.window, reading.as_of)))
        if periods > 1:
            yield step("periods", {"count": number(periods)})


def _derived(told: Told, unit: Mapping[str, str]) -> Iterator[Step]:
    """The sources with their numbers, and what was made of them."""
    if told.judged.get("score") is not None:
        yield from _score(told)
        return
    for source in told.sources:
        names = {**_names(told, source), "period": source.period, "unit": unit_of(source.unit_of_measure)}
        if source.value is None:
            yield step("source_silent", {}, names)
        else:
            yield step("source", {"value": number(source.value)}, names)
    values, made = [source.value for source in told.sources], told.judged["value"]
    if made is None or None in values:
        yield step("no_value", {})
        return
    now, then = (value or 0.0 for value in values)
    eq = _sign_of(made, (now, 0), (then, 0))
    yield step("quotient", {"now": number(now), "then": number(then), "value": number(made)}, {**unit, "eq": eq})


def _score(told: Told) -> Iterator[Step]:
    score = told.judged["score"]
    for source in told.sources:
        maximum = {"maximum": number(source.maximum or 0)}
        if source.points is None or source.value is None:
            yield step("item_missing", maximum, _names(told, source))
            continue
        code = "item_no_step" if source.rule == "steps" and source.against is None else f"item_{source.rule}"
        numbers = {"value": number(source.value), "points": number(source.points), **maximum}
        names = {**_names(told, source), "unit": unit_of(source.unit_of_measure)}
        yield step(code, {**numbers, "against": number(source.against or 0)}, names)
    if score["points"] is not None:
        brought = [_rounded(source.points) for source in told.sources if source.points is not None]
        numbers = {"sum": " + ".join(_plain(one) for one in brought), "value": number(score["points"])}
        eq = "=" if sum(brought) == _rounded(score["points"]) else "≈"
        yield step("sum_of_points", {**numbers, "maximum": number(score["maximum"])}, {"eq": eq})
    of = {"of": number(score["of"])}
    yield step("unranked", of) if score["rank"] is None else step("ranked", {"rank": number(score["rank"]), **of})


def _names(told: Told, source: SourceBehind) -> dict[str, str]:
    kpi = told.definition.catalog.kpis[source.kpi]
    return {"name_vi": kpi.short_name or kpi.name_vi, "name_en": kpi.short_name_en or kpi.name_en}


def _against(told: Told, by: Obligation) -> Iterator[Step]:
    """What the figure is measured against."""
    judged, target = told.judged, told.judged["target"]
    code = told.definition.kpi.unit_of_measure
    points_vi, points_en = points_of(code)
    unit = {"unit": unit_of(code), "points_vi": points_vi, "points_en": points_en}
    names = {**unit, "deadline": target["deadline"], "id": target["id"], "version": str(target["version"])}
    yield step("target", {"goal": goal_of(target)}, names)
    held = judged.get("held")
    if held is not None and held["readings"]:
        yield step("held", {name: number(held[name]) for name in ("readings", "kept")})
    value, planned = judged["value"], judged["planned"]
    if value is None:
        return
    if planned is not None:
        yield _planned(told, by, names)
        yield _gap(value, planned, unit)
    if judged["completion"] is not None:
        yield _completion(told, by, value)
    if judged["pace"] is not None:
        yield _pace(told, by, value)
    if judged["needed"] is not None:
        yield from _needed(judged["needed"], names)


def _planned(told: Told, by: Obligation, names: Mapping[str, str]) -> Step:
    as_of, planned = told.judged["as_of"], told.judged["planned"]
    names = {**names, "as_of": as_of, "eq": _sign(planned)}
    if not by.sign:
        return step("nearer_edge", {"planned": number(planned)}, names)
    if by.keeps or by.curve is None:
        return step("held_to", {"planned": number(planned)}, names)
    around = None if told.reading.as_of is None else by.curve.around(told.reading.as_of)
    if around is None:
        return step("planned", {"planned": number(planned)}, names)
    (since, start), (until, end) = around
    numbers = {"start": _quotient(start), "end": _quotient(end), "planned": number(planned)}
    days = {"gone": number((told.reading.as_of or since) - since), "days": number(until - since)}
    return step("planned_between", {**numbers, **days}, {**names, "since": iso(since), "until": iso(until)})


def _gap(value: float, planned: float, unit: Mapping[str, str]) -> Step:
    places = PLACES
    while value != planned and _rounded(value, places) == _rounded(planned, places) and places < MOST_PLACES:
        places += 1
    shown = _rounded(value, places), _rounded(planned, places)
    numbers = {"value": _plain(shown[0]), "planned": _plain(shown[1]), "gap": _plain(WIDE.subtract(*shown))}
    return step("gap", numbers, unit)


def _completion(told: Told, by: Obligation, value: float) -> Step:
    assert told.reading.value is not None
    baseline, aim = (by.baseline or 0) / SCALE, by.aim(told.reading.value) / SCALE
    completion = told.judged["completion"]
    ends = {"value": number(value), "baseline": number(baseline), "aim": number(aim)}
    eq = _sign_of(completion, (value, baseline), (aim, baseline))
    return step("completion", {**ends, "completion": number(completion)}, {"eq": eq})


def _pace(told: Told, by: Obligation, value: float) -> Step:
    judged, norms = told.judged, told.definition.norms
    pace = judged["pace"]
    numbers = {"pace": number(pace), "on_track": amount(norms.on_track), "at_risk": amount(norms.at_risk)}
    if by.curve is not None:
        baseline, planned = (by.baseline or 0) / SCALE, judged["planned"]
        ends = {"value": number(value), "baseline": number(baseline), "planned": number(planned)}
        return step("pace", {**numbers, **ends}, {"eq": _sign_of(pace, (value, baseline), (planned, baseline))})
    if not by.sign and told.reading.value is not None and by.met(told.reading.value):
        return step("pace_inside", numbers)
    over, under = _compared(by, value)
    code = "pace_of_line" if by.keeps else "pace_to_target"
    return step(
        code,
        {**numbers, "over": number(over), "under": number(under)},
        {"eq": _sign_of(pace, (over, 0), (under, 0))},
    )


def _compared(by: Obligation, value: float) -> tuple[float, float]:
    """Value and target in the order in which a pace without a plan divides them."""
    if by.sign:
        goal = by.goal / SCALE
        return (value, goal) if by.sign > 0 else (goal, value)
    return (value, by.low / SCALE) if value < by.low / SCALE else (by.high / SCALE, value)


def _needed(needed: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[Step]:
    per = {**names, "per_vi": PER[needed["per"]], "per_en": needed["per"]}
    yield step("needed", {"amount": number(needed["amount"])}, per)
    for code in ("so_far", "best"):
        if needed[code] is not None:
            yield step(code, {"amount": number(needed[code])}, per)


def _landing(told: Told, by: Obligation) -> Iterator[Step]:
    """Where it will stand, and how good such forecasts have been."""
    landing = Landing.model_validate(told.judged["landing"], strict=False)
    kpi, deadline = told.definition.kpi, date.fromordinal(by.deadline)
    unit, decimals = Sentence(unit_of(kpi.unit_of_measure), unit_of(kpi.unit_of_measure)), decimals_of(kpi)
    said = {"landing": explain(landing, deadline, decimals, unit)}
    if landing.skill is not None:
        said["landing_skill"] = explain_skill(landing.method, landing.skill, decimals, unit)
    for code, sentence in said.items():
        yield Step(code=code, text_vi=sentence.vi, text_en=sentence.en)


# numbers


def goal_of(target: Mapping[str, Any]) -> str:
    """The target of a record in a sentence."""
    if target["value"] is None:
        return f"{number(target['low'])} … {number(target['high'])}"
    return f"{target['comparator'].replace('>=', '≥').replace('<=', '≤')} {number(target['value'])}"


def number(value: float) -> str:
    """Rounded as `reasons.words` does it; thousands are set apart: 1,234.5."""
    return _plain(_rounded(value))


def _quotient(value: Quotient) -> str:
    return number(value[0] / value[1])


def _rounded(value: float, places: int = PLACES) -> Decimal:
    exact = Decimal(repr(value))
    read = in_decimals(exact, places)
    while read != exact and read.as_tuple().digits[-1] == 0 and places < MOST_PLACES:
        places += 1
        read = in_decimals(exact, places)
    return read


def _plain(shown: Decimal) -> str:
    text = f"{shown:,f}"
    short = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if short == "-0" else short


def _sign(value: float) -> str:
    """Whether what is shown is all of it."""
    return "=" if Decimal(repr(value)) == _rounded(value) else "≈"


def _sign_of(quotient: float, over: tuple[float, float], under: tuple[float, float]) -> str:
    """Whether the quotient of the differences shown is the one shown."""
    above, below = (Fraction(_rounded(a)) - Fraction(_rounded(b)) for a, b in (over, under))
    return "=" if below and above / below == Fraction(_rounded(quotient)) else "≈"
