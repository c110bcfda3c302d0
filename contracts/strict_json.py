"""JSON as RFC 8259 has it and no wider: what two parsers could read in two ways is refused.

Numbers with a fraction or an exponent become `Decimal`, so that no figure passes through a binary float on its way in.
"""

import codecs
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

_SHOWN = 80
"""Characters of a key that a message repeats."""


class BadJson(ValueError):
    """The text is not JSON, or says one thing twice. The message is English, `vi` the same in Vietnamese.

    `at` is the character at which the text stops being JSON, where that is known and the message does not say it.
    """

    def __init__(self, vi: str, en: str, at: int | None = None) -> None:
        super().__init__(en)
        self.vi = vi
        self.at = at


def loads(text: bytes | str) -> Any:
    """Parse UTF-8 JSON. Raises `BadJson` on anything else, on NaN and Infinity, and on an object that repeats a key."""
    try:
        return _decoder.decode(text.decode("utf-8") if isinstance(text, bytes) else text)
    except (ValueError, RecursionError, ArithmeticError) as error:
        raise _in_words(error) from None


def first(text: str, at: int) -> tuple[Any, int]:
    """The JSON value that begins at `at`, and where it ends. Raises `BadJson` as `loads` does, the place beside."""
    try:
        return _decoder.raw_decode(text, at)
    except json.JSONDecodeError as error:
        raise BadJson("sai cú pháp", error.msg, error.pos) from None
    except (ValueError, RecursionError, ArithmeticError) as error:
        raise _in_words(error) from None


def _in_words(error: Exception) -> BadJson:
    if isinstance(error, BadJson):
        return error
    if isinstance(error, UnicodeDecodeError):
        return _not_utf8(error)
    if isinstance(error, RecursionError):
        return BadJson("các lớp lồng nhau quá sâu", "nested too deeply")
    if isinstance(error, ArithmeticError):  # Decimal refusing an absurd exponent
        return BadJson("có số với số mũ lớn quá mức", "a number has an exponent that no figure needs")
    if isinstance(error, json.JSONDecodeError):
        return _not_json(error)
    # int() refusing thousands of digits
    return BadJson("có số quá nhiều chữ số", "a number has more digits than any figure needs")


def _not_utf8(error: UnicodeDecodeError) -> BadJson:
    if error.object.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return BadJson("mã hóa là UTF-16: hãy gửi UTF-8", "it is encoded as UTF-16: send UTF-8")
    at = error.start
    return BadJson(f"các byte không phải UTF-8 (byte {at})", f"the bytes are not UTF-8 (byte {at})")


def _not_json(error: json.JSONDecodeError) -> BadJson:
    if error.doc.startswith("\ufeff"):
        return BadJson(
            "nội dung mở đầu bằng dấu thứ tự byte (BOM): hãy ghi UTF-8 không có BOM",
            "it begins with a byte order mark (BOM): write UTF-8 without one",
        )
    return BadJson(f"sai cú pháp ở dòng {error.lineno}, cột {error.colno} (ký tự {error.pos})", str(error))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        name = repr(twice if len(twice) <= _SHOWN else f"{twice[:_SHOWN]}…")
        raise BadJson(f"khóa {name} có hai lần trong một đối tượng", f"the key {name} stands twice in one object")
    return found


def _no_constant(name: str) -> Any:
    raise BadJson(f"{name} không phải số trong JSON", f"{name} is not a JSON number")


_decoder = json.JSONDecoder(object_pairs_hook=_object, parse_float=Decimal, parse_constant=_no_constant)


def members(text: str) -> Iterator[str]:
    """The members of a JSON array, each as the text that it was. Raises ValueError or RecursionError if it is none."""
    decoder = json.JSONDecoder()
    at = _skip(text, 0)
    if text[at : at + 1] != "[":
        raise ValueError("not an array")
    at = _skip(text, at + 1)
    if text[at : at + 1] == "]":
        return
    while True:
        _, end = decoder.raw_decode(text, at)
        yield text[at:end]
        at = _skip(text, end)
        if text[at : at + 1] == "]":
            if _skip(text, at + 1) != len(text):
                raise ValueError("something follows the array")
            return
        if text[at : at + 1] != ",":
            raise ValueError("no comma between two members")
        at = _skip(text, at + 1)


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at
