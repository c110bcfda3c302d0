"""`alerts.v1`: the transitions of an alert, each an event of its own type with the numbers at the decision."""

import hashlib
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from contracts.base import Id, Instant, WireModel
from contracts.progress import Contribution, ProgressJudged


class TransitionType(StrEnum):
    """What happened to the alert; the last word of the event's type (`vn.tiendo.alert.opened.v1`)."""

    OPENED = "opened"
    WORSENED = "worsened"
    ESCALATED = "escalated"
    ACKNOWLEDGED = "acknowledged"
    COMMENTED = "commented"
    ACCOUNT_ASKED = "account_asked"
    ACCOUNT_GIVEN = "account_given"
    REMINDED = "reminded"
    CLOSED = "closed"
    DATA_MISSING = "data_missing"
    DATA_BACK = "data_back"
    FLAPPING = "flapping"


class Severity(StrEnum):
    """How bad it is; it may move within one episode."""

    WATCH = "watch"
    BEHIND = "behind"
    CRITICAL = "critical"


class CloseReason(StrEnum):
    """How an episode ended."""

    RECOVERED = "recovered"
    TARGET_MET = "target_met"
    PERIOD_CLOSED_MET = "period_closed_met"
    PERIOD_CLOSED_MISSED = "period_closed_missed"
    MANUAL = "manual"
    RULE_DISABLED = "rule_disabled"
    RULE_CHANGED = "rule_changed"
    RULE_IDENTITY_CHANGED = "rule_identity_changed"
    TARGET_REVISED = "target_revised"
    TARGET_WITHDRAWN = "target_withdrawn"
    ORG_UNIT_RETIRED = "org_unit_retired"
    RETIRED_NO_DATA = "retired_no_data"


class TakenUp(WireModel):
    """Who has taken an alert up, until when, and what they wrote."""

    by: Id = Field(description="The person's id in the catalog.")
    at: Instant
    until: Instant
    note: str | None = None


class Account(WireModel):
    """Giải trình: who asked for it, until when; and the answer, once there is one."""

    asked_by: Id = Field(description="The person's id in the catalog.")
    asked_at: Instant
    due: Instant
    question: str | None = None
    given_by: Id | None = None
    given_at: Instant | None = None
    answer: str | None = None


class Remark(WireModel):
    """What somebody wrote."""

    by: Id = Field(description="The person's id in the catalog.")
    note: str


class AlertTransition(WireModel):
    """`vn.tiendo.alert.<type>.v1`: one transition, numbered by `seq` within the alert."""

    alert_id: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    episode: Annotated[int, Field(ge=0)]
    seq: Annotated[int, Field(ge=1)]
    type: TransitionType
    severity: Severity
    rule: Id
    province: Id
    kpi: Id
    org_unit: Id
    period: str
    reason: str
    close_reason: CloseReason | None = None
    handling: Literal["unacked", "acked"] = "unacked"
    taken_up: TakenUp | None = Field(None, description="Where `handling` is `acked`: by whom.")
    account: Account | None = Field(None, description="Asked for in this episode.")
    waived_until: Instant | None = Field(None, description="Closed by hand: it does not open again before.")
    remark: Remark | None = Field(None, description="Of `commented`, and closed by hand: by whom, and what.")
    owner: str | None = None
    opened_at: Instant | None = None
    at: Instant
    progress: ProgressJudged | None = Field(None, description="Frozen at the decision.")
    contributions: tuple[Contribution, ...] = ()
    planned_before: float | None = Field(
        None, description="Closed as `target_revised`: what the same figure was held against before."
    )


def alert_id(province: str, rule: str, kpi: str, org_unit: str, period: str) -> str:
    """32 hex digits of sha256(province | rule | kpi | unit | period): stable over episodes."""
    return hashlib.sha256("|".join((province, rule, kpi, org_unit, period)).encode()).hexdigest()[:32]
