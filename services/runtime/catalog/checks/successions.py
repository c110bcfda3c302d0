"""Who follows whom: between units that are there at that time, and with shares that make a whole."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal

from contracts.catalog import OrgUnit, Succession
from services.runtime.catalog.checks.context import Context
from services.runtime.catalog.problems import NOTHING, Located, Problem, Words

Rows = list[tuple[Succession, Located]]

_ONE_DAY = timedelta(days=1)


def check_successions(context: Context) -> Iterator[Problem]:
    """Every succession by itself, then all successors of one unit together, then who was forgotten."""
    divided: dict[tuple[str, date], Rows] = defaultdict(list)
    for succession, located in context.of(Succession):
        yield from context.unknown(located, "unit", succession.from_unit, context.units, "from_unit")
        yield from context.unknown(located, "unit", succession.to_unit, context.units, "to_unit")
        yield from _check_weight(succession, located)
        if succession.from_unit == succession.to_unit:
            yield located.problem(
                Words(
                    "đơn vị không thể kế thừa chính mình; hãy ghi đơn vị kế thừa ở to_unit",
                    "a unit cannot follow itself; name its successor in to_unit",
                ),
                "to_unit",
            )
        elif succession.from_unit in context.units and succession.to_unit in context.units:
            yield from _check_days(succession, located, context)
            divided[succession.from_unit, succession.effective].append((succession, located))
    yield from _check_mutual(context)
    for (unit_id, day), rows in divided.items():
        yield from _check_whole(context.units[unit_id], day, rows)
    yield from _check_forgotten(context)


def _check_mutual(context: Context) -> Iterator[Problem]:
    """Two units that follow each other on one day."""
    said: dict[tuple[str, str, date], Located] = {}
    for succession, located in context.of(Succession):
        one, other, day = succession.from_unit, succession.to_unit, succession.effective
        before = said.get((other, one, day))
        said[one, other, day] = located
        if before is not None and one != other:
            yield located.problem(
                Words(
                    f"“{one}” và “{other}” kế thừa lẫn nhau trong cùng ngày {day:%d/%m/%Y} (dòng {before.line}); "
                    "hãy giữ dòng có đơn vị cũ ở from_unit và bỏ dòng kia",
                    f"“{one}” and “{other}” follow each other on the same day {day} (line {before.line}); keep the "
                    "line that has the former unit in from_unit, and take the other out",
                ),
                "from_unit",
            )


def _check_weight(succession: Succession, located: Located) -> Iterator[Problem]:
    weight = succession.weight
    if weight is not None and not 0 < weight <= 1:
        yield located.problem(
            Words(
                f"tỷ lệ (weight) {weight} không hợp lệ; hãy viết số lớn hơn 0 và không quá 1, hoặc bỏ dòng này",
                f"the weight {weight} is no share; write a number above 0 and up to 1, or leave the line out",
            ),
            "weight",
        )
    elif weight is not None and weight != 1 and succession.part == "whole":
        yield located.problem(
            Words(
                f"kế thừa toàn bộ (whole) không thể có tỷ lệ {weight}; hãy viết “part” thay cho “whole”",
                f"a whole with the weight {weight} is none; write “part” instead of “whole”",
            ),
            "weight",
        )


def _check_days(succession: Succession, located: Located, context: Context) -> Iterator[Problem]:
    before, after = context.units[succession.from_unit], context.units[succession.to_unit]
    eve = succession.effective - _ONE_DAY
    if not before.valid_on(eve):
        yield located.problem(
            Words(
                f"“{before.id}” không tồn tại ngày {eve:%d/%m/%Y}, ngay trước ngày được kế thừa; hãy viết ngày đơn vị "
                "này chấm dứt ở “effective”",
                f"“{before.id}” does not exist on {eve}, the day before it is followed; write the day on which it "
                "ended as “effective”",
            ).then(_ended(before)),
            "effective",
        )
    if not after.valid_on(succession.effective):
        yield located.problem(
            Words(
                f"“{after.id}” không tồn tại ngày {succession.effective:%d/%m/%Y}, ngày kế thừa “{before.id}”; hãy sửa "
                "“effective”, hoặc valid_from của đơn vị này",
                f"“{after.id}” does not exist on {succession.effective}, the day on which it follows “{before.id}”; "
                "correct “effective”, or its valid_from",
            ),
            "effective",
        )
    if succession.part == "whole" and before.valid_on(succession.effective):
        yield located.problem(
            Words(
                f"“{before.id}” được kế thừa toàn bộ ngày {succession.effective:%d/%m/%Y} mà vẫn tồn tại; hãy cho đơn "
                "vị này valid_to ngày ấy, hoặc viết “part”",
                f"“{before.id}” is followed as a whole on {succession.effective} and goes on; end it with valid_to on "
                "that day, or write “part”",
            ),
            "part",
        )


def _ended(unit: OrgUnit) -> Words:
    return Words(f", {unit.valid_to}", f", {unit.valid_to}") if unit.valid_to is not None else NOTHING


def _check_whole(unit: OrgUnit, day: date, rows: Rows) -> Iterator[Problem]:
    parts = [succession.part for succession, _ in rows]
    last = rows[-1][1]
    lives_on = unit.valid_on(day)
    if "whole" in parts and len(rows) > 1:
        yield last.problem(
            Words(
                f"“{unit.id}” vừa được kế thừa toàn bộ, vừa có đơn vị khác kế thừa; hãy viết “part” và tỷ lệ (weight) "
                "cho từng đơn vị",
                f"“{unit.id}” is followed as a whole and by others too; write “part” and a weight for each",
            ),
            "part",
        )
    elif parts.count("part-default") > 1:
        yield last.problem(
            Words(
                f"“{unit.id}” có hai đơn vị cùng nhận phần còn lại; hãy viết “part” cho một đơn vị",
                f"“{unit.id}” has two parts that take the rest; write “part” for one of them",
            ),
            "part",
        )
    elif "whole" not in parts:
        yield from _check_sum(unit, rows, lives_on=lives_on)


def _check_sum(unit: OrgUnit, rows: Sequence[tuple[Succession, Located]], *, lives_on: bool) -> Iterator[Problem]:
    """Shares make 1; what nobody stated has to be left over for those who have none."""
    last = rows[-1][1]
    stated = sum(succession.weight for succession, _ in rows if succession.weight is not None)
    unstated = [succession.to_unit for succession, _ in rows if succession.weight is None]
    if stated > 1 or (stated == 1 and (unstated or lives_on)):
        who = unstated[0] if unstated else unit.id
        none_left = Words(
            f"; không còn phần nào cho “{who}”; hãy viết các tỷ lệ nhỏ hơn",
            f"; nothing is left for “{who}”; write lower ones",
        )
        yield last.problem(
            _sum(unit, stated).then(_MUST_MAKE_1 if stated > 1 and not unstated else none_left), "weight"
        )
    elif not unstated and not lives_on and stated != 1:
        or_rest = Words(
            ", hoặc để trống một đơn vị kế thừa để nhận phần còn lại",
            ", or one successor has none and takes the rest",
        )
        yield last.problem(_sum(unit, stated).then(_MUST_MAKE_1).then(or_rest), "weight")
    elif len(rows) == 1 and unstated and not lives_on:
        yield last.problem(
            Words(
                f"mới có đơn vị kế thừa một phần “{unit.id}”, mà đơn vị này chấm dứt; hãy viết đơn vị nhận phần còn "
                "lại, hoặc “whole”",
                f"only a part of “{unit.id}” is followed, and it ends; write who takes the rest, or “whole”",
            ),
            "part",
        )
    elif len(unstated) > (0 if lives_on else 1):
        defaults = [succession.to_unit for succession, _ in rows if succession.part == "part-default"]
        taker = unit.id if lives_on else defaults[0] if defaults else ""
        rule = _division(taker, stated=stated > 0)
        yield last.warning(
            Words(
                f"chưa rõ “{unit.id}” được chia theo tỷ lệ nào: {rule.vi}, số liệu chuyển sang được ghi là ước tính; "
                "hãy viết tỷ lệ (weight)",
                f"nobody states how “{unit.id}” is divided: {rule.en}, and figures carried over are marked as "
                "estimated; write weights",
            ),
            "weight",
        )


_MUST_MAKE_1 = Words("; tổng phải bằng 1, hãy sửa lại", "; they must make 1")


def _sum(unit: OrgUnit, stated: Decimal | int) -> Words:
    return Words(f"các tỷ lệ của “{unit.id}” cộng lại là {stated}", f"the weights of “{unit.id}” add up to {stated}")


def _division(taker: str, *, stated: bool) -> Words:
    if not taker:
        return Words("các phần được chia đều", "each part gets the same")
    if stated:
        return Words(f"phần còn lại thuộc về “{taker}”", f"the rest goes to “{taker}”")
    return Words(f"toàn bộ thuộc về “{taker}”", f"all goes to “{taker}”")


def _check_forgotten(context: Context) -> Iterator[Problem]:
    """A unit that ends without a successor, or begins without a predecessor, on a day on which its likes have one."""
    before: dict[tuple[str, date], set[str]] = defaultdict(set)
    after: dict[tuple[str, date], set[str]] = defaultdict(set)
    for succession, _ in context.of(Succession):
        one, other = context.units.get(succession.from_unit), context.units.get(succession.to_unit)
        if one is not None and other is not None:
            before[one.level, succession.effective].add(one.id)
            after[other.level, succession.effective].add(other.id)
    for unit, located in context.of(OrgUnit):
        if unit.valid_to is not None and unit.id not in before.get((unit.level, unit.valid_to), {unit.id}):
            yield located.warning(
                Words(
                    f"“{unit.id}” chấm dứt ngày {unit.valid_to:%d/%m/%Y} mà không có đơn vị kế thừa, nên số liệu dừng "
                    "ở đó; hãy thêm một dòng vào successions.csv",
                    f"“{unit.id}” ends on {unit.valid_to} and nobody follows it, so its figures end there; add a line "
                    "to the successions",
                ),
                "valid_to",
            )
        if unit.valid_from is not None and unit.id not in after.get((unit.level, unit.valid_from), {unit.id}):
            yield located.warning(
                Words(
                    f"“{unit.id}” bắt đầu ngày {unit.valid_from:%d/%m/%Y} mà không kế thừa đơn vị nào, nên không có số "
                    "liệu trước đó; hãy thêm một dòng vào successions.csv",
                    f"“{unit.id}” begins on {unit.valid_from} and follows nobody, so it has no history; add a line to "
                    "the successions",
                ),
                "valid_from",
            )
