"""Figures for a closed period: recorded, shown as a later correction, the closed judgement beside them."""

import asyncio
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.observations import ObservationRecorded
from contracts.progress import ProgressJudged
from tests.model import ModelRecord, recompute
from tests.model.recompute import Key
from tests.unit.metrics.builders import a_catalog, a_kpi, a_target, an_increment, an_observation, day, local
from tests.unit.metrics.engine import FAILING, Engine, plain
from tests.unit.metrics.test_against_the_model import CATALOG, FLOW, RATIO, STOCK, cut, events

CLOSED = local("2023-12-29")  # fifteen days after 14 December
TARGETS = a_catalog(a_target(), a_target("p", 92, 80))


def figure(numerator: int, reported: str, as_of: str = "2023-12-10", **more: Any) -> ObservationRecorded:
    return an_observation("p.a.1", as_of, numerator, 100, reported_at=local(reported), **more)


def beside(engine: Engine, org_unit: str = "p.a.1") -> tuple[Any, ...] | None:
    """What stands beside the judgement: status, value, date, pace, the closing and the version that said so."""
    closed = engine.record(org_unit).closed
    if closed is None:
        return None
    return closed.status, closed.value, str(closed.as_of), closed.pace, str(closed.closed_on), closed.version


IN_TIME = figure(85, "2023-12-12")
LATER = figure(93, "2024-01-05", revision=2)


async def test_a_figure_after_the_closing_leaves_the_closed_judgement_beside_it() -> None:
    engine = Engine(TARGETS, local("2023-12-20"))
    await engine.take(IN_TIME)
    await engine.tick(CLOSED)
    assert (engine.record().status, engine.record().version, beside(engine)) == ("missed", 2, None)
    pace = engine.record().pace
    engine.clock.moment = local("2024-01-05")
    await engine.take(LATER)
    assert (engine.record().status, engine.record().value) == ("achieved", 93)
    assert "later_correction" in engine.codes()
    assert beside(engine) == beside(engine, "p") == ("missed", 85, "2023-12-10", pace, "2023-12-29", 2)


async def test_it_stands_beside_every_version_that_follows_also_after_a_restart_and_on_repeats() -> None:
    engine = Engine(TARGETS, local("2023-12-20"))
    await engine.take(IN_TIME)
    await engine.tick(local("2024-01-05"))
    await engine.take(LATER)
    first = engine.record()
    again = engine.restarted()
    await again.take(LATER)
    assert [one for one in again.topic.progress() if one.org_unit == "p.a.1"][-1] == first
    await again.take(figure(94, "2024-01-06", revision=3))
    assert (again.record().value, again.record().version) == (94, first.version + 1)
    assert again.record().closed == first.closed


async def test_what_goes_back_to_the_closed_judgement_shows_nothing_beside_it() -> None:
    engine = Engine(TARGETS, local("2024-01-05"))
    await engine.take(IN_TIME)
    await engine.take(LATER)
    assert beside(engine) is not None
    await engine.take(figure(85, "2024-01-07", revision=3))
    assert (beside(engine), engine.record().value) == (None, 85)
    assert "later_correction" in engine.codes()


async def test_nothing_by_the_closing_is_a_closed_judgement_too() -> None:
    engine = Engine(TARGETS, local("2024-01-05"))
    await engine.tick()
    await engine.take(LATER)
    assert beside(engine) == ("missed", None, "None", None, "2023-12-29", 1)
    unseen = Engine(TARGETS, local("2024-01-05"))  # the same where no tick came between
    await unseen.take(LATER)
    assert beside(unseen) == ("missed", None, "None", None, "2023-12-29", None)


async def test_a_figure_that_was_reported_in_time_and_arrives_after_the_closing_is_no_correction() -> None:
    engine = Engine(TARGETS, local("2024-01-05"))
    await engine.tick()
    await engine.take(IN_TIME)
    assert (engine.record().value, beside(engine)) == (85, None)
    assert "later_correction" not in engine.codes()


