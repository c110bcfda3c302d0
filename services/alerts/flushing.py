"""The third stage: groups whose flush is due become decided mails, and decided mails are queued.

The mail is written into the group's own outbox, in the same write that remembers what its recipient now knows. Queueing
it a second time changes nothing: the row's id is made of group and number.
"""

from collections.abc import Collection
from datetime import UTC, datetime

from services.alerts.compose import core_of
from services.alerts.grouping import Group, Mail, begins_thread, flush, lines_of
from services.alerts.measures import Measures
from services.alerts.ports import Catalogs, GroupChange, Groups, Queue

BATCH = 200
"""Groups that are flushed in one round: each may carry the records of many units."""


class Flusher:
    """Decides mails and queues them."""

    def __init__(self, groups: Groups, mails: Queue, catalogs: Catalogs, host: str, measures: Measures) -> None:
        self._groups = groups
        self._mails = mails
        self._catalogs = catalogs
        self._host = host
        self._measures = measures

    async def flush(self, now: datetime, *, dated_as_due: bool = False, real_now: datetime | None = None) -> int:
        """Flush every group that is due by business time `now` or by real time; how many mails were decided.

        Whichever clock ends the wait, the mail carries business time.

        `dated_as_due`: business time jumped past the moment, so the mail carries the moment at which it was due.
        """
        decided, real_now = 0, real_now or datetime.now(UTC)
        while due := await self._groups.due(now, real_now, BATCH):
            changes = [self._flushed(group, now, dated_as_due) for group in due]
            if not await self._groups.save(changes):
                self._measures.conflicts.labels("groups").inc()
            # What was overtaken has another revision now and is found again by the next round, if still due.
            mails = await self._groups.pending([group.key.group_id for group in due], BATCH)
            await self.queue(mails)
            decided += len(mails)
            for mail in mails:
                self._measures.flushed.labels(mail.reason.value).inc()
        return decided

    async def sweep(self) -> int:
        """Queue decided mails that somebody left lying."""
        mails = await self._groups.pending(None, BATCH)
        await self.queue(mails)
        return len(mails)

    async def queue(self, mails: Collection[Mail]) -> None:
        """From the groups' outboxes into the queue, then out of the outboxes."""
        ordered = sorted(mails, key=lambda mail: (mail.group.group_id, mail.seq))
        if not ordered:
            return
        await self._mails.put(ordered, datetime.now(UTC))
        await self._groups.relayed({mail.group.group_id: mail.seq for mail in ordered})

    def _flushed(self, group: Group, now: datetime, dated_as_due: bool) -> GroupChange:
        at = min(group.next_flush_at, now) if dated_as_due and group.next_flush_at is not None else now
        return GroupChange(*flush(group, at, self._host, self._core(group)))

    def _core(self, group: Group) -> str:
        if not begins_thread(group):
            return ""
        catalog = self._catalogs.of(group.key.province)
        kpi = catalog.kpis.get(group.key.kpi) if catalog is not None else None
        if catalog is None or kpi is None:
            return group.key.kpi
        return core_of(lines_of(group), kpi, catalog)
