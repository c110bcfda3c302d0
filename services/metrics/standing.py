"""What stands for a record: value and date, from one accounting period or, where they are added up, from several."""

from typing import NamedTuple

from services.metrics.definition import Definition
from services.metrics.exact import Quotient
from services.metrics.rollup import Node


class Standing(NamedTuple):
    """A value and its date; without a value, `why` is the code of the reason. `n` and `d` are scaled."""

    as_of: int | None
    value: Quotient | None
    why: str
    n: int | None
    d: int | None
    reported_at: int


def stands(definition: Definition, told: list[Node]) -> Standing:
    """What stands, given what each accounting period has; at least one does."""
    last = max(told, key=lambda node: node.as_of or 0)
    if len(told) > 1 and definition.sums_periods:
        summed = [node for node in told if node.day is not None and node.value is not None]
        if summed:
            n, d = sum(node.n for node in summed), sum(node.d for node in summed)
            as_of = max(node.as_of or 0 for node in summed)
            return Standing(as_of, definition.kind.value(n, d), last.why, n, d, max(one.reported_at for one in summed))
    return Standing(last.as_of, last.value, last.why, *_parts_of(last), last.reported_at)


def _parts_of(node: Node) -> tuple[int | None, int | None]:
    """The n and d of the value: of a direct figure that cannot be added up, what it brings of them."""
    if node.in_parts:
        return node.n, node.d
    return (node.own.n, node.own.d) if node.direct and node.own is not None else (None, None)
