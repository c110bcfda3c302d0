"""The last stage: lease a mail, freeze its bytes, hand it to the relay, and remember what the relay said.

At least once, and every repeat is the same mail byte for byte under the same Message-ID. A letter to a publisher goes
at most once: the next one says again what may not have arrived. One row is one recipient, so a refused address concerns
nobody else. When the relay itself is away, the whole queue waits and nothing counts.
"""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

import structlog

from services.alerts.measures import Measures
from services.alerts.ports import Mails, Row, RowState
from services.alerts.smtp import Answer, Fate
from services.runtime.ending import end

log = structlog.get_logger()

STEPS = (1, 2, 4, 8, 20, 40, 60, 120)
"""Growth of the pauses after temporary refusals: 15 s becomes 30 s, 1, 2, 5, 10, 15 and then always 30 minutes."""

PROBES = (1, 2, 4, 8, 20)
"""Growth of the pauses while the relay is away: 15 s becomes 30 s, 1, 2 and then always 5 minutes."""

MOST_RESENDS = 3
"""How often a mail is sent again that the relay may have taken."""

LETTERS_WAIT = timedelta(hours=24)
"""How long a mail that the next one says again is tried at most: what is newer waits for it."""

OVERTAKEN = timedelta(minutes=10)
"""From this wait on it is asked whether a mail still says something: what has ended well meanwhile is nobody's news."""

LEASES = 10
"""Rows that one sender takes at once."""


@dataclass(frozen=True, slots=True)
class Frozen:
    """A mail ready to leave: the recipient's address now, and the bytes."""

    address: str
    raw: bytes


class NotNow(Exception):
    """A mail cannot be rendered at the moment; the message says why."""


class Wire(Protocol):
    """A connection to the relay."""

    async def send(self, recipient: str, raw: bytes) -> Answer:
        """Hand one mail over."""
        ...


class Freezer(Protocol):
    """Turns a decided mail into bytes."""

    def freeze(self, row: Row) -> Frozen:
        """The bytes of the first attempt, or those that were frozen then. Raises `NotNow`."""
        ...


