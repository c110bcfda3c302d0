"""The dates of a target, and the plan between them."""

import re
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from itertools import pairwise

from contracts.catalog import Kpi, MilestonesPlan, PlanPoint, SeasonalPlan, StepPlan, Target
from services.runtime.catalog.calendar import Calendar
from services.runtime.catalog.checks.context import Context
from services.runtime.catalog.periods import Period
from services.runtime.catalog.problems import Located, Problem, Words
from services.runtime.catalog.remedies import period_of


def check_dates(target: Target, kpi: Kpi, located: Located, context: Context) -> Iterator[Problem]:
    """Period, deadline, baseline and plan of one target, in the calendar of its KPI."""
    calendar = context.calendars.get(kpi.calendar)
    if calendar is None:
        return
    try:
        period = calendar.parse(target.period)
    except ValueError:
        yield located.problem(_no_period(target.period), "period")
        return
    yield from _check_in_force(target, period, located)
    if target.deadline is not None and not period.contains(target.deadline):
        yield located.problem(
            Words(
                f"thời hạn {target.deadline:%d/%m/%Y} nằm ngoài kỳ {target.period} của lịch “{kpi.calendar}”; hãy viết "
                f"một ngày từ {period.first} đến {period.last}",
                f"the deadline {target.deadline} is outside the period {target.period} of the calendar "
                f"“{kpi.calendar}”; write a day from {period.first} to {period.last}",
            ),
            "deadline",
        )
    deadline = target.deadline or period.last
    if target.baseline is not None and target.baseline.on is not None and target.baseline.on >= deadline:
        yield located.problem(
            Words(
                f"ngày của giá trị gốc (baseline) {target.baseline.on:%d/%m/%Y} không trước thời hạn "
                f"{deadline:%d/%m/%Y}; hãy viết ngày sớm hơn",
                f"the baseline's day {target.baseline.on} is not before the deadline {deadline}; write an earlier one",
            ),
            "baseline",
            "on",
        )
    unit = context.units.get(target.unit or "")
    if unit is not None and not unit.valid_on(period.first) and not unit.valid_on(deadline):
        yield located.problem(
            Words(
                f"“{unit.id}” không tồn tại trong kỳ {target.period}; hãy ghi đơn vị của thời gian đó",
                f"“{unit.id}” does not exist in {target.period}; name the unit of that time",
            ),
            "unit",
        )
    plan = target.plan
    if plan is not None and (target.intent == "keep" or target.comparator == "band"):
        yield _without_effect(target, located)
    if isinstance(plan, MilestonesPlan | StepPlan):
        start = (target.baseline.on if target.baseline else None) or period.first
        yield from _check_points(plan.points, start, deadline, located)
        yield from _check_values(plan.points, target, kpi, deadline, located)
    if isinstance(plan, SeasonalPlan):
        yield from _check_shares(plan, period, deadline, calendar, located)


_PERIOD_NAMES = "2023, 2023-H1, 2023-Q3, 2023-09, 2023-W39, 2023-09-30"


def _no_period(name: str) -> Words:
    """Why a name is none of a period of the calendar, and what to write."""
    if found := re.fullmatch(r"(\d{4})-(\d{2})", name):
        return Words(
            f"“{name}” không có trong lịch: tháng đi từ 01 đến 12; "
            f"hãy viết “{found[1]}-12” cho tháng 12, hoặc tháng khác",
            f"“{name}” is not in the calendar: months go from 01 to 12; write “{found[1]}-12” for December, or another",
        )
    if (found := re.fullmatch(r"(\d{4})-(\d{4})", name)) and found[2] <= found[1]:
        later = f"“{found[2]}-{found[1]}”" if found[2] < found[1] else f"“{found[1]}”"
        return Words(
            f"“{name}” không phải một giai đoạn: năm sau phải lớn hơn năm trước; hãy viết {later}",
            f"“{name}” is no span of years: the second must be later than the first; write {later}",
        )
    if found := re.fullmatch(r"(\d{4})-W\d{2}", name):
        return Words(
            f"“{name}” không có trong lịch: năm {found[1]} không có tuần này; hãy viết từ “{found[1]}-W01” đến "
            f"“{found[1]}-W52” (có năm đến W53)",
            f"“{name}” is not in the calendar: {found[1]} has no such week; write one from “{found[1]}-W01” to "
            f"“{found[1]}-W52” (W53 in some years)",
        )
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", name):
        return Words(
            f"“{name}” không có trong lịch: không có ngày này; hãy viết một ngày có thật",
            f"“{name}” is not in the calendar: there is no such day; write one that exists",
        )
    meant = period_of(name)
    return Words(
        f"“{name}” không phải tên kỳ; hãy viết {f'“{meant}”' if meant else f'{_PERIOD_NAMES} hoặc 2021-2025'}",
        f"“{name}” is not a period; write {f'“{meant}”' if meant else f'{_PERIOD_NAMES} or 2021-2025'}",
    )


