"""Who follows whom when units merge or are divided, and with which share. Figures are `carrying`'s business.

What share of a divided unit goes to whom:

1. A stated weight is taken as it stands.
2. What the stated weights leave goes to the one successor without a weight, if there is only one; that is exact.
3. Are there several, nobody knows: `part-default` takes all that is left and the other parts nothing; without a
   `part-default`, they take equal parts. Every share filled in so is `estimated`, and every figure made with it.
4. A unit that gave a part away and lives on keeps what is left, as a `part-default` would.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

from contracts.catalog import Succession
from services.runtime.catalog.tree import OrgTree

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Share:
    """How much of a unit's figures goes to `unit`: 0 to 1. `estimated`: nobody stated it."""

    unit: str
    weight: Fraction
    estimated: bool = False


Passages = Mapping[str, tuple[Share, ...]]
"""Unit → where its figures go. Without any share: to nobody, since they cannot be told from those of others."""


class Lineage:
    """The successions of a catalog as a graph over days. Between two dates of a reform nobody follows anybody."""

    def __init__(self, successions: Iterable[Succession], units: OrgTree) -> None:
        self._units = units
        rows: dict[date, dict[str, list[Succession]]] = defaultdict(lambda: defaultdict(list))
        for succession in sorted(successions, key=lambda each: each.id):
            rows[succession.effective][succession.from_unit].append(succession)
        self.dates = tuple(sorted(rows))
        """The days on which somebody follows somebody, in order."""
        self._reforms = tuple(self._reform(day, rows[day]) for day in self.dates)
        self._known: dict[tuple[int, int], Passages] = {}
        self._came_from: dict[tuple[int, int], Mapping[str, tuple[str, ...]]] = {}

    def successors(self, unit_id: str, effective: date) -> tuple[Share, ...]:
        """Who follows the unit on that day, itself included if it lives on; empty if nothing happens to it then."""
        if effective not in self.dates:
            return ()
        return self._reforms[self.dates.index(effective)].get(unit_id, ())

    def passages(self, since: date, on: date) -> Passages:
        """For every unit that is changed on the way from one day to another, where its figures go.

        Forward (`on` after `since`) that is to its successors, and theirs. Backward it is to the predecessor, whole,
        where each of the predecessor's successors follows nobody else; otherwise to nobody. A unit that is not in the
        answer is the same unit on both days.
        """
        first, last = self._stretch(since), self._stretch(on)
        found = self._known.get((first, last))
        if found is None:
            forward = _one_after_another(self._reforms[min(first, last) : max(first, last)])
            found = self._known[first, last] = forward if first <= last else _backward(forward)
            self._came_from[first, last] = _turned_round(found)
        return found

    def onto(self, unit_id: str, since: date, on: date) -> tuple[Share, ...]:
        """Where the unit's figures of one day go on another: itself, whole, if nothing happens to it."""
        return self.passages(since, on).get(unit_id, (Share(unit_id, Fraction(1)),))

    def origins(self, unit_id: str, since: date, on: date) -> tuple[str, ...]:
        """The units of one day whose figures the unit has on another; itself, if nothing happened to it."""
        self.passages(since, on)
        came_from = self._came_from[self._stretch(since), self._stretch(on)].get(unit_id, (unit_id,))
        return tuple(origin for origin in came_from if self._exists(origin, since))

    def _stretch(self, day: date) -> int:
        return bisect_right(self.dates, day)

    def _exists(self, unit_id: str, on: date) -> bool:
        unit = self._units.get(unit_id)
        return unit is not None and unit.valid_on(on)

    def _reform(self, day: date, rows: Mapping[str, Sequence[Succession]]) -> Passages:
        reform: dict[str, tuple[Share, ...]] = {
            predecessor: shares_of(predecessor, successors, lives_on=self._exists(predecessor, day))
            for predecessor, successors in rows.items()
        }
        for successors in rows.values():
            for row in successors:  # a unit that takes another in is changed by it, even if it keeps its name
                if self._exists(row.to_unit, day - _ONE_DAY):
                    reform.setdefault(row.to_unit, (Share(row.to_unit, Fraction(1)),))
        return reform


def shares_of(unit_id: str, successors: Sequence[Succession], *, lives_on: bool) -> tuple[Share, ...]:
    """The shares of the successors of one unit on one day, by the rules above; of itself too, if it `lives_on`."""
    stated = sum((Fraction(row.weight) for row in successors if row.weight is not None), Fraction(0))
    left = 1 - stated
    unstated = [row for row in successors if row.weight is None]
    takers = [] if lives_on else [row for row in unstated if row.part == "part-default"] or unstated
    estimated = len(unstated) > (0 if lives_on else 1)
    shares = []
    for row in successors:
        if row.weight is not None:
            shares.append(Share(row.to_unit, Fraction(row.weight)))
        else:
            shares.append(Share(row.to_unit, left / len(takers) if row in takers else Fraction(0), estimated))
    if lives_on:
        shares.append(Share(unit_id, left, estimated))
    return tuple(shares)


def _backward(reform: Passages) -> Passages:
    """Successor → predecessor, where the figures of one can be given back to the other."""
    predecessors: dict[str, set[str]] = defaultdict(set)
    for predecessor, shares in reform.items():
        for share in shares:
            predecessors[share.unit].add(predecessor)
    back: dict[str, tuple[Share, ...]] = {}
    for successor, before in predecessors.items():
        one, *others = before
        alone = not others and all(predecessors[sibling.unit] == before for sibling in reform[one])
        back[successor] = (Share(one, Fraction(1)),) if alone else ()
    return back


def _one_after_another(reforms: Sequence[Passages]) -> Passages:
    """Several reforms as one. Shares multiply along the way, and add up where ways meet again. Units that came and
    went on the way are on nobody's day, and left out."""
    whole: dict[str, tuple[Share, ...]] = {}
    came: set[str] = set()
    for reform in reforms:
        for unit_id, shares in whole.items():
            whole[unit_id] = _further(shares, reform)
        for unit_id, shares in reform.items():
            if unit_id not in came:
                whole.setdefault(unit_id, shares)
        came |= {share.unit for shares in reform.values() for share in shares}
    return whole


def _further(shares: tuple[Share, ...], reform: Passages) -> tuple[Share, ...]:
    summed: dict[str, Share] = {}
    for share in shares:
        for next_share in reform.get(share.unit, (Share(share.unit, Fraction(1)),)):
            before = summed.get(next_share.unit, Share(next_share.unit, Fraction(0)))
            summed[next_share.unit] = Share(
                next_share.unit,
                before.weight + share.weight * next_share.weight,
                before.estimated or share.estimated or next_share.estimated,
            )
    return tuple(summed.values())


def _turned_round(passages: Passages) -> Mapping[str, tuple[str, ...]]:
    """For every unit that somebody's figures go to, or whose own do not stay, whose figures it has."""
    came_from: dict[str, list[str]] = {unit_id: [] for unit_id in passages}
    for origin, shares in sorted(passages.items()):
        for share in shares:
            if share.weight:
                came_from.setdefault(share.unit, []).append(origin)
    return {unit_id: tuple(origins) for unit_id, origins in came_from.items()}
