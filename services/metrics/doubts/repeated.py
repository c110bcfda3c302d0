"""`repeated_figure`: the same figure again at a later date, digit by digit; 111,390 households in June and October.

Only where standing still cannot be the truth: the figure has so many digits that it does not come twice by chance, and
enough working days lie between (over Tết a sum may rest). Of 6 out of 10, or 25 %, nothing can be said.
"""

from datetime import date

from services.metrics.days import iso
from services.metrics.doubts.doubt import Doubt, doubted, shown
from services.metrics.doubts.look import Look, Nature, Point
from services.metrics.figures import Figure

CODE = "repeated_figure"

TELLING_DIGITS = {Nature.RUNNING: 5, Nature.SHARE: 5, Nature.MEASURE: 5, Nature.COUNT: 6}
"""Significant digits in all numbers of the figure together. A count of things may rest for longer."""

WORKING_DAYS = 5


def doubt(look: Look) -> Doubt | None:
    """The figure against the first of the equal ones right before it."""
    now = look.now
    if look.before.number != now.number:
        return None
    same: Point | None = None
    for point in look.past:
        if point.figure.content != now.figure.content:
            break
        same = point
    if same is None or look.definition.kind.rosters or digits(now.figure) < TELLING_DIGITS[look.nature]:
        return None
    worked = look.definition.calendar.add_working_days(date.fromordinal(same.day), WORKING_DAYS)
    if worked.toordinal() > now.day:
        return None
    return doubted(
        CODE,
        "Lặp lại đúng số liệu {value} của ngày {since}.",
        "The very figure {value} of {since} is repeated.",
        value=shown(now.number),
        since=iso(same.day),
    )


def digits(figure: Figure) -> int:
    """The significant digits of all its numbers: 5 for 111390 (the last zero says nothing), 3 more for 92.8."""
    return sum(len(str(abs(number)).strip("0")) for number in (figure.n, figure.d, figure.v) if number)
