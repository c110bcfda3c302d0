"""A real SMTP server that answers by script: refusals, silence, dropped connections, TLS and AUTH."""

import asyncio
import ssl
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from deploy.embedded.ports import LOOPBACK


@dataclass
class ScriptedRelay:
    """`script`: the answers to DATA, one a mail, then 250 for ever. `drop` hangs up, `hang` never answers."""

    script: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    """Recipient → answer to RCPT."""
    taken: list[tuple[str, bytes]] = field(default_factory=list)
    sender_answer: str | None = None
    connections: int = 0
    port: int = 0

    async def handle_MAIL(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any) -> str:
        if self.sender_answer is not None:
            return self.sender_answer
        envelope.mail_from = address
        return "250 ok"

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any) -> str:
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        answer = self.script.pop(0) if self.script else "250 taken"
        if answer == "hang":
            await asyncio.sleep(60)
        if answer.startswith(("250", "drop")):
            assert isinstance(envelope.content, bytes)
            self.taken.append((envelope.rcpt_tos[0], envelope.content))
        if answer == "drop":
            assert server.transport is not None
            server.transport.close()
        return answer


@asynccontextmanager
async def running(
    relay: ScriptedRelay,
    *,
    tls: ssl.SSLContext | None = None,
    implicit: bool = False,
    password: str | None = None,
) -> AsyncIterator[ScriptedRelay]:
    """The relay on a free loopback port."""

    def authenticate(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        good = isinstance(data, LoginPassword) and data.password == (password or "").encode()
        return AuthResult(success=good, handled=False)

    def connection() -> SMTP:
        relay.connections += 1
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that AUTH is wanted without STARTTLS: TLS is there from the first byte
            return made()

    def made() -> SMTP:
        return SMTP(
            relay,
            hostname="relay.example",
            tls_context=None if implicit else tls,
            require_starttls=tls is not None and not implicit,
            authenticator=authenticate if password is not None else None,
            auth_required=password is not None,
            auth_require_tls=not implicit,
            decode_data=False,
        )

    factory: Callable[[], asyncio.BaseProtocol] = connection
    loop = asyncio.get_running_loop()
    server = await loop.create_server(factory, LOOPBACK, 0, ssl=tls if implicit else None)
    relay.port = server.sockets[0].getsockname()[1]
    try:
        yield relay
    finally:
        server.close()
