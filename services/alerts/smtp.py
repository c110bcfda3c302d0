"""The relay: one connection, used for many mails, and every answer sorted by what has to happen next."""

import contextlib
from dataclasses import dataclass
from enum import Enum

from aiosmtplib import SMTP
from aiosmtplib.errors import (
    SMTPAuthenticationError,
    SMTPConnectError,
    SMTPException,
    SMTPResponseException,
)

from services.alerts.settings import SmtpSettings
from services.runtime.errors import in_short


class Fate(Enum):
    """What follows from the relay's answer."""

    ACCEPTED = "accepted"
    LATER = "later"
    """This recipient, not now."""
    REFUSED = "refused"
    """This recipient or this mail, never."""
    AWAY = "away"
    """Nothing goes through at the moment: the fault is not the mail's."""
    UNSURE = "unsure"
    """It was handed over and no answer came: the relay may have taken it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The fate of one try, with the relay's code and words."""

    fate: Fate
    code: int | None
    text: str


class Connection:
    """A connection that is opened when first needed and opened again after a failure."""

    def __init__(self, settings: SmtpSettings) -> None:
        self._settings = settings
        self._context = settings.ssl_context()
        self._client: SMTP | None = None

    async def send(self, recipient: str, raw: bytes) -> Answer:
        """Hand one mail over for one recipient."""
        fresh = self._client is None or not self._client.is_connected
        answer = await self._send(recipient, raw)
        if answer.fate is Fate.AWAY and not fresh:
            answer = await self._send(recipient, raw)  # the old connection had been closed by the other side
        return answer

    async def close(self) -> None:
        """Say goodbye, if anybody still listens."""
        client, self._client = self._client, None
        if client is not None and client.is_connected:
            with contextlib.suppress(SMTPException, OSError, TimeoutError):
                await client.quit(timeout=2)
            client.close()

    async def open(self) -> SMTP:
        """A connection on which TLS and AUTH are done. Raises what aiosmtplib raises."""
        settings = self._settings
        client = SMTP(
            hostname=settings.host,
            port=settings.port,
            timeout=settings.connect_timeout_s,
            use_tls=settings.tls == "tls",
            start_tls=settings.tls == "starttls",
            tls_context=self._context,
        )
        await client.connect()
        client.timeout = settings.command_timeout_s
        if settings.username is not None and settings.password is not None:
            await client.login(settings.username, settings.password.get_secret_value())
        return client

    async def _send(self, recipient: str, raw: bytes) -> Answer:
        try:
            client = await self._connected()
            await client.mail(self._settings.return_path)
        except SMTPResponseException as error:
            await self._drop()
            return Answer(Fate.AWAY, error.code, _words(error))
        except (SMTPException, OSError, TimeoutError) as error:
            await self._drop()
            return Answer(Fate.AWAY, None, _words(error))
        return await self._deliver(client, recipient, raw)

    async def _deliver(self, client: SMTP, recipient: str, raw: bytes) -> Answer:
        try:
            await client.rcpt(recipient)
        except SMTPResponseException as error:
            return await self._refused(client, error)
        except (SMTPException, OSError, TimeoutError) as error:
            await self._drop()
            return Answer(Fate.AWAY, None, _words(error))
        try:
            accepted = await client.data(raw, timeout=self._settings.data_timeout_s)
        except SMTPResponseException as error:
            return await self._refused(client, error)
        except (SMTPException, OSError, TimeoutError) as error:
            await self._drop()
            return Answer(Fate.UNSURE, None, _words(error))
        return Answer(Fate.ACCEPTED, accepted.code, accepted.message)

    async def _refused(self, client: SMTP, error: SMTPResponseException) -> Answer:
        if error.code == 421 or error.code < 400:
            await self._drop()
            return Answer(Fate.AWAY, error.code, _words(error))
        try:
            await client.rset()
        except (SMTPException, OSError, TimeoutError):
            await self._drop()
        return Answer(Fate.REFUSED if error.code >= 500 else Fate.LATER, error.code, _words(error))

    async def _connected(self) -> SMTP:
        if self._client is None or not self._client.is_connected:
            self._client = await self.open()
        return self._client

    async def _drop(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()


def _words(error: BaseException) -> str:
    if isinstance(error, SMTPAuthenticationError):
        return f"authentication refused: {error.code} {error.message}"
    if isinstance(error, SMTPResponseException):
        return f"{error.code} {error.message}"
    if isinstance(error, SMTPConnectError) and error.__cause__ is not None:
        return str(error.__cause__) or type(error.__cause__).__name__
    if isinstance(error, SMTPConnectError | OSError):
        return str(error) or type(error).__name__
    return in_short(error)
