"""What a template asks of its reader: the units of a day, the columns of the KPI's kind, and the last known figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from contracts.catalog import Kpi, KpiKind, OrgUnit
from contracts.measures import measured_in
from contracts.reading import rounded
from contracts.statistics import Mode
from services.gateway.documents import Document
from services.runtime.catalog.catalog import Catalog
from services.runtime.catalog.periods import Period
from services.runtime.sheets.template import Between, Input, Last, Number, OneOf, Row, Template

DERIVED: frozenset[KpiKind] = frozenset({"growth", "composite"})
"""Made from other KPIs, reported by nobody."""

_SHOWN_DECIMALS = 2
"""Of a quotient whose KPI declares fewer."""

_MODES: Mapping[Mode, str] = {"absolute": "tại thời điểm", "increment": "cộng thêm"}
_STATUSES = ("thực hiện", "sơ bộ", "dự báo")
_PARTED: frozenset[KpiKind] = frozenset({"ratio", "coverage", "rate"})
_SHARES: frozenset[KpiKind] = frozenset({"ratio", "coverage"})
_MOST_REVISIONS = Decimal(1_000_000)
_EARLIEST = date(1950, 1, 1)
_MOST_MEMBERS = 500
"""Members that the guide lists."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One KPI's figures of one day: the accounting period that it lies in, and the units that are to report."""

    catalog: Catalog
    kpi: Kpi
    as_of: date
    period: Period
    units: Sequence[OrgUnit]


def day_that_is_due(catalog: Catalog, kpi: Kpi, today: date) -> date:
    """The last day of the latest cadence period that is over: what is reported now."""
    calendar = catalog.calendar_of(kpi.id)
    running = calendar.period(kpi.cadence, today)
    return running.last if running.last == today else date.fromordinal(running.first.toordinal() - 1)


def reporting_units(catalog: Catalog, kpi: Kpi, day: date, under: str | None = None) -> list[OrgUnit]:
    """Who may report the KPI on that day, below a unit or everywhere. Those by whom figures are due come first."""
    units = catalog.units
    ids = [
        one
        for level in kpi.levels
        for one in (units.of_level(level, day) if under is None else units.descendants(under, day, level))
    ]
    return [unit for one in ids if (unit := units.get(one)) is not None]


def template(wanted: Wanted, records: Sequence[Document]) -> Template:
    """The template, with what these progress records of the KPI say of its units; a later period's last.

    A figure of a later day than the template's is passed over: beside what was then, it would read as a mistake.
    """
    kpi = wanted.kpi
    by_whom_due = {unit.id for unit in wanted.units if unit.level == kpi.levels[0]}
    known: dict[str, Last] = {}
    for unit, record in ((one["org_unit"], one["record"]) for one in records):
        rolled_up = record.get("completeness") is not None and unit not in by_whom_due
        last = None if rolled_up else last_figure(kpi, record)
        if last is not None and (last.as_of is None or last.as_of <= wanted.as_of):
            known[unit] = last
    return Template(
        province=wanted.catalog.province.id,
        kpi=kpi.id,
        as_of=wanted.as_of,
        title=_title(wanted),
        guide=_guide(wanted),
        inputs=_inputs(wanted),
        last=("numerator", "denominator", "value") if kpi.kind in _PARTED else ("value",),
        rows=[Row(unit.id, unit.name, known.get(unit.id)) for unit in wanted.units],
    )


def last_figure(kpi: Kpi, record: Document) -> Last | None:
    """The figure of a progress record; None where it has none."""
    numbers = {name: record[name] for name in ("numerator", "denominator") if record.get(name) is not None}
    if record.get("value") is not None:
        decimals = max(kpi.decimals, _SHOWN_DECIMALS)
        numbers["value"] = float(rounded(record["value"], decimals)) if kpi.kind in _PARTED else record["value"]
    if not numbers:
        return None
    as_of = record.get("as_of")
    return Last(numbers, None if as_of is None else date.fromisoformat(str(as_of)[:10]))


