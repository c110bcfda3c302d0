"""Token buckets: what is taken, when to come again."""

from hypothesis import given
from hypothesis import strategies as st

from services.gateway.rates import WINDOW_S, Allowance, Bucket

S = 1_000_000_000


def test_a_minutes_worth_may_be_taken_at_once_and_the_next_comes_after_its_share_of_a_minute() -> None:
    bucket = Bucket(60, now=100 * S)
    assert [bucket.take(1, 100 * S) for _ in range(60)] == [0] * 60
    assert bucket.take(1, 100 * S) == 1
    assert bucket.take(1, 101 * S - 1) == 1
    assert bucket.take(1, 101 * S) == 0


def test_what_is_refused_costs_nothing() -> None:
    bucket = Bucket(10, now=0)
    bucket.take(8, 0)
    assert bucket.take(5, 0) == 18  # three more, at ten a minute
    assert bucket.left(0) == 2
    assert bucket.take(2, 0) == 0


def test_more_than_a_bucket_holds_is_given_to_a_full_one_which_is_then_in_debt() -> None:
    bucket = Bucket(10, now=0)
    assert bucket.take(25, 0) == 0
    assert bucket.left(0) == 0
    assert bucket.wait(1, 0) == 96  # 15 of debt and one, at ten a minute
    assert bucket.take(25, 90 * S) == 60
    assert bucket.take(25, 150 * S) == 0


def test_a_bucket_never_holds_more_than_a_minutes_worth() -> None:
    bucket = Bucket(10, now=0)
    assert bucket.left(10_000 * S) == 10
    assert bucket.full_in(10_000 * S) == 0


def test_headers_name_what_is_left_and_when_all_is() -> None:
    allowance = Allowance(Bucket(60, 0), Bucket(600, 0))
    allowance.requests.take(1, 0)
    allowance.events.take(45, 0)
    assert allowance.headers(0) == {
        "ratelimit-policy": '"requests";q=60;w=60, "events";q=600;w=60',
        "ratelimit": '"requests";r=59;t=1, "events";r=555;t=5',
    }


STEPS = st.lists(st.tuples(st.integers(0, 30 * S), st.integers(1, 40)), max_size=60)


@given(st.integers(1, 30), STEPS)
def test_in_no_stretch_of_time_more_is_taken_than_a_full_bucket_and_what_flows_in(
    quota: int, steps: list[tuple[int, int]]
) -> None:
    bucket, now = Bucket(quota, 0), 0
    taken: list[tuple[int, int]] = []
    for pause, cost in steps:
        now += pause
        if not bucket.take(cost, now):
            taken.append((now, cost))
    for first in range(len(taken)):
        total = 0
        for at, cost in taken[first:]:
            # The last may have been larger than a bucket, and went into debt.
            assert (total + min(cost, quota)) * WINDOW_S * S <= quota * (WINDOW_S * S + at - taken[first][0])
            total += cost


@given(st.integers(1, 30), STEPS)
def test_whoever_comes_again_when_told_to_is_let_in_and_a_second_sooner_is_not(
    quota: int, steps: list[tuple[int, int]]
) -> None:
    bucket, now = Bucket(quota, 0), 0
    for pause, cost in steps:
        now += pause
        wait = bucket.take(cost, now)
        if wait:
            assert bucket.wait(cost, now + (wait - 1) * S) == 1
            now += wait * S
            assert bucket.take(cost, now) == 0


@given(st.integers(1, 30), st.integers(1, 40))
def test_a_clock_that_seems_to_go_back_fills_nothing(quota: int, cost: int) -> None:
    bucket = Bucket(quota, 100)
    bucket.take(cost, 100)
    assert bucket.left(50) == max(0, quota - cost)
