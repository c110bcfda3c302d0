"""KPIs and calendars: whether they can be computed with."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from itertools import combinations
from zoneinfo import ZoneInfo

from contracts.catalog import CalendarSpec, Dated, Kpi, KpiKind, OrgUnit, PeriodKind, Province, Publisher, Roster
from services.runtime.catalog.checks.context import PERIODS, Context, ends_before_it_begins, listed, overlap
from services.runtime.catalog.problems import Located, Path, Problem, Words, did_you_mean

ABSOLUTE_ONLY: frozenset[KpiKind] = frozenset(
    {"stock", "level", "rank", "rate", "coverage", "milestone", "growth", "composite"}
)
_LENGTH: dict[PeriodKind, int] = {"day": 1, "week": 7, "month": 30, "quarter": 91, "half": 182, "year": 365}


def check_province(context: Context) -> Iterator[Problem]:
    """The province's time zone and its defaults."""
    for province, located in context.of(Province):
        yield from _check_zone(province.time_zone, located)
        for name in ("on_track_pace", "at_risk_pace"):
            yield from check_share_of_one(getattr(province.defaults, name), located, "defaults", name)
        yield from context.unknown(
            located, "calendar", province.defaults.calendar, context.calendars, "defaults", "calendar"
        )


def check_calendars(context: Context) -> Iterator[Problem]:
    """Time zones, holidays and hours of every calendar."""
    for spec, located in context.of(CalendarSpec):
        yield from _check_zone(spec.time_zone, located)
        for holiday in spec.holidays:
            if holiday.last < holiday.first:
                yield located.problem(
                    Words(
                        f"ngày nghỉ “{holiday.name_vi}” kết thúc ngày {holiday.last:%d/%m/%Y}, trước khi bắt đầu ngày "
                        f"{holiday.first:%d/%m/%Y}; hãy viết ngày muộn hơn ở “last”",
                        f"the holiday “{holiday.name_vi}” ends on {holiday.last}, before it begins on {holiday.first}; "
                        "write the later day as “last”",
                    )
                )
        for number, hours in enumerate(spec.working_hours):
            if hours.end <= hours.start:
                yield located.problem(
                    Words(
                        "giờ làm việc kết thúc trước khi bắt đầu; hãy viết “end” muộn hơn",
                        "working hours end before they begin; write a later “end”",
                    ),
                    "working_hours",
                    number,
                )


def check_kpis(context: Context) -> Iterator[Problem]:
    """References, and what each kind asks for."""
    for kpi, located in context.of(Kpi):
        yield from context.unknown(located, "calendar", kpi.calendar, context.calendars, "calendar")
        for number, level in enumerate(kpi.levels):
            yield from context.unknown(located, "level", level, context.levels, "levels", number)
        yield from _check_periods(kpi, located, context)
        yield from _check_numbers(kpi, located)
        yield from _check_modes(kpi, located)
        yield from _check_rosters(kpi, located, context)
        named = any(kpi.id in publisher.kpis for publisher, _ in context.of(Publisher))
        if kpi.sources and named:
            yield located.warning(
                Words(
                    f"“{kpi.id}” được tính từ chỉ tiêu khác, không ai phải báo số liệu; hãy bỏ khỏi publishers.yaml",
                    f"“{kpi.id}” is derived and nobody reports it; take it out of publishers.yaml",
                )
            )
        if not kpi.sources and not named and not any("*" in publisher.kpis for publisher, _ in context.of(Publisher)):
            yield located.warning(
                Words(
                    f"chưa nơi nào được báo số liệu “{kpi.id}”; hãy thêm vào “kpis” của một nơi gửi trong "
                    "publishers.yaml",
                    f"no publisher may report “{kpi.id}”; add it to one in publishers.yaml",
                )
            )


def _check_zone(name: str, located: Located) -> Iterator[Problem]:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        yield located.problem(
            Words(
                f"không có múi giờ “{name}”; hãy viết “Asia/Ho_Chi_Minh”",
                f"there is no time zone “{name}”; write “Asia/Ho_Chi_Minh”",
            ),
            "time_zone",
        )


