"""Numbers, dates and periods as people write them: Vietnamese (1.234,5 and 31/08/2026) and English (1,234.5)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from contracts import reading
from contracts.catalog import Kpi
from contracts.measures import differing_by, measured_in
from contracts.reading import MOST_DECIMALS, rounded, shown
from services.runtime.catalog.periods import parse_name

Language = Literal["vi", "en"]

_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_ROMAN = ("", "I", "II", "III", "IV")


@dataclass(frozen=True, slots=True)
class Standing:
    """A value, the line that it is held against, and the gap between them: as they are read, they add up."""

    value: str
    line: str
    gap: str


def standing(value: float, line: float, kpi: Kpi, language: Language) -> Standing:
    """Both numbers with as many decimals as show that they differ; the gap is the difference of what is shown."""
    read = shown(value, line, decimals_of(kpi))
    return Standing(
        amount(value, kpi, language, read.decimals),
        amount(line, kpi, language, read.decimals),
        difference(abs(float(read.gap)), kpi, language, decimals=read.decimals),
    )


def decimals_of(kpi: Kpi) -> int:
    """How many decimals the KPI's figures are shown with, at least."""
    return reading.decimals_of(kpi.unit_of_measure, kpi.decimals)


def number(
    value: float, decimals: int, language: Language, *, signed: bool = False, unlike: Sequence[float] = ()
) -> str:
    """A number with this many decimals, halves away from zero.

    It gets more decimals where it would else read as 0, or as one of the bounds in `unlike`, and is not.
    """
    misread = {bound for bound in (0.0, *unlike) if bound != value}
    read = rounded(value, decimals)
    while read in {Decimal(repr(float(bound))) for bound in misread} and decimals < MOST_DECIMALS:
        decimals += 1
        read = rounded(value, decimals)
    text = f"{read:{'+' if signed and read else ''},.{decimals}f}".replace("-", "−")
    return text if language == "en" else text.translate(str.maketrans(",.", ".,"))


def amount(value: float, kpi: Kpi, language: Language, decimals: int | None = None) -> str:
    """A value of the KPI with its unit: `91,3 %`, `1.234 máy`. `decimals`: other than the KPI's own."""
    figure = number(value, decimals_of(kpi) if decimals is None else decimals, language)
    unit = measured_in(kpi.unit_of_measure, language, figure)
    return f"{figure}%" if unit == "%" and language == "en" else _with(figure, unit)


def difference(value: float, kpi: Kpi, language: Language, *, signed: bool = False, decimals: int | None = None) -> str:
    """A difference of two values: percentage points are never written `%` alone."""
    figure = number(value, decimals_of(kpi) if decimals is None else decimals, language, signed=signed)
    return _with(figure, differing_by(kpi.unit_of_measure, language, figure))


def change(value: float, kpi: Kpi, language: Language, decimals: int | None = None) -> str:
    """A signed difference without its unit, for a place where the unit has just been said."""
    return number(value, decimals_of(kpi) if decimals is None else decimals, language, signed=True)


def day(value: date, language: Language) -> str:
    """`31/08/2026`; in English `31 August 2026`, which nobody reads as another day."""
    if language == "vi":
        return value.strftime("%d/%m/%Y")
    return f"{value.day} {_MONTHS[value.month - 1]} {value.year}"


def period(period_id: str, language: Language) -> str:
    """`năm 2023`, `quý III/2023` …; a name of no known kind as it is."""
    try:
        name = parse_name(period_id)
    except ValueError:
        return period_id
    vietnamese = language == "vi"
    match name.kind:
        case "year":
            return f"năm {name.year}" if vietnamese else str(name.year)
        case "half":
            return (
                f"6 tháng {('đầu', 'cuối')[name.part - 1]} năm {name.year}"
                if vietnamese
                else f"H{name.part} {name.year}"
            )
        case "quarter":
            return f"quý {_ROMAN[name.part]}/{name.year}" if vietnamese else f"Q{name.part} {name.year}"
        case "month":
            return f"tháng {name.part}/{name.year}" if vietnamese else f"{name.year}-{name.part:02}"
        case "week":
            return f"tuần {name.part}/{name.year}" if vietnamese else f"week {name.part} of {name.year}"
        case "span":
            return f"giai đoạn {name.year}–{name.part}" if vietnamese else f"{name.year}–{name.part}"
    return period_id


def _with(figure: str, unit: str) -> str:
    return f"{figure} {unit}" if unit else figure
