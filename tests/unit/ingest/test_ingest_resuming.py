"""Going on after the fuse, over HTTP."""

from dataclasses import dataclass, field

import pytest
from httpx2 import ASGITransport, AsyncClient, Response
from starlette.applications import Starlette

from services.ingest import resuming


@dataclass(slots=True)
class Stopped:
    """Two partitions were stopped."""

    topic: str = "statistics.reported.v1"
    halted: list[int] = field(default_factory=lambda: [2, 5])
    allowances: list[int] = field(default_factory=list)

    def resume(self) -> list[int]:
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
    assert answer.json() == {"topic": "statistics.reported.v1", "partitions": [2, 5], "quarantine": allowance}
    assert stopped.allowances == [allowance]


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"quarantine": -1}', b'{"quarantine": "many"}'])
async def test_what_cannot_be_understood_resumes_nothing(body: bytes) -> None:
    stopped = Stopped()
    answer = await post(stopped, body)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_parameter")
    assert stopped.halted == [2, 5]
