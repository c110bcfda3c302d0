"""Rolling one KPI up the tree, in memory, for one accounting period as it stands at the end of a day.

A figure reported directly above stands until the parts below are newer and complete; what stands is what goes on up.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from services.metrics.days import Window
from services.metrics.definition import Definition, Shape
from services.metrics.exact import Quotient
from services.metrics.kinds import Kind, Roster
from services.metrics.series import Own, Series


class Node:
    """A unit within one accounting period.

    `n`, `d`: what it adds to the unit above, with `day` the latest day behind them (None: nothing usable) and `covered`
    the number of reporting units they stand for. `value` stands at `as_of`; without one, `why` says why, and `as_of` is
    the latest day of what there is; `in_parts`: the value is that of `n` and `d`. A discrepancy sets `own_value` beside
    `parts_value`. They are `comparable` where the parts are complete and their latest day is that of the unit's own
    figure: then a difference is a contradiction, and not the work of the days between.
    """

    __slots__ = (
        "as_of",
        "comparable",
        "covered",
        "d",
        "day",
        "direct",
        "in_parts",
        "n",
        "own",
        "own_value",
        "parts_value",
        "reported_at",
        "seen",
        "value",
        "why",
    )

    def __init__(self) -> None:
        self.n = 0
        self.d = 0
        self.day: int | None = None
        self.covered = 0
        self.seen: int | None = None
        self.own: Own | None = None
        self.value: Quotient | None = None
        self.as_of: int | None = None
        self.why = "no_figure"
        self.direct = False
        self.in_parts = False
        self.comparable = False
        self.own_value: Quotient | None = None
        self.parts_value: Quotient | None = None
        self.reported_at = 0


class Sums:
    """What the units directly below one add up to; kept up as they move, one by one."""

    __slots__ = ("covered", "d", "day", "n", "reported_at", "seen")

    def __init__(self, parts: Iterable[Node] = ()) -> None:
        self.n = self.d = self.covered = self.reported_at = 0
        self.day: int | None = None
        self.seen: int | None = None
        for part in parts:
            if part is not _NOTHING:
                self._add(part)

    def replace(self, old: Node, new: Node) -> bool:
        """Put one part in the place of what it was. False where it was the latest of all and no longer is: who is now
        can only be told from all parts."""
        if _latest(old.day, self.day, new.day) or _latest(old.seen, self.seen, new.seen):
            return False
        if old.reported_at == self.reported_at > new.reported_at:
            return False
        self.n -= old.n
        self.d -= old.d
        self.covered -= old.covered
        self._add(new)
        return True

    def _add(self, part: Node) -> None:
        self.n += part.n
        self.d += part.d
        self.covered += part.covered
        if part.day is not None and (self.day is None or part.day > self.day):
            self.day = part.day
        if part.seen is not None:
            if self.seen is None or part.seen > self.seen:
                self.seen = part.seen
            if part.reported_at > self.reported_at:
                self.reported_at = part.reported_at


def _latest(old: int | None, latest: int | None, new: int | None) -> bool:
    """Whether the old day was the latest and the new one is earlier."""
    return old is not None and old == latest and (new is None or new < old)


_NOTHING = Node()
"""A reporting unit that is silent and adds nothing: most of them, early in a period."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Which tree holds, and which rosters: those of day `on`."""

    shape: Shape
    on: int


