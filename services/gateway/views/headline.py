"""The page in a sentence: the province's own truth first, and then the worst trouble that it does not show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from contracts.progress import Status
from services.gateway.views.kpis import Below, KpiRow
from services.gateway.views.links import Links
from services.gateway.views.statuses import LATE
from services.gateway.views.words import Words


@dataclass(frozen=True, slots=True)
class Headline:
    """What stands on top of the page. It is calm only if nothing is late, at risk, alerted or unknown."""

    sentence: str
    worst: KpiRow | None
    """The worst of the province's own that are late; if none is, the one with the largest share of late units below."""
    below: str
    """“32 trong 71 xã chậm”, if `worst` is named for what is below it."""
    silent: str
    """How many have no figures; empty if all have some."""
    silent_href: str
    calm: bool


def headline(
    counts: Mapping[Status, int], rows: Sequence[KpiRow], alerts_open: int, words: Words, links: Links
) -> Headline:
    """The headline over these rows, which come the worst first. `alerts_open`: those that count for this page."""
    late = sum(counts[status] for status in LATE)
    total = sum(number for status, number in counts.items() if status is not Status.NO_TARGET)
    silent = sum(one.silent for one in rows)
    below = _worst_below(rows) if not late else None
    trouble = _trouble(rows, counts, alerts_open, words)
    if late:
        sentence = words("{late} trong {total} chỉ tiêu chậm so với kế hoạch", total, late=late, total=total)
    elif trouble:
        sentence = words("{truth}, nhưng {trouble}", truth=_truth(counts, total, words), trouble=trouble)
    elif counts[Status.UNKNOWN]:
        sentence = _truth(counts, total, words)
    else:
        sentence = words("Không chỉ tiêu nào chậm so với kế hoạch")
    return Headline(
        sentence=sentence,
        worst=next((one for one in rows if one.said.late), below),
        below=_late_of(below.below, words) if below is not None and below.below is not None else "",
        silent=words("{count} chỉ tiêu chưa có số liệu trong kỳ", silent) if silent else "",
        silent_href=links.board(status=Status.UNKNOWN.value, kpi=None, unit=None),
        calm=not (late or trouble or counts[Status.UNKNOWN]),
    )


def _truth(counts: Mapping[Status, int], total: int, words: Words) -> str:
    if total == counts[Status.UNKNOWN]:
        return words("Chưa chỉ tiêu nào của tỉnh có số liệu để đánh giá")
    return words("Chưa chỉ tiêu nào của tỉnh chậm")


def _trouble(rows: Sequence[KpiRow], counts: Mapping[Status, int], alerts_open: int, words: Words) -> str:
    """The worst of what is wrong although nothing of the province itself is late; empty if nothing is."""
    troubled = sum(one.below is not None and one.below.late > 0 for one in rows)
    worst = _worst_below(rows)
    if worst is not None and worst.below is not None:
        below = worst.below
        named = {"late": below.late, "total": below.total, "level": below.level}
        if troubled == 1:
            return words("{late} trong {total} {level} chậm ở 1 chỉ tiêu", below.late, **named)
        return words(
            "{count} chỉ tiêu có đơn vị bên dưới chậm, nhiều nhất là {late} trong {total} {level}", troubled, **named
        )
    if counts[Status.AT_RISK]:
        return words("{count} chỉ tiêu có nguy cơ", counts[Status.AT_RISK])
    return words("còn {count} cảnh báo đang mở", alerts_open) if alerts_open else ""


def _worst_below(rows: Sequence[KpiRow]) -> KpiRow | None:
    def share(one: KpiRow) -> tuple[float, int]:
        return (one.below.late / one.below.total, one.below.late) if one.below is not None else (0.0, 0)

    return max((one for one in rows if one.below is not None and one.below.late), key=share, default=None)


def _late_of(below: Below, words: Words) -> str:
    return words("{late} trong {total} {level} chậm", late=below.late, total=below.total, level=below.level)