def _check_periods(kpi: Kpi, located: Located, context: Context) -> Iterator[Problem]:
    calendar = context.calendars.get(kpi.calendar)
    if kpi.period == "week" and calendar is not None and calendar.spec.month_starts_on != 1:
        yield located.problem(
            Words(
                f"tuần không khớp với tháng của lịch “{kpi.calendar}”; hãy chọn lịch có tháng bắt đầu từ ngày 1, hoặc "
                "“period: month”",
                f"weeks do not fit into the months of the calendar “{kpi.calendar}”; choose a civil calendar or a "
                "month",
            ),
            "period",
        )
    if _LENGTH[kpi.cadence] > _LENGTH[kpi.period]:
        yield located.problem(
            Words(
                f"số liệu báo mỗi {PERIODS[kpi.cadence]} không đủ cho kỳ tính là {PERIODS[kpi.period]}; hãy viết "
                f"“period: {kpi.cadence}” hoặc cadence ngắn hơn",
                f"figures due every {kpi.cadence} cannot fill an accounting period of a {kpi.period}; "
                f"write “period: {kpi.cadence}” or a shorter cadence",
            ),
            "cadence",
        )
    if kpi.stale_after is not None and kpi.stale_after.total_seconds() <= 0:
        yield located.problem(
            Words(
                "stale_after phải dài hơn 0; hãy viết P30D cho ba mươi ngày",
                "stale_after must be longer than nothing; write P30D for thirty days",
            ),
            "stale_after",
        )


def _check_numbers(kpi: Kpi, located: Located) -> Iterator[Problem]:
    limits = kpi.natural_limits
    if limits.low is not None and limits.high is not None and limits.high <= limits.low:
        yield located.problem(
            Words(
                f"giới hạn từ {limits.low} đến {limits.high} không chứa giá trị nào; hãy viết số nhỏ hơn ở “low”",
                f"the limits {limits.low} to {limits.high} hold nothing; write the lower one as “low”",
            ),
            "natural_limits",
        )
    if kpi.at_risk_pace > kpi.on_track_pace:
        yield located.problem(
            Words(
                f"at_risk_pace {kpi.at_risk_pace} lớn hơn on_track_pace {kpi.on_track_pace}; hãy viết số nhỏ hơn",
                f"at_risk_pace {kpi.at_risk_pace} is above on_track_pace {kpi.on_track_pace}; write a lower one",
            ),
            "at_risk_pace",
        )
    for name in ("on_track_pace", "at_risk_pace"):
        yield from check_share_of_one(getattr(kpi, name), located, name)
    if kpi.kind in ("ratio", "coverage") and kpi.unit_of_measure != "percent":
        yield located.problem(
            Words(
                f"chỉ tiêu loại “{kpi.kind}” tính bằng phần trăm; hãy viết “unit_of_measure: percent”",
                f"a {kpi.kind} is in percent; write “unit_of_measure: percent”",
            ),
            "unit_of_measure",
        )
    if kpi.kind == "rate" and kpi.rate_base is None:
        yield located.problem(
            Words(
                "chỉ tiêu loại “rate” cần mẫu quy đổi; hãy viết “rate_base: 100” cho “trên 100 dân”",
                "a rate needs its base; write “rate_base: 100” for “per 100 inhabitants”",
            )
        )


def _check_modes(kpi: Kpi, located: Located) -> Iterator[Problem]:
    if "increment" in kpi.modes and kpi.kind in ABSOLUTE_ONLY:
        yield located.problem(
            Words(
                f"chỉ tiêu loại “{kpi.kind}” không thể báo bằng số phát sinh; hãy viết “modes: [absolute]”",
                f"a {kpi.kind} cannot be reported by increments; write “modes: [absolute]”",
            ),
            "modes",
        )
    if kpi.within_period == "mean" and kpi.kind != "level":
        yield located.problem(
            Words(
                "chỉ chỉ tiêu loại “level” lấy bình quân trong kỳ; hãy viết “within_period: last”",
                "only a level takes the mean within its period; write “within_period: last”",
            ),
            "within_period",
        )