class Breaker:
    """Open while the relay is away: nothing is tried until the next probe."""

    def __init__(self, first_pause_s: float, measures: Measures) -> None:
        self._first = first_pause_s
        self._measures = measures
        self._failures = 0
        self._until = 0.0

    def pause(self) -> float:
        """Seconds until the next try; 0 when the relay is there."""
        return max(0.0, self._until - asyncio.get_running_loop().time())

    def away(self, why: str) -> None:
        """The relay did not answer, or turned us away."""
        step = PROBES[min(self._failures, len(PROBES) - 1)]
        self._until = asyncio.get_running_loop().time() + self._first * step
        if self._failures == 0 or self._failures % 10 == 0:
            log.error(
                "mail_relay_away",
                why=why,
                next_try_in_s=round(self._first * step, 1),
                remedy="nothing is lost, mails wait; mend the relay or TIENDO_SMTP_*",
            )
        self._failures += 1
        self._measures.relay_away.set(1)

    def there(self) -> None:
        """The relay answered."""
        if self._failures:
            log.info("mail_relay_back", after_tries=self._failures)
        self._failures, self._until = 0, 0.0
        self._measures.relay_away.set(0)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long leases last, and how long is waited after refusals."""

    lease_s: float
    retry_s: float
    give_up: timedelta


class Sender:
    """One of several loops that take mails from the queue."""

    def __init__(
        self,
        owner: str,
        mails: Mails,
        freezer: Freezer,
        wire: Wire,
        breaker: Breaker,
        patience: Patience,
        measures: Measures,
        sent: Callable[[], None],
    ) -> None:
        self._owner = owner
        self._mails = mails
        self._freezer = freezer
        self._wire = wire
        self._breaker = breaker
        self._patience = patience
        self._measures = measures
        self._sent = sent

    async def send_some(self) -> int:
        """Take some mails and try each; how many were taken. Takes none while the relay is away."""
        if self._breaker.pause() > 0:
            return 0
        now = datetime.now(UTC)
        rows = await self._mails.lease(self._owner, now, self._until(), LEASES)
        async with contextlib.AsyncExitStack() as stack:
            held = [await stack.enter_async_context(self._holding(row)) for row in rows]
            for row in held:
                await self._try(row)
        return len(rows)

    async def _try(self, row: Row) -> None:
        if self._breaker.pause() > 0:
            await self._mails.later(row, RowState.QUEUED, datetime.now(UTC), None, "the relay went away before it")
            return
        lost = row.mail.ends and row.before in (RowState.DEAD, RowState.CANCELLED)
        if lost and not await self._mails.was_told(row):
            await self._finish(row, RowState.CANCELLED, None, "its recipient was never told the beginning")
            return
        if row.raw is None and await self._overtaken(row):
            await self._finish(row, RowState.CANCELLED, None, "it had ended well before it could be sent")
            return
        if row.resends and not row.mail.at_least_once:
            await self._finish(row, RowState.UNCONFIRMED, None, "the relay may have taken it; it is not sent twice")
            return
        if row.resends > MOST_RESENDS:
            await self._finish(row, RowState.DEAD, None, "the relay never said whether it took it")
            return
        try:
            frozen = self._freezer.freeze(row)
        except NotNow as error:
            await self._mails.later(row, RowState.QUEUED, _in(self._patience.retry_s), None, str(error))
            return
        except Exception as error:
            log.error("mail_not_rendered", row=row.mail.row_id, exc_info=error)
            await self._again(row, Answer(Fate.LATER, None, f"not rendered: {error}"))
            return
        if row.raw is None and not await self._mails.freeze(row, frozen.raw):
            return  # the lease is another's now
        await self._settle(row, await self._wire.send(frozen.address, frozen.raw))

    async def _overtaken(self, row: Row) -> bool:
        return datetime.now(UTC) - row.queued_at > OVERTAKEN and await self._mails.came_and_went(row)

    async def _settle(self, row: Row, answer: Answer) -> None:
        if answer.fate is Fate.AWAY:
            self._breaker.away(answer.text)
            await self._mails.later(row, RowState.QUEUED, datetime.now(UTC), answer.code, answer.text)
            return
        match answer.fate:
            case Fate.ACCEPTED:
                self._breaker.there()
                await self._finish(row, RowState.SENT, answer.code, answer.text)
            case Fate.REFUSED:
                self._breaker.there()
                await self._finish(row, RowState.DEAD, answer.code, answer.text)
            case Fate.LATER:
                self._breaker.there()
                await self._again(row, answer)
            case Fate.UNSURE:
                if not row.mail.at_least_once:
                    await self._finish(row, RowState.UNCONFIRMED, answer.code, answer.text)
                    return
                self._count(row, "unknown")
                log.warning("mail_unsure", **_about(row), why=answer.text)
                await self._mails.later(row, RowState.UNKNOWN, _in(self._patience.retry_s), answer.code, answer.text)

    async def _again(self, row: Row, answer: Answer) -> None:
        give_up = self._patience.give_up
        if datetime.now(UTC) - row.queued_at > (give_up if row.mail.at_least_once else min(give_up, LETTERS_WAIT)):
            await self._finish(row, RowState.DEAD, answer.code, f"given up: {answer.text}")
            return
        pause = self._patience.retry_s * STEPS[min(row.attempts, len(STEPS) - 1)] * random.uniform(0.8, 1.2)
        self._count(row, "failed_retry")
        log.info("mail_refused_for_now", **_about(row), why=answer.text, again_in_s=round(pause))
        await self._mails.later(row, RowState.FAILED_RETRY, _in(pause), answer.code, answer.text)

    async def _finish(self, row: Row, state: RowState, code: int | None, text: str) -> None:
        if not await self._mails.finish(row, state, datetime.now(UTC), code, text):
            log.warning("mail_lease_lost", **_about(row), wanted=state.value)
            return
        self._count(row, state.value)
        if state is RowState.DEAD:
            log.error(
                "mail_dead",
                **_about(row),
                why=text,
                remedy="mend the address in people.yaml or publishers.yaml, or the relay; then `tiendo mail requeue`",
            )
        else:
            log.info("mail_done", result=state.value, **_about(row))
        self._sent()

    def _count(self, row: Row, result: str) -> None:
        self._measures.notifications.labels(row.mail.reason.value, result).inc()

    def _until(self) -> datetime:
        return _in(self._patience.lease_s)

    @contextlib.asynccontextmanager
    async def _holding(self, row: Row) -> AsyncIterator[Row]:
        """Renew the lease while this process lives: a relay may take minutes, a dead worker's mail should not."""

        async def renew() -> None:
            while True:
                await asyncio.sleep(self._patience.lease_s / 3)
                if not await self._mails.renew(row, self._until()):
                    return

        renewing = asyncio.create_task(renew())
        try:
            yield row
        finally:
            await end((renewing,))


def _in(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


def _about(row: Row) -> dict[str, object]:
    return {
        "row": row.mail.row_id[:12],
        "reason": row.mail.reason.value,
        "recipient": row.mail.addressee,
        "message_id": row.mail.message_id,
    }
