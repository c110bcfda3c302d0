"""The members of a JSON array, each with the text that it was; one that is no JSON does not hide those behind it. Pure.

Only the good are parsed, once and strictly. Where a bad one ends is found by its brackets, commas and strings alone.
"""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from contracts import strict_json

_BLANK = re.compile(r"[ \t\r\n]*")
_MARK = re.compile(r'["\[\]{},]')
_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)

MOST_MARKS = 250_000
"""Brackets, commas and strings that are looked at to find the end of a broken member."""

_NEAR = 16_384
"""Characters behind which a text that turned out broken is cut: an error of the parser costs as many as lie before."""


class NotAnArray(ValueError):
    """The text does not begin as an array, does not end as one, or goes on after it. The message is English, `vi` the
    same in Vietnamese."""

    def __init__(self, vi: str, en: str) -> None:
        super().__init__(en)
        self.vi = vi


class Broken(NamedTuple):
    """Why a member is no JSON, or not as strict as ours; `at` is the place in the whole text, where that is known."""

    vi: str
    en: str
    at: int | None = None


class Member(NamedTuple):
    """One member, and where it begins. `value` is what it says, unless it is `broken`."""

    text: str
    at: int
    value: Any = None
    broken: Broken | None = None


class Lines:
    """Line and column of places in a text, asked in the order in which they stand."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = self._begin = 0
        self._line = 1

    def place(self, at: int) -> tuple[str, str]:
        """In Vietnamese and English; both counted from 1."""
        further = self._text.count("\n", self._at, at)
        if further:
            self._line += further
            self._begin = self._text.rfind("\n", self._at, at) + 1
        self._at = at
        column = at - self._begin + 1
        return f"dòng {self._line}, cột {column}", f"line {self._line}, column {column}"


def text_of(body: bytes) -> str:
    """The body as text. Bytes that are not UTF-8 spoil the member in which they stand; `encode` refuses its text."""
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body.decode(errors="surrogateescape")


def members(text: str) -> Iterator[Member]:
    """The members of the array, one after the other. Raises `NotAnArray` where it is seen to be none."""
    before, at = 0, _skip(text, 0)  # so many characters were cut off
    if text[at : at + 1] != "[":
        raise _no_array(text)
    at = _skip(text, at + 1)
    if text[at : at + 1] == "]":
        _ended(text, at)
        return
    while True:
        member, end = _member(text, at, before)
        yield member
        mark = text[end : end + 1]
        if mark != ",":
            _ended(text, end)
            return
        at = _skip(text, end + 1)
        if member.broken and at > _NEAR:
            text, before, at = text[at:], before + at, 0


def _member(text: str, at: int, before: int) -> tuple[Member, int]:
    """The member that begins there, and where the comma or bracket behind it stands."""
    try:
        value, end = strict_json.first(text, at)
    except strict_json.BadJson as error:
        end = _next_mark(text, at)
        spot = None if error.at is None else before + error.at
        return Member(text[at:end], before + at, broken=Broken(error.vi, str(error), spot)), end
    after = _skip(text, end)
    if text[after : after + 1] in (",", "]"):
        return Member(text[at:end], before + at, value), after
    broken = Broken("sau sự kiện thiếu dấu phẩy hoặc dấu ]", "a comma or ] is missing behind the event", before + after)
    after = _next_mark(text, end)
    return Member(text[at:after], before + at, broken=broken), after


def _next_mark(text: str, at: int) -> int:
    """The comma or bracket that ends the member in which `at` is; the end of the text where none is found."""
    depth = 0
    for _ in range(MOST_MARKS):
        found = _MARK.search(text, at)
        if found is None:
            break
        mark, at = found[0], found.end()
        if mark == '"':
            string = _STRING.match(text, found.start())
            if string is None:
                break
            at = string.end()
        elif mark in "[{":
            depth += 1
        elif depth == 0 and mark in ",]":
            return found.start()
        elif mark in "]}":
            depth = max(0, depth - 1)
    return len(text)


def _no_array(text: str) -> NotAnArray:
    if text.startswith("\ufeff"):
        return NotAnArray("mở đầu bằng dấu thứ tự byte (BOM), hãy bỏ dấu đó", "it begins with a BOM: leave that out")
    if text.startswith(("\udcff\udcfe", "\udcfe\udcff")):
        return NotAnArray("mã hóa là UTF-16, hãy gửi UTF-8", "it is encoded as UTF-16: send UTF-8")
    return NotAnArray("không mở đầu bằng dấu [", "it does not begin with [")


def _ended(text: str, at: int) -> None:
    if text[at : at + 1] != "]":
        raise NotAnArray("không kết thúc bằng dấu ]", "it does not end with ]")
    if _skip(text, at + 1) != len(text):
        raise NotAnArray("sau dấu ] cuối cùng còn nội dung khác", "something follows behind its last ]")


def _skip(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    assert found is not None  # it matches nothing, too
    return found.end()
