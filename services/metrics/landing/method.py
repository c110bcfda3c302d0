"""What a method of forecasting is: something that, knowing the first points only, names a value for a later day."""

from collections.abc import Callable
from typing import Protocol

from services.metrics.landing.track import Track

Outlook = Callable[[int], float]
"""The value expected at the end of a later day (an ordinal)."""


class Forecaster(Protocol):
    """A method at work on one track."""

    def after(self, known: int) -> Outlook | None:
        """What it expects knowing the first `known` points and nothing later; None where it cannot say."""
        ...


class Method(Protocol):
    """A way of forecasting. `name` is what records show."""

    @property
    def name(self) -> str: ...

    def on(self, track: Track) -> Forecaster | None:
        """At work on this track; None where it has nothing to go by."""
        ...
