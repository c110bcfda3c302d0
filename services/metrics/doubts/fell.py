"""`cumulative_fell`: what can only grow stands lower than before; 437 procedures in June, 436 in October."""

from services.metrics.days import iso
from services.metrics.doubts.doubt import Doubt, doubted, shown
from services.metrics.doubts.look import Look, Nature

CODE = "cumulative_fell"


def doubt(look: Look) -> Doubt | None:
    """Any fall, however small. Which KPIs only grow: `Kpi.may_fall` says so, or else flows, and coverages that are
    meant to increase, within an accounting period."""
    now, before = look.now, look.before
    if now.number >= before.number or not _only_grows(look):
        return None
    return doubted(
        CODE,
        "Số lũy kế giảm: {before} ngày {before_on}, nay {now}.",
        "A cumulative figure fell: {before} on {before_on}, now {now}.",
        before=shown(before.number),
        before_on=iso(before.day),
        now=shown(now.number),
    )


def _only_grows(look: Look) -> bool:
    kpi = look.definition.kpi
    if kpi.may_fall is not None:
        return not kpi.may_fall
    if look.nature is Nature.RUNNING:
        return True
    if not look.definition.kind.rosters or kpi.direction != "increase":
        return False
    return look.before.day >= look.definition.accounting(look.now.day).first
