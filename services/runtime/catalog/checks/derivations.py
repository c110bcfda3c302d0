"""KPIs that are derived from others: growth and composite."""

from collections.abc import Iterator
from itertools import pairwise

from contracts.catalog import Kpi, ScoreItem
from services.runtime.catalog.checks.context import Context
from services.runtime.catalog.problems import Located, Path, Problem


def check_derivations(context: Context) -> Iterator[Problem]:
    """What a KPI is derived from exists and does not lead back to it; scores can be given."""
    said: set[str] = set()
    for kpi, located in context.of(Kpi):
        if kpi.kind == "growth" and kpi.growth is None:
            yield located.problem("a growth is derived; write “growth: {of: <kpi>}”")
        if kpi.kind == "composite" and not kpi.composite:
            yield located.problem("a composite is derived; write “composite: [{kpi: …, maximum: …}]”")
        for source, path in _sources(kpi):
            if source == kpi.id:
                yield located.problem(f"“{source}” cannot be derived from itself; name another KPI", *path)
                continue
            yield from context.unknown(located, "KPI", source, context.kpis, *path)
            way = _way_back(source, kpi.id, context)
            if way and kpi.id not in said:
                said.update(way)
                yield located.problem(
                    f"“{kpi.id}” is derived from itself: {' → '.join([kpi.id, *way])}; name another KPI in one of them",
                    *path,
                )
        for number, score in enumerate(kpi.composite):
            yield from _check_score(score, located, ("composite", number))


def _sources(kpi: Kpi) -> Iterator[tuple[str, Path]]:
    if kpi.kind == "growth" and kpi.growth is not None:
        yield kpi.growth.of, ("growth", "of")
    if kpi.kind == "composite":
        for number, score in enumerate(kpi.composite):
            yield score.kpi, ("composite", number, "kpi")


def _way_back(start: str, goal: str, context: Context) -> list[str]:
    """The KPIs from `start` to `goal` along what they are derived from; empty if there is no way."""
    ways: list[list[str]] = [[start]]
    seen = {start}
    for way in ways:  # grows while it is walked: the shortest way is found first
        if way[-1] == goal:
            return way
        kpi = context.kpis.get(way[-1])
        for source, _ in _sources(kpi) if kpi is not None else ():
            if source not in seen:
                seen.add(source)
                ways.append([*way, source])
    return []


def _check_score(score: ScoreItem, located: Located, at: Path) -> Iterator[Problem]:
    if score.maximum <= 0:
        yield located.problem(f"a maximum of {score.maximum} points weighs nothing; write more than 0", *at, "maximum")
    if score.rule == "steps" and not score.steps:
        yield located.problem("the rule “steps” needs its table; write “steps: [{at_least: …, points: …}]”", *at)
    if any(below.at_least >= above.at_least for below, above in pairwise(score.steps)):
        yield located.problem("the steps must rise; sort them by at_least and write each once", *at, "steps")
    for number, step in enumerate(score.steps):
        if step.points > score.maximum:
            yield located.problem(
                f"{step.points} points are more than the maximum of {score.maximum}; correct one of them",
                *at,
                "steps",
                number,
                "points",
            )
