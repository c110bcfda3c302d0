"""When figures fall due: so many working days after the end of each cadence period."""

from datetime import date

from contracts.catalog import Kpi
from services.runtime.catalog.calendar import Calendar
from services.runtime.catalog.periods import Period


def due_by(kpi: Kpi, calendar: Calendar, period: Period) -> date | None:
    """The last day on which the figure of a cadence period may be reported; None where none is due: of a KPI that is
    reported daily, on a day that is not worked."""
    if kpi.cadence == "day" and not calendar.is_working_day(period.last):
        return None
    return calendar.add_working_days(period.last, kpi.report_within_working_days)
