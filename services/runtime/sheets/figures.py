"""From the cells of a row to one figure, in the words of the contract; or what is wrong with each cell."""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from services.runtime.sameness import plain
from services.runtime.sheets import days, numbers
from services.runtime.sheets.cells import Cell, Mark, Percent, Unusable, as_shown, blank
from services.runtime.sheets.columns import FIGURES, HEADINGS, NEEDED
from services.runtime.sheets.numbers import DecimalSign, NotRead

MAX_PLACES = 60
"""Characters of a number, beyond which nobody counted anything."""

Figure = dict[str, Any]

_NUMBERS = ("numerator", "denominator", "value", "weight")
_WHOLE = ("rank", "of", "revision")
_DAYS = ("as_of", "done_on")
_YES = frozenset({"true", "1", "có", "x", "đã", "rồi", "yes", "đúng", "✓"})
_NO = frozenset({"false", "0", "không", "chưa", "no", "sai"})
_WORDS: Mapping[str, Mapping[str, str]] = {
    "mode": {
        "absolute": "absolute",
        "tại thời điểm": "absolute",
        "lũy kế": "absolute",
        "increment": "increment",
        "cộng thêm": "increment",
        "số gia": "increment",
        "phát sinh": "increment",
    },
    "status": {
        "actual": "actual",
        "thực hiện": "actual",
        "chính thức": "actual",
        "preliminary": "preliminary",
        "sơ bộ": "preliminary",
        "forecast": "forecast",
        "dự báo": "forecast",
        "ước thực hiện": "forecast",
    },
}
_INVISIBLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_PERCENT_SIGNS = frozenset({"%", "phần trăm", "percent"})


class Read(NamedTuple):
    """A row that was read: its figure, sound as far as the row alone shows, or the marks; neither of one that says
    nothing."""

    figure: Figure | None
    marks: tuple[Mark, ...] = ()
    rest: Figure | None = None
    """Of a row with marks: the fields that were read."""


def read(
    cells: Sequence[Cell],
    fields: Mapping[int, str],
    given: Mapping[str, str],
    decimals: DecimalSign | None = None,
) -> Read:
    """One row under these headings. `given`: what the request says of every row whose own cell says nothing."""
    said = {field: (column, cells[column]) for column, field in fields.items() if column < len(cells)}
    said = {field: where for field, where in said.items() if not blank(where[1])}
    if not any(field in said for field in FIGURES) and not _withdrawn(said):
        return Read(None)
    figure: Figure = dict(given)
    marks: list[Mark] = []
    percent = False
    for field, (column, cell) in said.items():
        try:
            value = _READERS[field](field, cell, decimals)
        except NotRead as error:
            marks.append(Mark(column, field, error.code, error.vi, error.en))
            continue
        if isinstance(value, Percent):
            percent, value = True, plain(value.shown)
        figure[field] = value
    if percent:
        marks += _in_percent(figure, said)
    marks += [_missing(field, fields) for field in NEEDED if field not in figure and field not in said]
    if not marks:
        return Read(figure)
    wrong = {mark.field for mark in marks}
    return Read(None, tuple(marks), {name: value for name, value in figure.items() if name not in wrong})


def _withdrawn(said: Mapping[str, tuple[int, Cell]]) -> bool:
    """Whether the row withdraws a figure, and so needs none."""
    if "retracts" not in said:
        return False
    try:
        return bool(_yes_or_no("retracts", said["retracts"][1], None))
    except NotRead:
        return True


def _in_percent(figure: Figure, said: Mapping[str, tuple[int, Cell]]) -> list[Mark]:
    """A value with a percent sign is in percent; the checks that follow hold that against the KPI."""
    if "unit_of_measure" not in figure or figure["unit_of_measure"] == "percent":
        figure["unit_of_measure"] = "percent"
        return []
    return [
        Mark(
            said["value"][0],
            "value",
            "percent",
            "Ô có dấu %, nhưng đơn vị tính của dòng không phải %: bỏ định dạng phần trăm, hoặc sửa đơn vị tính.",
            "The cell has a percent sign and the row's unit of measure is not percent: mend one of them.",
        )
    ]


