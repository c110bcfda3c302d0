"""Closing an alert by hand: somebody who may says why, and everybody who was told hears it. Pure.

It is over until the figure changes: the same figure, judged again or with another forecast, does not open it anew. Or
it is waived until a day, whatever figures come; what is still behind then opens again by itself.
"""

from dataclasses import dataclass
from datetime import datetime

from contracts.alerts import CloseReason
from contracts.progress import ProgressJudged
from services.alerts.alert import Alert


@dataclass(frozen=True, slots=True)
class Close:
    """The command. `by` is a person of the catalog; with `until` it is waived until then."""

    command_id: str
    by: str
    note: str
    at: datetime
    until: datetime | None = None


def stays_closed(alert: Alert, record: ProgressJudged) -> bool:
    """Whether it was closed by hand, and this is the figure that it was closed with. `alert` is as it was before."""
    if alert.open is not None or alert.waiting is not None or alert.close_reason is not CloseReason.MANUAL:
        return False
    if alert.waived is not None:
        return False
    return alert.head is not None and (alert.head.as_of, alert.head.value) == (record.as_of, record.value)
