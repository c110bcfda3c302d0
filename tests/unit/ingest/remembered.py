"""A ledger that remembers given observations, for whoever asks where they came from."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from pymongo.errors import AutoReconnect

from contracts.observations import ObservationRecorded
from services.ingest.decide import Entry
from services.ingest.normalise import Raw


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
            )
            for one in observations
        }

    async def standing(self, ids: Iterable[str]) -> dict[str, Entry]:
        if self.away:
            raise AutoReconnect("away")
        return {one: self.entries[one] for one in ids if one in self.entries}
