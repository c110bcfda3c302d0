"""What all payloads share: a frozen model that ignores what it does not know, and the words used everywhere."""

import re
import unicodedata
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    Strict,
)


class WireModel(BaseModel):
    """A payload or a part of one. Frozen; unknown fields are ignored, so a newer writer breaks no older reader."""

    model_config = ConfigDict(frozen=True, extra="ignore")


Id = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,79}$")]
"""An id from the catalog."""


def composed(text: str) -> str:
    """The text in composed form (NFC), in which names are compared: keyboards and systems decompose Vietnamese."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


UnitRef = Annotated[str, Field(min_length=1, max_length=80), AfterValidator(composed)]
"""An org unit as a publisher names it: its catalog id or one of its external ids."""

Name = Annotated[str, AfterValidator(composed)]
"""What the catalog calls something that publishers name too."""

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def _day_or_instant(value: Any) -> Any:
    if not isinstance(value, str):
        if isinstance(value, date):  # a datetime is one too
            return value
        raise ValueError("write a date (2023-09-30) or an instant with offset (2023-09-30T16:00:00+07:00)")
    return _day(value) if len(value) == _DAY_LENGTH else datetime.fromisoformat(value.upper())


_DAY_LENGTH = len("2023-09-30")


@lru_cache(maxsize=4_096)
def _day(text: str) -> date:
    """Figures that come together are mostly of a few days."""
    return date.fromisoformat(text) if _DATE.fullmatch(text) else datetime.fromisoformat(text.upper())


AsOf = Annotated[
    Annotated[AwareDatetime, Strict()] | date, Field(union_mode="left_to_right"), BeforeValidator(_day_or_instant)
]
"""The last day, or instant, that a figure includes."""


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


Instant = Annotated[AwareDatetime, PlainSerializer(_rfc3339, return_type=str, when_used="json")]
"""A moment: any offset in, UTC with `Z` out."""


MAX_DIGITS = 30
"""Of a number, before and behind the point together."""


def _plain(number: Decimal) -> str:
    if not number and number.adjusted() < -MAX_DIGITS:
        return "0"  # and not the thousand million decimals of 0E-999999999
    return format(number, "f")


Exact = Annotated[
    Decimal,
    Field(allow_inf_nan=False, max_digits=MAX_DIGITS),
    PlainSerializer(_plain, return_type=str, when_used="json"),
]
"""An exact decimal: a JSON number or a decimal string in, a decimal string without exponent out."""


class RawCoordinates(WireModel):
    """Where the original stands. Offsets mean something within one `log` only (one incarnation of a topic)."""

    log: str
    topic: str
    partition: Annotated[int, Field(ge=0)]
    offset: Annotated[int, Field(ge=0)]
