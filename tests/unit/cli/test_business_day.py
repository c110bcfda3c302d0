"""`tiendo catalog` goes by the day of the services, or by the one that is given."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from services.cli.business_day import business_day, day_of
from services.cli.settings import CommandSettings
from services.runtime.errors import StartError

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
IN_2023 = "from:2023-01-01T00:00:00+07:00"


def test_a_clock_that_moves_with_the_data_is_where_metrics_noted() -> None:
    said = day_of(IN_2023, datetime(2023, 6, 30, 18, tzinfo=UTC), ZONE)
    assert said.day == date(2023, 7, 1)
    assert str(said) == (
        "tính theo ngày 01/07/2023, theo đồng hồ dữ liệu (TIENDO_CLOCK) · as of 2023-07-01, by the clock that moves "
        "with the data (TIENDO_CLOCK)"
    )


def test_before_any_data_it_stands_where_it_begins() -> None:
    assert day_of(IN_2023, None, ZONE).day == date(2023, 1, 1)


def test_the_system_s_clock_is_today() -> None:
    before = datetime.now(ZONE).date()
    assert before <= day_of("system", None, ZONE).day <= datetime.now(ZONE).date()


async def test_a_day_that_is_given_beats_the_clock_and_asks_no_database() -> None:
    said = await business_day(CommandSettings(clock=IN_2023), ZONE, date(2024, 2, 29))
    assert (said.day, said.en) == (date(2024, 2, 29), "as --as-of says")


async def test_a_clock_that_is_misspelt_is_a_sentence() -> None:
    with pytest.raises(StartError, match="TIENDO_CLOCK is 'data'"):
        await business_day(CommandSettings(clock="data"), ZONE, None)