def _title(wanted: Wanted) -> list[tuple[str, str]]:
    kpi, period = wanted.kpi, wanted.period
    calendar = wanted.catalog.calendar_of(kpi.id)
    due = calendar.period(kpi.cadence, wanted.as_of)
    by = calendar.add_working_days(due.last, kpi.report_within_working_days)
    vi, en = measured_in(kpi.unit_of_measure, "vi"), measured_in(kpi.unit_of_measure, "en")
    return [
        (kpi.name_vi, kpi.name_en or kpi.name_vi),
        (
            f"{f'Tính bằng {vi}. ' if vi else ''}Số liệu kỳ {period.id} ({_day(period.first)} – {_day(period.last)}), "
            f"tính đến hết ngày {_day(wanted.as_of)}. Hạn báo cáo số liệu {due.id}: {_day(by)}.",
            f"{f'Measured in {en}. ' if en else ''}Figures of period {period.id} "
            f"({_day(period.first)} – {_day(period.last)}) up to {_day(wanted.as_of)}. Those of {due.id} are due by "
            f"{_day(by)}.",
        ),
        (
            "Ghi số vào các ô màu vàng. Dòng để trống không gửi gì; số gần nhất chỉ để đối chiếu, không được gửi lại.",
            "Write into the yellow cells. A row left empty reports nothing; the last figures are there to compare "
            "with, and are not sent again.",
        ),
    ]


def _guide(wanted: Wanted) -> list[tuple[str, str]]:
    kpi = wanted.kpi
    said = [
        (
            "Điền xong, nộp tệp ở trang /imports hoặc bằng POST /api/v1/imports: kiểm tra trước, gửi sau.",
            "When it is filled in, hand the file in on the page /imports or by POST /api/v1/imports: first check it, "
            "then send it.",
        ),
        (
            "Muốn sửa số đã gửi của cùng một ngày: ghi số đúng vào dòng đó và ghi lần sửa lớn hơn lần đã gửi (số gửi "
            "lần đầu là lần 1).",
            "To correct a figure that was sent for the same day: write the right one into its row, and a revision "
            "above that of the figure sent (the first is 1).",
        ),
        (
            "Đơn vị cấp trên chỉ ghi số của mình khi có số riêng; số của cấp trên vốn được cộng từ cấp dưới.",
            "A unit above reports only where it has a figure of its own; otherwise that is made of the units below.",
        ),
        (
            "Trang tính được khóa (không mật khẩu) để mã đơn vị và mã chỉ tiêu không bị sửa nhầm.",
            "The sheet is protected, without a password, so that no code is changed by accident.",
        ),
    ]
    if kpi.definition_vi:
        said.append((f"Cách hiểu chỉ tiêu này: {kpi.definition_vi}", f"What it means: {kpi.definition_en or '–'}"))
    if kpi.legal_basis:
        said.append((f"Căn cứ pháp lý: {kpi.legal_basis}", f"Legal basis: {kpi.legal_basis}"))
    members = _members(wanted)
    if members:
        vi, en = "Các thành viên của danh sách, ghi bằng mã:", "The members of the roster, written by their ids:"
        said.append((vi, en))
        said += members[:_MOST_MEMBERS]
    return said


def _members(wanted: Wanted) -> list[tuple[str, str]]:
    """Who may be named as done, by id, with a unit's name."""
    units, day = wanted.catalog.units, wanted.as_of
    listed = {unit.id for unit in wanted.units}
    found: dict[str, str] = {}
    for roster in wanted.kpi.rosters:
        if roster.unit not in listed or not roster.valid_on(day):
            continue
        for member in roster.members:
            found[member] = ""
        for one in units.descendants(roster.unit, day, roster.level) if roster.level is not None else ():
            unit = units.get(one)
            found[one] = unit.name if unit is not None else ""
    return [(member, name) for member, name in found.items()]


def _inputs(wanted: Wanted) -> list[Input]:
    kpi, period = wanted.kpi, wanted.period
    day = Between(period.first, period.last)
    vi, en = f"ngày trong kỳ {period.id}", f"a day in {period.id}"
    inputs = [
        Input(
            "as_of",
            day,
            f"{vi}, là ngày cuối mà số liệu tính đến",
            f"{en}: the last that is included",
            wanted.as_of,
        )
    ]
    if kpi.modes != ("absolute",):
        inputs.append(_mode(kpi))
    inputs += _figures(wanted)
    return [
        *inputs,
        Input(
            "status",
            OneOf(_STATUSES),
            "một mục trong danh sách; để trống là thực hiện",
            "one of the list: actual, preliminary, forecast; empty is actual",
        ),
        Input(
            "revision",
            Number(Decimal(1), _MOST_REVISIONS, 0),
            "số nguyên; để trống là 1, sửa số đã gửi của cùng ngày thì ghi lớn hơn lần trước",
            "a whole number; empty is 1, to correct a figure of the same day one above the last",
        ),
        Input("note", None, "điều cần nói thêm, nếu có", "what is to be said beside, if anything"),
    ]


