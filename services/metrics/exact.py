"""Exact numbers: integers scaled by 10^9, and quotients of two integers. A float appears only where a number leaves.

The scale is that of the most decimals that a KPI may declare, and not each KPI's own: so a catalog that changes the
decimals of a KPI changes nothing that was stored, and sums of any KPI can be made without asking the catalog.
"""

from decimal import Decimal, DecimalException
from math import gcd
from typing import Any

DIGITS = 9
SCALE: int = 10**9

Quotient = tuple[int, int]
"""Numerator and denominator, the denominator above 0; not reduced."""

_INT64 = 2**63

_LARGEST_EXPONENT = 400
"""Beyond that of any double; larger ones are not written out."""


def scaled(number: str | int | Decimal) -> int:
    """The number times 10^9. Raises ValueError for what is no number or has more than nine decimals."""
    if isinstance(number, str):
        if number.isdecimal():
            return int(number) * SCALE
        whole, point, rest = number.partition(".")
        if point and len(rest) <= DIGITS and rest.isdecimal() and whole.isdecimal():
            return int(whole + rest) * int(10 ** (DIGITS - len(rest)))
    elif isinstance(number, int):
        return number * SCALE
    return _scaled(number)


def _scaled(number: str | Decimal) -> int:
    try:
        sign, digits, exponent = Decimal(number).as_tuple()
    except DecimalException:
        raise ValueError(f"{number!r} is no number") from None
    if not isinstance(exponent, int):
        raise ValueError(f"{number!r} is not finite")
    if abs(exponent) > _LARGEST_EXPONENT:
        raise ValueError(f"{number!r} has an exponent that no figure has")
    whole = int("".join(map(str, digits)) or "0")
    shift = exponent + DIGITS
    if shift < 0:
        whole, rest = divmod(whole, 10**-shift)
        if rest:
            raise ValueError(f"{number!r} has more than {DIGITS} decimals")
        shift = 0
    return (-whole if sign else whole) * int(10**shift)


def reduced(p: int, q: int) -> Quotient:
    """p ÷ q in lowest terms; q is above 0."""
    shared = gcd(p, q)
    return p // shared, q // shared


def nearest(quotient: Quotient) -> float:
    """The double nearest to the quotient."""
    return quotient[0] / quotient[1]


def on_the_wire(number: int) -> int | float:
    """A scaled number as JSON has it: whole ones as integers, others as the nearest double."""
    whole, rest = divmod(number, SCALE)
    return number / SCALE if rest else whole


def stored(number: int) -> int | str:
    """A scaled number as a document has it: an integer where it is whole and fits in 64 bits, else decimal text."""
    whole, rest = divmod(number, SCALE)
    if not rest and -_INT64 <= whole < _INT64:
        return whole
    sign, number = ("-", -number) if number < 0 else ("", number)
    text = f"{number:0{DIGITS + 1}d}"
    return f"{sign}{text[:-DIGITS]}.{text[-DIGITS:]}".rstrip("0").rstrip(".")


def loaded(value: Any) -> int:
    """The scaled number that `stored` gave away."""
    return scaled(value)
