"""Units of measure in words: one table for mails and pages.

A catalog may name a unit of measure that is not here; it is then written as the catalog writes it.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Measured:
    """How a unit of measure is said after a number: in Vietnamese, after one in English, after any other."""

    vi: str
    one: str
    several: str


MEASURED: dict[str, Measured] = {
    "account": Measured("tài khoản", "account", "accounts"),
    "case": Measured("hồ sơ", "case", "cases"),
    "class": Measured("lớp", "class", "classes"),
    "count": Measured("", "", ""),
    "document": Measured("văn bản", "document", "documents"),
    "done": Measured("việc xong", "done", "done"),
    "machine": Measured("máy", "machine", "machines"),
    "Mbps": Measured("Mbps", "Mbps", "Mbps"),
    "number": Measured("", "", ""),
    "per_100_inhabitants": Measured("trên 100 dân", "per 100 inhabitants", "per 100 inhabitants"),
    "percent": Measured("%", "%", "%"),
    "person": Measured("người", "person", "people"),
    "point": Measured("điểm", "point", "points"),
    "procedure": Measured("thủ tục", "procedure", "procedures"),
    "product": Measured("sản phẩm", "product", "products"),
    "rank": Measured("", "", ""),
    "section": Measured("chuyên mục", "section", "sections"),
    "service": Measured("dịch vụ", "service", "services"),
    "subscriber": Measured("thuê bao", "subscriber", "subscribers"),
    "subsystem": Measured("phân hệ", "subsystem", "subsystems"),
    "times": Measured("lần", "time", "times"),
    "transaction": Measured("giao dịch", "transaction", "transactions"),
    "unit": Measured("đơn vị", "unit", "units"),
    "village": Measured("thôn, bon, bản", "village", "villages"),
    "VND_billion": Measured("tỷ đồng", "billion VND", "billion VND"),
    "VND_million": Measured("triệu đồng", "million VND", "million VND"),
}


def measured_in(code: str, language: Literal["vi", "en"], figure: str = "") -> str:
    """What follows `figure`, a number as it is written, in this unit of measure; nothing after a rank or a count."""
    said = MEASURED.get(code)
    if said is None:
        return code.replace("_", " ").replace("-", " ")
    if language == "vi":
        return said.vi
    return said.one if figure.lstrip("+−") == "1" else said.several


def differing_by(code: str, language: Literal["vi", "en"], figure: str = "") -> str:
    """What follows a difference of two values: of percentages it is points, of ranks places."""
    if code == "percent":
        return "điểm %" if language == "vi" else "percentage points"
    if code == "rank":
        return "bậc" if language == "vi" else "place" if figure.lstrip("+−") == "1" else "places"
    return measured_in(code, language, figure)
