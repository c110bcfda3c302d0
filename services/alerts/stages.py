"""The stages as one flow: what falls due is told in the order in which it fell due, and each stage wakes the next.

With the system's clock the stages run beside the consumer, each in a loop of its own that is woken when there is work
and looks by itself now and then, for what another worker left lying. With a clock that moves on with the data, time
passes only between two records; so before it passes something that is due, the consumer lets the stages finish.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

import structlog

from services.alerts.decide import Command, Decision
from services.alerts.deciding import Arrived, Decider
from services.alerts.flushing import Flusher
from services.alerts.ports import Alerts, Groups, Times
from services.alerts.relaying import Relay
from services.runtime.clock import Clock
from services.runtime.errors import in_short
from services.runtime.kafka.delivery import passes_by_itself

log = structlog.get_logger()

QUIET_S = 1.0
"""Timers wait until no batch came for so long: records that lie ready may say what the timer would get wrong."""

LONGEST_WAIT_S = 120.0
"""… but not longer than this after the start."""

_BACKOFF_S = (0.2, 5.0)


class Stages:
    """Everything between a record and the queue of mails."""

    def __init__(
        self,
        decider: Decider,
        relay: Relay,
        flusher: Flusher,
        alerts: Alerts,
        groups: Groups,
        times: Times,
        clock: Clock,
        poll_s: float,
        queued: Callable[[], None],
    ) -> None:
        self._decider = decider
        self._relay = relay
        self._flusher = flusher
        self._alerts = alerts
        self._groups = groups
        self._times = times
        self._clock = clock
        self._poll_s = poll_s
        self._queued = queued
        self._fresh: set[str] = set()
        self._relaying, self._flushing = asyncio.Lock(), asyncio.Lock()
        self._relay_wanted, self._flush_wanted = asyncio.Event(), asyncio.Event()
        self._started = self._last_batch = asyncio.get_running_loop().time()

    async def take(self, batch: list[Arrived]) -> None:
        """Decide on a batch of records; when this returns, all decisions are stored."""
        self._last_batch = asyncio.get_running_loop().time()
        todo = batch
        moves = any(one.moment is not None for one in batch)
        while todo:
            horizon = await self._let_pass(todo[0].moment)
            observed = await self._decider.observe(todo, self._clock.now(), horizon)
            for arrived in todo[: observed.taken]:
                self._clock.observe(arrived.moment)
            self._fresh |= observed.ids
            todo = todo[observed.taken :]
        if moves:
            await self._times.keep(self._clock.now())
        self._last_batch = asyncio.get_running_loop().time()
        self._relay_wanted.set()
        self._flush_wanted.set()

    async def command(self, alert_id: str, command: Command) -> Decision | None:
        """Decide on somebody's command; when this returns, it is stored. None for an alert that does not exist."""
        decision = await self._decider.command(alert_id, command, command.at)
        if decision is not None and decision.effects:
            self._fresh.add(alert_id)
            self._relay_wanted.set()
        return decision

    async def relay_loop(self) -> None:
        """Relay what was decided here at once, and what others left lying."""

        async def once() -> float:
            done = await self.relay_fresh()
            async with self._relaying:
                done += await self._relay.relay(None)
            if done:
                self._flush_wanted.set()
            return self._poll_s

        await repeat("relay", once, self._relay_wanted)

    async def flush_loop(self) -> None:
        """Timers and flushes, as soon as they are due."""

        async def once() -> float:
            now = self._clock.now()
            if self._may_tick():
                await self.look(now)
            await self._flush(now)
            async with self._flushing:
                if await self._flusher.sweep():
                    self._queued()
            due = await self._groups.next_due()
            return max(0.0, min(self._poll_s, (due - now).total_seconds())) if due is not None else self._poll_s

        await repeat("flush", once, self._flush_wanted)

    async def relay_fresh(self) -> int:
        """Relay what this worker decided; what fails stays to be relayed."""
        async with self._relaying:
            ids, self._fresh = self._fresh, set()
            try:
                return await self._relay.relay(ids)
            except BaseException:
                self._fresh |= ids
                raise

    async def _let_pass(self, moment: datetime | None) -> datetime | None:
        """Business time is about to move to `moment`: first everything that is due until then. What is due next."""
        if moment is None:
            return None  # time passes by itself
        await self.relay_fresh()
        horizon = await self._horizon()
        if horizon is None or moment < horizon or moment <= self._clock.now():
            return horizon
        self._clock.observe(moment)
        now = self._clock.now()
        await self.look(now)
        await self._flush(now, dated_as_due=True)
        return await self._horizon()

    async def look(self, now: datetime) -> None:
        """Decide on what time has brought about, and what another catalog says of what is open."""
        ids = await self._decider.reconsider(now) | await self._decider.tick(now)
        if ids:
            self._fresh |= ids
            await self.relay_fresh()

    async def _flush(self, now: datetime, *, dated_as_due: bool = False) -> None:
        async with self._flushing:
            if await self._flusher.flush(now, dated_as_due=dated_as_due):
                self._queued()

    async def _horizon(self) -> datetime | None:
        """The moment at which the next thing falls due."""
        due = [one for one in (await self._alerts.next_due(), await self._groups.next_due()) if one is not None]
        return min(due, default=None)

    def _may_tick(self) -> bool:
        now = asyncio.get_running_loop().time()
        return now - self._last_batch >= QUIET_S or now - self._started >= LONGEST_WAIT_S


async def repeat(name: str, work: Callable[[], Awaitable[float]], wake: asyncio.Event) -> None:
    """Do the work for ever: again when woken, or after as many seconds as it says. Failures are tried again."""
    failures = 0
    while True:
        wake.clear()
        try:
            pause = await work()
            if failures:
                log.info("stage_recovered", stage=name, tries=failures)
            failures = 0
        except Exception as error:
            failures += 1
            pause = min(_BACKOFF_S[1], _BACKOFF_S[0] * 2.0 ** min(failures, 10))
            if failures == 1 or failures % 20 == 0:
                known = passes_by_itself(error)
                why = in_short(error)
                log.warning("stage_failed", stage=name, why=why, tries=failures, exc_info=None if known else error)
            await asyncio.sleep(pause)
            continue
        try:
            async with asyncio.timeout(max(pause, 0.001)):
                await wake.wait()
        except TimeoutError:
            continue
