"""Targets of closed periods that a catalog would change: what was said of them, in mails too, would be judged again."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date, timedelta

from contracts.catalog import Target
from services.runtime.catalog.catalog import Catalog
from services.runtime.catalog.problems import Located, Problem, Words
from services.runtime.catalog.rejudging import judged_by


def closed_targets(before: Catalog, after: Iterable[Located], today: date) -> Iterator[Problem]:
    """A warning for each target of `before` whose period is closed and that is another one in `after`, or is not in it;
    and for each version added to such a period."""
    written = {located.item.object_id: located for located in after if isinstance(located.item, Target)}
    versions = Counter(_bound(located.item) for located in written.values() if isinstance(located.item, Target))
    closings = {target.object_id: (target, _closes(target, before)) for target in before.targets}
    closed: dict[tuple[str, str | None, str | None, str], date] = {}
    for name, (target, closing) in closings.items():
        if closing is None or today < closing:
            continue
        closed[_bound(target)] = closing
        located = written.get(name)
        if located is None:
            yield Problem("catalog.yaml", 0, str(_gone(target, closing)), "warning")
        elif isinstance(located.item, Target) and _differ(target, located.item, versions[_bound(target)] > 1):
            path = next((field for field in _FIELDS if getattr(target, field) != getattr(located.item, field)), "id")
            yield located.warning(_changed(target, located.item, closing), path)
    for name, located in written.items():
        added = located.item
        if name not in closings and isinstance(added, Target) and (closing := closed.get(_bound(added))) is not None:
            yield located.warning(_added(added, closing), "valid_from")


_FIELDS = ("value", "low", "high", "comparator", "intent", "baseline", "deadline", "grace_days", "plan", "period")


def _differ(was: Target, now: Target, has_versions: bool) -> bool:
    """Whether it judges otherwise; that a new version ends the validity of one is no change in place."""
    if has_versions:
        now = now.model_copy(update={"valid_to": was.valid_to})
    return judged_by(was) != judged_by(now)


def _bound(target: Target) -> tuple[str, str | None, str | None, str]:
    return target.kpi, target.unit, target.level, target.period


def _closes(target: Target, catalog: Catalog) -> date | None:
    """The first day after deadline and grace; None where the catalog cannot say."""
    if target.kpi not in catalog.kpis:
        return None
    deadline = target.deadline or catalog.calendar_of(target.kpi).parse(target.period).last
    return deadline + timedelta(days=target.grace_days)


def _changed(was: Target, now: Target, closing: date) -> Words:
    from_to = f": {_goal(was)} → {_goal(now)}" if _goal(was) != _goal(now) else ""
    new = f"version: {was.version + 1}, valid_from: …"
    return Words(
        f"mục tiêu “{was.id}” của kỳ đã khép ngày {closing:%d/%m/%Y} bị sửa tại chỗ{from_to}; kết quả đã công bố sẽ "
        f"bị đánh giá lại. Hãy giữ nguyên bản này và viết phiên bản mới ({new})",
        f"“{was.id}” of a period closed on {closing} is changed in place{from_to}; what was said would be judged "
        f"again. Leave it as it is and write a new version ({new})",
    )


def _gone(was: Target, closing: date) -> Words:
    return Words(
        f"mục tiêu “{was.id}” (phiên bản {was.version}) của kỳ đã khép ngày {closing:%d/%m/%Y} bị bỏ; kết quả đã công "
        "bố sẽ bị đánh giá lại. Hãy viết lại mục tiêu này",
        f"“{was.id}” (version {was.version}) of a period closed on {closing} is gone; what was said would be judged "
        "again. Write it again",
    )


def _added(added: Target, closing: date) -> Words:
    since = f" từ {added.valid_from:%d/%m/%Y}" if added.valid_from else ""
    since_en = f" from {added.valid_from} on" if added.valid_from else ""
    return Words(
        f"phiên bản {added.version} của “{added.id}” đánh giá lại{since} một kỳ đã khép ngày {closing:%d/%m/%Y}; kết "
        "quả khi khép kỳ được giữ bên cạnh. Hãy kiểm tra ngày hiệu lực",
        f"version {added.version} of “{added.id}” judges{since_en} a period again that was closed on {closing}; what "
        "it said then is kept beside it. Look at valid_from",
    )


def _goal(target: Target) -> str:
    return f"{target.low} – {target.high}" if target.comparator == "band" else f"{target.comparator} {target.value}"
