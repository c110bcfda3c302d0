"""Whatever comes, in whatever order and however often: what is published last equals the plain recomputation."""

import asyncio
import random
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from contracts.catalog import (
    GrowthSpec,
    Kpi,
    Limits,
    LinearPlan,
    MilestonesPlan,
    Parent,
    PlanPoint,
    Roster,
    SeasonalPlan,
    StepPlan,
)
from contracts.observations import ObservationRecorded
from services.runtime.catalog import Catalog
from tests.unit.metrics.builders import a_catalog, a_kpi, a_target, an_observation, day, local, unit
from tests.unit.metrics.engine import FAILING, Engine, differences

RATIO = a_kpi("ratio", "ratio")
FILES = a_kpi("files", "ratio", modes=("absolute",), cadence="week")
FLOW = a_kpi("flow", "flow", decimals=2, natural_limits=Limits(low=None, high=None))
QUARTERLY = a_kpi("quarterly", "flow", period="quarter")
STOCK = a_kpi("stock", "stock", direction="decrease", levels=("commune",))
COVERAGE = a_kpi(
    "coverage",
    "coverage",
    levels=("commune", "district"),
    rosters=(
        Roster(unit="p.a.1", members=("x", "y", "z")),
        Roster(unit="p.a.2", size=5, valid_to=day("2023-06-01")),
        Roster(unit="p.a.2", size=8, valid_from=day("2023-06-01")),
        Roster(unit="p.b.1", size=10),
        Roster(unit="p.b", level="commune"),
    ),
)
RANK = a_kpi("rank", "rank", levels=("commune", "province"), direction="decrease")
LEVEL = a_kpi("level", "level", natural_limits=Limits(low=Decimal(-50), high=None))
MEAN = a_kpi("mean", "level", within_period="mean", period="quarter", levels=("commune", "province"))
RATE = a_kpi("rate", "rate", rate_base=Decimal("1000"))
MILESTONE = a_kpi("milestone", "milestone", levels=("commune", "district"), decimals=0)
GROWTH = a_kpi("growth", "growth", levels=("province",), growth=GrowthSpec(of="flow"))
STEPS = a_kpi("steps", "flow", natural_limits=Limits(low=Decimal(-500), high=None))
SEASONS = a_kpi("seasons", "stock")
DAILY = a_kpi(
    "daily",
    "stock",
    calendar="civil",
    cadence="day",
    on_track_pace=Decimal(1),
    at_risk_pace=Decimal("0.9"),
    stale_after=timedelta(days=10),
    report_within_working_days=1,
    may_fall=False,
)
KPIS = (
    RATIO,
    FILES,
    FLOW,
    QUARTERLY,
    STOCK,
    COVERAGE,
    RANK,
    LEVEL,
    MEAN,
    RATE,
    MILESTONE,
    GROWTH,
    STEPS,
    SEASONS,
    DAILY,
)
REPORTED = tuple(kpi for kpi in KPIS if not kpi.sources)

STEEP = MilestonesPlan(curve="milestones", points=(PlanPoint(on=day("2023-03-31"), value=Decimal(60)),))
STAIRS = StepPlan(
    curve="step",
    points=(
        PlanPoint(on=day("2023-03-31"), value=Decimal(20)),
        PlanPoint(on=day("2023-10-31"), value=Decimal("62.5")),
    ),
)
SHARES = ["0", "8.4", "16.6", "0", "0", "25", "5", "5", "10", "10", "13.000000001", "6.999999999"]
SEASONAL = SeasonalPlan(curve="seasonal", shares=tuple(Decimal(one) for one in SHARES))

