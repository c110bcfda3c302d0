"""The series of one unit: what it reported itself, day by day, and what stands at the end of a stretch of days.

Within an accounting period an absolute figure restarts the sum, and increments of later days add to it.
"""

from bisect import bisect_left, bisect_right, insort

from services.metrics.figures import MAX_INPUTS, PRELIMINARY, Day, Figure, Increments, added, first_ids, rank


class Own:
    """What stands for a unit by its own figures. `day` is its `as_of`, `base` the day of the absolute figure in it.

    `figure` is that absolute figure, None where there are only increments.
    """

    __slots__ = ("base", "count", "d", "day", "disagree", "figure", "ids", "n", "preliminary", "reported_at", "v")

    def __init__(self, day: int, figure: Figure | None, disagree: bool = False) -> None:
        self.day = day
        self.figure = figure
        self.disagree = disagree
        self.n: int | None
        self.d: int | None
        self.v: int | None
        self.ids: tuple[bytes, ...]
        if figure is None:
            self.base, self.n, self.d, self.v, self.count, self.ids = -1, None, None, None, 0, ()
            self.reported_at, self.preliminary = 0, False
        else:
            self.base, self.n, self.d, self.v, self.count, self.ids = day, figure.n, figure.d, figure.v, 1, (figure.id,)
            self.reported_at, self.preliminary = figure.reported_at, figure.grade == 0

    def copy(self) -> "Own":
        """Another one that says the same."""
        other = Own(self.day, self.figure, self.disagree)
        other.base, other.n, other.d, other.v = self.base, self.n, self.d, self.v
        other.count, other.ids = self.count, self.ids
        other.reported_at, other.preliminary = self.reported_at, self.preliminary
        return other

    @property
    def summed(self) -> bool:
        """Whether increments are in it."""
        return self.figure is None or self.count > 1

    def add(self, day: int, more: Increments) -> None:
        """Add increments of a day after the absolute figure. To an absent number of the figure nothing can be added."""
        if self.figure is None:
            self.n, self.d, self.v = added(self.n, more.n), added(self.d, more.d), added(self.v, more.v)
        else:
            self.n = None if self.n is None else self.n + (more.n or 0)
            self.d = None if self.d is None else self.d + (more.d or 0)
            self.v = None if self.v is None else self.v + (more.v or 0)
        self.count += more.events
        self.ids = first_ids(self.ids, more.ids)
        self.day = max(self.day, day)
        self.reported_at = max(self.reported_at, more.reported_at)
        self.preliminary = self.preliminary or more.preliminary


