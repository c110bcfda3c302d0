"""Units, their parents and codes."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from itertools import combinations, pairwise

from contracts.catalog import OrgUnit
from services.runtime.catalog.checks.context import Context, ends_before_it_begins, overlap
from services.runtime.catalog.problems import Located, Problem


def check_units(context: Context) -> Iterator[Problem]:
    """Levels, parents and validity of every unit; cycles; codes that mean two units on one day."""
    for unit, located in context.of(OrgUnit):
        yield from ends_before_it_begins(located, unit)
        yield from context.unknown(located, "level", unit.level, context.levels, "level")
        yield from _check_parents(unit, located, context)
    yield from _check_cycles(context)
    yield from _check_orphans(context)
    yield from _check_external_ids(context)


def check_any_units(context: Context) -> Iterator[Problem]:
    """A catalog without units takes no figures: hardly what somebody means to apply."""
    if not context.units:
        yield Problem("org-units.csv", 0, "there is no unit; write at least one line for the province")


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
    for day in (date.min, *context.tree.turning_points):
        for unit, located in context.of(OrgUnit):
            path = _way_back(unit.id, day, context) if unit.id not in said else []
            if path:
                said.update(path)
                when = "" if day == date.min else f" (from {day} on)"
                yield located.problem(
                    f"a cycle: {' → '.join([unit.id, *path])}{when}; give one of them another parent", "parents"
                )


def _way_back(unit_id: str, day: date, context: Context) -> list[str]:
    """The units from the parent up to the unit itself, if that is where the parents of that day lead."""
    path: list[str] = []
    above = context.tree.parent(unit_id, day)
    while above is not None and above not in path:
        path.append(above)
        if above == unit_id:
            return path
        above = context.tree.parent(above, day)
    return []


def _check_orphans(context: Context) -> Iterator[Problem]:
    """Units that have a parent on some days and none on others: they would drop out of every sum."""
    days = (date.min, *context.tree.turning_points)
    for unit, located in context.of(OrgUnit):
        above = [context.units[parent.unit] for parent in unit.parents if parent.unit in context.units]
        if not any(overlap(each, unit) for each in above):
            continue  # no parent at all is the top of the tree; one of another time is an error already
        alone = [day for day in days if unit.valid_on(day) and context.tree.parent(unit.id, day) is None]
        if alone:
            since = "at first" if alone[0] == date.min else f"from {alone[0]} on"
            yield located.warning(
                f"“{unit.id}” has no unit above it {since} and is in no sum then; write who is above it at that time, "
                f"or end it with valid_to",
                "parents",
            )


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