CATALOG = a_catalog(
    *KPIS,
    a_target("p.a.1", 92, 80, kpi="ratio"),
    a_target("p", 90, None, kpi="ratio"),
    a_target(None, 95, 85, kpi="ratio", level="commune", id="communes"),
    a_target("p", 80, 60, kpi="files", deadline=day("2023-10-31"), baseline_on=day("2023-01-31")),
    a_target("p.a", 50, 50, kpi="files"),
    a_target("p.a.1", 70, None, kpi="files", intent="keep"),
    a_target("p", 400, None, kpi="flow"),
    a_target("p", 2000, None, kpi="flow", period="2021-2025"),
    a_target("p.a", 100, 10, kpi="flow", plan=STEEP),
    a_target("p", 90, None, kpi="quarterly"),
    a_target("p.a", 50, 90, kpi="stock", comparator="<="),
    a_target("p.a.1", None, 5, kpi="stock", comparator="band", low=20, high=40, id="band"),
    a_target("p", 100, 40, kpi="coverage"),
    a_target("p", 41, 54, kpi="rank", comparator="<="),
    a_target("p.a.1", 10, None, kpi="rank", comparator="<=", intent="keep"),
    a_target("p", 40, 10, kpi="level"),
    a_target("p.b.1", 0, None, kpi="level"),
    a_target("p.a.1", 12, 50, kpi="level", comparator="<=", plan=STAIRS.model_copy(update={"points": ()})),
    a_target("p", 40, "10.5", kpi="mean"),
    a_target("p.a.1", 30, 10, kpi="mean", period="2023-Q4", id="q4"),
    a_target("p.a", 50, None, kpi="mean", intent="keep"),
    a_target("p", 900, 300, kpi="rate"),
    a_target("p.a.1", 1200, None, kpi="rate"),
    a_target(None, 1, None, kpi="milestone", level="commune"),
    a_target("p", 4, None, kpi="milestone"),
    a_target("p", 4, None, kpi="milestone", period="2021-2025"),
    a_target("p.b", 2, None, kpi="milestone", period="2022-2023"),
    a_target("p.a", 2, 0, kpi="milestone", deadline=day("2023-10-31"), plan=LinearPlan()),
    a_target("p", "1.5", 1, kpi="growth"),
    a_target("p", 100, 0, kpi="steps", plan=STAIRS),
    a_target("p.a.1", 100, None, kpi="steps", plan=STAIRS.model_copy(update={"warn_before": timedelta(days=60)})),
    a_target("p", 100, "12.3", kpi="seasons", plan=SEASONAL),
    a_target("p.a.1", 3, 90, kpi="seasons", comparator="<=", plan=SEASONAL, baseline_on=day("2023-02-20")),
    a_target("p", 60, 0, kpi="daily", deadline=day("2023-09-30"), valid_to=day("2023-07-01"), grace_days=0),
    a_target("p", 100, 20, kpi="daily", valid_from=day("2023-07-01"), version=2, grace_days=40),
    a_target(None, 45, 10, kpi="daily", level="commune", id="daily.communes"),
    a_target("p.b.1", 60, 70, kpi="daily", valid_from=day("2023-06-01"), valid_to=day("2023-10-01")),
    a_target("p.b.2", 45, 45, kpi="daily", intent="keep"),
    a_target("p.a.1", None, 30, kpi="daily", comparator="band", low=20, high=40, intent="keep", id="band.kept"),
    a_target("p.a.2", None, 60, kpi="daily", comparator="band", low=20, high=40, id="band.below"),
    a_target("p.a", 50, 90, kpi="daily", comparator="<=", period="2022-2023"),
    a_target("p.b", 150, 10, kpi="daily"),
    a_target("p.b", 150, 10, kpi="flow"),
    a_target(None, 60, None, kpi="flow", level="commune", id="flow.communes"),
)  # fmt: skip

DAYS = [date(2022, 11, 20) + timedelta(days=step) for step in range(0, 460, 7)] + [day("2022-12-14"), day("2022-12-15")]
NOW = st.sampled_from(["2023-02-10", "2023-10-20", "2023-12-20", "2023-12-29", "2024-06-01"])
LEAVES = ("p.a.1", "p.a.2", "p.b.1", "p.b.2")