def _check_in_force(target: Target, period: Period, located: Located) -> Iterator[Problem]:
    """A version judges the figures of the days on which it is valid: one without a day of its period judges none."""
    if target.valid_from is not None and target.valid_from > period.last:
        yield located.warning(
            Words(
                f"mục tiêu có hiệu lực từ {target.valid_from:%d/%m/%Y}, sau khi kỳ {target.period} kết thúc ngày "
                f"{period.last:%d/%m/%Y}, nên không bao giờ được dùng; hãy viết valid_from trong kỳ, hoặc kỳ khác",
                f"valid from {target.valid_from}, after {target.period} ends on {period.last}, so it never judges "
                "anything; write a valid_from within the period, or another period",
            ),
            "valid_from",
        )
    elif target.valid_to is not None and target.valid_to <= period.first:
        yield located.warning(
            Words(
                f"mục tiêu hết hiệu lực ngày {target.valid_to:%d/%m/%Y}, trước khi kỳ {target.period} bắt đầu ngày "
                f"{period.first:%d/%m/%Y}, nên không bao giờ được dùng; hãy viết valid_to muộn hơn, hoặc kỳ khác",
                f"no longer valid on {target.valid_to}, before {target.period} begins on {period.first}, so it never "
                "judges anything; write a later valid_to, or another period",
            ),
            "valid_to",
        )


def _without_effect(target: Target, located: Located) -> Problem:
    what = "“comparator: band”" if target.comparator == "band" else "“intent: keep”"
    other = "bỏ “plan:”" if target.comparator == "band" else "bỏ “plan:”, hoặc viết “intent: reach”"
    other_en = "take “plan:” out" if target.comparator == "band" else "take “plan:” out, or write “intent: reach”"
    return located.warning(
        Words(
            f"{what} giữ một mức suốt kỳ, nên “plan:” không có tác dụng; hãy {other}",
            f"{what} holds one level all through, so that “plan:” has no effect; {other_en}",
        ),
        "plan",
    )


def _check_points(points: Sequence[PlanPoint], start: date, deadline: date, located: Located) -> Iterator[Problem]:
    days = [point.on for point in points]
    if days != sorted(set(days)):
        yield located.problem(
            Words(
                "ngày của các mốc kế hoạch phải tăng dần; hãy xếp theo ngày, mỗi ngày một lần",
                "the plan's dates must rise; sort them and write each day once",
            ),
            "plan",
            "points",
        )
    for number, day in enumerate(days):
        if day > deadline:
            yield located.problem(
                Words(
                    f"mốc {day:%d/%m/%Y} sau thời hạn {deadline:%d/%m/%Y}; hãy viết ngày sớm hơn",
                    f"{day} is after the deadline {deadline}; write an earlier day",
                ),
                "plan",
                "points",
                number,
            )
        if day < start:
            yield located.problem(
                Words(
                    f"mốc {day:%d/%m/%Y} trước khi kế hoạch bắt đầu từ giá trị gốc (baseline) ngày {start:%d/%m/%Y}; "
                    "hãy viết ngày muộn hơn, hoặc ngày sớm hơn cho baseline",
                    f"{day} is before the plan begins with the baseline on {start}; write a later day, or an earlier "
                    "day for the baseline",
                ),
                "plan",
                "points",
                number,
            )


