"""Messages in: records of `progress.v1` become what the stages take. No rule about alerts is here."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from aiokafka import ConsumerRecord
from pydantic import ValidationError

from contracts import envelope
from contracts.progress import ProgressJudged
from services.alerts.deciding import Arrived
from services.alerts.ports import Catalogs
from services.alerts.sightings import Lookout
from services.alerts.stages import Stages
from services.runtime.clock import EXTENSION
from services.runtime.errors import Unprocessable


class ProgressHandler:
    """Handles batches of `progress.v1`. Twice equals once: the version of a record gates it."""

    def __init__(self, stages: Stages, lookout: Lookout, catalogs: Catalogs, passed: Callable[[], None]) -> None:
        self._stages = stages
        self._lookout = lookout
        self._catalogs = catalogs
        self._passed = passed
        """Told that time may have moved on."""

    async def handle(self, records: Sequence[ConsumerRecord]) -> None:
        """Return when all decisions on these records are stored, and which figures have come."""
        batch = [read(record) for record in records if record.value is not None]
        await self._catalogs_of(batch)
        # Partitions come one after the other in a batch; where time moves with the data they have to be merged.
        first = datetime.min.replace(tzinfo=UTC)
        batch.sort(key=lambda arrived: arrived.moment or first)
        # Before time moves on with them: a figure that has come is not overdue.
        await self._lookout.see(arrived.record for arrived in batch)
        await self._stages.take(batch)
        self._passed()

    async def forget(self) -> None:
        """What is held in memory is stored, or found again in an outbox; what was seen is written anew."""
        self._lookout.forget()

    async def _catalogs_of(self, batch: Sequence[Arrived]) -> None:
        """Wait for the catalogs by which the records were judged: older rules may not know their KPIs."""
        needed: dict[str, int] = {}
        for version, province in {(one.record.catalog_version, one.record.province) for one in batch}:
            number = version.partition("-")[0]
            needed[province] = max(needed.get(province, 0), int(number) if number.isdigit() else 0)
        for province, least in needed.items():
            await self._catalogs.at_least(province, least)


def read(record: ConsumerRecord) -> Arrived:
    """One record. Raises `Unprocessable` with its coordinates: what metrics wrote must be readable here."""
    where = f"{record.topic}/{record.partition}/{record.offset}"
    try:
        if envelope.header(record.headers, "content-type") == envelope.JSON:
            moment = _instant(envelope.header(record.headers, f"ce_{EXTENSION}"))
            return Arrived(ProgressJudged.model_validate_json(record.value), moment)
        event = envelope.read(record.headers, record.value)
        return Arrived(ProgressJudged.model_validate(event.data), _instant(event.extensions.get(EXTENSION)))
    except (ValidationError, envelope.NotAnEvent, ValueError) as error:
        raise Unprocessable(f"{where} is no progress record: {error}") from error


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
