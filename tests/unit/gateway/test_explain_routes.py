"""Explanation, history and inputs over HTTP: put together from two owners, and clear about one that is away."""

from typing import Any

import pytest
from httpx2 import ASGITransport, AsyncBaseTransport
from starlette.applications import Starlette

from services.gateway.owners import Owners
from services.ingest import internal as of_ingest
from tests.unit.gateway.judged_province import NOW, dak_nong
from tests.unit.gateway.owning import Away, ingest_with, metrics_with, owners, starting
from tests.unit.gateway.test_routes import Gateway
from tests.unit.ingest.remembered import Remembered
from tests.unit.metrics.builders import an_increment, an_observation, local

CATALOG = dak_nong()
KPI, UNIT, PARENT = "document-digitisation", "dak-nong.cu-jut.xa-ea-po", "dak-nong.huyen-cu-jut"
PATH = f"/api/v1/progress/{KPI}/{UNIT}/2023"


def figure(as_of: str, numerator: int, unit: str = UNIT, **more: Any) -> Any:
    return an_observation(unit, as_of, numerator, 1000, province="dak-nong", kpi=KPI, **more)


FIGURES = [
    figure("2023-06-30", 300, flags=("late",)),
    figure("2023-09-30", 550),
    figure("2023-09-30", 420, "dak-nong.cu-jut.xa-dak-wil"),
]


async def both(*more: Any) -> Owners:
    said = [*FIGURES, *more]
    return owners(await metrics_with(CATALOG, NOW, said), ingest_with(said))


async def test_an_explanation_says_of_each_figure_where_it_came_from() -> None:
    async with Gateway(owners=await both()).client() as client:
        own = (await client.get(f"{PATH}/explain")).json()
        above = (await client.get(f"/api/v1/progress/{KPI}/{PARENT}/2023/explain")).json()
    (origin,) = own["origins"]
    assert origin["observation_id"] == FIGURES[1].observation_id
    assert origin["raw"] == FIGURES[1].raw.model_dump()
    assert (origin["publisher"], origin["source_id"]) == ("system", FIGURES[1].source_id)
    assert own["judged"]["value"] == 55
    assert {one["org_unit"] for one in above["origins"]} == {UNIT, "dak-nong.cu-jut.xa-dak-wil"}
    assert above["judged"]["numerator"] == 970


async def test_history_and_a_former_day() -> None:
    async with Gateway(owners=await both()).client() as client:
        said = (await client.get(f"{PATH}/history", params={"on": "2023-07-31"})).json()
        plain = (await client.get(f"{PATH}/history")).json()
    assert [point["value"] for point in said["points"]] == [30, 55]
    assert (said["said"]["on"], said["said"]["judged"]["value"]) == ("2023-07-31", 30)
    assert plain["said"] is None


MENDED = [
    figure("2023-06-30", 300, reported_at=local("2023-07-01")),
    figure("2023-06-30", 350, revision=2, reported_at=local("2023-08-15")),
]


async def test_what_was_replaced_since_a_former_day_comes_from_the_ledger() -> None:
    asked = owners(await metrics_with(CATALOG, NOW, MENDED), ingest_with(MENDED))
    async with Gateway(owners=asked).client() as client:
        answer = (await client.get(f"{PATH}/history", params={"on": "2023-07-31"})).json()
        page = (await client.get(f"/explain?kpi={KPI}&unit={UNIT}&period=2023&on=2023-07-31")).text
    assert (answer["said"]["judged"]["value"], answer["said"]["certain"]) == (30, True)
    assert [point["value"] for point in answer["points"]] == [35]
    assert "30,0" in page.split('id="former"')[1].split("</div>")[0]


@pytest.mark.parametrize("ingest", [Away(), ingest_with([])], ids=["away", "without the entries"])
async def test_without_the_ledger_a_former_day_says_that_it_is_not_certain_and_of_which_figures(
    ingest: AsyncBaseTransport,
) -> None:
    asked = owners(await metrics_with(CATALOG, NOW, MENDED), ingest)
    async with Gateway(owners=asked).client() as client:
        said = (await client.get(f"{PATH}/history", params={"on": "2023-07-31"})).json()["said"]
    assert (said["certain"], said["incomplete"]) == (False, [{"org_unit": UNIT, "as_of": "2023-06-30"}])
    assert "not known any more" in said["doubts"][0]["text_en"]


