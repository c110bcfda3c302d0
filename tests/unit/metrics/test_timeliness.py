"""Who reported by the legal deadline: working days after the end of the last cadence period that is due."""

import asyncio
from datetime import date
from typing import Any

from contracts.catalog import CalendarSpec, Holiday
from contracts.observations import ObservationRecorded
from tests.unit.metrics.builders import CALENDAR, a_catalog, a_kpi, a_target, an_increment, an_observation, local
from tests.unit.metrics.engine import Engine, run

# September ends on Thursday the 14th: figures of it are due by Thursday the 21st, five working days later.
BEFORE, AFTER = local("2023-09-21"), local("2023-09-22")
MONTHLY = a_kpi("k", "stock", cadence="month")


def september(unit: str, reported: str, at: str = "12:00:00", **more: Any) -> ObservationRecorded:
    return an_observation(unit, "2023-09-14", value=5, reported_at=local(reported, at), **more)


def timeliness(engine: Engine, unit: str = "p.a") -> tuple[int, int, tuple[str, ...]] | None:
    found = engine.record(unit).timeliness
    return None if found is None else (found.due, found.on_time, found.late)


def test_a_figure_is_on_time_until_the_end_of_the_fifth_working_day() -> None:
    engine = run(
        a_catalog(MONTHLY), AFTER,
        [september("p.a.1", "2023-09-21", "23:59:59"), september("p.a.2", "2023-09-22", "00:00:00")],
    )  # fmt: skip
    assert timeliness(engine) == (2, 1, ("p.a.2",))
    assert timeliness(engine, "p") == (4, 1, ("p.a.2", "p.b.1", "p.b.2"))


def test_nobody_is_late_while_the_deadline_has_not_passed() -> None:
    august = an_observation("p.a.1", "2023-08-14", value=5, reported_at=local("2023-08-15"))
    assert timeliness(run(a_catalog(MONTHLY), BEFORE, [august])) == (2, 1, ("p.a.2",))
    assert timeliness(run(a_catalog(MONTHLY), AFTER, [august])) == (2, 0, ("p.a.1", "p.a.2"))


def test_a_day_that_passes_makes_silent_units_late() -> None:
    async def wait() -> Engine:
        engine = Engine(a_catalog(MONTHLY), BEFORE)
        await engine.take(an_observation("p.a.1", "2023-08-14", value=5, reported_at=local("2023-08-15")))
        await engine.tick(AFTER)
        return engine

    assert timeliness(asyncio.run(wait())) == (2, 0, ("p.a.1", "p.a.2"))


def test_a_correction_after_the_deadline_leaves_the_figure_on_time_in_either_order() -> None:
    first = september("p.a.1", "2023-09-15")
    corrected = september("p.a.1", "2023-10-30", revision=2)
    for stream in ([first], [corrected]), ([corrected], [first]):
        assert timeliness(run(a_catalog(MONTHLY), local("2023-10-01"), *stream)) == (2, 1, ("p.a.2",))


def test_a_withdrawn_figure_is_not_reported() -> None:
    gone = an_observation("p.a.1", "2023-09-14", retracts=True, reported_at=local("2023-09-16"))
    engine = run(a_catalog(MONTHLY), AFTER, [september("p.a.1", "2023-09-15"), gone])
    assert timeliness(engine) == (2, 0, ("p.a.1", "p.a.2"))


def test_when_a_figure_was_first_reported_survives_a_restart() -> None:
    async def work() -> Engine:
        engine = Engine(a_catalog(MONTHLY), AFTER)
        await engine.take(september("p.a.1", "2023-09-15"), september("p.a.1", "2023-09-22", revision=2))
        engine = engine.restarted()
        await engine.take(september("p.a.2", "2023-09-22"))
        return engine

    assert timeliness(asyncio.run(work())) == (2, 1, ("p.a.2",))


def test_holidays_are_not_working_days() -> None:
    rest = Holiday(first=date(2023, 9, 18), last=date(2023, 9, 19), name_vi="Nghỉ bù")
    calendar = CalendarSpec(**{**CALENDAR.model_dump(), "holidays": (rest,)})
    engine = run(a_catalog(MONTHLY, calendar), local("2023-09-26"), [september("p.a.1", "2023-09-25")])
    assert timeliness(engine) == (2, 1, ("p.a.2",))


def test_a_kpi_may_give_another_number_of_days() -> None:
    kpi = MONTHLY.model_copy(update={"report_within_working_days": 1})
    engine = run(a_catalog(kpi), AFTER, [september("p.a.1", "2023-09-15"), september("p.a.2", "2023-09-18")])
    assert timeliness(engine) == (2, 1, ("p.a.2",))


def test_an_increment_is_a_report_as_well() -> None:
    kpi = a_kpi("k", "flow", cadence="month")
    added = an_increment("p.a.1", "2023-09-01", value=5, reported_at=local("2023-09-02"))
    assert timeliness(run(a_catalog(kpi), AFTER, [added])) == (2, 1, ("p.a.2",))


def test_a_unit_that_reports_for_itself_has_none_and_a_period_without_a_due_figure_neither() -> None:
    engine = run(a_catalog(MONTHLY, a_target("p", 9)), AFTER, [september("p.a.1", "2023-09-15")])
    assert timeliness(engine, "p.a.1") is None
    early = run(a_catalog(MONTHLY), local("2023-01-16"), [an_observation("p.a.1", "2023-01-10", value=5)])
    assert timeliness(early) is None
