"""What of a figure can be shared out and put together: its additive parts, by kind of KPI. And why the rest cannot.

Numbers are fractions. Values are computed from the parts by those who show them, once, at the end.
"""

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from contracts.catalog import KpiKind

Exactly = int | Fraction | Decimal
"""Numbers without error; a float is none."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a figure was left where it stood."""

    code: str
    text_vi: str
    text_en: str


NOT_VALID_THEN = Reason(
    "org_unit_not_valid_then", "đơn vị không tồn tại vào ngày của số liệu", "the unit does not exist on its day"
)
NO_SUCCESSOR = Reason("no_successor", "không có đơn vị kế thừa", "nobody follows the unit")
NO_PREDECESSOR = Reason("no_predecessor", "đơn vị chưa có vào ngày đó", "the unit was not there yet and follows nobody")
MERGED_WITH_OTHERS = Reason(
    "merged_with_others",
    "đơn vị hợp nhất từ nhiều đơn vị, không tách ngược lại được",
    "the unit was merged from several, and what each of them had is not known",
)
NO_PARTS = Reason(
    "no_parts", "chỉ có giá trị, không có tử số và mẫu số", "a value without numerator and denominator cannot be added"
)
NO_WEIGHT = Reason("no_weight", "không có trọng số để tính bình quân", "without a weight no mean can be taken")
RANK_STANDS_ALONE = Reason(
    "rank_stands_alone", "thứ hạng chỉ đúng với đơn vị đã được xếp", "a rank is true only of the unit that was ranked"
)
OF_FORMER_UNITS = Reason(
    "of_former_units",
    "số liệu của đơn vị đã thay đổi trước ngày này; bản ghi của đơn vị cũ vẫn giữ nguyên",
    "the figure of a unit that was changed before that day; its own record stays as it was",
)
NEWER_FIGURE = Reason(
    "newer_figure",
    "đơn vị kế thừa đã có số liệu mới hơn trong kỳ",
    "the unit that follows has a newer figure in the period",
)
ANOTHER_LEVEL = Reason(
    "another_level",
    "đơn vị kế thừa ở cấp khác, số liệu của cấp đó được cộng từ nơi khác",
    "the unit that follows is of another level, whose figures come from elsewhere",
)
DERIVED = Reason(
    "derived", "được tính lại từ các chỉ tiêu gốc", "it is computed anew from the figures that it derives from"
)


@dataclass(frozen=True, slots=True)
class Counted:
    """Numerator of denominator: ratio, coverage, rate from parts, milestones done of those due.

    `members` are known to be among the done; which part of a divided unit the `uncertain` ones belong to is not known.
    """

    numerator: Fraction
    denominator: Fraction
    members: frozenset[str] = frozenset()
    uncertain: frozenset[str] = frozenset()

    def times(self, share: Fraction) -> "Counted":
        if share == 1:
            return self
        scattered = self.members | self.uncertain if share else frozenset()
        return Counted(self.numerator * share, self.denominator * share, frozenset(), scattered)

    def plus(self, other: "Counted") -> "Counted":
        return Counted(
            self.numerator + other.numerator,
            self.denominator + other.denominator,
            self.members | other.members,
            (self.uncertain | other.uncertain) - self.members - other.members,
        )


@dataclass(frozen=True, slots=True)
class Amount:
    """Flow and stock: a count or a measured amount."""

    amount: Fraction

    def times(self, share: Fraction) -> "Amount":
        return Amount(self.amount * share)

    def plus(self, other: "Amount") -> "Amount":
        return Amount(self.amount + other.amount)


@dataclass(frozen=True, slots=True)
class Weighted:
    """A measured level: `total` is value times weight, so that means are taken once, at the end. The weight is above
    0."""

    total: Fraction
    weight: Fraction

    @property
    def value(self) -> Fraction:
        """The weighted mean."""
        return self.total / self.weight

    def times(self, share: Fraction) -> "Weighted":
        return Weighted(self.total * share, self.weight * share)

    def plus(self, other: "Weighted") -> "Weighted":
        return Weighted(self.total + other.total, self.weight + other.weight)


@dataclass(frozen=True, slots=True)
class Bare:
    """A figure without additive parts. It stays with a unit that is not changed, and with no other."""

    value: Fraction | None
    why: Reason


Portable = Counted | Amount | Weighted
AnyFigure = Portable | Bare


def figure_of(
    kind: KpiKind,
    *,
    value: Exactly | None = None,
    numerator: Exactly | None = None,
    denominator: Exactly | None = None,
    weight: Exactly | None = None,
    members: Collection[str] = (),
) -> AnyFigure:
    """What a figure of that kind can be carried by. Raises ValueError if it carries nothing at all.

    A milestone is its `value` of 0 or 1, or when rolled up `numerator` of `denominator`. Members without a numerator
    are counted.
    """
    if members and numerator is None:
        numerator = len(set(members))
    if kind == "milestone" and numerator is None and value is not None:
        numerator, denominator = value, 1
    if value is None and numerator is None:
        raise ValueError(f"a {kind} has neither value nor numerator")
    match kind:
        case "ratio" | "coverage" | "rate" | "milestone":
            if numerator is None or denominator is None:
                return Bare(_exact(value), NO_PARTS)
            return Counted(Fraction(numerator), Fraction(denominator), frozenset(members))
        case "flow" | "stock":
            return Amount(Fraction(value)) if value is not None else Bare(None, NO_PARTS)
        case "level":
            if value is None or weight is None or weight <= 0:
                return Bare(_exact(value), NO_WEIGHT)
            return Weighted(Fraction(value) * Fraction(weight), Fraction(weight))
        case "rank":
            return Bare(_exact(value), RANK_STANDS_ALONE)
        case _:
            return Bare(_exact(value), DERIVED)


def _exact(number: Exactly | None) -> Fraction | None:
    return None if number is None else Fraction(number)
