"""One call: a signed POST, and what its answer means."""

import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from httpcore2 import AsyncConnectionPool, ConnectError, NetworkError, ProtocolError, TimeoutException

from services.alerts.webhooks.endpoint import Endpoint, signature
from services.alerts.webhooks.guard import GuardedBackend, Network

CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"

_SHOWN = 300
"""Bytes of an answer that are kept: enough to find out what the receiver did not like."""

_LONGEST_WAIT = timedelta(hours=1)
"""… that a receiver may ask for."""


class Fate(StrEnum):
    """What an answer means."""

    TAKEN = "taken"
    REFUSED = "refused"
    """This one, for now: another may well be taken."""
    AWAY = "away"
    """The receiver as a whole: nothing else would be taken either."""
    GONE = "gone"
    """It never wants to be called again (410)."""


@dataclass(frozen=True, slots=True)
class Answer:
    """`wait`: as long as the receiver asked us to, with 429 or 503."""

    fate: Fate
    status: int | None
    text: str
    wait: timedelta | None = None


class Caller:
    """Holds the connections. Redirections are not followed and proxies of the environment are not used: both would go
    where nobody checked."""

    def __init__(self, networks: Sequence[Network], context: ssl.SSLContext, timeout_s: float) -> None:
        self._pools = {
            "https": AsyncConnectionPool(context, network_backend=GuardedBackend(networks, public=True)),
            "http": AsyncConnectionPool(context, network_backend=GuardedBackend(networks, public=False)),
        }
        self._timeout_s = timeout_s

    async def __aenter__(self) -> Self:
        for pool in self._pools.values():
            await pool.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for pool in self._pools.values():
            await pool.__aexit__(kind, error, trace)

    async def call(self, endpoint: Endpoint, call_id: str, body: bytes) -> Answer:
        """Hand one body over. The same id and body may be called again; timestamp and signature are of the call."""
        timestamp = int(time.time())
        headers: dict[bytes | str, bytes | str] = {
            "host": urlsplit(endpoint.url).netloc,
            "content-type": CONTENT_TYPE,
            "content-length": str(len(body)),
            "user-agent": "Tien-Do-Webhooks/1",
            "webhook-id": call_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature(endpoint.secrets, call_id, timestamp, body, datetime.now(UTC)),
        }
        pool = self._pools[endpoint.url.partition("://")[0]]
        limits = dict.fromkeys(("connect", "read", "write", "pool"), self._timeout_s)
        try:
            async with pool.stream(
                "POST", endpoint.url, headers=headers, content=body, extensions={"timeout": limits}
            ) as response:
                said = b""
                async for chunk in response.aiter_stream():
                    said += chunk
                    if len(said) >= _SHOWN:
                        break
                asked = dict(response.headers).get(b"retry-after")
                return meant(response.status, said[:_SHOWN].decode(errors="replace"), asked, datetime.now(UTC))
        except TimeoutException:
            return Answer(Fate.AWAY, None, f"no answer within {self._timeout_s:g} s")
        except ConnectError as error:
            return Answer(Fate.AWAY, None, f"no connection: {error}")
        except (NetworkError, ProtocolError) as error:
            return Answer(Fate.AWAY, None, f"the connection broke: {str(error) or type(error).__name__}")


def meant(status: int, text: str, retry_after: bytes | None, now: datetime) -> Answer:
    """What an answer of HTTP means."""
    if 200 <= status < 300:
        return Answer(Fate.TAKEN, status, text)
    if status == 410:
        return Answer(Fate.GONE, status, text)
    if status in (408, 425, 429) or status >= 500:
        return Answer(Fate.AWAY, status, text, _asked(retry_after, now))
    return Answer(Fate.REFUSED, status, text)


def _asked(retry_after: bytes | None, now: datetime) -> timedelta | None:
    """Seconds or a date (RFC 9110, 10.2.3); None for what is neither."""
    if retry_after is None:
        return None
    said = retry_after.decode("latin-1").strip()
    if said.isdecimal():
        return min(timedelta(seconds=int(said[:9])), _LONGEST_WAIT)
    try:
        until = parsedate_to_datetime(said)
    except ValueError:
        return None
    if until.tzinfo is None:
        return None
    return min(max(until - now, timedelta(0)), _LONGEST_WAIT)
