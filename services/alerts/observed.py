"""Messages in: accepted figures (`observations.v1`). They end refusals, and their flags become notes.

A flag is a doubt that the event alone shows; those that other figures raise come on `statistics.doubted.v1`. Where
nothing refused waits to be told, observations without flags are not even read.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import orjson
from aiokafka import ConsumerRecord

from contracts.observations import subject_of
from contracts.statistics import Flag
from services.alerts import replies
from services.alerts.digest import PublisherKey
from services.alerts.measures import Measures
from services.alerts.mending import Accepted, mended
from services.alerts.notes import Note
from services.alerts.ports import Catalogs, Notes
from services.runtime.instants import day_written

PATIENCE_S, LOOK_EVERY_S = 5.0, 0.1
"""How long observations wait for the refusals that lay on the broker before them."""

_UNFLAGGED = b'"flags":[]'
"""As ingest writes it; within a text of the figure the quotation marks would be escaped."""

Read = TypeVar("Read")


class ObservationHandler:
    """Handles batches of `observations.v1`. Twice equals once: a note that is closed stays so, and the note of flags
    has an id made of the observation's."""

    def __init__(
        self,
        notes: Notes,
        catalogs: Catalogs,
        notes_for: timedelta,
        measures: Measures,
        refusals_read: Callable[[], Awaitable[bool]],
    ) -> None:
        self._notes = notes
        self._catalogs = catalogs
        self._notes_for = notes_for
        self._measures = measures
        self._refusals_read = refusals_read

    async def handle(self, records: Sequence[ConsumerRecord]) -> None:
        """Return when the notes of flags are durable, and those of refusals that were mended closed."""
        await self._let_refusals_go_first()
        flagged = list(self._read([one for one in records if _UNFLAGGED not in (one.value or b"")], self._flagged))
        notes = [note for note in flagged if note is not None]
        await replies.keep(notes, self._notes, self._catalogs, self._measures)
        if await self._notes.any_refused():
            await self._mend(list(self._read(records, self._accepted)))

    async def forget(self) -> None:
        """Nothing is held in memory."""

    async def _let_refusals_go_first(self) -> None:
        """After a pause of this service both lie on the broker, each on its topic."""
        for _ in range(int(PATIENCE_S / LOOK_EVERY_S)):
            if await self._refusals_read():
                return
            await asyncio.sleep(LOOK_EVERY_S)

    async def _mend(self, accepted: Sequence[Accepted]) -> None:
        waiting = await self._notes.refused(
            {one.identity for one in accepted}, {one.cell for one in accepted if one.cell is not None}
        )
        done = mended(waiting, accepted)
        if done:
            await self._notes.folded(done, datetime.now(UTC) + self._notes_for)
            self._measures.mended.inc(len(done))

    def _read(self, records: Collection[ConsumerRecord], read: Callable[[dict[str, Any]], Read]) -> Iterator[Read]:
        for record in records:
            try:
                yield read(orjson.loads(record.value or b""))
            except (ValueError, KeyError, TypeError, AttributeError):
                self._measures.odd_replies.inc()

    def _accepted(self, said: dict[str, Any]) -> Accepted:
        province = said["province"]
        catalog = self._catalogs.of(province)
        day = day_written(said["as_of"], catalog.zone) if catalog is not None else None
        forecast = said.get("status") == "forecast"
        return Accepted(
            identity=said["observation_id"],
            whose=PublisherKey(province, said["publisher"]),
            at=datetime.fromisoformat(said["received_at"]),
            cell=None if day is None or forecast else subject_of(province, said["kpi"], said["org_unit"], day),
        )

    def _flagged(self, said: dict[str, Any]) -> Note | None:
        flags = [Flag.model_validate(flag) for flag in said.get("flags", ())]
        if not flags:
            return None
        return replies.of_flags(
            f"flags/{said['observation_id']}",
            datetime.fromisoformat(said["received_at"]),
            (said["source"], said["source_id"]),
            flags,
            (said["kpi"], said["org_unit"], said["as_of"]),
        )
