"""Units, their parents and codes, and who follows whom."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations, pairwise

from contracts.catalog import OrgUnit, Parent, Succession
from services.runtime.catalog.checks.context import Context, ends_before_it_begins, overlap
from services.runtime.catalog.problems import Located, Problem


def check_units(context: Context) -> Iterator[Problem]:
    """Levels, parents and validity of every unit; cycles; codes that mean two units on one day."""
    for unit, located in context.of(OrgUnit):
        yield from ends_before_it_begins(located, unit)
        yield from context.unknown(located, "level", unit.level, context.levels, "level")
        yield from _check_parents(unit, located, context)
    yield from _check_cycles(context)
    yield from _check_external_ids(context)
    if not context.units:
        yield Problem("org-units.csv", 0, "there is no unit; write at least one line for the province")


def check_successions(context: Context) -> Iterator[Problem]:
    """A succession takes place between units that exist."""
    for succession, located in context.of(Succession):
        yield from context.unknown(located, "unit", succession.from_unit, context.units, "from_unit")
        if succession.from_unit == succession.to_unit:
            yield located.problem("a unit cannot follow itself; name its successor in to_unit", "to_unit")


def _check_parents(unit: OrgUnit, located: Located, context: Context) -> Iterator[Problem]:
    for parent in unit.parents:
        yield from context.unknown(located, "unit", parent.unit, context.units, "parents")
        yield from ends_before_it_begins(located, parent, "parents")
        above = context.units.get(parent.unit)
        if above is not None and not overlap(above, unit):
            yield located.problem(
                f"the parent “{above.id}” does not exist while “{unit.id}” does; name the unit above it at that time",
                "parents",
            )
        if above is not None and _upside_down(above, unit, context):
            yield located.warning(
                f"“{unit.id}” ({unit.level}) hangs below “{above.id}” ({above.level}), which is not a higher level",
                "parents",
            )
    for one, other in combinations(unit.parents, 2):
        if overlap(one, other):
            yield located.problem(
                f"“{unit.id}” has two parents at once, {one.unit} and {other.unit}; give each its dates: "
                f"{one.unit}[..2023-07-01];{other.unit}[2023-07-01..]",
                "parents",
            )


def _upside_down(above: OrgUnit, unit: OrgUnit, context: Context) -> bool:
    if above.level not in context.levels or unit.level not in context.levels:
        return False
    return context.levels.index(above.level) >= context.levels.index(unit.level)


def _check_cycles(context: Context) -> Iterator[Problem]:
    said: set[str] = set()
    for unit, located in context.of(OrgUnit):
        for parent in unit.parents:
            path = _way_back(unit, parent, context)
            if path and unit.id not in said:
                said.update(path)
                yield located.problem(
                    f"a cycle: {' → '.join([unit.id, *path])}; give one of them another parent", "parents"
                )


def _way_back(unit: OrgUnit, parent: Parent, context: Context) -> list[str]:
    """The ids from the parent up to the unit itself, if that is where the parents lead on some day."""
    path, seen, link = [parent.unit], {parent.unit}, parent
    while link.unit != unit.id:
        above = context.units.get(link.unit)
        following = next((each for each in above.parents if overlap(each, parent)), None) if above else None
        if following is None or following.unit in seen:
            return []
        link = following
        seen.add(link.unit)
        path.append(link.unit)
    return path


def _check_external_ids(context: Context) -> Iterator[Problem]:
    bearers: dict[str, list[tuple[OrgUnit, Located]]] = defaultdict(list)
    for unit, located in context.of(OrgUnit):
        for code in unit.external_ids:
            bearers[code].append((unit, located))
        if len(set(unit.external_ids)) != len(unit.external_ids):
            yield located.problem(f"“{unit.id}” names one external id twice; write each once", "external_ids")
    for code, units in bearers.items():
        for (one, _), (other, located) in pairwise(units):
            if one.id != other.id and overlap(one, other):
                yield located.problem(
                    f"the external id “{code}” means both “{one.id}” and “{other.id}” on some days; "
                    "end the validity of one before the other begins, or correct the code",
                    "external_ids",
                )
        if code in context.units and all(unit.id != code for unit, _ in units):
            yield units[0][1].problem(f"“{code}” is also the id of a unit; give the unit another id", "external_ids")