async def test_a_retraction_after_the_closing_is_a_correction_although_nothing_late_stands() -> None:
    engine = Engine(TARGETS, local("2023-12-20"))
    await engine.take(figure(81, "2023-11-12", "2023-11-10"), figure(93, "2023-12-12"))
    await engine.tick(local("2024-01-05"))
    await engine.take(figure(93, "2024-01-05", revision=2, retracts=True))
    assert (engine.record().status, engine.record().value) == ("missed", 81)
    assert "later_correction" in engine.codes()
    closed = engine.record().closed
    assert closed is not None
    assert (closed.status, closed.value) == ("achieved", 93)


async def test_a_batch_that_holds_both_is_cut_so_that_the_closed_judgement_is_known() -> None:
    engine = Engine(TARGETS, local("2024-01-05"))
    await engine.take(IN_TIME, LATER)
    closed = engine.record().closed
    assert closed is not None
    assert (closed.status, closed.value, closed.version) == ("missed", 85, 1)
    assert engine.store.writes == 2
    await engine.take(figure(95, "2024-01-06", revision=3))
    assert engine.store.writes == 3  # once it is known nothing is cut any more


async def test_a_figure_that_comes_too_late_for_one_record_may_be_in_time_for_another() -> None:
    """Both are in one batch, with one that is too late for either."""
    below, above = a_target(value=80, baseline=40), a_target("p.a", 80, 40, grace_days=60)
    engine = Engine(a_catalog(below, above), local("2024-03-01"))
    await engine.take(
        an_observation("p.a.1", "2023-12-01", 58, 100, reported_at=local("2024-01-05")),
        an_observation("p.a.1", "2023-12-08", 70, 100, reported_at=local("2024-02-20")),
    )
    beside = {unit: engine.record(unit).closed for unit in ("p.a.1", "p.a")}
    assert {unit: closed and (closed.value, str(closed.closed_on)) for unit, closed in beside.items()} == {
        "p.a.1": (None, "2023-12-29"),
        "p.a": (58, "2024-02-12"),
    }


@pytest.mark.parametrize("half", FAILING)
async def test_a_crash_does_not_let_a_later_figure_into_the_closed_judgement(half: str) -> None:
    engine = Engine(TARGETS, local("2024-01-05"))
    await engine.take(IN_TIME)
    for _ in range(2):
        with engine.failing(half):
            await engine.take(LATER)
        engine = engine.restarted()
    await engine.take(LATER)
    closed = engine.record().closed
    assert closed is not None
    assert (closed.status, closed.value) == ("missed", 85)


async def test_a_figure_dated_after_the_deadline_corrects_nothing() -> None:
    catalog = a_catalog(a_target(deadline=day("2023-10-31")))
    engine = Engine(catalog, local("2023-12-20"))
    await engine.take(figure(85, "2023-10-12", "2023-10-10"))
    await engine.take(figure(93, "2023-12-12"))
    assert (engine.record().value, engine.record().status, beside(engine)) == (85, "missed", None)


@pytest.mark.parametrize("looked", [False, True])
async def test_a_catalog_that_opens_the_period_again_leaves_what_was_closed_until_the_next_closing(
    *, looked: bool
) -> None:
    engine = Engine(TARGETS, local("2024-01-05"))
    await engine.take(IN_TIME)
    await engine.take(LATER)
    if looked:
        await engine.tick()
    engine.catalogs.switch(a_catalog(a_target(grace_days=60), a_target("p", 92, 80), number=2))
    await engine.tick()
    closed = engine.record().closed
    assert closed is not None
    assert (closed.status, closed.value, str(closed.closed_on), closed.why) == ("missed", 85, "2023-12-29", "both")
    engine.clock.moment = local("2024-03-01")
    await engine.take(figure(70, "2024-03-01", revision=3))
    closed = engine.record().closed
    assert closed is not None
    assert (closed.status, closed.value, str(closed.closed_on)) == ("achieved", 93, "2024-02-12")


