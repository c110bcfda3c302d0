"""The largest figures that the door takes, thirty digits, go all the way to the pages."""

from typing import Any

import pytest

from contracts.progress import Status
from services.gateway.views.reading import Choice
from tests.unit.gateway.test_board import of_province, the_board
from tests.unit.gateway.test_fates import event
from tests.unit.gateway.test_numbers_and_words import EN, PRODUCTS, VI
from tests.unit.gateway.whole_way import WholeWay
from tests.unit.ingest.door import data

THIRTY_NINES = "9" * 30


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (10**28, "10.000.000.000.000.000.000.000.000.000"),
        (999 * 10**27, "999.000.000.000.000.000.000.000.000.000"),
        (THIRTY_NINES, "1.000.000.000.000.000.000.000.000.000.000"),  # the nearest double
    ],
)
async def test_a_figure_of_thirty_digits_is_on_the_dashboard_and_explained(value: Any, said: str) -> None:
    way = WholeWay()
    await way.send(event(data(kpi="revenue", numerator=None, denominator=None, value=value)))
    async with way.gateway.client() as client:
        board = await client.get("/?kpi=revenue")
        page = await client.get("/explain?kpi=revenue&unit=dak-nong.xa-a&period=2023")
        above = await client.get("/explain?kpi=revenue&unit=dak-nong&period=2023")
    assert (board.status_code, page.status_code, above.status_code) == (200, 200, 200)
    assert said in board.text
    assert said in page.text
    assert said in above.text


@pytest.mark.parametrize("language", ["vi", "en"])
def test_a_figure_plan_and_gap_of_twenty_nine_digits_add_up_on_the_dashboard(language: Any) -> None:
    record = of_province(value=1e28, planned=9.99e29, gap=-9.89e29, status=Status.BEHIND)
    (row,) = the_board([record], Choice(language=language)).rows
    numbers = VI if language == "vi" else EN
    assert row.said.value.startswith(numbers.plain(1e28))
    assert row.said.gap == "−" + numbers.plain(9.89e29, fixed=True)


def test_numbers_beyond_any_figure_are_written_too() -> None:
    assert VI.value(7.1e31, PRODUCTS).startswith("71.000.000.000.000.000.000.000.000.000.000")
    assert len(EN.plain(1.7e308)) == 411