class Series:
    """Days as ordinals, in order, and what was said about each."""

    __slots__ = ("_own", "days", "order")

    def __init__(self) -> None:
        self.days: dict[int, Day] = {}
        self.order: list[int] = []
        self._own: dict[tuple[int, int, bool], Own | None] = {}

    def put(self, day: int, content: Day) -> None:
        """Place a day that was stored; for loading."""
        self.days[day] = content
        insort(self.order, day)

    def replace(self, day: int, figure: Figure | None) -> None:
        """Have this figure stand for the day, and nothing else; None: nothing does."""
        self._at(day).replace(figure)
        self._own.clear()

    def take(self, day: int, figure: Figure) -> bool:
        """Keep an absolute figure; whether anything changed."""
        changed = self._at(day).take(figure)
        if changed:
            self._own.clear()
        return changed

    def take_forecast(self, day: int, figure: Figure) -> bool:
        """Keep a forecast, apart from what counts; whether anything changed."""
        return self._at(day).take_forecast(figure)

    def add(self, day: int, more: Increments) -> None:
        """Add an increment. What stands is moved along with it, so that a long series of them is not summed again."""
        content = self._at(day)
        content.add(more)
        for key, own in list(self._own.items()):
            first, last, increments = key
            if increments and first <= day <= last:
                if own is None:
                    del self._own[key]
                elif day > own.base:
                    own.add(day, more)

    def own(self, first: int, last: int, increments: bool, *, keep: bool = True) -> Own | None:
        """What stands at the end of `last`, of an accounting period that began on `first`; None if nothing does.

        `increments`: whether they count. The answer is kept for the next time unless `keep` says otherwise.
        """
        key = (first, last, increments)
        if key in self._own:
            return self._own[key]
        if not keep:
            # What stands at the end of a later day stood already if nothing of the days between is in it.
            for (begun, until, same), own in self._own.items():
                if begun == first and until >= last and same == increments and (own is None or own.day <= last):
                    return own
        found = self._stands(first, last, increments)
        if keep:
            self._own[key] = found
        return found

    def stood(self, first: int, ends: list[int], increments: bool) -> list[Own | None]:
        """What stood at the end of each of these days, of an accounting period that began on `first`. One object for
        as long as nothing changed."""
        found: list[Own | None] = []
        own: Own | None = None
        absolute: tuple[int, Figure] | None = None  # made an Own of only if it lasts
        days, order, at = self.days, self.order, bisect_left(self.order, first)
        size = len(order)
        for end in ends:
            fresh = False
            while at < size and order[at] <= end:
                day = order[at]
                content = days[day]
                if content.stands is not None:
                    absolute = day, content.stands
                elif increments and content.increments is not None:
                    if absolute is not None:
                        own, absolute = Own(*absolute), None
                    elif own is None:
                        own = Own(day, None)
                    elif not fresh:
                        own = own.copy()
                    own.add(day, content.increments)
                    fresh = True
                at += 1
            if absolute is not None:
                own, absolute = Own(*absolute), None
            found.append(own)
        return found

    def average(self, first: int, last: int) -> Own | None:
        """The last reading between (both ends included), with the sum of all of them in `v`; there are `count`."""
        readings = [(day, figure) for day, figure in self.standing_days(first, last) if figure.v is not None]
        if not readings:
            return None
        figures = [figure for _, figure in readings]
        flags = sorted({flag for figure in figures for flag in figure.flags})
        disagree = any(self.days[day].sources_disagree() for day, _ in readings)
        own = Own(readings[-1][0], figures[-1]._replace(flags=tuple(flags)), disagree)
        own.v, own.count = sum(figure.v or 0 for figure in figures), len(figures)
        own.ids = tuple(sorted(figure.id for figure in figures)[:MAX_INPUTS])
        own.reported_at = max(figure.reported_at for figure in figures)
        own.preliminary = any(figure.grade == PRELIMINARY for figure in figures)
        return own

    def days_between(self, first: int, last: int) -> list[int]:
        """The days between (both ends included) of which anything was said, in order."""
        return self.order[bisect_left(self.order, first) : bisect_right(self.order, last)]

    def standing_days(self, first: int, last: int) -> list[tuple[int, Figure]]:
        """The days between (both ends included) that have a standing absolute figure, in order."""
        found = []
        for day in self.days_between(first, last):
            figure = self.days[day].stands
            if figure is not None:
                found.append((day, figure))
        return found

    def standing_before(self, day: int, first: int, count: int) -> list[tuple[int, Figure]]:
        """The last so many days before `day`, from `first` on, with a standing absolute figure; the nearest first."""
        order, days = self.order, self.days
        found: list[tuple[int, Figure]] = []
        at = bisect_left(order, day) - 1
        while at >= 0 and order[at] >= first and len(found) < count:
            figure = days[order[at]].stands
            if figure is not None:
                found.append((order[at], figure))
            at -= 1
        return found

    def standing_after(self, day: int, count: int) -> list[int]:
        """The first so many days after `day` with a standing absolute figure."""
        found: list[int] = []
        at = bisect_right(self.order, day)
        while at < len(self.order) and len(found) < count:
            if self.days[self.order[at]].stands is not None:
                found.append(self.order[at])
            at += 1
        return found

    def first_reported(self, first: int, last: int, increments: bool) -> int | None:
        """When anything that stands of these days was first reported; None if nothing stands."""
        order, at, since = self.order, bisect_left(self.order, first), None
        while at < len(order) and order[at] <= last:
            content = self.days[order[at]]
            if content.stands is not None or (increments and content.increments is not None):
                moment = content.since
                since = moment if since is None or (moment is not None and moment < since) else since
            at += 1
        return since

    def latest(self, first: int, last: int) -> int | None:
        """The last day between with a figure or an increment, standing or not; forecasts apart."""
        at = bisect_right(self.order, last) - 1
        while at >= 0 and self.order[at] >= first:
            content = self.days[self.order[at]]
            if content.figures or content.increments is not None:
                return self.order[at]
            at -= 1
        return None

    def withdrawn(self, first: int, last: int) -> tuple[int, Figure] | None:
        """Of the last day between whose figure was withdrawn, the day and the withdrawal; None where none was."""
        for day in reversed(self.days_between(first, last)):
            content = self.days[day]
            withdrawals = [figure for figure in content.figures if figure.retracts]
            if withdrawals and content.stands is None:
                return day, max(withdrawals, key=rank)
        return None

    def stands_after(self, day: int, last: int, increments: bool) -> int | None:
        """The last day after `day`, up to `last`, with a figure that stands, or an increment where they count."""
        for at in range(bisect_right(self.order, last) - 1, bisect_right(self.order, day) - 1, -1):
            content = self.days[self.order[at]]
            if content.stands is not None or (increments and content.increments is not None):
                return self.order[at]
        return None

    def _at(self, day: int) -> Day:
        content = self.days.get(day)
        if content is None:
            content = self.days[day] = Day()
            if not self.order or day > self.order[-1]:
                self.order.append(day)
            else:
                insort(self.order, day)
        return content

    def _stands(self, first: int, last: int, increments: bool) -> Own | None:
        order = self.order
        later: list[tuple[int, Increments]] = []
        at = bisect_right(order, last) - 1
        while at >= 0 and order[at] >= first:
            day = order[at]
            content = self.days[day]
            figure = content.stands
            if figure is not None:
                own = Own(day, figure, len(content.figures) > 1 and content.sources_disagree())
                return _with(own, later)
            if increments and content.increments is not None:
                later.append((day, content.increments))
            at -= 1
        return _with(Own(later[0][0], None), later) if later else None


def _with(own: Own, later: list[tuple[int, Increments]]) -> Own:
    for day, more in later:
        own.add(day, more)
    return own
