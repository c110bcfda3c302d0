"""One day of one unit: which figure stands among those of all sources, and since when something was said of it."""

import pytest

from services.metrics.figures import (
    ACTUAL,
    MAX_INPUTS,
    PRELIMINARY,
    Day,
    Figure,
    Increments,
    added,
    first_ids,
    packed,
    unpacked,
    with_figure,
)


def figure(
    value: int, source: str = "s", revision: int = 1, grade: int = ACTUAL, at: int = 0, *, retracts: bool = False
) -> Figure:
    return Figure(revision, grade, at, b"id", source, retracts, v=value)


def more(value: int, at: int) -> Increments:
    return Increments(None, None, value, 1, (b"i",), at)


@pytest.mark.parametrize(
    ("later", "stands"),
    [
        (figure(2, revision=2), 2),
        (figure(2, grade=PRELIMINARY, at=9), 1),
        (figure(2, revision=2, grade=PRELIMINARY), 2),
        (figure(2, at=9), 2),
        (figure(2, at=-9), 1),
        (figure(2)._replace(id=b"je"), 2),
        (figure(2)._replace(id=b"ic"), 1),
        (figure(2, "t", revision=2), 2),
        (figure(2, "t", at=-9), 1),
        (figure(2, "t", revision=2, retracts=True), 1),
        (figure(2, revision=2, retracts=True), None),
    ],
)
def test_the_higher_of_two_figures_stands_whichever_comes_first(later: Figure, stands: int | None) -> None:
    for order in ([figure(1), later], [later, figure(1)]):
        day = Day()
        for one in order:
            day.take(one)
        assert (None if day.stands is None else day.stands.v) == stands


def test_of_each_source_the_highest_is_kept_in_the_order_of_sources() -> None:
    kept = with_figure(with_figure((), figure(1, "b")), figure(2, "c"))
    kept = with_figure(kept, figure(3, "a"))
    assert [(one.source, one.v) for one in kept] == [("a", 3), ("b", 1), ("c", 2)]
    assert [one.v for one in with_figure(kept, figure(4, "b", at=1))] == [3, 4, 2]
    assert with_figure(kept, figure(4, "b", at=-1)) is kept
    assert with_figure(kept, figure(4, "b")) is kept


def test_whether_anything_changed_is_said() -> None:
    day = Day()
    assert day.take(figure(1, at=50))
    assert not day.take(figure(1, at=50))
    assert day.take(figure(2, at=60))
    assert day.take(figure(3, at=40))  # it does not stand, but the day was reported earlier than was known
    assert not day.take(figure(3, at=40))
    assert (day.since, day.stands) == (40, figure(2, at=60))
    assert day.take(figure(0, revision=2, at=10, retracts=True))
    assert (day.since, day.stands) == (40, None)
    assert not day.take(figure(0, revision=2, at=9, retracts=True))


def test_a_day_was_reported_when_the_first_of_it_was() -> None:
    assert Day().since is None
    day = Day()
    day.add(more(1, at=50))
    day.add(more(2, at=70))
    assert (day.since, day.increments) == (50, Increments(None, None, 3, 2, (b"i", b"i"), 70))
    day.add(more(2, at=30))
    assert day.since == 30
    stored = Day((figure(1, at=20), figure(2, "t", at=10, retracts=True)), more(1, at=40))
    assert (stored.since, stored.stands) == (20, figure(1, at=20))
    assert Day((figure(1, at=20),), more(1, at=15)).since == 15
    assert Day((figure(1, at=20),), since=5).since == 5
    assert Day(since=0).since == 0


def test_what_replaces_a_day_is_all_that_is_said_of_it() -> None:
    day = Day((figure(1, "s", at=10), figure(2, "t", at=20)))
    day.replace(figure(3, at=30))
    assert (day.figures, day.since, day.stands) == ((figure(3, at=30),), 30, figure(3, at=30))
    day.replace(None)
    assert (day.figures, day.since, day.stands) == ((), None, None)


def test_sources_disagree_where_two_that_stand_say_different_things() -> None:
    assert not Day((figure(1),)).sources_disagree()
    assert not Day((figure(1), figure(1, "t", at=5))).sources_disagree()
    assert Day((figure(1), figure(1, "t"), figure(2, "u"))).sources_disagree()
    assert Day((figure(1), figure(1, "t")._replace(n=1))).sources_disagree()
    assert Day((figure(1), figure(1, "t")._replace(d=1))).sources_disagree()
    assert Day((figure(1), figure(1, "t")._replace(more={"rank": 1}))).sources_disagree()
    assert not Day((figure(1), figure(2, "t", retracts=True))).sources_disagree()
    assert not Day((figure(1)._replace(flags=("late",)), figure(1, "t"))).sources_disagree()


def test_increments_of_a_day_are_one_sum() -> None:
    one = Increments(1, None, 3, 2, (b"a", b"c"), 50, False)
    both = one.plus(Increments(10, 20, None, 3, (b"b",), 40, True))
    assert both == Increments(11, 20, 3, 5, (b"a", b"b", b"c"), 50, True)
    assert both.plus(one).preliminary
    assert not one.plus(one).preliminary


def test_what_is_absent_adds_nothing_and_names_nobody() -> None:
    assert [added(None, None), added(2, None), added(None, 3), added(2, 3), added(0, None)] == [None, 2, 3, 5, 0]
    many = tuple(b"%02d" % at for at in range(30))
    assert (first_ids((), many), first_ids(many, ())) == (many, many)
    assert first_ids(many[1::2], many[::2]) == many[:MAX_INPUTS]


@pytest.mark.parametrize(
    "name",
    [
        "355a5707-24ca-406f-b48c-41887cf8111a",
        "355A5707-24CA-406F-B48C-41887CF8111A",
        "355a5707-24ca-406f-b48c_41887cf8111a",
        "355a5707_24ca-406f-b48c-41887cf8111a",
        "355a5707-24ca_406f-b48c-41887cf8111a",
        "355a5707-24ca-406f_b48c-41887cf8111a",
        "355a5707-24ca-406f-b48c-41887cf8111x",
        "355a5707-24ca-406f-b48c-41887cf8111",
        "355a5707-24ca-406f-b48c-41887cf8 11a",
        "3-5a5707-24ca-406f-b48c-41887cf8111a",
        "",
    ],
)
def test_a_name_is_packed_only_if_it_comes_back_as_it_was(name: str) -> None:
    short = packed(name)
    assert unpacked(short) == name
    assert isinstance(short, bytes) == (name == "355a5707-24ca-406f-b48c-41887cf8111a")
