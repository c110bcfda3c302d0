"""Who may publish over HTTP: keys, scopes, sources, how much; and where none is needed."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from httpx2 import AsyncBaseTransport, Response
from httpx2 import Request as Asked
from pymongo.errors import ServerSelectionTimeoutError
from starlette.requests import Request

from contracts.catalog import Publisher
from services.gateway.keys import Key, Scope
from services.gateway.problems import Problem
from services.runtime.catalog.catalog import Catalog
from tests.unit.gateway.judged_province import NOW, with_objects
from tests.unit.gateway.owning import Away, nobody, owners
from tests.unit.gateway.test_routes import CATALOG, EVENT, STRUCTURED, Gateway

PATH = "/api/v1/statistics"
BATCH = {"content-type": "application/cloudevents-batch+json"}
PUBLISHER = next(one for one in CATALOG.publishers if "edoc-signed-share" in one.kpis)
SOURCE = PUBLISHER.sources[0]
OURS = {**EVENT, "source": SOURCE}


async def sent(
    gateway: Gateway,
    key: str | None,
    event: Any = OURS,
    *,
    base: str = "http://127.0.0.1:8080",
    query: str = "",
    headers: Mapping[str, str] = STRUCTURED,
) -> Response:
    """The answer to an event that is sent with that key."""
    shown = {} if key is None else {"authorization": f"Bearer {key}"}
    async with gateway.client(base) as client:
        return await client.post(PATH + query, content=json.dumps(event), headers={**headers, **shown})


def told(answer: Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code", "")


async def test_with_a_key_a_publisher_sends_its_own_events() -> None:
    gateway = Gateway("production")
    answer = await sent(gateway, gateway.keys.give(PUBLISHER.id))
    assert answer.status_code == 202
    assert len(gateway.broker.published) == 1
    assert [key_id for key_id, _ in gateway.keys.noted] == [*gateway.keys.kept]


async def test_a_receipt_says_that_the_source_is_parked_and_goes_on_saying_so_while_ingest_is_away() -> None:
    notes = {"items": [{"source": one, "message_vi": "tạm dừng", "message_en": "parked"} for one in (SOURCE, "urn:x")]}

    class Ingest(AsyncBaseTransport):
        async def handle_async_request(self, request: Asked) -> Response:
            assert request.url.path == "/internal/v1/parked"
            return Response(200, json=notes)

    gateway = Gateway("production")
    key = gateway.keys.give(PUBLISHER.id)
    assert (await sent(gateway, key)).json()["parked"] == []
    await gateway.parts.parked.ask(owners(Away(), Ingest()))
    await gateway.parts.parked.ask(nobody())
    answer = await sent(gateway, key)
    assert answer.status_code == 202
    assert answer.json()["parked"] == notes["items"][:1]


@pytest.mark.parametrize("query", ["", "?dry_run=true"])
async def test_without_a_key_nothing_is_taken_and_not_even_checked(query: str) -> None:
    gateway = Gateway("production")
    answer = await sent(gateway, None, query=query)
    assert told(answer) == (401, "no_key")
    assert answer.headers["www-authenticate"] == 'Bearer realm="tiendo"'
    assert not gateway.broker.published


async def test_a_key_is_asked_for_before_anything_else_is_said() -> None:
    gateway = Gateway("production")
    assert told(await sent(gateway, None, query="?odd=1")) == (401, "no_key")
    assert told(await sent(gateway, None, headers={"content-type": "text/plain"})) == (401, "no_key")


@pytest.mark.parametrize(
    "shown",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer x",
        "Bearer tdk_000000000000_" + "A" * 43,
        "Basic dXNlcjpwYXNz",
        "tdk_000000000000_" + "A" * 43,
        "Bearer tdk_" + "é" * 56,
        "Bearer " + "A" * 7_000,
    ],
)
async def test_what_is_no_key_opens_nothing(shown: str) -> None:
    gateway = Gateway("production")
    headers = {**{name.encode(): text.encode() for name, text in STRUCTURED.items()}, b"authorization": shown.encode()}
    async with gateway.client() as client:
        answer = await client.post(PATH, content=json.dumps(OURS), headers=headers)
    assert told(answer) == (401, "bad_key")
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


async def test_a_key_without_the_word_bearer_is_told_that_the_word_is_missing() -> None:
    gateway = Gateway("production")
    shown = {"authorization": gateway.keys.give(PUBLISHER.id)}
    async with gateway.client() as client:
        answer = await client.post(PATH, content=json.dumps(OURS), headers={**STRUCTURED, **shown})
    assert told(answer) == (401, "bad_key")
    assert "The word Bearer is missing" in answer.json()["detail_en"]
    assert "thiếu từ Bearer" in answer.json()["detail"]
    assert shown["authorization"] not in answer.text


async def test_two_headers_with_keys_are_as_good_as_none() -> None:
    gateway = Gateway("production")
    shown = ("authorization", f"Bearer {gateway.keys.give(PUBLISHER.id)}")
    async with gateway.client() as client:
        answer = await client.post(PATH, content=json.dumps(OURS), headers=[*STRUCTURED.items(), shown, shown])
    assert told(answer) == (401, "bad_key")


async def test_the_word_bearer_may_be_written_in_any_case() -> None:
    gateway = Gateway("production")
    shown = {"authorization": f"bearer  {gateway.keys.give(PUBLISHER.id)} "}
    async with gateway.client() as client:
        answer = await client.post(PATH, content=json.dumps(OURS), headers={**STRUCTURED, **shown})
    assert answer.status_code == 202


async def test_a_key_whose_secret_is_wrong_in_one_letter_opens_nothing() -> None:
    gateway = Gateway("production")
    text = gateway.keys.give(PUBLISHER.id)
    wrong = text[:-1] + ("A" if text[-1] != "A" else "B")
    assert told(await sent(gateway, wrong)) == (401, "bad_key")
    assert gateway.keys.noted == []


async def test_an_expired_key_and_a_revoked_one_are_told_apart() -> None:
    gateway = Gateway("production", keys_fresh_s=0)
    old = gateway.keys.give(PUBLISHER.id, age=timedelta(days=365, seconds=1))
    taken_back = gateway.keys.give(PUBLISHER.id)
    assert (await sent(gateway, taken_back)).status_code == 202
    gateway.keys.revoke(taken_back)
    assert told(await sent(gateway, old)) == (401, "expired_key")
    assert told(await sent(gateway, taken_back)) == (401, "revoked_key")


async def test_a_key_is_good_for_its_scopes_only() -> None:
    gateway = Gateway("production")
    reader = gateway.keys.give(PUBLISHER.id, Scope.EVENTS_READ, Scope.IMPORTS_WRITE)
    answer = await sent(gateway, reader)
    assert told(answer) == (403, "missing_scope")
    assert "statistics:write" in answer.json()["detail_en"]
    assert (await sent(gateway, gateway.keys.give(PUBLISHER.id, Scope.STATISTICS_WRITE))).status_code == 202


def catalog_with(**changes: Any) -> dict[str, Catalog]:
    """The shipped catalog and a publisher `late`, who is the known one but for these fields."""
    fields = {**PUBLISHER.model_dump(), "id": "late", "sources": ["urn:late"], **changes}
    return {"dak-nong": with_objects(Publisher.model_validate(fields))}


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, 202),
        ({"valid_to": NOW.date() + timedelta(days=1)}, 202),
        ({"valid_to": NOW.date()}, 403),
        ({"valid_from": NOW.date() + timedelta(days=1)}, 403),
    ],
)
async def test_a_key_is_worth_what_its_publisher_is_today(changes: dict[str, Any], status: int) -> None:
    gateway = Gateway("production", catalog_with(**changes))
    assert (await sent(gateway, gateway.keys.give("late"), {**EVENT, "source": "urn:late"})).status_code == status


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"valid_from": NOW.date() + timedelta(days=1)}, 202),
        ({"valid_to": NOW.date() + timedelta(days=1)}, 403),
        ({"valid_to": NOW.date() + timedelta(days=2)}, 202),
    ],
)
async def test_a_publishers_day_begins_at_midnight_of_its_province(changes: dict[str, Any], status: int) -> None:
    gateway = Gateway("production", catalog_with(**changes))
    gateway.parts.clock.observe(NOW.replace(hour=19))  # 02:00 of the next day in Vietnam
    assert (await sent(gateway, gateway.keys.give("late"), {**EVENT, "source": "urn:late"})).status_code == status


@pytest.mark.parametrize(("publisher", "province"), [("nobody", "dak-nong"), (PUBLISHER.id, "lam-dong")])
async def test_a_key_of_a_publisher_that_no_catalog_has_is_worth_nothing(publisher: str, province: str) -> None:
    gateway = Gateway("production")
    assert told(await sent(gateway, gateway.keys.give(publisher, province=province))) == (403, "unknown_publisher")


async def test_before_there_is_a_catalog_nobody_is_turned_away_for_good() -> None:
    gateway = Gateway("production", {})
    answer = await sent(gateway, gateway.keys.give(PUBLISHER.id))
    assert told(answer) == (503, "unavailable")
    assert "retry-after" in answer.headers


async def test_events_of_another_source_are_refused_with_the_place_where_they_stand() -> None:
    gateway = Gateway("production")
    other = next(one.sources[0] for one in CATALOG.publishers if one.id != PUBLISHER.id)
    batch = [OURS, {**OURS, "id": "2", "source": other}, {**OURS, "id": "3", "data": {}}]
    answer = await sent(gateway, gateway.keys.give(PUBLISHER.id), batch, headers=BATCH)
    assert told(answer) == (403, "not_your_source")
    errors = answer.json()["errors"]
    assert ("not_your_source", "/1/source") in [(error["code"], error["pointer"]) for error in errors]
    assert "/2/data/kpi" in [error["pointer"] for error in errors]
    assert not gateway.broker.published


async def test_a_binary_event_of_another_source_is_refused_with_the_name_of_the_header() -> None:
    gateway = Gateway("production")
    headers = {f"ce-{name}": str(text) for name, text in OURS.items() if name != "data"} | {"ce-source": "urn:other"}
    headers["content-type"] = "application/json"
    answer = await sent(gateway, gateway.keys.give(PUBLISHER.id), OURS["data"], headers=headers)
    assert told(answer) == (403, "not_your_source")
    (error,) = answer.json()["errors"]
    assert (error["header"], "pointer" in error) == ("ce-source", False)


async def test_a_dry_run_looks_at_sources_too() -> None:
    gateway = Gateway("production")
    key = gateway.keys.give(PUBLISHER.id)
    assert told(await sent(gateway, key, EVENT, query="?dry_run=true")) == (403, "not_your_source")


@pytest.mark.parametrize("base", ["http://127.0.0.1:8080", "http://localhost:8080", "http://[::1]:8080"])
async def test_at_the_machine_of_a_trial_no_key_is_needed(base: str) -> None:
    gateway = Gateway()
    assert (await sent(gateway, None, EVENT, base=base)).status_code == 202


@pytest.mark.parametrize("base", ["http://evil.example:8080", "http://127.0.0.1.evil.example", "http://10.0.0.1"])
async def test_a_page_that_reaches_a_trial_under_another_name_needs_a_key(base: str) -> None:
    assert told(await sent(Gateway(), None, base=base)) == (401, "no_key")


@pytest.mark.parametrize(
    "name", ["x-real-ip", "Via", "Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host"]
)
async def test_whoever_comes_through_a_proxy_is_not_at_the_machine_of_a_trial(name: str) -> None:
    answer = await sent(Gateway(), None, headers={**STRUCTURED, name: "127.0.0.1"})
    assert told(answer) == (401, "no_key")


async def test_a_key_that_is_shown_where_none_is_needed_is_checked() -> None:
    gateway = Gateway()
    key = gateway.keys.give(PUBLISHER.id)
    assert told(await sent(gateway, key[:-1])) == (401, "bad_key")
    assert told(await sent(gateway, key, EVENT)) == (403, "not_your_source")
    assert (await sent(gateway, key)).status_code == 202


async def test_too_many_requests_of_a_key_are_told_when_to_come_again_and_others_are_not_held_up() -> None:
    gateway = Gateway("production", requests_per_minute=2)
    key, other = gateway.keys.give(PUBLISHER.id), gateway.keys.give(PUBLISHER.id)
    first = await sent(gateway, key)
    assert first.headers["ratelimit-policy"] == '"requests";q=2;w=60, "events";q=100000;w=60'
    assert first.headers["ratelimit"].startswith('"requests";r=1;t=30')
    assert (await sent(gateway, key)).status_code == 202
    refused = await sent(gateway, key)
    assert told(refused) == (429, "too_many_requests")
    assert 28 <= int(refused.headers["retry-after"]) <= 30
    assert refused.headers["ratelimit"].startswith('"requests";r=0;')
    assert (await sent(gateway, other)).status_code == 202


async def test_too_many_events_of_a_key_are_refused_whole() -> None:
    gateway = Gateway("production", events_per_minute=6)
    key = gateway.keys.give(PUBLISHER.id)
    batches = [[{**OURS, "id": f"{batch}-{number}"} for number in range(4)] for batch in range(2)]
    assert (await sent(gateway, key, batches[0], headers=BATCH)).status_code == 202
    refused = await sent(gateway, key, batches[1], headers=BATCH)
    assert told(refused) == (429, "too_many_events")
    assert 18 <= int(refused.headers["retry-after"]) <= 20
    assert len(gateway.broker.published) == 4
    assert (await sent(gateway, key, batches[1][:2], headers=BATCH)).status_code == 202
    assert told(await sent(gateway, key, {"no": "event"})) == (429, "too_many_events")


async def test_whoever_has_used_up_its_events_may_still_read() -> None:
    gateway = Gateway("production", events_per_minute=1)
    key = gateway.keys.give(PUBLISHER.id)
    assert (await sent(gateway, key)).status_code == 202
    assert told(await sent(gateway, key)) == (429, "too_many_events")
    asker = await gateway.parts.admission.admit(showing(key), Scope.EVENTS_READ)
    assert (asker.publisher, asker.province, asker.speaks_as(SOURCE)) == (PUBLISHER.id, "dak-nong", True)
    assert not asker.speaks_as("urn:a")


def showing(key: str | None) -> Request:
    """A request with that key and no body, from this machine."""
    shown = [(b"authorization", f"Bearer {key}".encode())] if key is not None else []
    headers = [(b"host", b"127.0.0.1"), *shown]
    scope = {"type": "http", "headers": headers, "client": ("127.0.0.1", 1), "path": "/"}

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    return Request(scope, receive)


async def test_a_persons_key_reports_no_figures_and_looks_at_no_events() -> None:
    gateway = Gateway("production")
    key = gateway.keys.give_person("manager.dak-nong")
    assert told(await sent(gateway, key)) == (403, "not_a_publisher")
    assert not gateway.broker.published
    with pytest.raises(Problem) as refused:
        await gateway.parts.admission.admit(showing(key), Scope.EVENTS_READ)
    assert refused.value.code == "not_a_publisher"


async def test_a_person_is_recognised_by_their_key_and_a_publisher_is_nobody_who_acts() -> None:
    gateway = Gateway("production")
    recognise = gateway.parts.admission.recognise
    actor = await recognise(showing(gateway.keys.give_person("manager.dak-nong")), Scope.ALERTS_ACT)
    assert (actor.person.id, actor.catalog.province.id, actor.today) == ("manager.dak-nong", "dak-nong", NOW.date())
    for key, code in (
        (gateway.keys.give(PUBLISHER.id), "not_a_person"),
        (gateway.keys.give(PUBLISHER.id, *Scope), "not_a_person"),
        (gateway.keys.give_person("manager.nowhere"), "unknown_person"),
        (gateway.keys.give_person("manager.dak-nong", province="lam-dong"), "unknown_person"),
    ):
        with pytest.raises(Problem) as refused:
            await recognise(showing(key), Scope.ALERTS_ACT)
        assert (refused.value.status, refused.value.code) == (403, code)


async def test_who_acts_is_asked_for_at_the_machine_of_a_trial_too() -> None:
    gateway = Gateway()
    with pytest.raises(Problem) as refused:
        await gateway.parts.admission.recognise(showing(None), Scope.ALERTS_ACT)
    assert refused.value.code == "no_key"


async def test_wrong_keys_use_up_nobodys_allowance() -> None:
    gateway = Gateway("production", requests_per_minute=1)
    key = gateway.keys.give(PUBLISHER.id)
    for _ in range(5):
        assert told(await sent(gateway, key[:-4] + "AAAA")) == (401, "bad_key")
    assert (await sent(gateway, key)).status_code == 202


async def test_where_keys_cannot_be_looked_up_nobody_is_let_in_and_nobody_sent_away_for_good() -> None:
    gateway = Gateway("production")

    async def away(key_id: str) -> Key | None:
        raise ServerSelectionTimeoutError("no primary")

    gateway.keys.find = away  # type: ignore[method-assign]
    answer = await sent(gateway, gateway.keys.give(PUBLISHER.id))
    assert told(answer) == (503, "unavailable")


async def test_no_answer_repeats_the_key() -> None:
    gateway = Gateway("production")
    key = gateway.keys.give(PUBLISHER.id, Scope.EVENTS_READ)
    secret = key.split("_", 2)[2]
    for shown in (key, key[:-1], key + "A"):
        answer = await sent(gateway, shown)
        assert secret[:20] not in answer.text
        assert secret[:20] not in str(answer.headers)


async def test_every_refusal_is_counted_by_its_code() -> None:
    gateway = Gateway("production")
    await sent(gateway, None)
    await sent(gateway, "x")
    text = gateway.parts.telemetry.exposition().decode()
    assert 'tiendo_requests_refused_total{code="no_key"} 1.0' in text
    assert 'tiendo_requests_refused_total{code="bad_key"} 1.0' in text