def figures(draw: st.DrawFn, kpi: Kpi, org_unit: str, increment: bool) -> dict[str, Any]:
    """The numbers of an observation, in any of the shapes in which its kind brings them."""
    given: dict[str, Any] = {}
    count = st.integers(0, 60)
    if kpi.kind == "ratio":
        shape = draw(st.sampled_from(["parts", "parts", "parts", "numerator", "value", "zero"]))
        n, d = draw(count), draw(count)
        if increment:
            given |= {"numerator": n - 20, "denominator": d - 20}
        elif shape == "parts":
            given |= {"numerator": min(n, d), "denominator": d}
        elif shape == "numerator":
            given |= {"numerator": n}
        elif shape == "value":
            given |= {"value": draw(st.sampled_from(["91.35", "12.5", "70"]))}
        else:
            given |= {"numerator": 0, "denominator": 0}
    elif kpi.kind in ("flow", "stock", "level"):
        hundredths = draw(st.integers(-500 if increment else 0, 9000))
        given |= {"value": f"{hundredths // 100}.{hundredths % 100:02d}" if hundredths >= 0 else f"{hundredths // 100}"}
        if kpi.kind == "level" and draw(st.integers(0, 4)):
            given |= {"weight": draw(st.sampled_from(["0", "1", "2.5", "3.000000001", "1000"]))}
    elif kpi.kind == "rate":
        shape = draw(st.sampled_from(["parts", "parts", "both", "value", "half", "zero"]))
        if shape in ("parts", "both", "zero"):
            given |= {"numerator": draw(count), "denominator": 0 if shape == "zero" else draw(count)}
        if shape in ("both", "value", "half"):
            given |= {"value": draw(st.sampled_from(["1066", "751.2", "0"]))}
        if shape == "half":
            given |= {"numerator": draw(count)}
    elif kpi.kind == "milestone":
        given |= {"done": draw(st.booleans())}
    elif kpi.kind == "coverage":
        if org_unit == "p.a.1" and draw(st.booleans()):
            given |= {"members": draw(st.lists(st.sampled_from("xyz"), unique=True))}
        else:
            given |= {"numerator": draw(st.integers(0, 5))}
    else:
        given |= {"rank": draw(st.integers(1, 63))}
    return given


@st.composite
def an_event(draw: st.DrawFn, kpi: Kpi, days: Sequence[date]) -> ObservationRecorded:
    """Any observation that ingest could have let through."""
    units = {"commune": LEAVES, "district": ("p.a", "p.b"), "province": ("p",)}
    org_unit = draw(
        st.sampled_from([one for level in kpi.levels for one in units[level]] + [*units[kpi.levels[0]]] * 3)
    )
    increment = "increment" in kpi.modes and draw(st.booleans())
    given = figures(draw, kpi, org_unit, increment)
    if not increment:
        given["revision"] = draw(st.sampled_from([1, 1, 1, 2, 3]))
        given["retracts"] = draw(st.sampled_from([False] * 5 + [True]))
    as_of = draw(st.sampled_from(days)).isoformat()
    return an_observation(
        org_unit,
        f"{as_of}T23:30:00+07:00" if draw(st.integers(0, 9)) == 0 else as_of,
        kpi=kpi.id,
        mode="increment" if increment else "absolute",
        status=draw(st.sampled_from(["actual"] * 5 + ["preliminary", "forecast"])),
        source=draw(st.sampled_from(["urn:one", "urn:one", "urn:two"])),
        reported_at=datetime.fromisoformat(f"{as_of}T12:00:00+07:00") + timedelta(days=draw(st.integers(0, 40))),
        period="2023",
        flags=draw(st.sampled_from([(), (), ("late",)])),
        **given,
    )


@st.composite
def events(draw: st.DrawFn, kpis: Sequence[Kpi] = REPORTED) -> list[ObservationRecorded]:
    """A stream: of few KPIs and days, so that figures meet."""
    some = draw(st.lists(st.sampled_from(kpis), min_size=1, max_size=2, unique_by=lambda kpi: kpi.id))
    days = draw(st.lists(st.sampled_from(DAYS), min_size=1, max_size=8, unique=True))
    found = draw(st.lists(st.sampled_from(some).flatmap(lambda kpi: an_event(kpi, days)), max_size=40))
    return in_log_order(found)


RECENTLY = st.sampled_from(["2023-03-20", "2023-06-16", "2023-09-10", "2023-11-25", "2023-12-20"])
ODD = ["plain"] * 10 + [
    "silent",
    "again",
    "hundredfold",
    "fallen",
    "of another",
    "preliminary",
    "corrected",
    "withdrawn",
]


