"""From a figure that passed to the observation that is recorded: ids resolved, period filled in, origin stamped.

The payload is built as JSON directly, since a model would be made only to be taken apart again; a test holds it against
`ObservationRecorded`.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

import orjson

from contracts import envelope
from contracts.base import composed
from contracts.envelope import Event
from contracts.observations import observation_id, subject_of
from services.ingest.desk import Passed
from services.ingest.numbers import at_most_nine_decimals
from services.ingest.roster import MemberList, member_ids, roster_of
from services.runtime.kafka.place import Place
from services.runtime.sameness import plain

Raw = Place
"""Where the original record lies."""


Observation = tuple[str, str, bytes, str]
"""Its id, the key and payload of its message, and what it is about."""


def observe(event: Event, passed: Passed, raw: Raw, reported_at: datetime, received_at: datetime) -> Observation:
    """The observation of an event that passed every check, ready to be published.

    A retraction says of which day a figure is withdrawn; whatever numbers it brings were not checked and stay behind.
    """
    case, figure = passed.case, passed.case.figure
    kpi, unit, publisher, period = case.kpi, case.unit, case.publisher, case.period
    assert unit is not None  # whoever passed has all of them
    assert publisher is not None
    assert period is not None
    identity = observation_id(event.source, event.id)
    content: dict[str, Any] = {
        "observation_id": identity,
        "province": figure.province,
        "kpi": kpi.id,
        "org_unit": unit.id,
        "period": period.id,
        "as_of": figure.as_of.isoformat(),
        "mode": figure.mode,
    }
    if not figure.retracts:
        if figure.numerator is not None:
            content["numerator"] = plain(figure.numerator)
        if figure.denominator is not None:
            content["denominator"] = plain(figure.denominator)
        if figure.value is not None:  # beside its parts it is only compared with them, and may be as long as it likes
            content["value"] = plain(at_most_nine_decimals(figure.value))
        if kpi.kind in _RARER:
            content |= _rarer(passed)
    content |= {
        "unit_of_measure": kpi.unit_of_measure,
        "status": figure.status,
        "revision": figure.revision,
        "retracts": figure.retracts,
        "source": event.source,
        "source_id": event.id,
        "publisher": publisher.id,
        "raw": {"log": raw.log, "topic": raw.topic, "partition": raw.partition, "offset": raw.offset},
        "reported_at": reported_at.astimezone(UTC),
        "received_at": received_at.astimezone(UTC),
        "catalog_version": case.catalog.version,
        "flags": [flag.model_dump() for flag in passed.flags] if passed.flags else (),
    }
    if figure.note:
        content["note"] = text(figure.note)
    if figure.evidence:
        content["evidence"] = text(figure.evidence)
    subject = subject_of(figure.province, kpi.id, unit.id, case.day)
    return identity, f"{figure.province}/{kpi.id}", orjson.dumps(content, option=orjson.OPT_UTC_Z), subject


KEPT_NAMES_BYTES = 512
"""Members that no roster names are counted and not kept where they are longer than this, stored."""

_BESIDE_A_NAME = 9

_RARER = frozenset({"level", "rank", "milestone", "coverage"})


def _rarer(passed: Passed) -> dict[str, Any]:
    """The fields of figures other than shares and sums."""
    case, figure = passed.case, passed.case.figure
    content: dict[str, Any] = {}
    if isinstance(figure.weight, Decimal):
        content["weight"] = plain(figure.weight)
    for name in ("rank", "of", "done"):
        given = getattr(figure, name)
        if given is not None:
            content[name] = given
    if figure.done_on is not None:
        content["done_on"] = figure.done_on.isoformat()
    if figure.members is not None and case.unit is not None:
        roster = roster_of(case.catalog, case.kpi, case.unit.id, case.day)
        members = sorted(member_ids(case.catalog, figure.members, roster, case.day))
        if _kept_by_name(members, roster, forecast=figure.status == "forecast"):
            content["members"] = members
        else:
            content["numerator"] = plain(Decimal(len(members)))
    return content


def _kept_by_name(members: Sequence[str], roster: MemberList | None, *, forecast: bool) -> bool:
    """Whether the figure goes on with the names: those of a roster are as many as the catalog says. Where it names
    nobody only their number counts, and a publisher could write what it likes."""
    if forecast:
        return False
    if roster is not None and roster.named is not None:
        return True
    return sum(len(member.encode()) + _BESIDE_A_NAME for member in members) <= KEPT_NAMES_BYTES


def text(given: str) -> str:
    """Free text in composed form (NFC), without control characters."""
    found = composed(given)
    return found if found.isprintable() else "".join(c if c.isprintable() else " " for c in found).strip()


utc = lru_cache(maxsize=4_096)(envelope.instant)
"""RFC 3339 in UTC, with `Z`; the events of a batch share many of their instants."""