def _missing(field: str, fields: Mapping[int, str]) -> Mark:
    column = next((at for at, name in fields.items() if name == field), None)
    name = HEADINGS[field][0]
    return Mark(column, field, "missing", f"Thiếu “{name}” ({field}).", f"“{name}” ({field}) is missing.")


def _number(field: str, cell: Cell, decimals: DecimalSign | None) -> str | Percent:
    if isinstance(cell, str) and len(cell) > MAX_PLACES:
        raise NotRead("not_a_number", "Số quá dài.", "The number is too long.")
    found = numbers.number(cell, decimals)
    if not isinstance(found, Percent):
        return plain(found)
    if field != "value":
        raise NotRead(
            "percent",
            f"{HEADINGS[field][0]} là số đếm hoặc số lượng, không phải tỷ lệ phần trăm.",
            f"The {field} is a count or an amount, no percentage.",
        )
    return found


def _integer(_: str, cell: Cell, decimals: DecimalSign | None) -> int:
    return numbers.whole(cell, decimals)


def _day(_: str, cell: Cell, __: DecimalSign | None) -> str:
    return days.day(cell)


def _period(_: str, cell: Cell, __: DecimalSign | None) -> str:
    return days.period(cell)


def _yes_or_no(_: str, cell: Cell, __: DecimalSign | None) -> bool:
    text = _text(cell).casefold()
    if text in _YES or text in _NO:
        return text in _YES
    raise NotRead("not_yes_or_no", "Ghi “có” hoặc “không”.", "Write “yes” or “no”.")


def _word(field: str, cell: Cell, _: DecimalSign | None) -> str:
    known = _WORDS[field]
    found = known.get(_text(cell).casefold())
    if found is None:
        names = ", ".join(f"“{name}”" for name in known)
        raise NotRead("unknown_word", f"Ghi một trong: {names}.", f"Write one of: {names}.")
    return found


def _measure(_: str, cell: Cell, __: DecimalSign | None) -> str:
    text = _text(cell, 80)
    return "percent" if text.casefold() in _PERCENT_SIGNS else text


def _name(_: str, cell: Cell, __: DecimalSign | None) -> str:
    return _text(cell, 80)


def _remark(_: str, cell: Cell, __: DecimalSign | None) -> str:
    return _text(cell, 2_000)


def _members(_: str, cell: Cell, __: DecimalSign | None) -> list[str]:
    return [one for part in re.split(r"[;,\n]", _text(cell, 100_000)) if (one := part.strip())]


def _text(cell: Cell, longest: int = 80) -> str:
    """The cell as text, composed (NFC). Raises `NotRead` on errors, control characters and what is too long."""
    if isinstance(cell, Unusable):
        raise NotRead(cell.code, cell.vi, cell.en)
    text = unicodedata.normalize("NFC", as_shown(cell)).strip()
    if _INVISIBLE.search(text):
        raise NotRead(
            "control_characters",
            "Ô có ký tự điều khiển không nhìn thấy: gõ lại nội dung.",
            "The cell holds invisible control characters: type it again.",
        )
    if len(text) > longest:
        raise NotRead("too_long", f"Dài hơn {longest} ký tự.", f"Longer than {longest} characters.")
    return text


_READERS: Mapping[str, Callable[[str, Cell, DecimalSign | None], Any]] = {
    **dict.fromkeys(_NUMBERS, _number),
    **dict.fromkeys(_WHOLE, _integer),
    **dict.fromkeys(_DAYS, _day),
    **dict.fromkeys(("done", "retracts"), _yes_or_no),
    **dict.fromkeys(("mode", "status"), _word),
    **dict.fromkeys(("province", "kpi", "org_unit"), _name),
    **dict.fromkeys(("note", "evidence"), _remark),
    "period": _period,
    "unit_of_measure": _measure,
    "members": _members,
}