async def test_inputs_page_by_cursor_with_their_origins() -> None:
    more = [an_increment(UNIT, f"2023-08-{day:02d}", 1, 2, province="dak-nong", kpi=KPI) for day in range(1, 6)]
    later = [an_increment(UNIT, "2023-10-01", 1, 2, province="dak-nong", kpi=KPI)]
    seen: list[str] = []
    async with Gateway(owners=await both(*more, *later)).client() as client:
        parameters: dict[str, str | int] = {"limit": 1}
        while True:
            page = (await client.get(f"{PATH}/inputs", params=parameters)).json()
            seen += [one["observation_id"] for one in page["origins"]]
            if page["next"] is None:
                break
            parameters["cursor"] = page["next"]
        other = await client.get(f"/api/v1/progress/{KPI}/{PARENT}/2023/inputs", params=parameters)
    # The figure of 30 September restarts the sum: what was added in August is no longer in it.
    assert seen == [later[0].observation_id, FIGURES[1].observation_id]
    assert (other.status_code, other.json()["code"]) == (400, "bad_cursor")


@pytest.mark.parametrize("question", ["explain", "history", "inputs"])
async def test_answers_carry_etags(question: str) -> None:
    async with Gateway(owners=await both()).client() as client:
        first = await client.get(f"{PATH}/{question}")
        again = await client.get(f"{PATH}/{question}", headers={"if-none-match": first.headers["etag"]})
    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")


async def test_inputs_name_every_increment_of_a_day_page_by_page() -> None:
    busy = [an_increment(UNIT, "2023-10-01", 1, 2, province="dak-nong", kpi=KPI) for _ in range(2_300)]
    seen: list[str] = []
    figures: list[tuple[str, int]] = []
    async with Gateway(owners=await both(*busy)).client() as client:
        query: dict[str, Any] = {}
        while True:
            page = (await client.get(f"{PATH}/inputs", params=query)).json()
            seen += [one["observation_id"] for one in page["origins"]]
            figures += [(one["as_of"], len(one["observations"])) for one in page["items"]]
            assert [one["observation_id"] for one in page["origins"]] == [
                one for figure in page["items"] for one in figure["observations"]
            ]
            if page["next"] is None:
                break
            query["cursor"] = page["next"]
    assert sorted(seen) == sorted([*(one.observation_id for one in busy), FIGURES[1].observation_id])
    assert figures == [("2023-10-01", 1_000), ("2023-10-01", 1_000), ("2023-10-01", 300), ("2023-09-30", 1)]
    assert page["observations_count"] == len(seen) == 2_301


async def test_increments_that_the_ledger_cannot_find_by_their_day_are_named_as_far_as_metrics_does() -> None:
    busy = [an_increment(UNIT, "2023-10-01", 1, 2, province="dak-nong", kpi=KPI) for _ in range(30)]
    said = [*FIGURES, *busy]
    old = Remembered(said)
    old.entries = {id: entry._replace(subject="") for id, entry in old.entries.items()}
    ledger = ASGITransport(app=Starlette(routes=of_ingest.routes(old)))
    async with Gateway(owners=owners(await metrics_with(CATALOG, NOW, said), ledger)).client() as client:
        page = (await client.get(f"{PATH}/inputs")).json()
    assert [(one["events"], len(one["observations"])) for one in page["items"]] == [(30, 20), (1, 1)]


@pytest.mark.parametrize("transport", [Away(), starting(), Away(after_s=5)])
@pytest.mark.parametrize("question", ["explain", "history", "inputs"])
async def test_when_metrics_is_away_slow_or_starting_the_answer_says_so(
    question: str, transport: AsyncBaseTransport
) -> None:
    asked = owners(transport, ingest_with(FIGURES), patience_s=0.05)
    async with Gateway(owners=asked).client() as client:
        answer = await client.get(f"{PATH}/{question}")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert "metrics" in answer.json()["detail_en"]
    assert answer.headers["retry-after"] == "5"


async def test_when_ingest_is_away_the_answer_names_it() -> None:
    asked = owners(await metrics_with(CATALOG, NOW, FIGURES), Away())
    async with Gateway(owners=asked).client() as client:
        answer = await client.get(f"{PATH}/explain")
        history = await client.get(f"{PATH}/history")
    assert (answer.status_code, "ingest" in answer.json()["detail"]) == (503, True)
    assert history.status_code == 200


@pytest.mark.parametrize("path", [f"{KPI}/{UNIT}/1999", f"no-such/{UNIT}/2023", f"{KPI}/nowhere/2023"])
async def test_what_does_not_exist_is_not_found(path: str) -> None:
    async with Gateway(owners=await both()).client() as client:
        answer = await client.get(f"/api/v1/progress/{path}/explain")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_a_day_that_is_none_is_refused_in_words() -> None:
    async with Gateway(owners=await both()).client() as client:
        answer = await client.get(f"{PATH}/history?on=yesterday")
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_parameter")
