"""What the chassis opens for a service."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from starlette.types import Receive, Scope, Send

from services.runtime.host import _bind, server_of
from services.runtime.settings import HttpSettings


async def test_answers_are_sent_at_once_and_not_kept_back_until_the_caller_acknowledges() -> None:
    kept_back: asyncio.Queue[int] = asyncio.Queue()

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        option = writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        await kept_back.put(option)
        writer.close()

    listening = _bind(HttpSettings(port=0))
    async with await asyncio.start_server(answer, sock=listening):
        _, writer = await asyncio.open_connection(*listening.getsockname())
        assert await kept_back.get() == 1
        writer.close()
        await writer.wait_closed()


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    """Reads the whole body, then says hello."""
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        more = message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
    await send({"type": "http.response.body", "body": b"hello"})


@asynccontextmanager
async def served(**settings: float) -> AsyncIterator[tuple[str, int]]:
    given = HttpSettings.model_validate({"port": 0, **settings})
    listening = _bind(given)
    server = server_of(given, hello)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    while not server.started:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    try:
        yield listening.getsockname()
    finally:
        server.should_exit = True
        await serving


HEAD = b"POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n"


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nhost: local", HEAD + b"\r\n12345"])
async def test_a_caller_who_does_not_finish_a_request_is_hung_up_on(sent: bytes) -> None:
    async with served(head_timeout_s=0.2, body_timeout_s=0.4) as address:
        reader, writer = await asyncio.open_connection(*address)
        writer.write(sent)
        began = asyncio.get_running_loop().time()
        assert await asyncio.wait_for(reader.read(), 3) == b""
        assert asyncio.get_running_loop().time() - began >= 0.15
        writer.close()


async def test_a_request_that_comes_a_byte_at_a_time_has_no_more_time_than_another() -> None:
    async with served(head_timeout_s=0.3) as address:
        reader, writer = await asyncio.open_connection(*address)
        trickled = 0
        while not reader.at_eof() and trickled < len(HEAD):
            writer.write(HEAD[trickled : trickled + 1])
            trickled += 1
            with suppress(TimeoutError):
                async with asyncio.timeout(0.05):
                    assert await reader.read() == b""
        assert trickled < 20
        writer.close()


async def test_one_who_takes_his_time_within_the_limits_is_answered_again_and_again() -> None:
    async with served(head_timeout_s=2, body_timeout_s=2) as address:
        reader, writer = await asyncio.open_connection(*address)
        for _ in range(2):
            for part in (HEAD[:20], HEAD[20:], b"\r\n12345", b"67890"):
                writer.write(part)
                await asyncio.sleep(0.02)
            assert (await reader.readuntil(b"hello")).startswith(b"HTTP/1.1 200")
        writer.close()


async def test_beyond_so_many_connections_requests_are_turned_away() -> None:
    async with served(max_connections=10) as address:
        idle = [await asyncio.open_connection(*address) for _ in range(10)]
        reader, writer = await asyncio.open_connection(*address)
        writer.write(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 503")
        for _, one in [*idle, (reader, writer)]:
            one.close()
