"""Instants within sentences, and days as somebody wrote them."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from services.runtime.instants import day_written, told_locally

HERE = ZoneInfo("Asia/Ho_Chi_Minh")


def shown(moment: datetime) -> str:
    return f"{moment:%H:%M %d/%m/%Y}"


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("lúc 2023-09-17T18:30:00Z, hết.", "lúc 01:30 18/09/2023, hết."),
        ("2023-09-17T18:30:00.123456+00:00: kiểm tra", "01:30 18/09/2023: kiểm tra"),
        ("từ 2023-09-17t01:30+07:00 đến 2023-09-18T01:30:00+07:00", "từ 01:30 17/09/2023 đến 01:30 18/09/2023"),
        ("ngày 2023-09-17 và 2023-13-17T00:00:00Z", "ngày 2023-09-17 và 2023-13-17T00:00:00Z"),
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
        ("import-2023-09-17T18:30:00Z-1", "import-2023-09-17T18:30:00Z-1"),
    ],
)
def test_instants_in_a_sentence_are_told_by_the_clocks_here_and_all_else_stays(said: str, read: str) -> None:
    assert told_locally(said, HERE, shown) == read


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2023-08-31", date(2023, 8, 31)),
        ("2023-08-31T20:00:00Z", date(2023, 9, 1)),
        ("2023-08-31T20:00:00", date(2023, 8, 31)),
        ("31/08/2023", None),
        ("", None),
        ("9999-12-31T23:59:59Z", None),
    ],
)
def test_a_written_day_is_itself_and_an_instant_has_the_local_day(written: str, day: date | None) -> None:
    assert day_written(written, HERE) == day
