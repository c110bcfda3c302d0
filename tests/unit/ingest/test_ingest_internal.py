"""The question that others ask of the ledger: where did these observations come from?"""

from typing import Any, get_args

import pytest
from httpx2 import ASGITransport, AsyncClient, Response
from starlette.applications import Starlette

from contracts.catalog import KpiKind
from contracts.explanations import Origins, OriginsPage, Rules
from contracts.fates import Accepted, AcceptedPage
from services.ingest import checks, internal, kinds, passing
from tests.unit.ingest.remembered import Remembered
from tests.unit.metrics.builders import an_increment, an_observation

KNOWN = [an_observation("p.a.1", "2023-09-30", 85, 100), an_observation("p.a.2", "2023-09-30", 86, 100)]


async def asked(ids: str, ledger: Remembered | None = None) -> Response:
    app = Starlette(routes=internal.routes(ledger or Remembered(KNOWN)))
    async with AsyncClient(transport=ASGITransport(app=app), base_url="http://x") as client:
        return await client.get(internal.PATH, params={"ids": ids})


async def test_observations_come_whole_in_the_order_asked_and_strangers_are_left_out() -> None:
    second, first = KNOWN[1].observation_id, KNOWN[0].observation_id
    answer = await asked(f"{second},{'0' * 32},{first},{second}")
    assert Origins.model_validate_json(answer.content).items == (KNOWN[1], KNOWN[0])


async def test_all_figures_of_a_unit_and_day_come_page_by_page() -> None:
    said = [an_increment("p.a.1", "2023-09-30", 1, 2) for _ in range(5)]
    app = Starlette(routes=internal.routes(Remembered([*said, *KNOWN])))
    query = {"subjects": "p/k/p.a.1/2023-09-30", "limit": "4"}
    async with AsyncClient(transport=ASGITransport(app=app), base_url="http://x") as client:
        first = OriginsPage.model_validate_json((await client.get(internal.ABOUT, params=query)).content)
        after = {**query, "after": first.next or ""}
        second = OriginsPage.model_validate_json((await client.get(internal.ABOUT, params=after)).content)
        odd = await client.get(internal.ABOUT, params={"subjects": "p/k"})
    assert (len(first.items), len(second.items), second.next) == (4, 2, None)
    assert {one.observation_id for one in (*first.items, *second.items)} == {
        one.observation_id for one in (*said, KNOWN[0])
    }
    assert odd.status_code == 400


async def test_what_was_accepted_last_of_a_source_comes_page_by_page() -> None:
    said = [an_observation(source="urn:a"), an_observation(source="urn:b"), an_observation(source="urn:a")]
    ledger = Remembered(said)
    app = Starlette(routes=internal.routes(ledger))
    async with AsyncClient(transport=ASGITransport(app=app), base_url="http://x") as client:

        async def page(**query: Any) -> tuple[Accepted, ...]:
            answer = await client.get(internal.ACCEPTED, params=query)
            assert answer.status_code == 200
            return AcceptedPage.model_validate_json(answer.content).items

        (first,) = await page(source=["urn:a"], limit=1)
        (second,) = await page(
            source=["urn:a"], before=first.stored_at.isoformat(), before_id=first.observation.observation_id
        )
        both = await page(source=["urn:a", "urn:b"], since=second.stored_at.isoformat())
        odd = [await client.get(internal.ACCEPTED, params=query) for query in ({"limit": "0"}, {"since": "2023-10-01"})]
        ledger.away = True
        away = await client.get(internal.ACCEPTED, params={"source": "urn:a"})
    assert [first.observation, second.observation] == [said[2], said[0]]
    assert [one.observation for one in both] == said[::-1]
    assert [one.status_code for one in odd] == [400, 400]
    assert (away.status_code, away.json()["code"]) == (503, "database_away")


async def test_nothing_asked_nothing_answered() -> None:
    assert (await asked("")).json() == {"items": [], "next": None}


@pytest.mark.parametrize("ids", ["xyz", "../..", ",".join("0" * 32 for _ in range(201))])
async def test_what_is_no_id_is_refused(ids: str) -> None:
    assert (await asked(ids)).status_code == 400


async def test_without_its_database_it_says_so() -> None:
    ledger = Remembered(KNOWN)
    ledger.away = True
    answer = await asked(KNOWN[0].observation_id, ledger)
    assert (answer.status_code, answer.json()["code"]) == (503, "database_away")


@pytest.mark.parametrize("kind", get_args(KpiKind))
async def test_every_rule_that_a_figure_passes_is_told_in_both_languages(kind: KpiKind) -> None:
    asked_of = {*checks.EVERY_FIGURE, *kinds.rules_of_absolute(kind), *kinds.rules_of_increment(kind)}
    app = Starlette(routes=internal.routes(Remembered(KNOWN)))
    async with AsyncClient(transport=ASGITransport(app=app), base_url="http://x") as client:
        told = Rules.model_validate_json((await client.get(f"{internal.RULES}/{kind}")).content)
    assert {passing.name_of(rule) for rule in asked_of} <= {step.code for step in (*told.absolute, *told.increment)}
    assert all(step.text_vi != step.text_en and step.text_vi for step in told.absolute)


async def test_an_increment_has_passed_fewer_rules_and_a_strange_kind_none() -> None:
    app = Starlette(routes=internal.routes(Remembered(KNOWN)))
    async with AsyncClient(transport=ASGITransport(app=app), base_url="http://x") as client:
        ratio = Rules.model_validate_json((await client.get(f"{internal.RULES}/ratio")).content)
        strange = await client.get(f"{internal.RULES}/shape")
    left_out = {step.code for step in ratio.absolute} - {step.code for step in ratio.increment}
    assert left_out == {"parts_as_exact_as_declared", "not_negative", "part_within_whole", "within_limits"}
    assert (strange.status_code, strange.json()["code"]) == (404, "unknown_kind")


def test_no_sentence_is_about_a_rule_that_nobody_asks() -> None:
    asked = {step.code for kind in get_args(KpiKind) for step in passing.rules_of(kind).absolute}
    assert asked == passing.TEXTS.keys()
