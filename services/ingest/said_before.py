"""What stands already of the unit and day of a figure that would be accepted, as far as its publisher should hear of it
before sending. Pure.

Figures of a source and day are ordered by revision, then actual over preliminary, then the time of reporting, then the
observation's id; of several sources the highest stands. That is metrics' rule; here it is only told.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson

from contracts import strict_json
from contracts.statistics import Flag
from services.ingest.decide import REMARKS, Entry
from services.ingest.wording import en, vi
from services.runtime.sameness import plain

OUTRANKED = "another_figure_stands"
"""It would change nothing."""

REPLACES = "replaces_another_figure"
"""It would take the place of another figure, and is no correction by its number."""

REMARK_STAYS = "remark_stays"
"""A row of a spreadsheet that was accepted, with another note or evidence now."""

_SAYS = ("numerator", "denominator", "value", "weight", "rank", "of", "done", "done_on", "members")
_SHOWN = ("numerator", "denominator", "value", "rank")
_NUMBERS = frozenset({"numerator", "denominator", "value", "weight", "rank", "of"})

Observation = Mapping[str, Any]
Rank = tuple[int, bool, datetime, str]


class Accepted:
    """What was accepted of a unit and day: the highest figure, and the highest withdrawal of each source. Each entry is
    read once, however many figures are held against them."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
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
        rank = _rank(figure)
        # A withdrawal concerns its own source.
        above = [found for found in (self._highest, self._withdrawn.get(figure["source"])) if found is not None]
        ahead = [found for found in above if found[0] > rank]
        if ahead:
            first: Observation = strict_json.loads(max(ahead, key=_by_rank)[1].payload)
            return None if not first.get("retracts") and _content(first) == _content(figure) else _outranked(first)
        if figure.get("retracts") or not above or (second := max(above, key=_by_rank))[0][:2] != rank[:2]:
            return None
        behind: Observation = strict_json.loads(second[1].payload)
        return None if behind.get("retracts") or _content(behind) == _content(figure) else _replaces(behind)

    def remark_stays(self, entry: Entry, again: Entry) -> Flag | None:
        """What is to be told of a row that was accepted as `entry` and says something else beside its figure."""
        said, now = orjson.loads(entry.payload), orjson.loads(again.payload)
        if all(said.get(name) == now.get(name) for name in REMARKS):
            return None
        to_do = "", ""
        if said["mode"] != "increment":
            highest = self._highest[0][0] if self._highest is not None else 0
            revision = max(highest, said["revision"]) + 1
            to_do = f" Muốn thay, ghi lần sửa (revision) {revision}.", f" To replace it, write revision {revision}."
        return Flag(
            code=REMARK_STAYS,
            message_vi="Số liệu này đã được nhận trước đây; ghi chú, minh chứng đã nhận được giữ nguyên, "
            f"không thay bằng nội dung mới.{to_do[0]}",
            message_en="This figure was accepted before; the note and evidence that came with it stay, and the new "
            f"ones are not taken.{to_do[1]}",
            evidence={name: said[name] for name in REMARKS if name in said},
        )


def _outranked(first: Observation) -> Flag:
    stands = first.get("revision", 1)
    revision = stands + 1
    if first.get("retracts"):
        what_vi, what_en = "Số liệu của đơn vị và ngày này đã bị rút", "The figure of this unit and day was withdrawn"
    else:
        what_vi = f"Số liệu khác đang có hiệu lực: {_shown(first, vi)}"
        what_en = f"Another figure stands: {_shown(first, en)}"
    return Flag(
        code=OUTRANKED,
        message_vi=f"{what_vi} (lần sửa {stands}); số liệu này không làm thay đổi kết quả. Để sửa, ghi lần sửa "
        f"(revision) {revision}.",
        message_en=f"{what_en} (revision {stands}); this one changes nothing. To correct it, write "
        f"revision {revision}.",
        evidence={"observation_id": first["observation_id"], "revision": str(revision)},
    )


def _replaces(behind: Observation) -> Flag:
    stands = behind.get("revision", 1)
    return Flag(
        code=REPLACES,
        message_vi=f"Đơn vị và ngày này đã có số liệu {_shown(behind, vi)} (lần sửa {stands}). Số liệu này cùng lần "
        f"sửa và gửi sau nên sẽ thay số liệu đó. Nếu là số sửa lại, nên ghi lần sửa (revision) {stands + 1}; nếu ghi "
        "nhầm, bỏ số liệu này.",
        message_en=f"There is a figure of this unit and day: {_shown(behind, en)} (revision {stands}). This one has "
        f"the same revision and comes later, so it would take its place. A correction had better say revision "
        f"{stands + 1}; a mistake is to be left out.",
        evidence={"observation_id": behind["observation_id"], "revision": str(stands + 1)},
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
