"""The headings that are understood, in Vietnamese and English. This table is what the documentation prints.

Letters' case, marks and punctuation do not matter: “ĐƠN VỊ”, “don vi” and “Đơn vị (Unit)” are one heading.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType

from services.runtime.sheets.cells import Cell

HEADINGS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "province": ("Mã tỉnh", "Tỉnh", "Province"),
        "kpi": ("Mã chỉ tiêu", "Chỉ tiêu", "KPI", "Indicator"),
        "org_unit": ("Mã đơn vị", "Đơn vị", "Đơn vị hành chính", "Org unit", "Unit", "Unit code"),
        "as_of": ("Ngày số liệu", "Tính đến ngày", "Ngày", "As of", "Date"),
        "period": ("Kỳ", "Kỳ báo cáo", "Period"),
        "mode": ("Cách báo cáo", "Mode"),
        "numerator": ("Tử số", "Số thực hiện", "Numerator"),
        "denominator": ("Mẫu số", "Tổng số", "Denominator"),
        "value": ("Giá trị", "Số liệu", "Kết quả", "Value"),
        "weight": ("Trọng số", "Weight"),
        "rank": ("Thứ hạng", "Hạng", "Rank"),
        "of": ("Số đơn vị được xếp hạng", "Trên tổng số", "Of", "Field size"),
        "done": ("Hoàn thành", "Đã hoàn thành", "Done"),
        "done_on": ("Ngày hoàn thành", "Done on"),
        "members": ("Thành viên đã hoàn thành", "Danh sách đã hoàn thành", "Members"),
        "unit_of_measure": ("Đơn vị tính", "ĐVT", "Unit of measure"),
        "status": ("Loại số liệu", "Trạng thái số liệu", "Status"),
        "revision": ("Lần sửa", "Lần hiệu chỉnh", "Revision"),
        "retracts": ("Rút số liệu", "Thu hồi", "Retracts"),
        "note": ("Ghi chú", "Note"),
        "evidence": ("Minh chứng", "Evidence"),
    }
)
"""By field: the headings, the one that is printed first."""

PROBLEMS = "Lỗi / Problems"
"""The heading of our own column in a file that is given back; it is not read."""

CHECKED = "Kết quả kiểm tra / Check results"
"""The first cell of the sheet on which we listed problems; that sheet is not read."""

LAST: Mapping[str, str] = MappingProxyType(
    {
        "numerator": "Tử số gần nhất / Last numerator",
        "denominator": "Mẫu số gần nhất / Last denominator",
        "value": "Giá trị gần nhất / Last value",
        "as_of": "Ngày của số gần nhất / Day of the last figure",
    }
)
"""The headings under which a template shows what is known already; they are not read."""

IGNORED = (
    *(PROBLEMS, "STT", "TT", "No", "Tên đơn vị", "Unit name", "Tên chỉ tiêu", "KPI name", "Lỗi", "Problems"),
    *LAST.values(),
)
"""Headings that people put beside the figures, and that need no word."""

FIGURES = ("numerator", "value", "rank", "done", "members")
"""A row in which all of these are empty reports nothing."""

_WIDEST = 200
"""Columns in which headings are looked for."""

NEEDED = ("province", "kpi", "org_unit", "as_of")
"""What every row must say, or the request for all of them."""


def recognised(cells: Sequence[Cell]) -> dict[int, str]:
    """The fields of those columns (from 0) whose headings are understood."""
    found: dict[int, str] = {}
    for column, cell in enumerate(cells[:_WIDEST]):
        if isinstance(cell, str) and (field := field_of(cell)):
            found[column] = field
    return found


def ignored(heading: str) -> bool:
    """Whether a column under this heading is passed over without a word."""
    return any(part in _IGNORED for part in _parts(heading))


def ours(cell: Cell) -> bool:
    """Whether this is the heading of the column in which we wrote problems."""
    return isinstance(cell, str) and _plain(cell) == _plain(PROBLEMS)


@lru_cache(maxsize=4_096)
def field_of(heading: str) -> str | None:
    """The field that a heading names: as a whole, or by one of its parts (“Đơn vị / Unit”)."""
    if len(heading) > 200:
        return None
    return next((_FIELDS[part] for part in _parts(heading) if part in _FIELDS), None)


def _parts(heading: str) -> list[str]:
    return [_plain(heading), *(_plain(part) for part in re.split(r"[/|(\n\r:]", heading))]


def _plain(text: str) -> str:
    """Letters and digits only, without marks, single spaces between words."""
    bare = unicodedata.normalize("NFD", text.casefold().replace("đ", "d"))
    kept = "".join(one for one in bare if not unicodedata.combining(one))
    return " ".join(re.findall(r"[a-z0-9]+", kept))


_FIELDS = {_plain(name): field for field, names in HEADINGS.items() for name in (*names, field)}
_IGNORED = frozenset(map(_plain, IGNORED))
