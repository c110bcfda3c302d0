"""Going on after the fuse, over HTTP."""

from dataclasses import dataclass, field

import pytest
from aiokafka import TopicPartition
from httpx2 import ASGITransport, AsyncClient, Response
from starlette.applications import Starlette

from contracts.topics import own_topic
from services.ingest import resuming
from tests.unit.ingest.door import TOPIC

OWN = own_topic("dak-nong", "portal").name
THREE = [TopicPartition(TOPIC, 2), TopicPartition(TOPIC, 5), TopicPartition(OWN, 5)]


@dataclass(slots=True)
class Stopped:
    """Three partitions were stopped, one of them of a publisher's own topic."""

    topic: str = TOPIC
    halted: list[TopicPartition] = field(default_factory=lambda: [*THREE])
    allowances: list[int] = field(default_factory=list)

    def resume(self) -> list[TopicPartition]:
        halted, self.halted = self.halted, []
        return halted

    def renew(self, allowance: int) -> None:
        assert self.halted, "the fuse is renewed before the partitions go on"
        self.allowances.append(allowance)


async def post(stopped: Stopped, body: bytes) -> Response:
    app = Starlette(routes=resuming.routes(stopped, stopped))
    async with AsyncClient(transport=ASGITransport(app=app), base_url="http://ingest") as client:
        return await client.post(resuming.PATH, content=body)


@pytest.mark.parametrize(("body", "allowance"), [(b"", 0), (b'{"quarantine": 120}', 120)])
async def test_a_new_fuse_is_put_in_and_what_was_stopped_goes_on(body: bytes, allowance: int) -> None:
    stopped = Stopped()
    answer = await post(stopped, body)
    said = {"topic": TOPIC, "partitions": [2, 5], "quarantine": allowance, "others": [f"{OWN}/5"]}
    assert answer.json() == said
    assert stopped.allowances == [allowance]


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"quarantine": -1}', b'{"quarantine": "many"}'])
async def test_what_cannot_be_understood_resumes_nothing(body: bytes) -> None:
    stopped = Stopped()
    answer = await post(stopped, body)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_parameter")
    assert stopped.halted == THREE
