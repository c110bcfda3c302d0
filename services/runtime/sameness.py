"""When two events say the same: the one writing of JSON by which every door compares them.

Ingest's ledger keeps the digests for as long as it keeps events, so what a digest is made of never changes.
"""

import hashlib
import json
from decimal import Decimal
from typing import Any

import orjson

_WHOLE = Decimal(1)


def digest_of(data: Any, value: bytes = b"") -> bytes:
    """16 bytes, equal for equal JSON: order of keys, spaces, escapes and `91.30` for `91.3` do not matter.

    Beside an integer beyond 64 bits, or half of a surrogate pair, numbers are the same only as they were written.
    `value` are the bytes that were parsed: they are taken as they are where the JSON is too deep to be written again.
    """
    try:
        canonical = orjson.dumps(data, option=orjson.OPT_SORT_KEYS, default=_number)
    except (orjson.JSONEncodeError, RecursionError):
        try:
            canonical = json.dumps(data, sort_keys=True, default=str).encode()
        except RecursionError:
            canonical = value
    return hashlib.blake2b(canonical, digest_size=16).digest()


def _number(number: Any) -> orjson.Fragment:
    assert isinstance(number, Decimal)  # strict JSON knows no other type that orjson does not
    sign, digits, exponent = number.as_tuple()
    assert isinstance(exponent, int)
    text = "".join(map(str, digits)).rstrip("0")
    exponent += len(digits) - len(text)
    text = text.lstrip("0")
    if not text:
        return orjson.Fragment(b"0")
    if exponent >= 0 and len(text) + exponent <= 18:
        text, exponent = text + "0" * exponent, 0
    return orjson.Fragment(f"{'-' if sign else ''}{text}{f'e{exponent}' if exponent else ''}".encode())


def plain(number: Decimal) -> str:
    """The number without exponent and needless zeros: `91.30` is `91.3`, `9.13E+2` is `913`."""
    if not number:
        return "0"  # and not the thousand decimals of 0E-1000
    if number.same_quantum(_WHOLE):
        return str(number)
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
