"""What days do to a judgement: the next one on which time alone may change it, and what is said after the last."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from contracts.catalog import PlanPoint, StepPlan
from services.metrics.definition import Definition
from services.metrics.exact import Quotient
from services.metrics.judge import Judgement, judge
from tests.unit.metrics.builders import UNITS, a_catalog, a_kpi, a_target, an_observation, day, local
from tests.unit.metrics.engine import Engine

STOCK = a_kpi(kind="stock", calendar="civil", cadence="month", unit_of_measure="machine")
"""Of the civil year 2023: the deadline is 31 December, missed it is from 15 January, and stale after two months."""


@dataclass
class Figure:
    as_of: int | None
    value: Quotient | None
    reported: int
    why: str = "zero_denominator"

    def reported_on(self) -> int:
        return self.reported


def judged(value: int | None, as_of: str, today: str, reported: str | None = None, **target: Any) -> Judgement:
    """Of 100 machines from none; reported on its day if nothing else is said."""
    definition = Definition(a_catalog(STOCK, a_target("p.a.1", **{"value": 100, "baseline": 0, **target})), "k")
    window = definition.window("2023")
    by = definition.judging("p.a.1", window, day(today).toordinal())
    found = None if value is None else (value, 1)
    figure = Figure(day(as_of).toordinal(), found, day(reported or as_of).toordinal())
    return judge(figure, by, by, definition.norms, day(today).toordinal(), window.last)


def due(*said: Any, **target: Any) -> str | None:
    found = judged(*said, **target).due
    return None if found is None else str(date.fromordinal(found))


@pytest.mark.parametrize(
    ("value", "as_of", "today", "comes"),
    [
        (45, "2023-07-31", "2023-08-01", "2023-10-01"),  # stale
        (45, "2023-07-31", "2023-09-30", "2023-10-01"),
        (45, "2023-07-31", "2023-10-01", "2024-01-15"),  # missed
        (45, "2023-12-20", "2023-12-31", "2024-01-15"),
        (45, "2023-12-20", "2024-01-14", "2024-01-15"),
        (45, "2023-12-20", "2024-01-15", None),
        (45, "2023-10-30", "2023-12-01", "2023-12-31"),  # stale on the very last day
        (45, "2023-10-31", "2023-12-01", "2024-01-15"),
        (100, "2023-07-31", "2023-08-01", None),
        (None, "2023-07-31", "2023-08-01", "2024-01-15"),
    ],
)
def test_a_target_to_reach_is_judged_again_when_its_figure_is_stale_and_when_it_is_missed(
    value: int | None, as_of: str, today: str, comes: str | None
) -> None:
    assert due(value, as_of, today) == comes


@pytest.mark.parametrize(
    ("value", "as_of", "today", "comes"),
    [
        (100, "2023-07-31", "2023-08-01", "2023-10-01"),
        (100, "2023-12-20", "2023-12-30", "2024-01-01"),  # held
        (100, "2023-12-20", "2023-12-31", "2024-01-01"),
        (100, "2023-12-20", "2024-01-01", None),
        (99, "2023-12-20", "2023-12-31", "2024-01-01"),
        (99, "2023-12-20", "2024-01-01", "2024-01-15"),
        (99, "2023-12-20", "2024-01-15", None),
    ],
)
def test_a_line_to_hold_is_judged_again_when_its_deadline_has_passed(
    value: int, as_of: str, today: str, comes: str | None
) -> None:
    assert due(value, as_of, today, intent="keep") == comes


def test_a_step_is_judged_again_on_the_day_from_which_it_is_a_risk() -> None:
    """40 by 31 August is a risk from 1 August on; a figure of 30 June is stale on 31 August."""
    steps = StepPlan(curve="step", points=(PlanPoint(on=day("2023-08-31"), value=Decimal(40)),))
    assert due(10, "2023-06-30", "2023-07-01", plan=steps) == "2023-08-01"
    assert due(10, "2023-06-30", "2023-07-31", plan=steps) == "2023-08-01"
    assert judged(10, "2023-06-30", "2023-07-31", plan=steps).status == "on_track"
    assert judged(10, "2023-06-30", "2023-08-01", plan=steps).status == "at_risk"
    assert due(10, "2023-06-30", "2023-08-01", plan=steps) == "2023-08-31"
    assert due(40, "2023-06-30", "2023-07-01", plan=steps) == "2023-08-31"
    assert due(10, "2023-05-15", "2023-06-01", plan=steps) == "2023-07-16"


@pytest.mark.parametrize(("reported", "later"), [("2024-01-14", False), ("2024-01-15", True), ("2024-03-01", True)])
@pytest.mark.parametrize("value", [90, 100, None])
def test_what_is_reported_once_a_target_is_missed_is_a_later_correction(
    value: int | None, reported: str, later: bool
) -> None:
    found = judged(value, "2023-12-31", "2024-04-01", reported)
    assert ("later_correction" in [reason["code"] for reason in found.reasons]) == later


def test_without_a_target_then_or_now_nothing_is_judged() -> None:
    definition = Definition(a_catalog(STOCK, a_target("p.a.1", 100, 0)), "k")
    window, today = definition.window("2023"), day("2023-07-02").toordinal()
    by, figure = definition.judging("p.a.1", window, today), Figure(today, (45, 1), today)
    assert by is not None
    for then, now in ((None, by), (by, None), (None, None)):
        assert judge(figure, then, now, definition.norms, today, window.last).status == "no_target"
    assert judge(figure, by, by, definition.norms, today, window.last).status == "at_risk"


def test_a_tree_turns_for_those_above_what_changes_and_for_nobody_else() -> None:
    """p.b.2 ends on 20 October: fewer report below p.b and p, as many as before below p.a."""
    units = [one.model_copy(update={"valid_to": day("2023-10-20")}) if one.id == "p.b.2" else one for one in UNITS]
    definition = Definition(a_catalog(units=units), "k")
    since, last, turn = (day(one).toordinal() for one in ("2023-10-10", "2023-12-14", "2023-10-20"))
    turns = {one: definition.turns_below_after(one, since, last) for one in ("p", "p.b", "p.a", "p.a.1", "p.b.1")}
    assert turns == {"p": turn, "p.b": turn, "p.a": None, "p.a.1": None, "p.b.1": None}
    assert definition.turns_below_after("p", turn, last) is None
    assert definition.turns_below_after("p", since, turn - 1) is None


async def test_a_silent_record_is_due_alike_whether_a_catalog_came_before_or_after_it() -> None:
    later = [one.model_copy(update={"valid_to": day("2023-10-20")}) if one.id == "p.b.2" else one for one in UNITS]
    kpi = a_kpi()
    then, now = a_catalog(kpi), a_catalog(kpi, units=later, number=2)
    told = [an_observation("p.a.1", retracts=True), an_observation("p.b.1", retracts=True)]
    first = Engine(then, local("2023-10-10"))
    await first.take(*told)
    first.catalogs.switch(now)
    await first.tick()
    second = Engine(now, local("2023-10-10"))
    await second.take(*told)
    await second.tick()
    due = [
        {unit: cell.get("u") for one in engine.store.judgements.values() for unit, cell in one["units"].items()}
        for engine in (first, second)
    ]
    assert due[0] == due[1]
    assert due[0] == {
        **{"p": "2023-10-20", "p%2Eb": "2023-10-20"},
        **{"p%2Ea": "2023-10-21", "p%2Ea%2E1": None, "p%2Eb%2E1": None},  # the next reports are due then
    }
