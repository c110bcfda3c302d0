"""Days and periods as people write them, day before month."""

import re
from datetime import date, datetime
from decimal import Decimal

from services.runtime.sheets.cells import Cell, Percent, Unusable, as_shown
from services.runtime.sheets.numbers import NotRead

_LONGEST = 60
"""Characters, beyond which no day or period is looked for."""

_ISO = re.compile(r"([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})")
_DAY_FIRST = re.compile(r"([0-9]{1,2})[-/.]([0-9]{1,2})[-/.]([0-9]{4})")
_IN_WORDS = re.compile(r"(?:ngày\s+)?([0-9]{1,2})\s+tháng\s+([0-9]{1,2})\s+năm\s+([0-9]{4})", re.IGNORECASE)
_MIDNIGHT = re.compile(r"\s+0{1,2}:00(:00)?$")
_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T\S+(?:Z|[+-][0-9]{2}:[0-9]{2})")

_PERIODS = (
    (re.compile(r"(?:năm\s+)?([0-9]{4})"), "{0}"),
    (re.compile(r"(?:quý|q)\s*(1|2|3|4|iv|iii|ii|i)\s*(?:[/-]|\s+năm\s+|\s+)\s*([0-9]{4})"), "{1}-Q{0}"),
    (re.compile(r"(?:tháng\s+)?([0-9]{1,2})\s*(?:[/-]|\s+năm\s+)\s*([0-9]{4})"), "{1}-{0:0>2}"),
    (re.compile(r"6 tháng đầu năm\s+([0-9]{4})"), "{0}-H1"),
    (re.compile(r"6 tháng cuối năm\s+([0-9]{4})"), "{0}-H2"),
)
_ROMAN = {"i": "1", "ii": "2", "iii": "3", "iv": "4"}


def day(cell: Cell) -> str:
    """The day in a cell as ISO 8601; an instant with offset stays one. Raises `NotRead`.

    A date cell with a time is of its date: sheets have local time.
    """
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, Unusable):
        raise NotRead(cell.code, cell.vi, cell.en)
    if not isinstance(cell, str):
        raise _no_day(as_shown(cell), number=isinstance(cell, Decimal | Percent))
    text = cell.strip()
    if len(text) > _LONGEST:
        raise _no_day(text)
    if _INSTANT.fullmatch(text):
        return text
    bare = _MIDNIGHT.sub("", text)
    if match := _ISO.fullmatch(bare):
        year, month, of_month = match.groups()
    elif match := _DAY_FIRST.fullmatch(bare) or _IN_WORDS.fullmatch(bare):
        of_month, month, year = match.groups()
    else:
        raise _no_day(text)
    try:
        return date(int(year), int(month), int(of_month)).isoformat()
    except ValueError:
        raise _no_such_day(text, int(month)) from None


def period(cell: Cell) -> str:
    """The name of the period in a cell, such as 2023-Q3. Raises `NotRead` where nothing is named.

    A spreadsheet turns what is typed as 2023-09 into the first of September: that is the month again.
    """
    if isinstance(cell, Unusable):
        raise NotRead(cell.code, cell.vi, cell.en)
    if isinstance(cell, date):
        return f"{cell:%Y-%m}" if cell.day == 1 else f"{cell:%Y-%m-%d}"
    text = as_shown(cell).strip()
    for pattern, name in _PERIODS if len(text) <= _LONGEST else ():
        if match := pattern.fullmatch(text.lower()):
            return name.format(*(_ROMAN.get(part, part) for part in match.groups()))
    if len(text) > 20:
        raise NotRead(
            "not_a_period", "Ghi kỳ như 2023, 2023-Q3, 2023-09.", "Write a period like 2023, 2023-Q3, 2023-09."
        )
    return text


def _no_day(shown: str, *, number: bool = False) -> NotRead:
    if number:
        return NotRead(
            "not_a_date",
            f"Ô chứa số {shown[:20]}, không phải ngày: định dạng cột là Ngày, hoặc ghi 30/09/2023.",
            f"The cell holds the number {shown[:20]} and no day: format the column as Date, or write 30/09/2023.",
        )
    return NotRead(
        "not_a_date",
        f"“{shown[:40]}” không phải ngày: ghi ngày/tháng/năm (30/09/2023) hoặc 2023-09-30.",
        f"“{shown[:40]}” is no day: write day/month/year (30/09/2023) or 2023-09-30.",
    )


def _no_such_day(shown: str, month: int) -> NotRead:
    if month > 12:
        return NotRead(
            "not_a_date",
            f"“{shown[:40]}” có tháng {month}: ghi ngày trước tháng, như 30/09/2023.",
            f"“{shown[:40]}” has a month {month}: write the day before the month, like 30/09/2023.",
        )
    return NotRead(
        "not_a_date",
        f"Không có ngày “{shown[:40]}”: kiểm tra lại.",
        f"There is no day “{shown[:40]}”: check it.",
    )
