"""What the chassis opens for a service."""

import asyncio
import socket

from services.runtime.host import _bind
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
