"""Rules that every figure must keep, whatever its KPI's kind: who, when, where, in which unit of measure.

Each rule is a small function of a `Case` that gives the problems it finds. A rule that lacks what it needs says
nothing: whatever is missing has been said by another. `kinds.py` has the rules about numbers.
"""

from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta

from contracts.catalog import OrgUnit, Publisher
from contracts.statistics import Problem, RejectionCode, StatisticReported
from services.ingest import nearest
from services.ingest.case import Case
from services.ingest.wording import NONE, Problems, day_vi, listed, problem
from services.runtime.catalog import Catalog
from services.runtime.catalog.periods import parse_name

Rule = Callable[[Case], Problems]

HORIZON = timedelta(days=50 * 365)
"""Nobody reports figures half a century away from now; it is a slip of the keyboard."""

POINTS = frozenset({"percentage_point", "percentage_points", "percent_point", "point", "points"})
PERCENT = frozenset({"percent", "%"})


def event_time(event_time: datetime | None, now: datetime, lead: timedelta) -> Problems:
    """An event from the future: its publisher's clock is wrong, or it means to move ours."""
    if event_time is None or event_time <= now + lead:
        return NONE
    return (
        problem(
            RejectionCode.FUTURE_AS_OF,
            "time",
            f"ce_time là {event_time.isoformat()}, quá xa so với giờ hệ thống {now.isoformat()}: "
            "kiểm tra đồng hồ máy gửi.",
            f"ce_time is {event_time.isoformat()}, too far ahead of the system's time {now.isoformat()}: "
            "check the sender's clock.",
            event_time,
        ),
    )


def within_horizon(day: date, today: date) -> Problems:
    """`as_of` within half a century of now; beyond that the calendars are not even asked."""
    if abs(day - today) <= HORIZON:
        return NONE
    code = RejectionCode.TOO_OLD if day < today else RejectionCode.FUTURE_AS_OF
    return (
        problem(
            code,
            "as_of",
            f"as_of {day.isoformat()} cách hiện tại hơn 50 năm: kiểm tra lại năm.",
            f"as_of {day.isoformat()} is more than 50 years away: check the year.",
            day,
        ),
    )


def known_unit(
    figure: StatisticReported, unit: OrgUnit | None, day: date, catalog: Catalog, near: Callable[[str], Iterable[str]]
) -> Problems:
    """The unit exists, on the figure's day. `near`: ids of units that look like what is written."""
    if unit is not None:
        return NONE
    ref = figure.org_unit
    others = catalog.units.named(ref)
    if not others:
        then = (id for id in near(ref) if (like := catalog.units.get(id)) is not None and like.valid_on(day))
        near_vi, near_en = nearest.asked(then)
        write_vi, write_en = ("ghi", "write") if near_vi == ":" else ("Ghi", "Write")
        return (
            problem(
                RejectionCode.UNKNOWN_ORG_UNIT,
                "org_unit",
                f"Không có đơn vị “{ref}” trong danh mục{near_vi} {write_vi} mã đơn vị "
                "(xem GET /api/v1/catalog/org_unit) hoặc mã quốc gia.",
                f"The catalog has no unit “{ref}”{near_en} {write_en} a unit's id "
                "(see GET /api/v1/catalog/org_unit) or national code.",
                ref,
            ),
        )
    spans_vi = listed(f"{other.id} ({_span(other, 'từ', 'đến trước')})" for other in others)
    spans_en = listed(f"{other.id} ({_span(other, 'from', 'until before')})" for other in others)
    heirs = listed(dict.fromkeys(heir for other in others for heir in _heirs(other, day, catalog)))
    heirs_vi, heirs_en = (f" Tiếp nối là: {heirs}.", f" It was followed by: {heirs}.") if heirs else ("", "")
    return (
        problem(
            RejectionCode.ORG_UNIT_NOT_VALID_THEN,
            "org_unit",
            f"Đơn vị “{ref}” không tồn tại vào ngày {day_vi(day)}: {spans_vi}.{heirs_vi} "
            "Ghi đơn vị của ngày đó, hoặc sửa as_of.",
            f"The unit “{ref}” does not exist on {day}: {spans_en}.{heirs_en} "
            "Write the unit of that day, or mend as_of.",
            ref,
        ),
    )


