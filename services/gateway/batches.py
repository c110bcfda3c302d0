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


class NotAnArray(ValueError):
    """The text does not begin as an array, does not end as one, or goes on after it."""


class Member(NamedTuple):
    """One member. `value` is what it says, unless it is `broken`: no JSON, or not as strict as ours."""

    text: str
    value: Any = None
    broken: bool = False


def text_of(body: bytes) -> str:
    """The body as text. Bytes that are not UTF-8 spoil the member in which they stand; `encode` refuses its text."""
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body.decode(errors="surrogateescape")


def members(text: str) -> Iterator[Member]:
    """The members of the array, one after the other. Raises `NotAnArray` where it is seen to be none."""
    at = _skip(text, 0)
    if text[at : at + 1] != "[":
        raise NotAnArray
    at = _skip(text, at + 1)
    if text[at : at + 1] == "]":
        _ended(text, at)
        return
    while True:
        member, end = _member(text, at)
        yield member
        mark = text[end : end + 1]
        if mark != ",":
            _ended(text, end)
            return
        at = _skip(text, end + 1)


def _member(text: str, at: int) -> tuple[Member, int]:
    """The member that begins there, and where the comma or bracket behind it stands."""
    try:
        value, end = strict_json.first(text, at)
    except strict_json.BadJson:
        end = _next_mark(text, at)
        return Member(text[at:end], broken=True), end
    after = _skip(text, end)
    if text[after : after + 1] in (",", "]"):
        return Member(text[at:end], value), after
    after = _next_mark(text, end)
    return Member(text[at:after], broken=True), after


def _next_mark(text: str, at: int) -> int:
    """The comma or bracket that ends the member in which `at` is; the end of the text where there is none."""
    depth = 0
    while (found := _MARK.search(text, at)) is not None:
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


def _ended(text: str, at: int) -> None:
    if text[at : at + 1] != "]" or _skip(text, at + 1) != len(text):
        raise NotAnArray


def _skip(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    assert found is not None  # it matches nothing, too
    return found.end()
