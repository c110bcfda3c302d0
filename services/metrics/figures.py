"""Figures of one unit on one day, and which of them stands.

Figures of one source and day are ordered by revision, then actual over preliminary, then the time of reporting, then
the observation's id: properties of the event alone, so that neither the order of arrival nor a repeat can matter. Only
the highest of each source is kept; a retraction takes part, and leaves its source without a figure for the day.
"""

from typing import Any, NamedTuple

PRELIMINARY, ACTUAL = 0, 1

MAX_INPUTS = 20


class Figure(NamedTuple):
    """A reported figure. The first four fields are its rank: compare `figure[:4]`.

    `reported_at` is in microseconds since 1970; `id` is the observation's, as bytes; numbers are scaled (see `exact`).
    `more` holds what only rarer kinds bring: members, weight, rank, of, done, done_on. `source_id` is the event's id at
    its source, `packed`; empty where it was not kept.
    """

    revision: int
    grade: int
    reported_at: int
    id: bytes
    source: str
    retracts: bool = False
    n: int | None = None
    d: int | None = None
    v: int | None = None
    flags: tuple[str, ...] = ()
    more: dict[str, Any] | None = None
    source_id: str | bytes = ""

    @property
    def content(self) -> tuple[Any, ...]:
        """What it says, whoever says it."""
        return self.n, self.d, self.v, self.more


class Increments(NamedTuple):
    """The sum of a day's increments, whatever their sources. `ids`: the smallest twenty, sorted, of `events`."""

    n: int | None
    d: int | None
    v: int | None
    events: int
    ids: tuple[bytes, ...]
    reported_at: int
    preliminary: bool = False

    def plus(self, other: "Increments") -> "Increments":
        """Both together."""
        return Increments(
            added(self.n, other.n),
            added(self.d, other.d),
            added(self.v, other.v),
            self.events + other.events,
            first_ids(self.ids, other.ids),
            max(self.reported_at, other.reported_at),
            self.preliminary or other.preliminary,
        )


def packed(name: str) -> str | bytes:
    """A name to be kept a million times: a UUID as its 16 bytes, any other as it is."""
    if len(name) == 36 and name[8] == name[13] == name[18] == name[23] == "-":
        try:
            short = bytes.fromhex(name.replace("-", ""))
        except ValueError:
            return name
        return short if unpacked(short) == name else name
    return name


def unpacked(name: str | bytes) -> str:
    """The name that was packed."""
    if isinstance(name, str):
        return name
    digits = name.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def added(one: int | None, other: int | None) -> int | None:
    """A sum in which what is absent adds nothing."""
    if one is None:
        return other
    return one if other is None else one + other


def first_ids(one: tuple[bytes, ...], other: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """The smallest ids of both, sorted, as many as a record names."""
    if not one or not other:
        return one or other
    return tuple(sorted(one + other)[:MAX_INPUTS])


class Day:
    """All that was said about one unit and day: the highest figure of each source, increments, forecasts.

    `since`: when something was first reported of the day, be it replaced by now. `stands`: the figure that stands, the
    highest of all sources that have one.
    """

    __slots__ = ("figures", "forecasts", "increments", "since", "stands")

    def __init__(
        self,
        figures: tuple[Figure, ...] = (),
        increments: Increments | None = None,
        forecasts: tuple[Figure, ...] = (),
        since: int | None = None,
    ) -> None:
        self.figures = figures
        self.increments = increments
        self.forecasts = forecasts
        self.since = self.since_held if since is None else since
        self.stands = _highest(figures)

    @property
    def since_held(self) -> int | None:
        """When what is still here was first reported."""
        moments = [figure.reported_at for figure in self.figures if not figure.retracts]
        if self.increments is not None:
            moments.append(self.increments.reported_at)
        return min(moments, default=None)

    def add(self, more: Increments) -> None:
        """Add an increment."""
        self.increments = more if self.increments is None else self.increments.plus(more)
        self._reported(more.reported_at)

    def take(self, figure: Figure) -> bool:
        """Keep the figure if it beats its source's; whether anything changed."""
        kept = with_figure(self.figures, figure)
        earlier = not figure.retracts and self._reported(figure.reported_at)
        changed = kept is not self.figures
        if changed:
            self.figures = kept
            self.stands = _highest(kept)
        return changed or earlier

    def replace(self, figure: Figure | None) -> None:
        """Have nothing but this figure said of the day."""
        self.figures = () if figure is None else (figure,)
        self.since, self.stands = self.since_held, figure

    def _reported(self, moment: int) -> bool:
        earlier = self.since is None or moment < self.since
        if earlier:
            self.since = moment
        return earlier

    def take_forecast(self, figure: Figure) -> bool:
        """The same for a forecast, which is stored apart and never counts as an actual."""
        kept = with_figure(self.forecasts, figure)
        changed = kept is not self.forecasts
        self.forecasts = kept
        return changed

    def sources_disagree(self) -> bool:
        """Whether two sources say different things."""
        live = [figure for figure in self.figures if not figure.retracts]
        return len(live) > 1 and any(figure.content != live[0].content for figure in live)


def _highest(figures: tuple[Figure, ...]) -> Figure | None:
    if len(figures) == 1:
        only = figures[0]
        return None if only.retracts else only
    return max((figure for figure in figures if not figure.retracts), key=rank, default=None)


def rank(figure: Figure) -> tuple[Any, ...]:
    """What orders figures of one day."""
    return figure[:4]


def with_figure(figures: tuple[Figure, ...], figure: Figure) -> tuple[Figure, ...]:
    """The figures with this one in them if it beats its source's, else the very same tuple. Sorted by source."""
    if not figures:
        return (figure,)
    for at, held in enumerate(figures):
        if held.source == figure.source:
            return (*figures[:at], figure, *figures[at + 1 :]) if figure[:4] > held[:4] else figures
    return tuple(sorted((*figures, figure), key=lambda one: one.source))
