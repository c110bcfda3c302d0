"""The pace in words. It is measured from the baseline, so a percentage means nothing to a reader who is not told which.

On the way from 30 to a plan of 35,1 a value of 34,4 has gone 86 %, though it looks like 98 % of the plan. Pure.
"""

from math import isclose

from contracts.progress import ProgressJudged
from services.alerts import figures
from services.alerts.figures import Language
from services.alerts.grouping import Member
from services.alerts.phrases import say
from services.alerts.rules import clears_at
from services.alerts.scene import Scene

HARDLY_PERCENT = 5
"""Below this share of the way from baseline to target, the plan has hardly left the baseline: the smallest difference
of a figure is then worth hundreds of percent of the plan, and no percentage is told."""


def pace_of(scene: Scene, member: Member, language: Language) -> str | None:
    """How far it has come on the planned way, and the bounds of the rule; None where that is not known."""
    record, rule = member.record, scene.rule(member)
    if record.pace is None or rule is None:
        return None
    fire, clear = float(rule.ladder[0].fire * 100), clears_at(rule.ladder[0]) * 100
    start = record.target.baseline if record.target is not None else None
    baseline = figures.amount(start, scene.kpi, language) if start is not None else ""
    if _hardly_left(record):
        return say(language, "pace_hardly", baseline=baseline, share=HARDLY_PERCENT)
    pace = figures.number(record.pace * 100, 0, language, unlike=(fire, clear))
    key = "pace"
    if from_baseline(record):
        key = "pace_from" if record.pace >= 0 else "pace_back"
    bounds = {"fire": figures.number(fire, 0, language), "clear": figures.number(clear, 0, language)}
    return f"{say(language, key, pace=pace, baseline=baseline)} ({say(language, 'pace_bounds', **bounds)})"


def _hardly_left(record: ProgressJudged) -> bool:
    target = record.target
    if record.planned is None or target is None or target.baseline is None or target.value is None:
        return False
    return abs(record.planned - target.baseline) * 100 < HARDLY_PERCENT * abs(target.value - target.baseline)


def from_baseline(record: ProgressJudged) -> bool:
    """Whether the pace is measured so; a line to keep, for one, is compared with itself."""
    target = record.target
    if target is None or target.baseline is None or None in (record.value, record.planned, record.pace):
        return False
    assert record.value is not None
    assert record.planned is not None
    assert record.pace is not None
    way = record.planned - target.baseline
    return way != 0 and isclose((record.value - target.baseline) / way, record.pace, rel_tol=1e-6, abs_tol=1e-9)
