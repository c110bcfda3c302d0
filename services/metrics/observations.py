"""Reading observations: from the bytes of the topic to what is folded.

They were checked at the door and written by us, so they are taken as they stand, without a model; what looks unusual is
read again by the model, which says what is wrong with it.
"""

from datetime import UTC, datetime
from functools import lru_cache
from sys import intern
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import orjson
from pydantic import ValidationError

from contracts.attributes import MAX_IDENTITY_BYTES
from contracts.observations import ObservationRecorded
from services.metrics.days import day_of
from services.metrics.exact import scaled, stored
from services.metrics.figures import ACTUAL, PRELIMINARY, Figure, Increments, packed

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RARER = ("members", "weight", "rank", "of", "done", "done_on")
_ANY_RARER = frozenset(_RARER)


class Observation(NamedTuple):
    """An observation to be folded: exactly one of `figure` and `increments` is there. `day` is an ordinal."""

    unit: str
    day: int
    forecast: bool
    figure: Figure | None
    increments: Increments | None
    log: str
    partition: int
    offset: int


def parse(value: bytes) -> dict[str, Any]:
    """The payload as parsed JSON. Raises ValueError."""
    content = orjson.loads(value)
    if not isinstance(content, dict):
        raise ValueError("the payload is no JSON object")
    return content


def observation(content: dict[str, Any], zone: ZoneInfo) -> Observation:
    """What is folded. Raises KeyError, TypeError or ValueError for what is not as we write it."""
    get = content.get
    numerator, denominator, value = get("numerator"), get("denominator"), get("value")
    n = None if numerator is None else scaled(numerator)
    d = None if denominator is None else scaled(denominator)
    v = None if value is None else scaled(value)
    as_of, raw, status = content["as_of"], content["raw"], get("status", "actual")
    since = datetime.fromisoformat(content["reported_at"]) - _EPOCH
    reported_at = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
    identity = bytes.fromhex(content["observation_id"])
    figure, increments = None, None
    if get("mode") == "increment":
        increments = Increments(n, d, v, 1, (identity,), reported_at, status == "preliminary")
    else:
        figure = Figure(
            get("revision", 1),
            PRELIMINARY if status == "preliminary" else ACTUAL,
            reported_at,
            identity,
            intern(content["source"]),
            get("retracts", False),
            n,
            d,
            v,
            tuple([flag["code"] for flag in flags]) if (flags := get("flags")) else (),
            None if _ANY_RARER.isdisjoint(content) else _rarer(content),
            "" if status == "forecast" else _kept_id(content["source_id"]),
        )
    return Observation(
        content["org_unit"],
        day_of(as_of) if len(as_of) == 10 else _local_day(as_of, zone),
        status == "forecast",
        figure,
        increments,
        raw["log"],
        raw["partition"],
        raw["offset"],
    )


def careful(value: bytes) -> dict[str, Any]:
    """The payload as the model reads it, in the form in which we write it. Raises ValueError with a sentence."""
    try:
        read = ObservationRecorded.model_validate_json(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ValueError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    return read.model_dump(mode="json", exclude_none=True)


@lru_cache(maxsize=1_000)
def catalog_number(version: str) -> int:
    """The number of a catalog version. Raises ValueError."""
    return int(version.partition("-")[0])


def _kept_id(source_id: str) -> str | bytes:
    """By which a publisher is told of doubts. Older releases took longer ones than fit into a document so often."""
    return packed(source_id) if len(source_id.encode()) <= MAX_IDENTITY_BYTES else ""


def _rarer(content: dict[str, Any]) -> dict[str, Any] | None:
    found = {name: content[name] for name in _RARER if content.get(name) is not None}
    if "weight" in found:
        found["weight"] = stored(scaled(found["weight"]))
    return found or None


def _local_day(instant: str, zone: ZoneInfo) -> int:
    """The local date of an instant."""
    return datetime.fromisoformat(instant).astimezone(zone).toordinal()
