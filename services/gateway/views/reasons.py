"""The sentences that say why, for people: metrics writes exact numbers; here they are rounded and have units."""

import re
from collections.abc import Callable
from datetime import date

from contracts.progress import ProgressJudged, Reason
from contracts.reading import rounded
from services.gateway.views.numbers import Measure, Numbers
from services.gateway.views.words import Words

IN_THE_KPIS_UNIT = frozenset(
    {
        "target_met",
        "deadline_passed",
        "below_baseline",
        "line_held",
        "line_not_held",
        "target_not_met",
        "plan_at_baseline",
        "step_ahead",
    }
)
"""Reasons whose numbers are figures of the KPI."""

SHARES = frozenset({"pace_below_at_risk", "pace_below_on_track", "pace_on_track"})
"""Reasons whose numbers are shares of a plan, without unit."""

_A_DAY = re.compile(r"\b(\d{4}-\d{2}-\d{2})\b")
_A_NUMBER = re.compile(r"(?<![\w/.,])[-−]?\d+(?:[.,]\d+)?(?![\w/])")
_POINT = str.maketrans(",−", ".-")
_MOST_DECIMALS = 9
"""What metrics writes at most."""


def why(record: ProgressJudged, measure: Measure, words: Words, numbers: Numbers) -> list[str]:
    """All reasons of the record, in the language of `words`."""
    return [sentence(reason, measure, words, numbers) for reason in record.reasons]


def sentence(reason: Reason, measure: Measure, words: Words, numbers: Numbers) -> str:
    """One reason. Of a code that is not known here only days are rewritten, since its numbers may mean anything."""
    text = words.either(reason.text_vi, reason.text_en)
    text = dated(text, numbers)
    if reason.code in SHARES:
        return _rounded(text, 2, lambda value, decimals: numbers.plain(value, decimals))
    if reason.code in IN_THE_KPIS_UNIT:
        return _rounded(text, measure.decimals, lambda value, decimals: _figure(value, decimals, measure, numbers))
    return text


def dated(text: str, numbers: Numbers) -> str:
    """The text with its days as people write them."""
    return _A_DAY.sub(lambda found: numbers.day(date.fromisoformat(found[1])), text)


def _figure(value: float, decimals: int, measure: Measure, numbers: Numbers) -> str:
    return numbers.value(value, Measure(measure.code, decimals), fixed=measure.percent and not value.is_integer())


def _rounded(text: str, decimals: int, write: Callable[[float, int], str]) -> str:
    """The text with its numbers written anew: with more decimals where two of them would read the same and are not."""
    found = {match: float(match.translate(_POINT)) for match in _A_NUMBER.findall(text)}
    different = len(set(found.values()))
    while decimals < _MOST_DECIMALS and len({rounded(value, decimals) for value in found.values()}) < different:
        decimals += 1
    return _A_NUMBER.sub(lambda match: write(found[match[0]], decimals), text)
