"""Numbers, dates and periods as people write them: Vietnamese (1.234,5 and 31/08/2026) and English (1,234.5)."""

from collections.abc import Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

from contracts.catalog import Kpi
from services.runtime.catalog.periods import parse_name

Language = Literal["vi", "en"]

_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_ROMAN = ("", "I", "II", "III", "IV")

_UNITS_OF_MEASURE: dict[str, tuple[str, str]] = {
    "percent": ("%", "%"),
    "points": ("điểm", "points"),
    "rank": ("", ""),
    "times": ("lần", "times"),
    "per_100_inhabitants": ("trên 100 dân", "per 100 inhabitants"),
    "VND_million": ("triệu đồng", "million VND"),
    "VND_billion": ("tỷ đồng", "billion VND"),
    "account": ("tài khoản", "accounts"),
    "case": ("hồ sơ", "cases"),
    "class": ("lớp", "classes"),
    "document": ("văn bản", "documents"),
    "machine": ("máy", "machines"),
    "person": ("người", "people"),
    "procedure": ("thủ tục", "procedures"),
    "product": ("sản phẩm", "products"),
    "section": ("chuyên mục", "sections"),
    "service": ("dịch vụ", "services"),
    "subscriber": ("thuê bao", "subscribers"),
    "subsystem": ("phân hệ", "subsystems"),
    "transaction": ("giao dịch", "transactions"),
    "unit": ("đơn vị", "units"),
    "village": ("thôn, bản", "villages"),
}


def number(
    value: float, decimals: int, language: Language, *, signed: bool = False, unlike: Sequence[float] = ()
) -> str:
    """A number with this many decimals, halves away from zero.

    It gets more decimals where it would else read as 0, or as one of the bounds in `unlike`, and is not.
    """
    exact = Decimal(repr(float(value)))
    misread = {bound for bound in (Decimal(0), *(Decimal(repr(float(one))) for one in unlike)) if bound != exact}
    rounded = _rounded(exact, decimals)
    while rounded in misread and decimals < 6:
        decimals += 1
        rounded = _rounded(exact, decimals)
    text = f"{rounded:{'+' if signed and rounded else ''},.{decimals}f}".replace("-", "−")
    return text if language == "en" else text.translate(str.maketrans(",.", ".,"))


def amount(value: float, kpi: Kpi, language: Language) -> str:
    """A value of the KPI with its unit: `91,3 %`, `1.234 máy`."""
    unit = unit_of_measure(kpi, language)
    figure = number(value, _decimals(kpi), language)
    return f"{figure}%" if unit == "%" and language == "en" else _with(figure, unit)


def difference(value: float, kpi: Kpi, language: Language, *, signed: bool = False) -> str:
    """A difference of two values: percentage points are never written `%` alone."""
    unit = unit_of_measure(kpi, language)
    if unit == "%":
        unit = "điểm %" if language == "vi" else "percentage points"
    return _with(number(value, _decimals(kpi), language, signed=signed), unit)


def change(value: float, kpi: Kpi, language: Language) -> str:
    """A signed difference without its unit, for a place where the unit has just been said."""
    return number(value, _decimals(kpi), language, signed=True)


def unit_of_measure(kpi: Kpi, language: Language) -> str:
    """The unit of measure in words; one that is not known here is written as the catalog writes it."""
    known = _UNITS_OF_MEASURE.get(kpi.unit_of_measure)
    if known is None:
        return kpi.unit_of_measure.replace("_", " ")
    return known[0] if language == "vi" else known[1]


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


def _rounded(exact: Decimal, decimals: int) -> Decimal:
    return exact.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)


def _decimals(kpi: Kpi) -> int:
    return max(kpi.decimals, 1) if kpi.unit_of_measure == "percent" else kpi.decimals


def _with(figure: str, unit: str) -> str:
    return f"{figure} {unit}" if unit else figure