def _heirs(unit: OrgUnit, day: date, catalog: Catalog) -> list[str]:
    """Who followed the unit, if it had ended by that day."""
    if unit.valid_to is None or day < unit.valid_to:
        return []
    return [one.to_unit for one in catalog.successions if one.from_unit == unit.id]


def _span(unit: OrgUnit, since: str, until: str) -> str:
    parts = [f"{since} {unit.valid_from}"] if unit.valid_from else []
    parts += [f"{until} {unit.valid_to}"] if unit.valid_to else []
    return " ".join(parts) or "—"


def not_from_the_future(case: Case) -> Problems:
    """Only a forecast speaks of days to come. Local dates are compared: a figure of today, sent today, is welcome."""
    figure, day = case.figure, case.day
    if figure.status == "forecast":
        return NONE
    if day > case.reported_on:
        return (
            problem(
                RejectionCode.FORECAST_AS_ACTUAL,
                "status",
                f"as_of {day_vi(day)} sau ngày gửi {day_vi(case.reported_on)}: nếu là dự báo, ghi status: forecast.",
                f"as_of {day} is after the day it was sent, {case.reported_on}: if it is a forecast, "
                "write status: forecast.",
                day,
            ),
        )
    if day > case.today:
        return (
            problem(
                RejectionCode.FUTURE_AS_OF,
                "as_of",
                f"as_of {day_vi(day)} ở tương lai (hôm nay {day_vi(case.today)}): ghi ngày cuối mà số liệu bao gồm.",
                f"as_of {day} is in the future (today is {case.today}): write the last day that the figure includes.",
                day,
            ),
        )
    return NONE


def in_its_period(case: Case) -> Problems:
    """The period, given or not, is the KPI's accounting period that contains `as_of`."""
    kpi, given = case.kpi, case.figure.period
    try:
        expected = case.calendar.period(kpi.period, case.day)
    except (ValueError, OverflowError):
        return (
            problem(
                RejectionCode.BAD_PERIOD,
                "as_of",
                f"Lịch của chỉ tiêu không có kỳ nào chứa ngày {case.day}.",
                f"The KPI's calendar has no period that contains {case.day}.",
                case.day,
            ),
        )
    case.period = expected
    if given is None or given == expected.id:
        return NONE
    try:
        kind = parse_name(given).kind
        case.calendar.parse(given)
    except (ValueError, OverflowError):
        return (_bad_period(given, expected.id, "không có kỳ này", "there is no such period"),)
    if kind != kpi.period:
        return (
            _bad_period(given, expected.id, "không phải kỳ báo cáo của chỉ tiêu", "it is not the KPI's kind of period"),
        )
    return (
        problem(
            RejectionCode.AS_OF_OUTSIDE_PERIOD,
            "as_of",
            f"Ngày {day_vi(case.day)} không thuộc kỳ {given} mà thuộc kỳ {expected.id} "
            f"({day_vi(expected.first)}–{day_vi(expected.last)}): sửa as_of hoặc period.",
            f"{case.day} is not in the period {given} but in {expected.id} ({expected.first} to {expected.last}): "
            "mend as_of or period.",
            case.day,
        ),
    )


def _bad_period(given: str, expected: str, why_vi: str, why_en: str) -> Problem:
    return problem(
        RejectionCode.BAD_PERIOD,
        "period",
        f"period “{given}”: {why_vi}. Ghi {expected}, hoặc bỏ trường này.",
        f"period “{given}”: {why_en}. Write {expected}, or leave the field out.",
        given,
    )


