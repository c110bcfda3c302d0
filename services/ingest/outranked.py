"""A figure that would be accepted and change nothing, since another of the same unit and day stands before it. Pure.

Figures of a source and day are ordered by revision, then actual over preliminary, then the time of reporting, then the
observation's id; of several sources the highest stands. That is metrics' rule; here it is only told, to whoever asks
before sending.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson

from contracts import strict_json
from contracts.statistics import Flag
from services.ingest.decide import Entry
from services.ingest.wording import en, vi
from services.runtime.sameness import plain

CODE = "another_figure_stands"

_SAYS = ("numerator", "denominator", "value", "weight", "rank", "of", "done", "done_on", "members")
_SHOWN = ("numerator", "denominator", "value", "rank")
_NUMBERS = frozenset({"numerator", "denominator", "value", "weight", "rank", "of"})

Observation = Mapping[str, Any]
Rank = tuple[int, bool, datetime, str]


class Accepted:
    """What was accepted of a unit and day: the highest figure, and the highest withdrawal of each source. Each entry is
    read once, however many figures are held against them."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._highest: tuple[Rank, Entry] | None = None
        self._withdrawn: dict[str, tuple[Rank, Entry]] = {}
        for entry in entries:
            self._take(entry)

    def _take(self, entry: Entry) -> None:
        one = orjson.loads(entry.payload)
        if not _competes(one):
            return
        found = _rank(one), entry
        if one.get("retracts"):
            self._withdrawn[one["source"]] = max(self._withdrawn.get(one["source"], found), found, key=_by_rank)
        else:
            self._highest = max(self._highest or found, found, key=_by_rank)

    def flag(self, mine: Entry) -> Flag | None:
        """What is to be told of the figure `mine`."""
        figure = strict_json.loads(mine.payload)
        if not _competes(figure):
            return None
        # A withdrawal concerns its own source.
        above = [found for found in (self._highest, self._withdrawn.get(figure["source"])) if found is not None]
        ahead = [found for found in above if found[0] > _rank(figure)]
        if not ahead:
            return None
        first: Observation = strict_json.loads(max(ahead, key=_by_rank)[1].payload)
        if not first.get("retracts") and _content(first) == _content(figure):
            return None
        return _told(first)


def _told(first: Observation) -> Flag:
    stands = first.get("revision", 1)
    revision = stands + 1
    if first.get("retracts"):
        what_vi, what_en = "Số liệu của đơn vị và ngày này đã bị rút", "The figure of this unit and day was withdrawn"
    else:
        what_vi = f"Số liệu khác đang có hiệu lực: {_shown(first, vi)}"
        what_en = f"Another figure stands: {_shown(first, en)}"
    return Flag(
        code=CODE,
        message_vi=f"{what_vi} (lần sửa {stands}); số liệu này không làm thay đổi kết quả. Để sửa, ghi lần sửa "
        f"(revision) {revision}.",
        message_en=f"{what_en} (revision {stands}); this one changes nothing. To correct it, write "
        f"revision {revision}.",
        evidence={"observation_id": first["observation_id"], "revision": str(revision)},
    )


def _competes(figure: Observation) -> bool:
    """Increments add to one another, and forecasts are none of the figures."""
    mode, status = figure.get("mode", "absolute"), figure.get("status", "actual")
    return bool(mode == "absolute" and status != "forecast")


def _by_rank(found: tuple[Rank, Entry]) -> Rank:
    return found[0]


def _rank(figure: Observation) -> Rank:
    reported = datetime.fromisoformat(figure["reported_at"])
    actual = figure.get("status", "actual") == "actual"
    return int(figure.get("revision", 1)), actual, reported, figure["observation_id"]


def _content(figure: Observation) -> list[Any]:
    return [_said(name, figure.get(name)) for name in _SAYS]


def _said(name: str, value: Any) -> Any:
    return plain(Decimal(value)) if name in _NUMBERS and value is not None else value


def _shown(figure: Observation, number: Any) -> str:
    numbers = {name: number(Decimal(figure[name])) for name in _SHOWN if figure.get(name) is not None}
    if "numerator" in numbers and "denominator" in numbers:
        return f"{numbers['numerator']}/{numbers['denominator']}"
    return next(iter(numbers.values()), "…")
