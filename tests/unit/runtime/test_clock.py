"""The business clock: the system's, or one that moves on with the data and never back."""

from datetime import UTC, datetime, timedelta

import pytest

from services.runtime import clock
from services.runtime.errors import StartError

NEW_YEAR = datetime(2023, 1, 1, tzinfo=UTC)


def test_a_data_clock_starts_where_it_is_told_and_moves_to_the_latest_event() -> None:
    time = clock.from_setting("from:2023-01-01T07:00:00+07:00")
    assert time.now() == NEW_YEAR
    time.observe(NEW_YEAR + timedelta(days=2))
    time.observe(NEW_YEAR + timedelta(days=1))
    time.observe(None)
    assert time.now() == NEW_YEAR + timedelta(days=2)
    assert time.stamp() == {"businesstime": "2023-01-03T00:00:00Z"}


def test_a_data_clock_believes_no_moment_that_is_years_ahead_of_it_and_of_the_system() -> None:
    time = clock.from_setting("from:2023-01-01T07:00:00+07:00")
    for text in ("9999-12-31T23:59:59+00:00", "9999-12-31T23:59:59-10:00", "2999-01-01T00:00:00Z"):
        time.observe(datetime.fromisoformat(text))
        assert time.now() == NEW_YEAR
    time.observe(NEW_YEAR + timedelta(days=400))
    assert time.now() == NEW_YEAR + timedelta(days=400)


def test_a_data_clock_catches_up_over_years_that_are_past_and_goes_on_in_steps_in_the_future() -> None:
    time = clock.from_setting("from:2010-01-01T00:00:00Z")
    time.observe(NEW_YEAR)
    assert time.now() == NEW_YEAR
    time = clock.from_setting("from:2990-01-01T00:00:00Z")
    time.observe(datetime(2991, 12, 31, tzinfo=UTC))
    time.observe(datetime(2993, 12, 31, tzinfo=UTC))
    assert time.now() == datetime(2993, 12, 31, tzinfo=UTC)


def test_the_system_clock_does_not_listen_to_events_and_stamps_nothing() -> None:
    time = clock.from_setting("system")
    time.observe(datetime.now(UTC) + timedelta(days=900))
    assert abs(time.now() - datetime.now(UTC)) < timedelta(seconds=5)
    assert time.stamp() == {}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "from:",
        "from:2023-01-01",
        "from:2023-01-01T00:00:00",
        "until:2023-01-01T00:00:00Z",
        "from:9999-12-31T23:59:59-10:00",
    ],
)
def test_a_clock_that_is_neither_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(StartError, match="TIENDO_CLOCK"):
        clock.from_setting(text)
