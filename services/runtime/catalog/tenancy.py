"""Several catalogs on one system: each unit id belongs to one of them.

Figures, alerts and links are found by unit id, so an id that two catalogs claimed would mean two units. Where two
catalogs describe the same unit (one before a reform, the other after it), each gives it an id of its own; the national
code, an external id, may be the same.
"""

from collections.abc import Iterable, Mapping

from services.runtime.errors import StartError

_SHOWN = 3


class UnitsClaimed(StartError):
    """A catalog names units that belong to another. `units` are their ids, `province` is whose they are."""

    def __init__(self, province: str, owner: str, units: tuple[str, ...]) -> None:
        some = ", ".join(units[:_SHOWN]) + (f" and {len(units) - _SHOWN} more" if len(units) > _SHOWN else "")
        super().__init__(
            f"The catalog of {province} names units that belong to the catalog of {owner}: {some}; unit ids are unique "
            f"over all catalogs, so give them other ids, such as {_own(province, units[0])}."
        )
        self.province = owner
        self.units = units


def refuse_claimed(province: str, units: Iterable[str], others: Mapping[str, Iterable[str]]) -> None:
    """Raise `UnitsClaimed` if another catalog has one of the units. `others`: unit ids by province."""
    wanted = set(units)
    for owner, theirs in sorted(others.items()):
        claimed = wanted.intersection(theirs) if owner != province else set()
        if claimed:
            raise UnitsClaimed(province, owner, tuple(sorted(claimed)))


def _own(province: str, unit_id: str) -> str:
    return f"{province}.{unit_id}"[:80]
