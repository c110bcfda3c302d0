"""Units, their parents and codes."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from itertools import combinations, pairwise

from contracts.catalog import OrgUnit
from services.runtime.catalog.checks.context import Context, ends_before_it_begins, overlap
from services.runtime.catalog.problems import NOTHING, Located, Problem, Words


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
        yield Problem("org-units.csv", 0, str(_NO_UNIT))


_NO_UNIT = Words(
    "chưa có đơn vị nào; hãy viết ít nhất một dòng cho tỉnh",
    "there is no unit; write at least one line for the province",
)


def _check_parents(unit: OrgUnit, located: Located, context: Context) -> Iterator[Problem]:
    for parent in unit.parents:
        yield from context.unknown(located, "unit", parent.unit, context.units, "parents")
        yield from ends_before_it_begins(located, parent, "parents")
        above = context.units.get(parent.unit)
        if above is not None and not overlap(above, unit):
            yield located.problem(
                Words(
                    f"đơn vị cấp trên “{above.id}” không tồn tại trong thời gian của “{unit.id}”; hãy ghi đơn vị cấp "
                    "trên của thời gian đó",
                    f"the parent “{above.id}” does not exist while “{unit.id}” does; name the unit above it at that "
                    "time",
                ),
                "parents",
            )
        if above is not None and _upside_down(above, unit, context):
            yield located.warning(
                Words(
                    f"“{unit.id}” ({unit.level}) trực thuộc “{above.id}” ({above.level}), vốn không phải cấp cao hơn; "
                    "hãy sửa “parent”, hoặc “level” của một đơn vị",
                    f"“{unit.id}” ({unit.level}) hangs below “{above.id}” ({above.level}), which is not a higher "
                    "level; correct the parent, or the level of one of them",
                ),
                "parents",
            )
    for one, other in combinations(unit.parents, 2):
        if overlap(one, other):
            yield located.problem(
                Words(
                    f"“{unit.id}” có hai đơn vị cấp trên cùng lúc, {one.unit} và {other.unit}; hãy ghi ngày cho từng "
                    f"đơn vị: {one.unit}[..2023-07-01];{other.unit}[2023-07-01..]",
                    f"“{unit.id}” has two parents at once, {one.unit} and {other.unit}; give each its dates: "
                    f"{one.unit}[..2023-07-01];{other.unit}[2023-07-01..]",
                ),
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
                when = NOTHING if day == date.min else Words(f" (từ ngày {day:%d/%m/%Y})", f" (from {day} on)")
                circle = " → ".join([unit.id, *path])
                yield located.problem(
                    Words(
                        f"các đơn vị trực thuộc nhau theo vòng: {circle}{when.vi}; hãy ghi đơn vị cấp trên khác cho "
                        "một đơn vị",
                        f"a cycle: {circle}{when.en}; give one of them another parent",
                    ),
                    "parents",
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
            since = (
                Words("lúc đầu", "at first")
                if alone[0] == date.min
                else Words(f"từ ngày {alone[0]:%d/%m/%Y}", f"from {alone[0]} on")
            )
            yield located.warning(
                Words(
                    f"“{unit.id}” không có đơn vị cấp trên {since.vi} nên không được cộng vào đâu; hãy ghi đơn vị cấp "
                    "trên của thời gian đó, hoặc cho đơn vị này valid_to",
                    f"“{unit.id}” has no unit above it {since.en} and is in no sum then; write who is above it at that "
                    "time, or end it with valid_to",
                ),
                "parents",
            )


def _check_external_ids(context: Context) -> Iterator[Problem]:
    bearers: dict[str, list[tuple[OrgUnit, Located]]] = defaultdict(list)
    for unit, located in context.of(OrgUnit):
        for code in unit.external_ids:
            bearers[code].append((unit, located))
        if len(set(unit.external_ids)) != len(unit.external_ids):
            yield located.problem(
                Words(
                    f"“{unit.id}” có một mã ngoài ghi hai lần; hãy viết mỗi mã một lần",
                    f"“{unit.id}” names one external id twice; write each once",
                ),
                "external_ids",
            )
    for code, units in bearers.items():
        for (one, _), (other, located) in pairwise(units):
            if one.id != other.id and overlap(one, other):
                yield located.problem(
                    Words(
                        f"mã ngoài “{code}” có ngày chỉ cả “{one.id}” lẫn “{other.id}”; hãy cho một đơn vị hết hiệu "
                        "lực trước khi đơn vị kia bắt đầu, hoặc sửa mã",
                        f"the external id “{code}” means both “{one.id}” and “{other.id}” on some days; "
                        "end the validity of one before the other begins, or correct the code",
                    ),
                    "external_ids",
                )
        if code in context.units and all(unit.id != code for unit, _ in units):
            yield units[0][1].problem(
                Words(
                    f"“{code}” cũng là mã (id) của một đơn vị; hãy đặt id khác cho đơn vị ấy",
                    f"“{code}” is also the id of a unit; give the unit another id",
                ),
                "external_ids",
            )