@st.composite
def seasons(draw: st.DrawFn, kpi: Kpi, today: date) -> list[ObservationRecorded]:
    """What most units report of one KPI on the same few of the last days: figures that are fresh, move as figures do,
    and are odd now and then."""
    ago = draw(st.sets(st.integers(0, 75), min_size=1, max_size=7))
    days = [today - timedelta(days=one) for one in sorted(ago, reverse=True)]
    above = {"commune": (), "district": ("p.a",), "province": ("p",)}
    directly = draw(st.sampled_from([(), (), (), tuple(one for level in kpi.levels for one in above[level])]))
    found = []
    for org_unit in (*(LEAVES if kpi.levels[0] == "commune" else ()), *directly):
        number, step = draw(st.integers(1, 60)), draw(st.integers(-3, 9))
        for day_of in days:
            how = draw(st.sampled_from(ODD))
            number = max(0, number + (0 if how == "again" else -20 if how == "fallen" else step))
            if how == "silent":
                continue
            told = number * 100 if how == "hundredfold" else number
            found.append(_reported(kpi, org_unit, day_of, told, how))
            if how == "corrected":
                found.append(_reported(kpi, org_unit, day_of, max(0, number - 5), how, revision=2))
            if how == "withdrawn":
                found.append(_reported(kpi, org_unit, day_of, number, how, revision=2, retracts=True))
    return in_log_order(found)


def _reported(kpi: Kpi, org_unit: str, on: date, number: int, how: str, **more: Any) -> ObservationRecorded:
    given: dict[str, Any] = {"value": f"{number}.25"}
    if kpi.kind in ("ratio", "rate"):
        whole = 120 if kpi.kind == "rate" else max(100, number)
        given = {"numerator": number, "denominator": whole}
    elif kpi.kind == "coverage":
        given = {"members": tuple("xyz"[: number % 4])} if org_unit == "p.a.1" else {"numerator": number % 5}
    elif kpi.kind == "milestone":
        given = {"done": number > 30}
    elif kpi.kind == "rank":
        given = {"rank": number % 63 + 1}
    elif kpi.kind == "level":
        given["weight"] = len(org_unit) % 3 + 1
    return an_observation(
        org_unit,
        on.isoformat(),
        kpi=kpi.id,
        source="urn:two" if how == "of another" else "urn:one",
        status="preliminary" if how == "preliminary" else "actual",
        reported_at=local(on.isoformat()) + timedelta(days=number % 12),
        period="2023",
        **given,
        **more,
    )


