"""Figures as people write them: decimal comma and dots for thousands in Vietnamese, dates day first."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import localcontext

from babel.numbers import format_decimal

from contracts.measures import differing_by, measured_in
from contracts.reading import WIDE, rounded
from services.gateway.views.words import Words

MINUS = "\u2212"
NARROW, SPACE = "\u202f", "\u00a0"
"""Between a number and its unit, never broken: narrow before a sign, a space before a word."""

_LOCALE = {"vi": "vi_VN", "en": "en_GB"}

_SHORT = {
    "per_100_inhabitants": ("/100 dân", "per 100"),
    "VND_billion": ("tỷ đồng", "bn VND"),
    "VND_million": ("triệu đồng", "m VND"),
}
"""Where a column has no room for the whole words: Vietnamese, English."""


@dataclass(frozen=True, slots=True)
class Measure:
    """In what a KPI is counted, and with how many decimals it is shown."""

    code: str
    decimals: int

    @property
    def percent(self) -> bool:
        """Whether values are percentages, so that differences are points."""
        return self.code == "percent"


class Numbers:
    """Writes figures in one language."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self._locale = _LOCALE[words.language]

    def plain(self, value: float, decimals: int = 1, *, fixed: bool = False) -> str:
        """A number without unit; halves rounded away from zero, trailing zeros left out unless `fixed`."""
        digits = ("0" if fixed else "#") * decimals
        pattern = f"#,##0.{digits}" if decimals else "#,##0"
        with localcontext(WIDE):  # Babel rounds once more
            text = format_decimal(rounded(value, decimals), format=pattern, locale=self._locale)
        return text.lstrip("-") if is_zero(text) else text.replace("-", MINUS)

    def value(self, value: float | None, measure: Measure, *, fixed: bool = True) -> str:
        """A value with its unit; a dash where there is none. Decimals are kept unless not `fixed`, so that columns
        align."""
        if value is None:
            return "–"
        text = self.plain(value, measure.decimals, fixed=fixed)
        unit = self.unit(measure, text)
        return f"{text}{gap_before(unit)}{unit}" if unit else text

    def distance(self, value: float, measure: Measure) -> str:
        """A difference without sign: percentages in points."""
        text = self.plain(abs(value), measure.decimals, fixed=True)
        unit = self.unit_of_difference(measure, text)
        return f"{text}{gap_before(unit)}{unit}" if unit else text

    def signed(self, value: float, measure: Measure) -> str:
        """A difference with sign, without unit."""
        text = self.plain(abs(value), measure.decimals, fixed=True)
        return text if is_zero(text) else f"{'+' if value > 0 else MINUS}{text}"

    def unit(self, measure: Measure, figure: str = "") -> str:
        """What follows `figure`, a number as it is written, in its unit of measure."""
        short = _SHORT.get(measure.code)
        if short is not None:
            return short[self._words.language == "en"]
        return measured_in(measure.code, self._words.language, figure)

    def unit_of_difference(self, measure: Measure, figure: str = "") -> str:
        """What follows a difference: percentages differ by points, ranks by places."""
        if measure.percent:
            return self._words("điểm %")
        if measure.code in _SHORT:
            return self.unit(measure)
        return differing_by(measure.code, self._words.language, figure)

    def day(self, day: date | None) -> str:
        """30/09/2023."""
        return f"{day:%d/%m/%Y}" if day is not None else "–"

    def moment(self, moment: datetime) -> str:
        """02/10/2023 08:15, in the moment's own time zone."""
        return f"{moment:%d/%m/%Y %H:%M}"


def gap_before(unit: str) -> str:
    """What stands between a number and this unit."""
    return NARROW if unit.startswith(("%", "/")) else SPACE


def is_zero(text: str) -> bool:
    """Whether a number is nothing, as far as it is shown."""
    return not any(digit in text for digit in "123456789")
