"""What holds for forecasts of any series, however odd."""

from dataclasses import replace
from datetime import date
from math import isfinite
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from contracts.catalog import Comparator
from contracts.progress import Landing as OnTheWire
from services.metrics.landing.asked import Asked, Earlier, Goal, Point
from services.metrics.landing.explain import explain, explain_skill
from services.metrics.landing.forecast import Landing, land

FIRST, LAST = 738_521, 738_885

days = st.integers(FIRST, LAST - 1)
tame = st.one_of(
    st.floats(0, 100), st.integers(0, 100).map(float), st.sampled_from([0.0, 50.0, 100.0]), st.floats(-1e-300, 1e-300)
)
wild = st.one_of(tame, st.floats(), st.floats(-1e15, 1e15), st.integers(-(10**30), 10**30).map(float))


def series(values: st.SearchStrategy[float], fewest: int = 0) -> st.SearchStrategy[list[Point]]:
    return st.dictionaries(days, values, min_size=fewest, max_size=90).map(lambda found: list(found.items()))


def a_year_before(points: list[Point], back: int, silence: int) -> Earlier:
    last = FIRST - back + 364
    return Earlier(FIRST - back, last, [(day - back, value) for day, value in points], last - silence)


@st.composite
def questions(draw: st.DrawFn, values: st.SearchStrategy[float] = tame, fewest: int = 6) -> Asked:
    before = draw(st.lists(series(values), max_size=2))
    comparators: list[Comparator] = [">=", "<=", "band"]
    low, high = sorted((draw(values), draw(values)))
    return Asked(
        kind="flow",
        points=draw(series(values, fewest)),
        goal=Goal(draw(st.sampled_from(comparators)), LAST, value=draw(values), low=low, high=high),
        first=FIRST,
        baseline=draw(st.none() | st.tuples(st.integers(FIRST - 400, LAST), values)),
        earlier=[
            a_year_before(points, 365 * (n + 1), draw(st.sampled_from([0, 120]))) for n, points in enumerate(before)
        ],
        low=draw(st.sampled_from([None, 0.0])),
        high=draw(st.sampled_from([None, 100.0])),
        cumulative=draw(st.booleans()),
        decimals=draw(st.integers(0, 3)),
        reported=draw(st.none() | st.integers(61, 400)),
    )


@given(questions(wild, fewest=0))
def test_no_series_and_no_target_makes_it_fail(question: Asked) -> None:
    found = land(question)
    if isinstance(found, Landing):
        said = OnTheWire.model_validate(found.as_document())
        assert said.skill is not None
        assert all(explain(said, date.fromordinal(found.goal.deadline), question.decimals))
        assert all(explain_skill(found.method, said.skill, question.decimals))
        assert all(isfinite(n) for n in (found.value, found.low, found.high, found.p_meet))
        assert all(isfinite(n) for n in found.skill.as_document().values())


@given(questions())
def test_a_forecast_lies_within_its_interval_and_both_within_what_can_be(question: Asked) -> None:
    found = land(question)
    if not isinstance(found, Landing):
        return
    assert found.low <= found.value <= found.high
    assert 0 <= found.p_meet <= 1
    assert question.low is None or found.low >= question.low
    assert question.high is None or found.high <= question.high
    if question.cumulative:
        now = max(question.points)[1]
        assert found.low >= (now if question.high is None else min(now, question.high))


@given(questions(), st.floats(-50, 150), st.floats(-50, 150))
def test_a_harder_target_is_never_likelier(question: Asked, one: float, other: float) -> None:
    def p_meet(comparator: Comparator, value: float) -> float | None:
        found = land(replace(question, goal=Goal(comparator, LAST, value=value)))
        return found.p_meet if isinstance(found, Landing) else None

    easy, hard = sorted((one, other))
    tries: list[tuple[Comparator, float, float]] = [(">=", easy, hard), ("<=", hard, easy)]
    for comparator, easier, harder in tries:
        likely, less = p_meet(comparator, easier), p_meet(comparator, harder)
        assert (likely is None) == (less is None)
        if likely is not None and less is not None:
            assert likely >= less


@given(questions(), st.randoms(use_true_random=False))
def test_the_order_of_the_points_does_not_matter(question: Asked, random: Random) -> None:
    shuffled = list(question.points)
    random.shuffle(shuffled)
    earlier = [replace(period, points=sorted(period.points)) for period in reversed(question.earlier)]
    assert land(replace(question, points=shuffled, earlier=earlier)) == land(question)


@given(st.floats(1, 99), st.integers(6, 60), st.booleans(), st.integers(0, 3))
def test_a_figure_that_never_moves_is_expected_to_stay_closely(
    value: float, count: int, cumulative: bool, decimals: int
) -> None:
    points = [(FIRST + n * 300 // count, value) for n in range(count)]
    found = land(
        Asked(
            "stock",
            points,
            Goal(">=", LAST, value=50.0),
            FIRST,
            (FIRST - 1, value),
            (),
            0.0,
            100.0,
            cumulative,
            decimals,
        )
    )
    assert isinstance(found, Landing)
    step = 10.0**-decimals
    assert found.value == value
    assert found.high - found.low <= 2 * step
    assert found.low <= value <= found.high
