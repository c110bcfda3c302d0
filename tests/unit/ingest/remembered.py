"""A ledger that remembers given observations, for whoever asks where they came from."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta

from pymongo.errors import AutoReconnect

from contracts.observations import ObservationRecorded, subject_of
from services.ingest.decide import Entry
from services.ingest.normalise import Raw
from services.ingest.store import Stored

STORED = datetime(2023, 10, 1, tzinfo=UTC)


class Remembered:
    """Has what it was given; `away`: the database does not answer."""

    def __init__(self, observations: Sequence[ObservationRecorded]) -> None:
        self.away = False
        self.entries = {
            one.observation_id: Entry(
                one.observation_id,
                one.source,
                one.source_id,
                Raw("log", "statistics.reported.v1", 0, one.raw.offset),
                b"",
                f"{one.province}/{one.kpi}",
                one.model_dump_json(exclude_none=True).encode(),
                datetime(2023, 10, 1, tzinfo=UTC),
                one.catalog_version,
                subject_of(one.province, one.kpi, one.org_unit, _day(one)),
            )
            for one in observations
        }

    async def standing(self, ids: Iterable[str]) -> dict[str, Entry]:
        if self.away:
            raise AutoReconnect("away")
        return {one: self.entries[one] for one in ids if one in self.entries}

    async def about(self, subjects: Iterable[str], after: str, limit: int) -> list[Entry]:
        if self.away:
            raise AutoReconnect("away")
        wanted = set(subjects)
        found = (self.entries[id] for id in sorted(self.entries) if id > after)
        return [entry for entry in found if entry.subject in wanted][:limit]

    async def before(self, subjects: Sequence[str], limit: int) -> list[list[Entry]]:
        if self.away:
            raise AutoReconnect("away")
        held = sorted(self.entries.values(), key=lambda one: (one.subject, one.observation_id), reverse=True)
        return [[one for one in held if subject[:-10] <= one.subject < subject][:limit] for subject in subjects]

    async def recent(
        self, sources: Iterable[str], since: datetime | None, before: tuple[datetime, str] | None, limit: int
    ) -> list[Stored]:
        if self.away:
            raise AutoReconnect("away")
        wanted = set(sources)
        all_of_them = [Stored(self.stored_at(entry), entry) for entry in self.entries.values()]
        found = sorted(
            (one for one in all_of_them if one.entry.source in wanted),
            key=lambda one: (one.stored_at, one.entry.observation_id),
            reverse=True,
        )
        return [
            one
            for one in found
            if (since is None or one.stored_at >= since)
            and (before is None or (one.stored_at, one.entry.observation_id) < before)
        ][:limit]

    def stored_at(self, entry: Entry) -> datetime:
        """Written one a second, in the order of the raw offsets."""
        return STORED + timedelta(seconds=entry.raw.offset)


def _day(one: ObservationRecorded) -> date:
    return one.as_of.date() if isinstance(one.as_of, datetime) else one.as_of
