"""Numbers as people write them, read exactly or refused: a figure is never guessed.

`1.234,5` and `1,234.5` can be read in one way only. `1.234` is a thousand or one and a bit, so it is refused, unless
the request says which sign its decimals have.
"""

import re
from decimal import Decimal
from typing import Literal

from services.runtime.sheets.cells import Cell, Percent, Unusable

DecimalSign = Literal["comma", "point"]

_SIGNS = {"comma": ",", "point": "."}
_SPACES = " \u00a0\u202f"
_NUMBER = re.compile(rf"([+\-−]?)([0-9][0-9.,{_SPACES}']*)(%?)")
_GROUPED = re.compile(rf"[0-9]{{1,3}}([{_SPACES}'][0-9]{{3}})+([.,][0-9]+)?")
_EXPONENT = re.compile(r"[+\-−]?[0-9.,]+[eE][+\-]?[0-9]+")


class NotRead(Exception):
    """A cell is not what its column asks for; a code, and a sentence in both languages."""

    def __init__(self, code: str, vi: str, en: str) -> None:
        super().__init__(en)
        self.code, self.vi, self.en = code, vi, en


def number(cell: Cell, decimals: DecimalSign | None = None) -> Decimal | Percent:
    """The number in a cell. Raises `NotRead`."""
    if isinstance(cell, Decimal | Percent):
        return cell
    if isinstance(cell, Unusable):
        raise NotRead(cell.code, cell.vi, cell.en)
    if isinstance(cell, str):
        return from_text(cell, decimals)
    raise _no_number("" if cell is None else str(cell))


def whole(cell: Cell, decimals: DecimalSign | None = None) -> int:
    """A whole number, such as a place or a revision. Raises `NotRead`."""
    found = number(cell, decimals)
    if isinstance(found, Percent) or found != found.to_integral_value() or found.adjusted() > 15:
        raise NotRead("not_a_number", "Ghi một số nguyên.", "Write a whole number.")
    return int(found)


def from_text(text: str, decimals: DecimalSign | None = None) -> Decimal | Percent:
    """A number that was written as text. Raises `NotRead`."""
    bare = text.strip()
    if _EXPONENT.fullmatch(bare):
        raise NotRead(
            "not_a_number",
            f"“{bare[:40]}” là số đã bị rút gọn: định dạng cột là Số rồi lưu lại, để có đủ các chữ số.",
            f"“{bare[:40]}” is a shortened number: format the column as Number and save again, to have all digits.",
        )
    match = _NUMBER.fullmatch(bare)
    if match is None:
        raise _no_number(bare)
    sign, digits, percent = match.groups()
    found = _plain(_ungrouped(digits.strip(_SPACES)), decimals, bare)
    if sign in ("-", "−"):
        found = found.copy_negate()  # a minus would round it to 28 digits
    return Percent(found) if percent else found


def _ungrouped(digits: str) -> str:
    """Without the spaces or apostrophes between groups of three."""
    return re.sub(rf"[{_SPACES}']", "", digits) if _GROUPED.fullmatch(digits) else digits


def _plain(digits: str, decimals: DecimalSign | None, shown: str) -> Decimal:
    if re.fullmatch("[0-9]+", digits):
        return Decimal(digits)
    points, commas = digits.count("."), digits.count(",")
    if points and commas:
        sign = "." if digits.rindex(".") > digits.rindex(",") else ","
    elif points + commas > 1:
        sign = "," if points else "."
    else:
        sign = _only_sign(digits, decimals, shown)
    if decimals is not None and sign != _SIGNS[decimals]:
        raise _other_sign(shown, decimals)
    other = "," if sign == "." else "."
    before, _, after = digits.partition(sign)
    grouped = re.fullmatch(rf"[0-9]{{1,3}}({re.escape(other)}[0-9]{{3}})+", before)
    if not (grouped or re.fullmatch("[0-9]+", before)) or (sign in digits and not re.fullmatch("[0-9]+", after)):
        raise _no_number(shown)
    whole = before.replace(other, "")
    return Decimal(f"{whole}.{after}" if after else whole)


def _only_sign(digits: str, decimals: DecimalSign | None, shown: str) -> str:
    """Of one sign alone: whether it is that of the decimals, or (then the other one is) that of thousands."""
    sign = "." if "." in digits else ","
    other = "," if sign == "." else "."
    before, _, after = digits.partition(sign)
    if len(after) != 3 or not 1 <= len(before) <= 3 or before.startswith("0"):
        return sign
    if decimals is None:
        raise NotRead(
            "ambiguous_number",
            f"“{shown}” đọc được hai cách ({before}{after} hoặc {before} phẩy {after}): ghi {before}{after}, "
            f"hoặc {before}{sign}{after}0, hoặc chọn dấu thập phân cho cả tệp.",
            f"“{shown}” can be read in two ways ({before}{after}, or {before} and a fraction): write {before}{after}, "
            f"or {before}{sign}{after}0, or choose the decimal sign of the whole file.",
        )
    return sign if sign == _SIGNS[decimals] else other


def _other_sign(shown: str, decimals: DecimalSign) -> NotRead:
    vi, en = ("phẩy", "comma") if decimals == "comma" else ("chấm", "point")
    return NotRead(
        "not_a_number",
        f"“{shown[:40]}” không hợp với dấu thập phân đã chọn là dấu {vi}.",
        f"“{shown[:40]}” does not go with the decimal sign that was chosen, the {en}.",
    )


def _no_number(shown: str) -> NotRead:
    return NotRead(
        "not_a_number",
        f"“{shown[:40]}” không phải số: ghi số như 1234,5; chưa có số liệu thì để trống.",
        f"“{shown[:40]}” is no number: write one like 1234.5; leave the cell empty if there is no figure.",
    )