def at_its_level(case: Case) -> Problems:
    """The KPI is reported at the unit's level."""
    unit, kpi = case.unit, case.kpi
    if unit is None or unit.level in kpi.levels:
        return NONE
    levels = listed(kpi.levels)
    return (
        problem(
            RejectionCode.WRONG_LEVEL,
            "org_unit",
            f"{unit.name} thuộc cấp {unit.level}; chỉ tiêu “{kpi.id}” chỉ nhận số liệu của cấp: {levels}.",
            f"{unit.name} is of the level {unit.level}; “{kpi.id}” is reported at: {levels}.",
            unit.id,
        ),
    )


def known_source(source: str, publisher: Publisher | None) -> Problems:
    """Some publisher of the catalog speaks under this source. Contracts have no code of its own for that."""
    if publisher is not None:
        return NONE
    return (
        problem(
            RejectionCode.NOT_YOUR_FIGURE,
            "source",
            f"Nguồn “{source}” chưa được đăng ký trong publishers.yaml của tỉnh: đăng ký nguồn, hoặc sửa ce_source.",
            f"The source “{source}” is not registered in the province's publishers.yaml: "
            "register it, or mend ce_source.",
            source,
        ),
    )


def theirs_to_report(case: Case) -> Problems:
    """The publisher may report this KPI for this unit."""
    publisher, unit, kpi = case.publisher, case.unit, case.kpi
    if publisher is None or unit is None:
        return NONE
    if case.rights.may_report(publisher, kpi.id, unit.id, case.day):
        return NONE
    return (
        problem(
            RejectionCode.NOT_YOUR_FIGURE,
            "source",
            f"“{publisher.id}” không được báo cáo “{kpi.id}” của “{unit.id}” ngày {day_vi(case.day)}; được phép: "
            f"chỉ tiêu {listed(publisher.kpis)}; đơn vị {listed(publisher.units)}.",
            f"“{publisher.id}” may not report “{kpi.id}” of “{unit.id}” on {case.day}; it may report: "
            f"KPIs {listed(publisher.kpis)}; units {listed(publisher.units)}.",
            case.source,
        ),
    )


def in_its_unit_of_measure(case: Case) -> Problems:
    """The unit of measure, if given, is the KPI's. Percent where points are meant is let in, and flagged."""
    given, declared = case.figure.unit_of_measure, case.kpi.unit_of_measure
    if given is None or given == declared or (given in PERCENT and declared in POINTS):
        return NONE
    return (
        problem(
            RejectionCode.UNIT_OF_MEASURE,
            "unit_of_measure",
            f"Đơn vị tính “{given}” khác đơn vị của chỉ tiêu: ghi “{declared}” và đổi số cho khớp, hoặc bỏ trường này.",
            f"The unit of measure “{given}” is not the KPI's: write “{declared}” and convert the figure, "
            "or leave the field out.",
            given,
        ),
    )


def in_an_open_mode(case: Case) -> Problems:
    """Increments only where the KPI takes them, and then without revision or retraction: a negative one corrects."""
    figure, kpi = case.figure, case.kpi
    found: Problems = NONE
    if figure.mode not in kpi.modes:
        modes = listed(kpi.modes)
        found += (
            problem(
                RejectionCode.SCHEMA,
                "mode",
                f"Chỉ tiêu “{kpi.id}” chỉ nhận mode: {modes}.",
                f"“{kpi.id}” takes mode: {modes} only.",
                figure.mode,
            ),
        )
    if figure.mode == "increment" and (figure.retracts or figure.revision != 1):
        name = "retracts" if figure.retracts else "revision"
        found += (
            problem(
                RejectionCode.SCHEMA,
                name,
                f"Số gia (increment) không dùng {name}: muốn sửa, gửi thêm một số gia âm.",
                f"An increment has no {name}: to correct one, send another one that is negative.",
                figure.revision,
            ),
        )
    return found


EVERY_FIGURE: tuple[Rule, ...] = (
    not_from_the_future,
    in_its_period,
    at_its_level,
    theirs_to_report,
    in_its_unit_of_measure,
    in_an_open_mode,
)
