"""Which KPIs are ours to write: those whose partition is assigned here. An assignment that changes is noticed."""

import asyncio

from services.metrics.beside import Moved, Turns, owned


class Ownership:
    """What a delivery owns, as it was when somebody last looked."""

    def __init__(self, delivery: Turns) -> None:
        self._delivery = delivery
        self._generation = -1

    @property
    def turn(self) -> asyncio.Lock:
        """Who holds it writes."""
        return self._delivery.turn

    def is_new(self) -> bool:
        """Whether the assignment is another one than when this was last asked."""
        if self._delivery.assignments == self._generation:
            return False
        self._generation = self._delivery.assignments
        return True

    def has(self, key: str) -> bool:
        """Whether the KPI `province/kpi` is ours."""
        return owned(self._delivery, key)

    def still_ours(self) -> None:
        """Raises `Moved` if the assignment changed."""
        if self._delivery.assignments != self._generation:
            raise Moved
