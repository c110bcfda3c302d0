"""Events as publishers send them, examined by ingest, as they then lie on `observations.v1`."""

from collections.abc import Sequence
from datetime import datetime

from aiokafka import ConsumerRecord

from deploy.embedded.demo.events import Said
from services.ingest.batch import Sound
from services.runtime.catalog import Catalog
from tests.unit.ingest.door import Record, an_examiner


def through_the_door(catalog: Catalog, said: Sequence[Said], now: datetime) -> list[ConsumerRecord]:
    """The observations of events that are all sound."""
    examiner = an_examiner(catalogs={catalog.province.id: catalog})
    records = [
        Record(offset=at, key=one.key, value=one.value, headers=tuple(one.headers)) for at, one in enumerate(said)
    ]
    passed = []
    for at, one in enumerate(examiner.examine(records, now)):
        assert isinstance(one, Sound), one
        key, payload = one.entry.key.encode(), one.entry.payload
        headers = [("ce_type", b"vn.tiendo.observation.recorded.v1"), ("content-type", b"application/json")]
        passed.append(
            ConsumerRecord("observations.v1", 0, at, 0, 0, key, payload, None, len(key), len(payload), headers)
        )
    return passed
