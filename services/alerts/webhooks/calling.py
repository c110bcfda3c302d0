"""Making the calls that are queued: endpoint by endpoint, and within a thread one after the other.

At least once, under one id. An endpoint is one worker's at a time. When a receiver is away, its calls wait and nobody
else's; what it will not take for three days is dead, is said so, and can be called again by hand.
"""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import structlog

from services.alerts.measures import Measures
from services.alerts.sending import PROBES, STEPS
from services.alerts.webhooks.caller import Answer, Caller, Fate
from services.alerts.webhooks.endpoint import Endpoint
from services.alerts.webhooks.store import Call, MongoWebhooks
from services.runtime.ending import end

log = structlog.get_logger()

BATCH = 50
"""Calls of one endpoint that are looked at together."""

AT_ONCE = 4
"""Threads of one endpoint that are called side by side."""


@dataclass(frozen=True, slots=True)
class Patience:
    """`lease_s`: how long an endpoint stays with a worker that died. `retry_s`: the first pause. `give_up`: the age at
    which a call is dead."""

    lease_s: float
    retry_s: float
    give_up: timedelta


class Operator:
    """One loop that makes calls."""

    def __init__(
        self, owner: str, webhooks: MongoWebhooks, caller: Caller, patience: Patience, measures: Measures
    ) -> None:
        self._owner = owner
        self._webhooks = webhooks
        self._caller = caller
        self._patience = patience
        self._measures = measures

    async def call_some(self) -> int:
        """Take an endpoint that has something to do, and call it until it has not; how many calls were tried."""
        now = datetime.now(UTC)
        endpoint = await self._webhooks.claim(self._owner, now, self._until(now))
        if endpoint is None:
            return 0
        tried = 0
        async with self._holding(endpoint.id):
            while endpoint is not None and (calls := await self._webhooks.due(endpoint.id, datetime.now(UTC), BATCH)):
                tried += len(calls)
                if not await self._call_all(endpoint, calls):
                    break
                endpoint = await self._webhooks.renew(self._owner, endpoint.id, self._until(datetime.now(UTC)))
        return tried

    @contextlib.asynccontextmanager
    async def _holding(self, endpoint: str) -> AsyncIterator[None]:
        """Renew the lease while this process lives, and give it back at the end."""

        async def renew() -> None:
            while True:
                await asyncio.sleep(self._patience.lease_s / 3)
                await self._webhooks.renew(self._owner, endpoint, self._until(datetime.now(UTC)))

        renewing = asyncio.create_task(renew())
        try:
            yield
        finally:
            await end((renewing,))
            await self._webhooks.release(self._owner, endpoint)

    async def _call_all(self, endpoint: Endpoint, calls: Sequence[Call]) -> bool:
        """Whether the receiver is still there."""
        threads: dict[str, list[Call]] = {}
        for call in calls:
            threads.setdefault(call.thread, []).append(call)
        waiting = list(threads.values())
        for first in range(0, len(waiting), AT_ONCE):
            answers = await asyncio.gather(
                *(self._call_thread(endpoint, thread) for thread in waiting[first : first + AT_ONCE])
            )
            away = [answer for answer in answers if answer is not None]
            if away:
                await self._away(endpoint, away)
                return False
            if endpoint.failures:
                await self._webhooks.paused(endpoint.id, 0, None)
                log.info("webhook_back", endpoint=endpoint.id, after_tries=endpoint.failures)
                endpoint = replace(endpoint, failures=0, paused_until=None)
        return True

    async def _call_thread(self, endpoint: Endpoint, calls: Iterable[Call]) -> Answer | None:
        """Stop at the first call that was not taken; the answer, if the receiver as a whole is away."""
        for call in calls:
            answer = await self._caller.call(endpoint, call.id, call.body)
            now = datetime.now(UTC)
            self._measures.webhook_calls.labels(answer.fate.value).inc()
            if answer.fate is Fate.TAKEN:
                await self._webhooks.delivered(call, now, answer.status, answer.text)
                continue
            await self._put_off(call, answer, now)
            return None if answer.fate is Fate.REFUSED else answer
        return None

    async def _put_off(self, call: Call, answer: Answer, now: datetime) -> None:
        if now - call.queued_at > self._patience.give_up:
            await self._webhooks.dead(call, now, answer.status, answer.text)
            log.error(
                "webhook_call_dead",
                endpoint=call.endpoint,
                call=call.id,
                of=call.event,
                why=_why(answer),
                remedy=f"mend the receiver, then `tiendo webhooks redeliver {call.endpoint}`",
            )
            return
        pause = self._patience.retry_s * STEPS[min(call.attempts, len(STEPS) - 1)] * random.uniform(0.8, 1.2)
        await self._webhooks.later(call, now, now + timedelta(seconds=pause), answer.status, answer.text)

    async def _away(self, endpoint: Endpoint, answers: Sequence[Answer]) -> None:
        now, answer = datetime.now(UTC), answers[0]
        if any(one.fate is Fate.GONE for one in answers):
            await self._webhooks.gone(endpoint.id)
            log.error(
                "webhook_gone",
                endpoint=endpoint.id,
                why="its receiver answered 410 and is not called any more; what is queued waits",
                remedy=f"`tiendo webhooks enable {endpoint.id}` when it is there again, or `remove`",
            )
            return
        pause = timedelta(seconds=self._patience.retry_s * PROBES[min(endpoint.failures, len(PROBES) - 1)])
        asked = max((one.wait for one in answers if one.wait is not None), default=timedelta(0))
        await self._webhooks.paused(endpoint.id, endpoint.failures + 1, now + max(pause, asked))
        if endpoint.failures % 10 == 0:
            log.warning("webhook_away", endpoint=endpoint.id, why=_why(answer), again_in_s=max(pause, asked).seconds)

    def _until(self, now: datetime) -> datetime:
        return now + timedelta(seconds=self._patience.lease_s)


def _why(answer: Answer) -> str:
    return answer.text if answer.status is None else f"{answer.status} {answer.text}".strip()