def _check_rosters(kpi: Kpi, located: Located, context: Context) -> Iterator[Problem]:
    if kpi.rosters and kpi.kind != "coverage":
        yield located.problem(
            Words(
                f"chỉ loại “coverage” có danh sách (rosters), chỉ tiêu này là loại “{kpi.kind}”; hãy viết "
                "“kind: coverage”",
                f"only a coverage has rosters, this is a {kpi.kind}; write “kind: coverage”",
            ),
            "rosters",
        )
    for number, roster in enumerate(kpi.rosters):
        at = ("rosters", number)
        yield from context.unknown(located, "unit", roster.unit, context.units, *at, "unit")
        yield from ends_before_it_begins(located, roster, *at)
        given = (bool(roster.members), roster.size is not None, roster.level is not None)
        if sum(given) != 1:
            yield located.problem(
                Words(
                    "danh sách có hoặc members, hoặc size, hoặc level; hãy viết đúng một trong ba",
                    "a roster has either members, or a size, or a level; write one of them",
                ),
                *at,
            )
        if roster.level is not None:
            yield from context.unknown(located, "level", roster.level, context.levels, *at, "level")
        if roster.size == 0:
            yield located.problem(
                Words(
                    "danh sách không có ai thì không tính được độ phủ; hãy viết size ít nhất là 1",
                    "a roster of nobody has no coverage; write a size of at least 1",
                ),
                *at,
                "size",
            )
        if len(set(roster.members)) != len(roster.members):
            yield located.problem(
                Words(
                    "một thành viên có tên hai lần trong danh sách; hãy viết mỗi thành viên một lần",
                    "a member stands twice in the roster; write each once",
                ),
                *at,
                "members",
            )
        yield from _check_members(roster, located, at, context)
    for one, other in combinations(kpi.rosters, 2):
        if one.unit == other.unit and overlap(one, other):
            yield located.problem(
                Words(
                    f"“{one.unit}” có hai danh sách cùng lúc; hãy cho mỗi danh sách valid_from và valid_to riêng",
                    f"“{one.unit}” has two rosters at once; give each its valid_from and valid_to",
                ),
                "rosters",
            )


def _check_members(roster: Roster, located: Located, at: Path, context: Context) -> Iterator[Problem]:
    """Members may be called anything; where they are no units, or units of another time, that is odd."""
    strangers = []
    for number, member in enumerate(roster.members):
        units = context.tree.named(member)
        if not units:
            strangers.append(member)
        elif not any(_covers(unit, roster) for unit in units):
            yield located.warning(_of_another_time(units[0], roster), *at, "members", number)
    if strangers:
        some = listed(strangers)
        advice = did_you_mean(strangers[0], context.units, _BY_NAME)
        yield located.warning(
            Words(
                f"thành viên {some.vi} không phải đơn vị trong danh mục, chỉ được đếm theo đúng tên này",
                f"the members {some.en} are no units of the catalog, and count under just these names",
            ).then(advice),
            *at,
            "members",
        )


_BY_NAME = Words(
    "; hãy viết mã đơn vị như trong org-units.csv, nếu đây là đơn vị",
    "; if they are units, write their ids as in org-units.csv",
)


def _covers(unit: Dated, roster: Roster) -> bool:
    """Whether the unit exists on every day of the roster."""
    return (unit.valid_from or date.min) <= (roster.valid_from or date.min) and (roster.valid_to or date.max) <= (
        unit.valid_to or date.max
    )


def _of_another_time(unit: OrgUnit, roster: Roster) -> Words:
    if (unit.valid_from or date.min) > (roster.valid_from or date.min):
        return Words(
            f"thành viên “{unit.id}” chỉ có từ ngày {unit.valid_from:%d/%m/%Y}, trước đó vẫn bị tính là chưa xong; hãy "
            "viết danh sách riêng có valid_from từ ngày ấy",
            f"the member “{unit.id}” exists from {unit.valid_from} on only, and counts as not done before; write a "
            "roster of its own with a valid_from of that day",
        )
    return Words(
        f"thành viên “{unit.id}” không còn từ ngày {unit.valid_to:%d/%m/%Y}, sau đó vẫn bị tính là chưa xong; hãy cho "
        "danh sách valid_to ngày ấy và viết danh sách sau không có đơn vị này",
        f"the member “{unit.id}” is no more from {unit.valid_to} on, and counts as not done after; end the roster with "
        "a valid_to of that day, and write another one without it",
    )


_MOST_PACE = Decimal(2)


def check_share_of_one(number: Decimal | None, located: Located, *path: str | int) -> Iterator[Problem]:
    """A warning for a pace that seems to be written in percent."""
    if number is not None and number > _MOST_PACE:
        meant = format((number / 100).normalize(), "f")
        yield located.warning(
            Words(
                f"{number} nghĩa là {number * 100} %; hãy viết {meant}, nếu muốn nói {number} %",
                f"{number} means {number * 100} %; write {meant} for {number} %",
            ),
            *path,
        )
