"""What a batch says of one record, and under which versions."""

from collections.abc import Iterator
from dataclasses import dataclass

from services.metrics.days import Window
from services.metrics.judging import Judged, Judging
from services.metrics.progress import Emission, digest_of
from services.metrics.state import Cause, Head
from services.runtime.catalog.rejudging import REASONS


@dataclass(frozen=True, slots=True)
class Occasion:
    """What something is said for.

    `repeats`: it, or a part of it, may have been judged before. `owes`: nobody delivers it again, so what is said is
    marked as owed. `moved`: any figure moved. `cause`: the catalog that brought the figures about.
    """

    repeats: bool
    owes: bool
    moved: bool
    cause: Cause | None


class Telling:
    """What a batch says of one record, in the order of the dates: former heads again, new heads, the head.

    `cause`: the catalog, where it judges the figures before the batch otherwise than the record does; the next version
    is the first under it.
    """

    def __init__(
        self,
        judging: Judging,
        occasion: Occasion,
        unit: str,
        window: Window,
        touched: set[int],
        cause: Cause | None,
    ) -> None:
        self._judging, self._occasion = judging, occasion
        self._cause = occasion.cause if cause is None else joined(occasion.cause, cause)
        self._unit, self._window = unit, window
        self._record = judging.state.record(unit, window.id)
        self._before = self._record.as_of
        self._touched = touched
        self._changed = False
        self._said: list[Emission] = []
        self._heads: list[Head] = []
        self._found: Judged | None = None

    def steps(self) -> list[int]:
        """The days before the last at which something is to be said.

        Heads of the last batch that wrote, if this one may be that batch again; the present head, if it is overtaken;
        and the dates that become the head and are overtaken within the batch. A later figure that does not become the
        head (it counts for nothing, or a figure reported above stands) overtakes nothing.
        """
        before, touched = self._before, self._touched
        if before is None:
            return sorted(touched)[:-1]
        ahead = sorted(day for day in touched if day > before)
        again: list[int] = []
        if self._may_repeat():
            again = [day for day, head in self._former(before) if head.as_of in touched]
        if not ahead:
            return again
        self._found = self._judging.judge(self._unit, self._window, None)
        head = self._found[0].as_of
        if head is None or head <= before:
            return again
        return [*again, *([before] if before in touched else []), *ahead[:-1]]

    def _former(self, before: int) -> Iterator[tuple[int, Head]]:
        """The heads before the present one, each with the day at whose end it was said: the last one that was touched
        before the next head, since a figure that counts for nothing does not become the head, but changes what it
        says."""
        trail = [(head.as_of, head) for head in self._record.trail if head.as_of is not None and head.as_of < before]
        ends = [*(as_of for as_of, _ in trail[1:]), before]
        for (as_of, head), end in zip(trail, ends, strict=False):
            yield max((day for day in self._touched if as_of <= day < end), default=as_of), head

    def _may_repeat(self) -> bool:
        """Whether former heads may be unsaid. Those of what nobody delivers again are as long as the record is owed."""
        occasion = self._occasion
        return occasion.repeats and (not occasion.owes or self._judging.state.is_owed(self._unit, self._window.id))

    def step(self, day: int) -> None:
        """Say what stood at the end of that day."""
        record, before = self._record, self._before
        reading, status, content, _ = self._judging.judge(self._unit, self._window, day)
        as_of = reading.as_of
        if before is not None and day < before:
            former = next(head for at, head in self._former(before) if at == day)
            if as_of != former.as_of:
                _, status, content, _ = self._judging.judge(self._unit, self._window, former.as_of)
            self._say(former, status, content)
        elif as_of is not None and (as_of != before or day == before) and as_of >= (record.as_of or 0):
            self._settle(as_of, status, content)

    def told(self) -> list[Emission]:
        """Everything, the head last: under a new version if it changed, again under its own if not."""
        record, state = self._record, self._judging.state
        reading, status, content, due = self._found or self._judging.judge(self._unit, self._window, None)
        self._settle(reading.as_of, status, content)
        if self._changed:
            record.trail = tuple(self._heads[:-1])
        if self._changed or record.due != due:
            record.due = due
            state.record_moved(self._unit, self._window.id, owes=self._changed and self._occasion.owes)
        if (self._changed or self._occasion.moved) and self._said[-1].future.open:
            state.await_forecast(self._unit, self._window.id)
            self._outdate_forecast()
        silent = self._occasion.owes and not self._changed and not state.is_owed(self._unit, self._window.id)
        return [] if silent else self._said

    def _outdate_forecast(self) -> None:
        """Have it stored that the forecast knows less than the judgement, also where that stayed as it was."""
        record = self._record
        if record.foretold is not None and record.foretold.of == record.digest:
            record.foretold = record.foretold._replace(of=b"")
            self._judging.state.record_moved(self._unit, self._window.id)

    def _settle(self, as_of: int | None, status: str, content: bytes) -> None:
        """Say a head. Of one date only the last word of a batch goes out."""
        record, digest = self._record, digest_of(content)
        fresh = bool(self._heads) and self._heads[-1].version == record.version  # said by this batch already
        if digest == record.digest:
            if not fresh:
                self._say(record.head, status, content)
            return
        if fresh and self._changed and as_of == record.as_of:
            self._said.pop()
            self._heads.pop()
            record.status, record.digest = status, digest
        else:
            record.becomes(status, as_of, digest, self._cause)
            self._cause = self._occasion.cause
        self._changed = True
        self._say(record.head, status, content)

    def _say(self, head: Head, status: str, content: bytes) -> None:
        self._heads.append(head)
        self._said.append(self._judging.emission(self._unit, self._window, self._record, head, status, content))


def joined(one: Cause | None, other: Cause) -> Cause:
    """All that is new in the catalog, where both name it."""
    if one is None:
        return other
    return one._replace(what=tuple(reason for reason in REASONS if reason in {*one.what, *other.what}))