class Table:
    """The nodes of one accounting period at the end of `limit`, made when asked for and kept until dropped."""

    def __init__(
        self,
        definition: Definition,
        units: dict[str, Series],
        window: Window,
        limit: int,
        moment: Moment,
        *,
        keep: bool,
        later: "Table | None" = None,
    ) -> None:
        """`later`: a table of a later day under the same tree and rosters, which has most of the nodes already."""
        self.first = window.first
        self.limit = min(limit, window.last)
        self.moment = moment
        self._definition = definition
        self._kind: Kind = definition.kind
        self._units = units
        self._keep = keep
        self._later = later
        self._nodes: dict[str, Node] = {}
        self._sums: dict[str, Sums] = {}
        self._outdated: dict[str, dict[str, Node]] = {}
        """By unit, the parts that moved since its sums were made, as they are in those sums."""
        self._reported: set[str] | None = None
        self._unusable: set[str] = set()
        """Of those that reported, the ones whose figure adds nothing to a sum."""
        self._moved: set[str] = set()

    def advance(self, limit: int, moved: Iterable[str]) -> None:
        """Move on to the end of a later day, given the units that have figures in between."""
        self.limit = limit
        if self._later is not None and self._later.limit < limit:
            self._later = None
        self.drop(moved)

    def drop(self, units: Iterable[str]) -> None:
        """The units' figures changed: forget them and those above."""
        nodes, sums, shape = self._nodes, self._sums, self.moment.shape
        for unit in units:
            self._moved.add(unit)
            child = unit
            for above in shape.ancestors(unit):
                old = nodes.pop(child, None)
                if old is not None and above in sums and shape.is_part(child):
                    self._outdated.setdefault(above, {}).setdefault(child, old)
                child = above
            nodes.pop(child, None)

    def reported(self) -> set[str]:
        """The reporting units that have a standing figure."""
        found = self._reported
        if found is None:
            shape = self.moment.shape
            found = {unit for unit in self._units if shape.is_leaf(unit) and self.node(unit).own is not None}
            self._reported = found
            self._unusable = {unit for unit in found if self.node(unit).day is None}
        else:
            for unit in self._moved:
                self._unusable.discard(unit)
                if self.moment.shape.is_leaf(unit) and (node := self.node(unit)).own is not None:
                    found.add(unit)
                    if node.day is None:
                        self._unusable.add(unit)
                else:
                    found.discard(unit)
        self._moved.clear()
        return found

    def left_out(self, unit: str) -> set[str]:
        """The reporting units below that have a standing figure which is not in the sum of the unit's parts, since it
        cannot be added up, and for which none stands that was reported in between."""
        self.reported()
        if not self._unusable:
            return self._unusable
        return {one for one in self._unusable & self.moment.shape.expected(unit) if not self._stood_for(one, unit)}

    def _stood_for(self, leaf: str, unit: str) -> bool:
        """Whether a figure reported directly between the two is what goes on up."""
        for above in self.moment.shape.ancestors(leaf):
            if above == unit:
                return False
            node = self.node(above)
            if node.direct and node.in_parts:
                return True
        return False

    def node(self, unit: str) -> Node:
        """The unit as it stands."""
        found = self._nodes.get(unit)
        if found is None:
            found = self._nodes[unit] = self._make(unit)
        return found

    def _make(self, unit: str) -> Node:
        shape, series = self.moment.shape, self._units.get(unit)
        leaf = shape.is_leaf(unit)
        if series is None and leaf and not self._kind.rosters:
            return _NOTHING
        if leaf and self._later is not None:
            node = self._later.node(unit)
            if node.own is None or node.own.day <= self.limit:
                return node  # what stands later stood by then
        own = None
        if series is not None and (leaf or self._definition.may_report(unit)):
            if self._kind.averages:
                own = series.average(self.first, self.limit)
            else:
                own = series.own(self.first, self.limit, self._kind.increments, keep=self._keep)
        node = Node()
        if own is not None:
            self._measure(node, unit, own)
        if leaf:
            if own is None:
                silent = self._kind.silent(self._definition.roster(unit, self.moment.on))
                if silent is not None:
                    node.n, node.d = silent
            return node
        self._add_parts(node, unit)
        return node

    def _measure(self, node: Node, unit: str, own: Own) -> None:
        """Fill in the unit's own figure, as if there were no parts."""
        kind = self._kind
        roster: Roster | None = self._definition.roster(unit, own.day) if kind.rosters else None
        parts = kind.parts(own, roster)
        node.own, node.direct = own, True
        node.seen = node.as_of = own.day
        node.reported_at = own.reported_at
        if parts is not None:
            node.n, node.d = parts
            node.day, node.covered, node.in_parts = own.day, 1, True
            node.value = kind.value(*parts)
        else:
            node.value = kind.alone(own)
        node.own_value = node.value
        if node.value is None:
            node.why = kind.why_no_value(own, parts)

    def _add_parts(self, node: Node, unit: str) -> None:
        """Sum the children, and settle whether the direct figure stands or they do."""
        sums = self._sum(unit)
        n, d, day, covered = sums.n, sums.d, sums.day, sums.covered
        expected = len(self.moment.shape.expected(unit))
        complete = covered >= expected > 0
        value = self._kind.value(n, d) if day is not None else None
        node.parts_value = value
        own = node.own
        node.comparable = complete and own is not None and day == own.day
        if own is not None and direct_stands(own, node.own_value, value, complete=complete, day=day):
            if node.day is None:  # it stands, but cannot be added up: above, its parts count
                node.n, node.d, node.day, node.covered = n, d, day, covered
            else:
                node.covered = expected
            return
        node.direct, node.in_parts = False, day is not None
        node.n, node.d, node.day, node.covered = n, d, day, covered
        node.value, node.seen, node.reported_at = value, sums.seen, sums.reported_at
        node.as_of = day if day is not None else sums.seen
        if value is None and sums.seen is not None:
            node.why = self._kind.why_no_value(None, (n, d) if day is not None else None)

    def _sum(self, unit: str) -> Sums:
        """The sums of the units directly below, brought up to date."""
        sums, outdated = self._sums.get(unit), self._outdated.pop(unit, None)
        if sums is not None and all(sums.replace(old, self.node(child)) for child, old in (outdated or {}).items()):
            return sums
        sums = self._sums[unit] = Sums(map(self.node, self.moment.shape.children(unit)))
        return sums


def direct_stands(
    own: Own, own_value: Quotient | None, value: Quotient | None, *, complete: bool, day: int | None
) -> bool:
    """Whether a figure reported directly stands, and not the sum of its parts: unless that is newer and complete.

    `value` and `day` are those of the sum. A direct figure without a value does not hide a sum that has one.
    """
    newer = complete and day is not None and day > own.day and value is not None
    return not newer and (own_value is not None or value is None)