def within_limits(value: Decimal, kpi: Kpi) -> bool:
    """Whether the KPI can have the value at all."""
    low, high = kpi.natural_limits.low, kpi.natural_limits.high
    return (low is None or value >= low) and (high is None or value <= high)


def beyond_limits(value: Decimal, kpi: Kpi) -> Words:
    """Why a value cannot be one of the KPI, and what to do."""
    low, high = kpi.natural_limits.low, kpi.natural_limits.high
    if low is None or high is None:
        bounds = Words(f"từ {low} trở lên", f"from {low} up") if high is None else Words(f"đến {high}", f"up to {high}")
    else:
        bounds = Words(f"{low} đến {high}", f"{low} to {high}")
    return Words(
        f"{value} nằm ngoài giới hạn tự nhiên của “{kpi.id}” ({bounds.vi}); hãy sửa một trong hai",
        f"{value} is outside the natural limits of “{kpi.id}” ({bounds.en}); correct one of them",
    )


def _check_values(
    points: Sequence[PlanPoint], target: Target, kpi: Kpi, deadline: date, located: Located
) -> Iterator[Problem]:
    for number, point in enumerate(points):
        if not within_limits(point.value, kpi):
            yield located.problem(
                beyond_limits(point.value, kpi),
                "plan",
                "points",
                number,
            )
        if point.on == deadline and target.value is not None and point.value != target.value:
            yield located.problem(
                Words(
                    f"kế hoạch kết thúc ở {point.value} đúng thời hạn, mà mục tiêu là {target.value}; hãy viết giá trị "
                    "của mục tiêu, hoặc bỏ mốc này",
                    f"the plan ends with {point.value} on the deadline, the target is {target.value}; write the "
                    "target's value, or leave the point out",
                ),
                "plan",
                "points",
                number,
            )
    if target.comparator == "band" or target.value is None:
        return
    sign = 1 if target.comparator == ">=" else -1
    in_order = sorted(points, key=lambda point: point.on)
    values = [sign * value for value in (*(point.value for point in in_order), target.value)]
    if target.baseline is not None:
        values.insert(0, sign * target.baseline.value)
    if any(after < before for before, after in pairwise(values)):
        yield located.warning(
            Words(
                "kế hoạch có lúc đi lùi trên đường từ giá trị gốc (baseline) đến mục tiêu; hãy kiểm tra thứ tự các giá "
                "trị",
                "the plan goes back on its way from the baseline to the target; look whether the values are in order",
            ),
            "plan",
            "points",
        )


def _check_shares(
    plan: SeasonalPlan, period: Period, deadline: date, calendar: Calendar, located: Located
) -> Iterator[Problem]:
    if sum(plan.shares) != 100:
        total = sum(plan.shares)
        yield located.problem(
            Words(
                f"tỷ lệ các tháng cộng lại là {total}; tổng phải bằng 100, hãy sửa lại",
                f"the monthly shares add up to {total}; they must make 100",
            ),
            "plan",
            "shares",
        )
    if len(period.id) != 4:
        yield located.problem(
            Words(
                'kế hoạch theo mùa (seasonal) dùng cho một năm; hãy viết “period: "2023"”',
                'a seasonal plan is for one year; write “period: "2023"”',
            ),
            "period",
        )
        return
    for month, share in zip(calendar.split(period, "month"), plan.shares, strict=False):
        if month.first > deadline and share:
            yield located.problem(
                Words(
                    f"tháng {month.id} có tỷ lệ {share} nhưng bắt đầu sau thời hạn {deadline:%d/%m/%Y}; hãy viết 0 cho "
                    "tháng này",
                    f"{month.id} has a share of {share} and begins after the deadline {deadline}; write 0 for it",
                ),
                "plan",
                "shares",
            )
