"""The days of one unit: what stands at the end of a stretch of them, with its numbers written out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.metrics.figures import ACTUAL, MAX_INPUTS, PRELIMINARY, Day, Figure, Increments
from services.metrics.series import Own, Series


def figure(value: int | None, *, source: str = "s", revision: int = 1, grade: int = ACTUAL, at: int = 0) -> Figure:
    return Figure(revision, grade, at, f"{source}{value}".encode(), source, value is None, v=value)


def more(value: int, *, at: int = 0, preliminary: bool = False) -> Increments:
    return Increments(None, None, value, 1, (b"i%d" % value,), at, preliminary)


def a_series(figures: dict[int, int | None], increments: dict[int, int] | None = None) -> Series:
    """Figures and increments by day; each was reported at the end of its day. None: the figure was withdrawn."""
    series = Series()
    for day, value in figures.items():
        series.take(day, figure(value, at=day))
    for day, value in (increments or {}).items():
        series.add(day, more(value, at=day))
    return series


def told(own: Own | None) -> tuple[int, int | None, int] | None:
    """The day for which it stands, its value, and how many events are in it."""
    return None if own is None else (own.day, own.v, own.count)


MIXED = {3: 10, 7: 20, 12: None}
LATER = {2: 1, 5: 2, 7: 4, 9: 8, 20: 16}
"""Ten on day 3 and two more on day 5; twenty in all on day 7, with what came on that day in it; eight more on day 9."""


@pytest.mark.parametrize(
    ("first", "last", "stands"),
    [
        (1, 1, None),
        (1, 2, (2, 1, 1)),
        (1, 3, (3, 10, 1)),
        (1, 4, (3, 10, 1)),
        (1, 5, (5, 12, 2)),
        (1, 7, (7, 20, 1)),
        (1, 15, (9, 28, 2)),
        (4, 6, (5, 2, 1)),
        (8, 15, (9, 8, 1)),
        (9, 9, (9, 8, 1)),
        (10, 15, None),
        (8, 25, (20, 24, 2)),
    ],
)
def test_a_figure_restarts_the_sum_to_which_later_days_add(
    first: int, last: int, stands: tuple[int, int, int] | None
) -> None:
    assert told(a_series(MIXED, LATER).own(first, last, True)) == stands


def test_where_increments_do_not_count_the_last_figure_stands() -> None:
    series = a_series(MIXED, LATER)
    assert [told(series.own(1, last, False)) for last in (2, 6, 30)] == [None, (3, 10, 1), (7, 20, 1)]


def test_what_stands_is_as_late_and_as_preliminary_as_what_is_in_it() -> None:
    series = Series()
    series.take(3, figure(10, at=50))
    series.add(5, more(2, at=40))
    series.add(6, more(1, at=60, preliminary=True))
    early, late = series.own(1, 5, True), series.own(1, 6, True)
    assert early is not None
    assert late is not None
    assert (early.reported_at, early.preliminary, early.base, early.summed) == (50, False, 3, True)
    assert (late.reported_at, late.preliminary, late.ids) == (60, True, (b"i1", b"i2", b"s10"))
    alone = series.own(1, 4, True)
    assert alone is not None
    assert (alone.summed, alone.preliminary) == (False, False)
    series.take(4, figure(11, grade=PRELIMINARY))
    first = series.own(1, 4, True)
    assert first is not None
    assert (first.v, first.preliminary) == (11, True)


def test_increments_alone_have_no_figure_beneath_them() -> None:
    own = a_series({}, {4: 2, 6: 3}).own(1, 9, True)
    assert own is not None
    assert (own.figure, own.base, told(own), own.reported_at, own.summed) == (None, -1, (6, 5, 2), 6, True)


def test_to_a_number_that_the_figure_does_not_have_nothing_is_added() -> None:
    series = Series()
    series.take(3, Figure(1, ACTUAL, 0, b"f", "s", n=5))
    series.add(4, Increments(1, 2, 3, 1, (b"i",), 0))
    series.add(5, Increments(None, 9, None, 1, (b"j",), 0))
    own = series.own(1, 9, True)
    assert own is not None
    assert (own.n, own.d, own.v, own.count) == (6, None, None, 3)
    full = Series()
    full.take(3, Figure(1, ACTUAL, 0, b"f", "s", n=5, d=6, v=7))
    full.add(4, Increments(None, None, None, 1, (b"i",), 0))
    same = full.own(1, 9, True)
    assert same is not None
    assert (same.n, same.d, same.v, same.count) == (5, 6, 7, 2)
    alone = Series()
    alone.add(4, Increments(1, None, 3, 1, (b"i",), 0))
    alone.add(5, Increments(2, 7, None, 1, (b"j",), 0))
    summed = alone.own(1, 9, True)
    assert summed is not None
    assert (summed.n, summed.d, summed.v) == (3, 7, 3)


def test_what_was_asked_before_moves_along_with_what_comes() -> None:
    series = a_series({3: 10})
    stretches = [(1, 5, True), (1, 9, True), (4, 9, True), (1, 5, False)]
    assert [told(series.own(*one)) for one in stretches] == [(3, 10, 1), (3, 10, 1), None, (3, 10, 1)]
    series.add(5, more(2))
    assert [told(series.own(*one)) for one in stretches] == [(5, 12, 2), (5, 12, 2), (5, 2, 1), (3, 10, 1)]
    series.add(3, more(7))  # of the day of the figure, which has it in it
    series.add(2, more(7))
    series.add(10, more(7))
    assert [told(series.own(*one)) for one in stretches] == [(5, 12, 2), (5, 12, 2), (5, 2, 1), (3, 10, 1)]
    assert not series.take(3, figure(10, at=0))
    assert series.take(9, figure(1))
    assert [told(series.own(*one)) for one in stretches] == [(5, 12, 2), (9, 1, 1), (9, 1, 1), (3, 10, 1)]
    series.replace(9, None)
    assert [told(series.own(*one)) for one in stretches] == [(5, 12, 2), (5, 12, 2), (5, 2, 1), (3, 10, 1)]


def test_what_comes_on_the_first_and_on_the_last_day_of_a_stretch_is_in_it() -> None:
    series = a_series({}, {4: 1})
    assert told(series.own(3, 6, True)) == (4, 1, 1)
    for day in (2, 3, 6, 7):
        series.add(day, more(10))
    assert told(series.own(3, 6, True)) == (6, 21, 3)


def test_a_question_that_is_not_kept_has_the_same_answer() -> None:
    series = a_series(MIXED, LATER)
    fresh = [told(a_series(MIXED, LATER).own(1, last, True)) for last in range(25)]
    for kept in (30, 15, 6):
        series.own(1, kept, True)
        series.own(4, kept, True)
        series.own(1, kept, False)
        assert [told(series.own(1, last, True, keep=False)) for last in range(25)] == fresh


@given(
    st.dictionaries(st.integers(1, 12), st.one_of(st.none(), st.integers(0, 99)), max_size=6),
    st.dictionaries(st.integers(1, 12), st.integers(-9, 9), max_size=6),
    st.integers(0, 6),
    st.booleans(),
)
def test_what_stood_at_the_end_of_each_day_is_what_stands_by_then(
    figures: dict[int, int | None], increments: dict[int, int], first: int, counted: bool
) -> None:
    series, ends = a_series(figures, increments), list(range(first, 14))
    assert [told(own) for own in series.stood(first, ends, counted)] == [
        told(a_series(figures, increments).own(first, end, counted)) for end in ends
    ]


def whole(own: Own | None) -> dict[str, object]:
    """All that is said, but whether sources disagree, which is not asked of former days."""
    return {name: getattr(own, name) for name in Own.__slots__ if name != "disagree"}


@pytest.mark.parametrize("base", [None, 1])
def test_what_stood_has_its_numbers_ids_and_times(base: int | None) -> None:
    series = Series()
    if base is not None:
        series.take(base, Figure(1, PRELIMINARY, 5, b"f", "s", n=100, d=200, v=300))
    for at in (2, 4, 6):
        series.add(at, Increments(at, 10 * at, 100 * at, at, (b"%d" % at,), 10 - at, at == 4))
    ends = [2, 3, 4, 6]
    assert [whole(own) for own in series.stood(1, ends, True)] == [whole(series.own(1, end, True)) for end in ends]
    last = series.own(1, 6, True)
    assert last is not None
    assert (last.n, last.d, last.v) == ((12, 120, 1200) if base is None else (112, 320, 1500))
    copied = last.copy()
    assert whole(copied) == whole(last)
    last.add(9, Increments(1, 1, 1, 1, (b"z",), 99, False))
    assert (copied.day, copied.n, copied.ids) != (last.day, last.n, last.ids)
    disagreed = Own(3, None, True).copy()
    assert (disagreed.disagree, disagreed.day) == (True, 3)


def test_what_stood_is_one_object_for_as_long_as_nothing_changed() -> None:
    one, two, three, four = a_series({3: 10}, {6: 1, 7: 1}).stood(1, [3, 5, 7, 9], True)
    assert one is two
    assert three is four
    assert (told(one), told(three)) == ((3, 10, 1), (7, 12, 3))


def test_an_average_is_the_sum_of_the_readings_and_how_many_there_are() -> None:
    series = a_series({3: 10, 5: 40, 8: 1, 9: None})
    assert told(series.average(3, 5)) == (5, 50, 2)
    assert told(series.average(4, 9)) == (8, 41, 2)
    assert series.average(9, 20) is None
    series.take(6, Figure(1, ACTUAL, 0, b"n", "s", n=5))
    assert told(series.average(4, 7)) == (5, 40, 1)


def test_an_average_is_flagged_preliminary_and_late_like_any_of_its_readings() -> None:
    series = Series()
    series.take(3, figure(10, at=90)._replace(flags=("late", "jump")))
    series.take(5, figure(20, grade=PRELIMINARY, at=70))
    series.take(7, figure(30, at=80)._replace(flags=("late",)))
    series.take(7, figure(31, source="t", at=10))
    own = series.average(1, 9)
    assert own is not None
    assert own.figure is not None
    assert (own.day, own.v, own.reported_at, own.preliminary, own.disagree) == (7, 60, 90, True, True)
    assert (own.figure.flags, own.ids) == (("jump", "late"), (b"s10", b"s20", b"s30"))
    first = series.average(1, 3)
    assert first is not None
    assert (first.preliminary, first.disagree) == (False, False)


def test_an_average_names_as_many_readings_as_a_record() -> None:
    own = a_series({day: day for day in range(10, 50)}).average(1, 99)
    assert own is not None
    assert (len(own.ids), own.ids[0], own.count) == (MAX_INPUTS, b"s10", 40)


def test_days_are_found_from_both_ends() -> None:
    series = a_series({3: 10, 5: None, 8: 20, 11: 30}, {6: 1, 8: 1, 13: 1})
    assert series.days_between(3, 8) == [3, 5, 6, 8]
    assert series.days_between(4, 7) == [5, 6]
    assert [day for day, _ in series.standing_days(3, 11)] == [3, 8, 11]
    assert [(day, one.v) for day, one in series.standing_before(11, 1, 9)] == [(8, 20), (3, 10)]
    assert [day for day, _ in series.standing_before(12, 1, 2)] == [11, 8]
    assert [day for day, _ in series.standing_before(12, 8, 9)] == [11, 8]
    assert [day for day, _ in series.standing_before(3, 1, 9)] == []
    assert series.standing_after(3, 9) == [8, 11]
    assert series.standing_after(2, 2) == [3, 8]
    assert series.standing_after(11, 1) == []


def test_the_latest_day_is_one_of_which_something_was_said_whether_or_not_it_stands() -> None:
    series = a_series({3: 10, 5: None}, {8: 1})
    series.take_forecast(20, figure(99))
    assert [series.latest(1, last) for last in (2, 3, 4, 5, 7, 8, 30)] == [None, 3, 3, 5, 5, 8, 8]
    assert [series.latest(first, 30) for first in (8, 9)] == [8, None]


def test_the_last_day_after_another_is_one_whose_figure_stands() -> None:
    series = a_series({3: 10, 5: None, 9: 1}, {7: 1, 12: 1})
    assert [series.stands_after(day, 30, True) for day in (2, 11, 12)] == [12, 12, None]
    assert [series.stands_after(day, 30, False) for day in (2, 8, 9)] == [9, 9, None]
    assert [series.stands_after(3, last, True) for last in (6, 7, 9)] == [None, 7, 9]


def test_a_stretch_was_first_reported_when_the_first_of_what_stands_in_it_was() -> None:
    series = Series()
    series.take(3, figure(10, at=70))
    series.take(3, figure(11, revision=2, at=90))
    series.add(5, more(1, at=40))
    series.take(8, figure(20, at=50))
    series.take(9, figure(None, at=5))
    assert series.first_reported(1, 4, True) == 70
    assert (series.first_reported(1, 9, True), series.first_reported(1, 9, False)) == (40, 50)
    assert series.first_reported(8, 8, False) == 50
    assert series.first_reported(9, 20, True) is None
    assert series.first_reported(6, 7, True) is None


def test_days_stay_in_order_however_they_come() -> None:
    series = Series()
    for day in (5, 9, 3, 7, 9):
        series.add(day, more(1))
    series.put(4, Day((figure(2),)))
    assert series.order == [3, 4, 5, 7, 9]
    assert told(series.own(1, 6, True)) == (5, 3, 2)


def test_a_forecast_stands_apart() -> None:
    series = Series()
    assert series.take_forecast(4, figure(99))
    assert not series.take_forecast(4, figure(99))
    assert series.own(1, 9, True) is None
    assert series.days[4].forecasts == (figure(99),)
