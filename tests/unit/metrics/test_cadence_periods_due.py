"""Which cadence period is due on which day, and who reported for it in time."""

from datetime import date, datetime
from typing import Any

import pytest

from contracts.catalog import Kpi
from services.metrics.definition import Definition
from services.metrics.figures import ACTUAL, Figure
from services.metrics.series import Series
from services.metrics.timeliness import Timeliness
from tests.unit.metrics.builders import a_catalog, a_kpi, day, local, unit

MONTHLY = a_kpi(kind="stock", cadence="month")
"""By administrative months, five working days after their 14th: September's by Thursday the 21st."""

A1 = frozenset({"p.a.1"})
BOTH = frozenset({"p.a.1", "p.a.2"})


def microseconds(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000_000


def reported(**figures: str) -> Series:
    """Figures by day (m09d14), each with the local time of its report."""
    series = Series()
    for name, moment in figures.items():
        on, at = moment.split("T")
        figure = Figure(1, ACTUAL, microseconds(local(on, at)), b"", "s", v=1)
        series.take(date(2023, int(name[1:3]), int(name[4:6])).toordinal(), figure)
    return series


class Answers:
    """Of one KPI, asked by dates."""

    def __init__(self, kpi: Kpi = MONTHLY, figures: dict[str, Series] | None = None, period: str = "2023", **tree: Any):
        definition = Definition(a_catalog(kpi, **tree), "k")
        self.timeliness = Timeliness(definition, figures or {})
        self.window = definition.window(period)

    def of(self, today: str, until: str = "2023-12-14", leaves: frozenset[str] = BOTH) -> dict[str, Any] | None:
        return self.timeliness.of(leaves, self.window, day(until).toordinal(), day(today).toordinal())

    def turn(self, today: str) -> str | None:
        found = self.timeliness.turn(self.window, day(today).toordinal())
        return None if found is None else str(date.fromordinal(found))


@pytest.mark.parametrize(
    ("today", "turn"),
    [
        ("2022-12-15", "2023-01-21"),
        ("2023-01-20", "2023-01-21"),
        ("2023-01-21", "2023-02-22"),
        ("2023-09-21", "2023-09-22"),
        ("2023-09-22", "2023-10-21"),
        ("2023-12-21", "2023-12-22"),
        ("2023-12-22", None),
    ],
)
def test_another_period_is_due_on_the_day_after_its_deadline(today: str, turn: str | None) -> None:
    answers = Answers()
    assert answers.turn(today) == turn
    assert answers.turn(today) == turn


def test_the_last_period_whose_deadline_has_passed_is_told() -> None:
    units = {"p.a.1": reported(m08d14="2023-08-15T12:00:00"), "p.a.2": reported(m09d14="2023-09-21T23:59:59")}
    answers = Answers(figures=units)
    august = {"due": 2, "on_time": 1, "late": ["p.a.2"]}
    september = {"due": 2, "on_time": 1, "late": ["p.a.1"]}
    assert [answers.of(on) for on in ("2023-08-22", "2023-09-21", "2023-09-22", "2023-10-20")] == [
        august, august, september, september,
    ]  # fmt: skip
    assert answers.of("2023-09-22", until="2023-09-13") == august
    assert answers.of("2023-09-22", until="2023-09-14") == september
    assert answers.of("2023-09-22", leaves=A1) == {"due": 1, "on_time": 0, "late": ["p.a.1"]}
    assert answers.of("2023-01-20") is None
    assert answers.of("2023-01-21") == {"due": 2, "on_time": 0, "late": ["p.a.1", "p.a.2"]}


@pytest.mark.parametrize(("moment", "late"), [("2023-09-21T23:59:59", []), ("2023-09-22T00:00:00", ["p.a.1"])])
def test_in_time_is_until_midnight_of_the_province(moment: str, late: list[str]) -> None:
    found = Answers(figures={"p.a.1": reported(m08d15=moment)}).of("2023-09-22", leaves=A1)
    assert found is not None
    assert found["late"] == late


@pytest.mark.parametrize(("on", "late"), [("m08d14", True), ("m08d15", False), ("m09d14", False), ("m09d15", True)])
def test_a_figure_of_any_day_of_the_period_is_one_for_it(on: str, late: bool) -> None:
    found = Answers(figures={"p.a.1": reported(**{on: "2023-09-16T12:00:00"})}).of("2023-09-22", leaves=A1)
    assert found is not None
    assert found["late"] == (["p.a.1"] if late else [])


def test_who_reports_meanwhile_is_late_no_more_and_who_withdraws_is() -> None:
    units = {"p.a.1": reported(m09d01="2023-09-02T12:00:00"), "p.a.2": reported(m08d01="2023-08-02T12:00:00")}
    answers = Answers(figures=units)
    assert answers.of("2023-09-22") == {"due": 2, "on_time": 1, "late": ["p.a.2"]}
    september, august = day("2023-09-10").toordinal(), day("2023-08-10").toordinal()
    units["p.a.2"].take(september, Figure(1, ACTUAL, microseconds(local("2023-09-11")), b"", "s", v=1))
    answers.timeliness.moved({"p.b.1": [september], "p.a.2": [august]})
    assert answers.of("2023-09-22") == {"due": 2, "on_time": 1, "late": ["p.a.2"]}  # not said of that day
    answers.timeliness.moved({"p.a.2": [august, september]})
    assert answers.of("2023-09-22") == {"due": 2, "on_time": 2, "late": []}
    units["p.a.1"].replace(day("2023-09-01").toordinal(), None)
    answers.timeliness.moved({"p.a.1": {day("2023-09-01").toordinal()}})
    assert answers.of("2023-09-22") == {"due": 2, "on_time": 1, "late": ["p.a.1"]}


def test_days_and_weeks_that_end_in_the_window_are_due_and_no_others() -> None:
    """The civil year 2023 ends on a Sunday, as its last week does; the year 2022 inside of one."""
    weekly = a_kpi(kind="stock", cadence="week", calendar="civil")
    assert Answers(weekly).turn("2023-12-31") == "2024-01-06"
    assert Answers(weekly, period="2022").turn("2022-12-31") is None
    daily = a_kpi(kind="stock", cadence="day", calendar="civil", report_within_working_days=1)
    answers = Answers(daily)
    assert [answers.turn(on) for on in ("2023-09-08", "2023-09-09", "2023-09-10", "2023-09-11", "2023-09-12")] == [
        "2023-09-09", "2023-09-12", "2023-09-12", "2023-09-12", "2023-09-13",
    ]  # fmt: skip


def test_a_unit_is_due_for_the_periods_at_whose_end_it_existed() -> None:
    tree = (
        unit("p", "province"),
        unit("p.a", "district", "p"),
        unit("p.a.1", "commune", "p.a", valid_to=day("2023-09-15")),
        unit("p.a.2", "commune", "p.a", valid_from=day("2023-08-14")),
        unit("p.a.3", "commune", "p.a", valid_from=day("2023-09-14")),
    )
    three = BOTH | {"p.a.3"}
    answers = Answers(MONTHLY, {}, "2023", units=tree)
    assert answers.of("2023-08-22", leaves=three) == {"due": 2, "on_time": 0, "late": ["p.a.1", "p.a.2"]}
    assert answers.of("2023-09-22", leaves=three) == {"due": 3, "on_time": 0, "late": ["p.a.1", "p.a.2", "p.a.3"]}
    assert answers.of("2023-10-21", leaves=three) == {"due": 2, "on_time": 0, "late": ["p.a.2", "p.a.3"]}
