"""What a person may do about an alert: it follows from their posts in the catalog, on the business date. Pure.

Who answers for the figure takes it up, and gives account. Who heads the unit, or one above it, may also ask for that,
and close it: nobody declares closed what they answer for themselves. Whoever else has a post there may say something.
Other units have no say, siblings included.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from contracts.catalog import Person
from services.runtime.catalog.catalog import Catalog
from services.runtime.catalog.problems import Words

HEADS = frozenset({"manager", "province-lead"})
"""The roles of those who head a unit."""

_ONE_DAY = timedelta(days=1)


class Act(StrEnum):
    """What can be done about an alert."""

    ACKNOWLEDGE = "acknowledge"
    COMMENT = "comment"
    ASK_ACCOUNT = "ask-account"
    GIVE_ACCOUNT = "account"
    CLOSE = "close"


class Right(StrEnum):
    """Why somebody may, or may not; the latter are the codes of the answer."""

    ANSWERS_FOR_IT = "answers_for_it"
    HEADS_THE_UNIT = "heads_the_unit"
    HEADS_A_UNIT_ABOVE = "heads_a_unit_above"
    HAS_A_POST_THERE = "has_a_post_there"
    NOT_YOUR_PROVINCE = "not_your_province"
    NOT_YOUR_UNIT = "not_your_unit"
    NOT_YOUR_ROLE = "not_your_role"


_MAY = frozenset({Right.ANSWERS_FOR_IT, Right.HEADS_THE_UNIT, Right.HEADS_A_UNIT_ABOVE, Right.HAS_A_POST_THERE})
_ANSWERERS = frozenset({Act.ACKNOWLEDGE, Act.COMMENT, Act.GIVE_ACCOUNT})
"""What who answers for the figure may do."""

_WORDS = {
    Right.ANSWERS_FOR_IT: Words("là đầu mối của chỉ tiêu này", "they answer for the figure"),
    Right.HEADS_THE_UNIT: Words("là lãnh đạo của đơn vị", "they head the unit"),
    Right.HEADS_A_UNIT_ABOVE: Words("là lãnh đạo của đơn vị cấp trên", "they head a unit above"),
    Right.HAS_A_POST_THERE: Words(
        "có chức vụ ở đơn vị hoặc đơn vị cấp trên", "they hold a post at the unit or one above it"
    ),
    Right.NOT_YOUR_PROVINCE: Words(
        "Cảnh báo này của tỉnh khác; khóa của bạn không dùng được ở đó.",
        "This alert is of another province, where your key is good for nothing.",
    ),
    Right.NOT_YOUR_UNIT: Words(
        "Bạn không có chức vụ ở đơn vị này hoặc đơn vị cấp trên của nó nên không xử lý được cảnh báo này.",
        "You hold no post at this unit or one above it, so this alert is not yours to act on.",
    ),
    Right.NOT_YOUR_ROLE: Words(
        "Chức vụ của bạn không cho phép việc này: đầu mối của chỉ tiêu nhận xử lý và giải trình; lãnh đạo đơn vị hoặc "
        "cấp trên còn được đề nghị giải trình và đóng cảnh báo.",
        "Your post does not allow it: who answers for the figure takes an alert up and gives account; who heads the "
        "unit or one above may also ask for that, and close it.",
    ),
}


@dataclass(frozen=True, slots=True)
class About:
    """What an alert is about, as far as rights go. `as_of`: the day of its figure, by which its target was judged."""

    province: str
    kpi: str
    org_unit: str
    period: str
    as_of: date | None


@dataclass(frozen=True, slots=True)
class Ruling:
    """Whether somebody may, and why."""

    right: Right

    @property
    def allowed(self) -> bool:
        """Whether they may."""
        return self.right in _MAY

    @property
    def words(self) -> Words:
        """Why, for people."""
        return _WORDS[self.right]


def ruling(person: Person, act: Act, about: About, catalog: Catalog, today: date) -> Ruling:
    """Whether the person, who is of this catalog, may do that. The strongest of their posts counts."""
    if about.province != catalog.province.id:
        return Ruling(Right.NOT_YOUR_PROVINCE)
    found = list(_rights(person, act, about, catalog, today))
    return Ruling(next((right for right in Right if right in found), Right.NOT_YOUR_UNIT))


def _rights(person: Person, act: Act, about: About, catalog: Catalog, today: date) -> Iterator[Right]:
    """What each post at the unit, or one above it, gives."""
    unit = catalog.units.get(about.org_unit)
    if unit is None:
        return
    # A unit that has ended has above it whom it had on its last day.
    day = today if unit.valid_to is None else min(today, unit.valid_to - _ONE_DAY)
    above = catalog.units.ancestors(unit.id, day)
    target = catalog.targets.judging(about.kpi, unit.id, about.period, about.as_of or today)
    owner_role = target.owner_role if target is not None else "owner"
    for post in person.posts:
        if not post.valid_on(today) or post.unit not in (unit.id, *above):
            continue
        if post.role in HEADS:
            yield Right.HEADS_THE_UNIT if post.unit == unit.id else Right.HEADS_A_UNIT_ABOVE
        elif post.role == owner_role and post.unit == unit.id and act in _ANSWERERS:
            yield Right.ANSWERS_FOR_IT
        else:
            yield Right.HAS_A_POST_THERE if act is Act.COMMENT else Right.NOT_YOUR_ROLE
