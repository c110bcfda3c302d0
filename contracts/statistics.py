"""`statistics.*.v1`: what a publisher says, and what it is told about it."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticKnownError

from contracts.base import MAX_DIGITS, AsOf, Exact, Id, Instant, RawCoordinates, UnitRef, WireModel

Mode = Literal["absolute", "increment"]
FigureStatus = Literal["actual", "preliminary", "forecast"]

MAX_EVENT_BYTES = 262_144
"""Longer events are refused. An honest one has some hundred bytes; the broker takes a megabyte for a whole batch."""


def _written_out(value: Any) -> Any:
    """A number with an exponent as an integer. One of a thousand million digits is refused before anybody writes them,
    and so is a fraction that begins as far behind the point."""
    if not isinstance(value, Decimal):
        return value
    if value.adjusted() >= MAX_DIGITS:
        raise PydanticKnownError("decimal_max_digits", {"max_digits": MAX_DIGITS})
    whole = value.to_integral_value()
    if whole != value:
        raise PydanticKnownError("int_from_float")
    return int(whole)


_WHOLE = BeforeValidator(_written_out)


class Figure(WireModel):
    """The part that a reported statistic and a recorded observation share: what was counted, of what, and when.

    Which of the number fields a KPI's kind asks for is said by its definition in the catalog.
    """

    province: Id
    kpi: Id
    org_unit: UnitRef
    as_of: AsOf = Field(description="The last day, or instant, that the figure includes.")
    mode: Mode = Field("absolute", description="The figure as of that day, or something to add.")
    numerator: Exact | None = None
    denominator: Exact | None = None
    value: Exact | None = Field(None, description="In the KPI's unit of measure; percentages as 91.3, not 0.913.")
    weight: Exact | None = None
    rank: Annotated[int, Field(ge=1), _WHOLE] | None = None
    of: Annotated[int, Field(ge=1), _WHOLE] | None = None
    done: bool | None = None
    done_on: AsOf | None = None
    members: Annotated[tuple[UnitRef, ...], Field(max_length=2000)] | None = None
    unit_of_measure: Annotated[str, Field(max_length=80)] | None = None
    status: FigureStatus = Field("actual", description="A forecast is never counted as an actual.")
    revision: Annotated[int, Field(ge=1, le=1_000_000), _WHOLE] = Field(
        1, description="A correction of the same `as_of` raises it."
    )
    retracts: bool = Field(False, description="Withdraws the figure reported for that `as_of`.")
    note: Annotated[str, Field(max_length=2000)] | None = None
    evidence: Annotated[str, Field(max_length=2000)] | None = Field(None, description="A URI.")


class StatisticReported(Figure):
    """`vn.tiendo.statistic.reported.v1`: one figure, as its publisher says it."""

    period: Annotated[str, Field(max_length=20)] | None = Field(
        None, description="Default: the KPI's accounting period that contains `as_of`."
    )

    @model_validator(mode="before")
    @classmethod
    def _given(cls, data: Any) -> Any:
        """The fields that say something: an explicit null gives nothing."""
        if isinstance(data, dict) and None in data.values():
            return {name: value for name, value in data.items() if value is not None}
        return data


class RejectionCode(StrEnum):
    """Why a statistic was refused. New codes may come; a reader shows the sentences and keeps the code."""

    NOT_CLOUDEVENT = "not_cloudevent"
    BAD_JSON = "bad_json"
    SCHEMA = "schema"
    UNKNOWN_PROVINCE = "unknown_province"
    UNKNOWN_KPI = "unknown_kpi"
    UNKNOWN_ORG_UNIT = "unknown_org_unit"
    ORG_UNIT_NOT_VALID_THEN = "org_unit_not_valid_then"
    WRONG_LEVEL = "wrong_level"
    NOT_YOUR_FIGURE = "not_your_figure"
    UNIT_OF_MEASURE = "unit_of_measure"
    BAD_PERIOD = "bad_period"
    AS_OF_OUTSIDE_PERIOD = "as_of_outside_period"
    FUTURE_AS_OF = "future_as_of"
    FORECAST_AS_ACTUAL = "forecast_as_actual"
    NUMERATOR_ABOVE_DENOMINATOR = "numerator_above_denominator"
    NEGATIVE = "negative"
    NOT_FINITE = "not_finite"
    OUT_OF_NATURAL_LIMITS = "out_of_natural_limits"
    TOO_LARGE = "too_large"
    TOO_OLD = "too_old"
    IDENTITY_REUSED = "identity_reused"
    SOURCE_PARKED = "source_parked"
    SOURCE_UNPARKED = "source_unparked"
    """No refusal: the end of one, for whoever was told of the source."""


class Problem(WireModel):
    """One reason for a refusal: the code, the field it is about, and a sentence in both languages."""

    code: str = Field(description="One of the rejection codes; new ones may come.", examples=list(RejectionCode))
    field: str | None = Field(None, description="The field of the payload or the attribute of the envelope.")
    message_vi: str
    message_en: str
    value: Any = Field(None, description="What stood there, shortened.")


class StatisticRejected(WireModel):
    """`vn.tiendo.statistic.rejected.v1`: why a statistic was refused. Keyed by the publisher's source.

    Two codes are about the source and no event: `source_parked`, and `source_unparked`, which has the same `raw`.
    """

    source: str
    id: str | None = Field(None, description="The event's id, where it was readable.")
    reported_at: Instant
    problems: Annotated[tuple[Problem, ...], Field(min_length=1)]
    original: dict[str, Any] | str = Field(description="The payload as parsed, or its bytes in base64.")
    raw: RawCoordinates | None = Field(None, description="Where the original stands.")


class Flag(WireModel):
    """A doubt about a figure that was accepted all the same."""

    code: str
    message_vi: str
    message_en: str
    evidence: dict[str, Any] = Field(default_factory=dict, description="The numbers that raised it.")


class StatisticDoubted(WireModel):
    """`vn.tiendo.statistic.doubted.v1`: accepted, but other figures raise a doubt. Keyed by the publisher's source."""

    source: str
    id: str
    observation_id: str
    province: Id
    kpi: Id
    org_unit: Id
    as_of: AsOf
    flags: Annotated[tuple[Flag, ...], Field(min_length=1)]
    doubted_at: Instant