async def test_increments_after_the_closing_leave_what_was_summed_by_then() -> None:
    catalog = a_catalog(a_kpi("k", "flow", modes=("absolute", "increment")), a_target("p", 400, None))
    engine = Engine(catalog, local("2024-01-05"))
    some = [an_increment("p.a.1", "2023-11-30", value=100, reported_at=local("2023-12-01")) for _ in range(2)]
    late = an_increment("p.a.1", "2023-11-30", value=250, reported_at=local("2024-01-02"))
    await engine.take(*some, late)
    assert (engine.record("p").value, engine.record("p").status) == (450, "achieved")
    closed = engine.record("p").closed
    assert closed is not None
    assert (closed.value, closed.status) == (200, "missed")


async def test_after_a_withdrawal_the_record_says_by_whom_and_when() -> None:
    engine = Engine(TARGETS, local("2023-12-20"))
    await engine.take(IN_TIME, figure(85, "2023-12-13", revision=2, retracts=True))
    record = engine.record()
    assert (record.value, record.as_of) == (None, None)
    assert engine.codes() == ["no_figure", "figure_withdrawn"]
    assert record.reasons[1].text_vi == "Số liệu ngày 10/12/2023 đã được nguồn urn:test:system rút lại ngày 13/12/2023."
    assert record.reasons[1].text_en == "The figure of 2023-12-10 was withdrawn on 2023-12-13 by urn:test:system."
    await engine.take(figure(81, "2023-12-14", "2023-11-10"))
    assert "figure_withdrawn" not in engine.codes()


KPIS = (RATIO, FLOW, STOCK)


@given(events(KPIS), st.data(), st.sampled_from(["2023-12-29", "2024-01-20", "2024-06-01"]))
def test_what_stands_beside_a_record_is_the_recomputation_from_what_was_reported_in_time(
    found: list[ObservationRecorded], data: st.DataObject, now: str
) -> None:
    """For figures that come in the order in which they were reported, however they are cut into batches. What is
    derived from them is made after the batch, so of that nobody knows what it was at the closing."""
    stream = in_order([one.model_copy(update={"reported_at": one.reported_at + timedelta(days=10)}) for one in found])
    at = sorted(data.draw(st.sets(st.integers(0, len(stream)), max_size=4)))
    engine = asyncio.run(_told(cut(stream, at), now))
    by_now = recompute(CATALOG, stream, local(now))
    known: dict[date, dict[Key, ModelRecord]] = {}
    for key, record in engine.latest().items():
        if CATALOG.kpis[key[0]].kind in ("growth", "composite"):
            assert record.closed is None
            continue
        closing = _closing(key, day(now))
        if closing is not None and closing not in known:
            early = [one for one in stream if one.reported_at.astimezone(CATALOG.zone).date() < closing]
            known[closing] = recompute(CATALOG, early, local(now))
        then, told = None if closing is None else _told_of(plain(known[closing][key])), _told_of(plain(by_now[key]))
        if then == told or (then is not None and then[:2] == told[:2] and then[1] is None):
            then = None
        assert _found(record) == then


async def _told(parts: Sequence[Sequence[ObservationRecorded]], now: str) -> Engine:
    engine = Engine(CATALOG, local(now))
    for part in parts:
        await engine.take(*part)
    await engine.tick()
    return engine


def in_order(found: list[ObservationRecorded]) -> list[ObservationRecorded]:
    """By the time of reporting; raw offsets rise along."""
    ordered = sorted(found, key=lambda one: one.reported_at)
    return [
        one.model_copy(update={"raw": one.raw.model_copy(update={"partition": 0, "offset": at})})
        for at, one in enumerate(ordered)
    ]


def _closing(key: Key, today: date) -> date | None:
    """The day on which the record was closed, if it was."""
    kpi, unit_id, period = key
    target = CATALOG.targets.judging(kpi, unit_id, period, today)
    if target is None:
        return None
    deadline = target.deadline or CATALOG.calendar_of(kpi).parse(period).last
    closing = deadline + timedelta(days=target.grace_days)
    return closing if closing <= today else None


NAMES = ("status", "value", "as_of", "pace")


def _told_of(record: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(record[name] for name in NAMES)


def _found(record: ProgressJudged) -> tuple[Any, ...] | None:
    closed = record.closed
    return None if closed is None else (closed.status.value, closed.value, closed.as_of, closed.pace)
