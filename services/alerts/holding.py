"""How long a verdict must hold before it acts: `pending_for` before an episode opens, `keep_firing_for`
before one closes. Pure.

The three forms are never mixed, since each counts on a clock of its own: dates of figures, the time between these
dates, or business time.
"""

from dataclasses import replace
from datetime import UTC, datetime, time

from contracts.base import AsOf
from contracts.catalog import Hold
from contracts.progress import ProgressJudged
from services.alerts.alert import Stretch

_MOST_DATES = 100
"""As many as a hold may ask for; of a longer stretch the first and the latest are kept."""


def begun(record: ProgressJudged, now: datetime) -> Stretch:
    """A stretch of which this record is the first."""
    return Stretch(now, () if record.as_of is None else (record.as_of,), record)


def longer(stretch: Stretch, record: ProgressJudged) -> Stretch:
    """The stretch with another record. A correction of a date counts no second time; a record of an earlier date means
    that the figures of the later ones were withdrawn."""
    dates = stretch.dates
    if record.as_of is not None:
        earlier = tuple(one for one in dates if _instant(one) < _instant(record.as_of))
        dates = (*earlier, record.as_of)
        dates = (*dates[:1], *dates[1:][-(_MOST_DATES - 1) :])
    return replace(stretch, dates=dates, record=record)


def held(hold: Hold, stretch: Stretch, now: datetime) -> bool:
    """Whether it has held long enough."""
    if hold.settle is not None:
        return now >= stretch.began_at + hold.settle
    if hold.data_span is not None:
        return bool(stretch.dates) and _instant(stretch.dates[-1]) - _instant(stretch.dates[0]) >= hold.data_span
    return max(1, len(stretch.dates)) >= hold.observations


def settled_at(hold: Hold, stretch: Stretch) -> datetime | None:
    """When it will have held long enough without any further figure; None where only figures tell."""
    return None if hold.settle is None else stretch.began_at + hold.settle


def not_after(one: AsOf | None, other: AsOf | None) -> bool:
    """Whether both are known and `one` is no later."""
    return one is not None and other is not None and _instant(one) <= _instant(other)


def _instant(as_of: AsOf) -> datetime:
    """Days and instants in one order: a KPI may go from one to the other."""
    return as_of if isinstance(as_of, datetime) else datetime.combine(as_of, time.min, UTC)
