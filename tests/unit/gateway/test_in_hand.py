"""How much of what is sent at once is held in memory, and for whom."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from httpx2 import AsyncBaseTransport, Request, Response

from services.gateway import api
from services.gateway.in_hand import InHand
from services.gateway.problems import Problem
from tests.unit.gateway.owning import Away, owners
from tests.unit.gateway.test_admission import BATCH, OURS, PATH, PUBLISHER, told
from tests.unit.gateway.test_imports import Province as Importing
from tests.unit.gateway.test_routes import Gateway
from tests.unit.runtime.sheets.workbooks import a_csv

ONE = json.dumps([{**OURS, "id": str(one)} for one in range(10)]).encode()


def limited(of_all: int = 3 * len(ONE)) -> Gateway:
    """A key may have one and a half such bodies in hand."""
    return Gateway("production", max_bodies_bytes=of_all, max_bodies_bytes_of_a_key=len(ONE) + len(ONE) // 2)


def test_a_share_and_the_whole_are_counted_and_given_back() -> None:
    hands = InHand(100, 60)
    with hands.one("a") as one, hands.one("a") as other, hands.one("b") as third:
        one.grow(50)
        with pytest.raises(Problem) as refused:
            other.grow(20)
        assert (refused.value.status, refused.value.code) == (429, "too_much_at_once")
        other.grow(10)
        with pytest.raises(Problem) as full:
            third.grow(41)
        assert (full.value.status, full.value.headers["retry-after"]) == (503, "2")
        third.grow(40)
        assert hands.size == 100
    assert hands.size == 0
    with hands.one("a") as alone:
        alone.grow(500)


async def in_parts(key: str, gateway: Gateway, go_on: asyncio.Event) -> Response:
    """A body of unknown length whose end comes when it is said."""

    async def parts() -> AsyncIterator[bytes]:
        yield ONE[:-1]
        await go_on.wait()
        yield ONE[-1:]

    async with gateway.client("http://127.0.0.1:8080") as client:
        return await client.post(PATH, content=parts(), headers={**BATCH, "authorization": f"Bearer {key}"})


async def held(gateway: Gateway) -> None:
    """Something is in hand."""
    while not gateway.parts.admission.in_hand.size:  # noqa: ASYNC110
        await asyncio.sleep(0)


async def whole(key: str, gateway: Gateway) -> Response:
    async with gateway.client("http://127.0.0.1:8080") as client:
        return await client.post(PATH, content=ONE, headers={**BATCH, "authorization": f"Bearer {key}"})


async def test_a_second_body_of_a_key_waits_for_the_first_and_others_come_in_beside_it() -> None:
    gateway = limited()
    key, other = gateway.keys.give(PUBLISHER.id), gateway.keys.give(PUBLISHER.id)
    go_on = asyncio.Event()
    first = asyncio.create_task(in_parts(key, gateway, go_on))
    await held(gateway)
    refused = await whole(key, gateway)
    assert told(refused) == (429, "too_much_at_once")
    assert refused.headers["retry-after"] == "2"
    assert (await whole(other, gateway)).status_code == 202
    go_on.set()
    assert (await first).status_code == 202
    assert (await whole(key, gateway)).status_code == 202
    assert gateway.parts.admission.in_hand.size == 0


async def test_beyond_what_the_process_holds_nobody_comes_in() -> None:
    gateway = limited(len(ONE) + 10)
    key, other = gateway.keys.give(PUBLISHER.id), gateway.keys.give(PUBLISHER.id)
    go_on = asyncio.Event()
    first = asyncio.create_task(in_parts(key, gateway, go_on))
    await held(gateway)
    assert told(await whole(other, gateway)) == (503, "unavailable")
    go_on.set()
    assert (await first).status_code == 202


async def test_events_that_a_key_has_not_left_are_not_even_read() -> None:
    """Several requests are read at once; what one has used up the others need not be read for."""
    gateway = Gateway("production", events_per_minute=300, max_body_bytes=1_000_000)
    key = gateway.keys.give(PUBLISHER.id)
    batches = [json.dumps([{**OURS, "id": f"{at}-{one}"} for one in range(300)]).encode() for at in range(2)]
    broken = batches[1][:-1] + b", nonsense]"
    async with gateway.client("http://127.0.0.1:8080") as client:
        shown = {**BATCH, "authorization": f"Bearer {key}"}
        answers = await asyncio.gather(*(client.post(PATH, content=one, headers=shown) for one in (batches[0], broken)))
    assert [one.status_code for one in answers] == [202, 429]
    assert 45 <= int(answers[1].headers["retry-after"]) <= 60


async def test_a_caller_who_hung_up_is_not_examined_on() -> None:
    asked: list[int] = []

    class Counting(AsyncBaseTransport):
        async def handle_async_request(self, request: Request) -> Response:
            events = json.loads(await request.aread())
            asked.append(len(events))
            said = [{"source": one["source"], "id": one["id"], "observation_id": "0" * 32} for one in events]
            return Response(200, json={"items": said})

    gateway = Gateway(owners=owners(Away(), Counting()), max_body_bytes=1_000_000)
    body = json.dumps([{**OURS, "id": str(one)} for one in range(1_600)]).encode()
    messages = iter([{"type": "http.request", "body": body}])

    async def receive() -> Any:
        return next(messages, {"type": "http.disconnect"})

    async def send(message: Any) -> None:
        assert message.get("status", 499) == 499

    scope = {
        "type": "http",
        "method": "POST",
        "path": PATH,
        "query_string": b"dry_run=true",
        "headers": [(b"content-type", BATCH["content-type"].encode()), (b"host", b"127.0.0.1:8080")],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8080),
        "scheme": "http",
        "http_version": "1.1",
    }
    await api.create(gateway.parts)(scope, receive, send)
    assert asked == [500]


async def test_of_one_publisher_one_file_is_read_at_a_time() -> None:
    province = Importing("production")
    key = province.gateway.keys.give("edoc")
    headers = {"content-type": "text/csv", "authorization": f"Bearer {key}"}
    async with province.gateway.client() as client:
        asked = [client.post("/api/v1/imports?dry_run=true", content=a_csv(), headers=headers) for _ in range(2)]
        answers = await asyncio.gather(*asked)
    assert sorted(answer.status_code for answer in answers) == [200, 429]
    assert next(told(one) for one in answers if one.status_code == 429) == (429, "too_much_at_once")