def _mode(kpi: Kpi) -> Input:
    return Input(
        "mode",
        OneOf(tuple(_MODES[mode] for mode in kpi.modes)),
        "một mục trong danh sách: số tại thời điểm, hay số cộng thêm",
        "one of the list: the figure as of that day, or something to add",
        _MODES[kpi.modes[0]],
    )


def _figures(wanted: Wanted) -> list[Input]:
    """The cells of the figure itself, by the KPI's kind."""
    kpi = wanted.kpi
    match kpi.kind:
        case "ratio" | "rate":
            return [*_parts(kpi), _alone(kpi)]
        case "coverage":
            return _coverage(wanted)
        case "level":
            weight = Input(
                "weight", Number(Decimal(0)), "số từ 0 trở lên, nếu có", "a number from 0 on, if there is one"
            )
            return [_value(kpi), weight]
        case "rank":
            high = kpi.natural_limits.high
            whole, of = Number(Decimal(1), high, 0), Number(Decimal(1), None, 0)
            vi, en = _within(whole)
            return [Input("rank", whole, vi, en), Input("of", of, *_within(of))]
        case "milestone":
            return [
                Input("done", OneOf(("có", "không")), "có hoặc không", "có (yes) or không (no)"),
                Input(
                    "done_on",
                    Between(_EARLIEST, wanted.period.last),
                    "ngày hoàn thành, nếu đã xong",
                    "the day on which it was done, if it is",
                ),
            ]
        case _:
            return [_value(kpi)]


def _coverage(wanted: Wanted) -> list[Input]:
    """A count of members; who they are, where a roster names them; and of how many, where no roster says so."""
    numerator, denominator = _parts(wanted.kpi)
    rosters = {one.unit for one in wanted.kpi.rosters if one.valid_on(wanted.as_of)}
    inputs = [numerator]
    if any(unit.id not in rosters for unit in wanted.units):
        inputs.append(denominator)
    if _members(wanted):
        inputs.append(
            Input(
                "members",
                None,
                "mã các thành viên đã hoàn thành, cách nhau bằng dấu ; (ghi thay cho tử số)",
                "ids of the members that are done, with ; between them (instead of the numerator)",
            )
        )
    return inputs


def _parts(kpi: Kpi) -> tuple[Input, Input]:
    allowed = Number(None if "increment" in kpi.modes else Decimal(0), None, kpi.decimals)
    vi, en = _within(allowed)
    return Input("numerator", allowed, vi, en), Input("denominator", allowed, vi, en)


def _alone(kpi: Kpi) -> Input:
    """The value of a quotient, for those who have no parts. It may have as many decimals as they like."""
    allowed = _limits(kpi)._replace(decimals=None)
    vi, en = _within(allowed)
    return Input(
        "value",
        allowed,
        f"{vi}; chỉ ghi khi không có tử số và mẫu số",
        f"{en}; only where there are no numerator and denominator",
    )


def _value(kpi: Kpi) -> Input:
    allowed = _limits(kpi)
    return Input("value", allowed, *_within(allowed))


def _limits(kpi: Kpi) -> Number:
    """What a value may be. Increments may be anything: a negative one corrects."""
    low, high = kpi.natural_limits.low, kpi.natural_limits.high
    if "increment" in kpi.modes:
        return Number(None, None, kpi.decimals)
    if high is None and kpi.kind in _SHARES:
        high = Decimal(100)
    return Number(Decimal(0) if low is None else low, high, kpi.decimals)


def _within(number: Number) -> tuple[str, str]:
    """A number in words: “số từ 0 đến 100, tối đa 2 chữ số thập phân”."""
    vi, en = ("số nguyên", "a whole number") if number.decimals == 0 else ("số", "a number")
    match number.low, number.high:
        case Decimal() as low, Decimal() as high:
            vi, en = f"{vi} từ {_plain(low)} đến {_plain(high)}", f"{en} from {low:f} to {high:f}"
        case Decimal() as low, None:
            vi, en = f"{vi} từ {_plain(low)} trở lên", f"{en} from {low:f} on"
        case None, Decimal() as high:
            vi, en = f"{vi} không quá {_plain(high)}", f"{en} up to {high:f}"
    if number.decimals:
        vi, en = f"{vi}, tối đa {number.decimals} chữ số thập phân", f"{en}, at most {number.decimals} decimals"
    return vi, en


def _plain(number: Decimal) -> str:
    return f"{number:f}".replace(".", ",")


def _day(day: date) -> str:
    return f"{day:%d/%m/%Y}"
