"""Records and documents with good defaults, for tests that care about one thing of them."""

from datetime import UTC, date, datetime
from typing import Any

from aiokafka import ConsumerRecord

from contracts.alerts import AlertTransition, Severity, TransitionType, alert_id
from contracts.progress import ProgressJudged, Status, TargetJudged
from services.gateway.documents import NOWHERE, Document, Place, alert_document, progress_document, transition_document
from services.runtime.kafka.producer import AnyRecord

AT = datetime(2023, 10, 2, 1, 15, tzinfo=UTC)


def a_target(**changes: Any) -> TargetJudged:
    """92 % by 14 December 2023, from 80 %."""
    given = {"id": "t", "value": 92.0, "comparator": ">=", "deadline": date(2023, 12, 14), "baseline": 80.0, **changes}
    return TargetJudged.model_validate(given)


def a_record(**changes: Any) -> ProgressJudged:
    """Signed e-documents of one commune, behind plan."""
    given = {
        "province": "dak-nong",
        "kpi": "edoc-signed-share",
        "org_unit": "dak-nong.cu-jut.xa-dak-wil",
        "period": "2023",
        "as_of": date(2023, 9, 30),
        "value": 84.25,
        "unit_of_measure": "percent",
        "target": a_target(),
        "planned": 89.5,
        "gap": -5.25,
        "pace": 0.447,
        "completion": 0.354,
        "status": Status.BEHIND,
        "version": 1,
        "catalog_version": "1-0123456789ab",
        "judged_at": AT,
        **changes,
    }
    return ProgressJudged.model_validate(given)


def a_transition(**changes: Any) -> AlertTransition:
    """The alert of that commune, opened."""
    record = changes.pop("progress", None) or a_record()
    given = {
        "alert_id": alert_id(record.province, "behind-plan", record.kpi, record.org_unit, record.period),
        "episode": 1,
        "seq": 1,
        "type": TransitionType.OPENED,
        "severity": Severity.BEHIND,
        "rule": "behind-plan",
        "province": record.province,
        "kpi": record.kpi,
        "org_unit": record.org_unit,
        "period": record.period,
        "reason": "first",
        "opened_at": AT,
        "at": AT,
        "progress": record,
        **changes,
    }
    return AlertTransition.model_validate(given)


def a_document(place: Place = NOWHERE, **changes: Any) -> Document:
    """The document of `a_record`."""
    record = a_record(**changes)
    return progress_document(record, record.model_dump(mode="json"), place)


def an_alert(place: Place = NOWHERE, **changes: Any) -> Document:
    """The document of `a_transition`."""
    told = a_transition(**changes)
    return alert_document(told, told.model_dump(mode="json"), place)


def a_told(**changes: Any) -> Document:
    """The history line of `a_transition`."""
    told = a_transition(**changes)
    return transition_document(told, told.model_dump(mode="json"))


def consumed(topic: str, outgoing: AnyRecord, offset: int = 0, timestamp: int = 0) -> ConsumerRecord:
    """A record as the consumer hands it over."""
    return ConsumerRecord(
        topic=topic,
        partition=0,
        offset=offset,
        timestamp=timestamp,
        timestamp_type=0,
        key=outgoing.key,
        value=outgoing.value,
        checksum=None,
        serialized_key_size=0,
        serialized_value_size=0,
        headers=tuple(outgoing.headers),
    )