def in_log_order(found: list[ObservationRecorded]) -> list[ObservationRecorded]:
    """As ingest hands them on: raw offsets rise within a raw partition."""
    return [
        one.model_copy(update={"raw": one.raw.model_copy(update={"partition": at % 2, "offset": at // 2})})
        for at, one in enumerate(found)
    ]


@st.composite
def batches(draw: st.DrawFn, length: int) -> list[int]:
    """Where a stream of that length is cut."""
    return sorted(draw(st.sets(st.integers(0, length), max_size=4)))


def cut(found: Sequence[ObservationRecorded], at: Sequence[int]) -> list[Sequence[ObservationRecorded]]:
    edges = [0, *at, len(found)]
    return [found[a:b] for a, b in pairwise(edges)]


async def told(
    catalog: Catalog, now: datetime, parts: Sequence[Sequence[ObservationRecorded]], *, forecasts: bool = False
) -> Engine:
    engine = Engine(catalog, now)
    for part in parts:
        await engine.take(*part)
        if forecasts:
            await engine.forecast()
    await engine.tick()
    return engine


@given(events(), st.data(), NOW)
def test_what_is_published_equals_the_plain_recomputation(
    found: list[ObservationRecorded], data: st.DataObject, now: str
) -> None:
    parts = cut(found, data.draw(batches(len(found))))
    engine = asyncio.run(told(CATALOG, local(now), parts, forecasts=data.draw(st.booleans())))
    assert differences(engine, found) == []


@given(st.sampled_from([kpi for kpi in KPIS if kpi.kind != "growth"]), RECENTLY, st.data())
def test_figures_that_are_fresh_are_judged_as_the_model_judges_them(kpi: Kpi, now: str, data: st.DataObject) -> None:
    found = data.draw(seasons(kpi, day(now)))
    parts = cut(found, data.draw(batches(len(found))))
    engine = asyncio.run(told(CATALOG, local(now), parts))
    assert differences(engine, found) == []


@given(events(), st.data(), NOW, st.randoms(use_true_random=False))
def test_repeats_and_another_order_of_arrival_change_nothing(
    found: list[ObservationRecorded], data: st.DataObject, now: str, chance: random.Random
) -> None:
    """Absolute figures in any order; increments in the order of their log, again from any former point."""
    absolute = [one for one in found if one.mode == "absolute"]
    chance.shuffle(absolute)
    increments = [one for one in found if one.mode == "increment"]
    again = [*increments[: chance.randint(0, len(increments))]]
    stream = [*again, *increments[chance.randint(0, len(again)) :]]
    for one in [*absolute, *absolute[:5]]:
        stream.insert(chance.randint(0, len(stream)), one)
    parts = cut(stream, data.draw(batches(len(stream))))
    engine = asyncio.run(told(CATALOG, local(now), parts))
    assert differences(engine, found) == []


@given(events(), st.data(), NOW)
def test_a_crash_between_any_two_steps_changes_no_figure_and_loses_no_record(
    found: list[ObservationRecorded], data: st.DataObject, now: str
) -> None:
    async def crash() -> None:
        engine = Engine(CATALOG, local(now))
        for part in cut(found, data.draw(batches(len(found)))):
            for _ in range(data.draw(st.integers(0, 2))):
                shorter = part[: data.draw(st.integers(0, len(part)))]
                with engine.failing(data.draw(st.sampled_from([*FAILING, "commit"]))):
                    await engine.take(*shorter)
                    await engine.forecast()
                engine = engine.restarted()
            await engine.take(*part)
        await engine.tick()
        assert differences(engine, found) == []

    asyncio.run(crash())


TREE = (
    unit("p", "province"),
    unit("p.a", "district", "p", valid_to=day("2023-07-01")),
    unit("p.b", "district", "p", valid_to=day("2023-07-01")),
    unit(
        "p.a.1",
        "commune",
        parents=(Parent(unit="p.a", valid_to=day("2023-07-01")), Parent(unit="p", valid_from=day("2023-07-01"))),
    ),
    unit("p.a.2", "commune", "p.a", valid_to=day("2023-07-01")),
    unit("p.b.1", "commune", "p.b", valid_to=day("2023-07-01")),
    unit("p.b.2", "commune", "p", valid_from=day("2023-07-01")),
)  # fmt: skip
REFORMED = a_catalog(
    RATIO,
    FLOW,
    LEVEL,
    MILESTONE,
    a_target("p", 40, 10, kpi="level"),
    a_target("p", 4, None, kpi="milestone"),
    a_target("p", 4, None, kpi="milestone", period="2021-2025"),
    a_target(None, 1, None, kpi="milestone", level="commune"),
    a_target("p", 90, 60, kpi="ratio"),
    a_target("p.a", 90, 60, kpi="ratio"),
    a_target("p", 400, None, kpi="flow"),
    units=TREE,
)  # fmt: skip


@given(events((RATIO, FLOW, LEVEL, MILESTONE)), st.data(), NOW)
def test_a_tree_that_changes_inside_the_period_is_read_as_it_was(
    found: list[ObservationRecorded], data: st.DataObject, now: str
) -> None:
    there = [one for one in found if exists(one)]
    parts = cut(there, data.draw(batches(len(there))))
    engine = asyncio.run(told(REFORMED, local(now), parts))
    assert differences(engine, there) == []


@given(st.sampled_from([RATIO, FLOW, LEVEL, MILESTONE]), RECENTLY, st.data())
def test_fresh_figures_of_a_tree_that_changes_are_judged_as_the_model_judges_them(
    kpi: Kpi, now: str, data: st.DataObject
) -> None:
    there = [one for one in data.draw(seasons(kpi, day(now))) if exists(one)]
    engine = asyncio.run(told(REFORMED, local(now), cut(there, data.draw(batches(len(there))))))
    assert differences(engine, there) == []


def exists(one: ObservationRecorded) -> bool:
    known = REFORMED.units.get(one.org_unit)
    on = one.as_of.date() if isinstance(one.as_of, datetime) else one.as_of
    return known is not None and known.valid_on(on)
