"""Settings of this service: the relay, the mails, and the pace of its stages."""

import re
import ssl
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, Field, SecretStr, field_validator, model_validator

from services.runtime.errors import StartError
from services.runtime.settings import ServiceSettings

_ADDRESS = re.compile(r"[!-~]+@[!-~]+")
_LONGEST_HOST = 29
"""`<32 hex digits @ host>` has at most 64 characters: longer ids break threads in some mail clients."""


def trusting(setting: str, cafile: Path | None) -> ssl.SSLContext:
    """What checks certificates: by the system's authorities, and those of the file that the setting names. Raises
    `StartError` for one that cannot be read."""
    context = ssl.create_default_context()
    if cafile is not None:
        try:
            context.load_verify_locations(cafile)
        except OSError as error:
            raise StartError(f"{setting} ({cafile}) cannot be read: {error}.") from None
    return context


class SmtpSettings(BaseModel):
    """The mail relay. Its certificate is always checked; without TLS only where `tls` says `none`."""

    host: str = "127.0.0.1"
    port: int = Field(587, ge=1, le=65535)
    tls: Literal["starttls", "tls", "none"] = Field("starttls", description="`tls` is TLS from the first byte (465)")
    cafile: Path | None = Field(None, description="certificates to trust beside the system's")
    username: str | None = None
    password: SecretStr | None = None
    sender: str = Field("tiendo@tiendo.example", description="address in From; its domain should be the relay's")
    envelope_sender: str | None = Field(None, description="where bounces go; default: the sender")
    connect_timeout_s: float = Field(10.0, gt=0)
    command_timeout_s: float = Field(30.0, gt=0)
    data_timeout_s: float = Field(120.0, gt=0)

    @field_validator("sender", "envelope_sender")
    @classmethod
    def _is_address(cls, value: str | None) -> str | None:
        if value is not None and not _ADDRESS.fullmatch(value):
            raise ValueError(f"{value!r} is no address of ASCII characters")
        return value

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password belong together")
        if self.username is not None and self.tls == "none":
            raise ValueError("a password is not sent without TLS: set tls to starttls or tls")
        return self

    @property
    def return_path(self) -> str:
        """The envelope's sender."""
        return self.envelope_sender or self.sender

    def ssl_context(self) -> ssl.SSLContext | None:
        """What checks the relay's certificate; None without TLS. Raises `StartError` for an unreadable `cafile`."""
        if self.tls == "none":
            return None
        return trusting("TIENDO_SMTP_CAFILE", self.cafile)


class MailSettings(BaseModel):
    """What the mails say of where they come from, and the pilot mode."""

    pilot_to: str | None = Field(
        None, description="pilot mode: ALL mail goes to this address only, and says for whom it was meant"
    )
    host: str = Field(
        "tiendo.example", max_length=_LONGEST_HOST, pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]*$", description="of Message-IDs"
    )
    link: str | None = Field(None, pattern=r"^https?://\S+$", description="address of the dashboard, for links")
    sender_name: str = Field("Tiến Độ", max_length=60)
    reply_to: str | None = Field(None, description="where answers go when the owner of the figure has no address")

    @field_validator("pilot_to", "reply_to")
    @classmethod
    def _is_address(cls, value: str | None) -> str | None:
        if value is not None and not _ADDRESS.fullmatch(value):
            raise ValueError(f"{value!r} is no address of ASCII characters")
        return value


class StageSettings(BaseModel):
    """How the stages work. The defaults suit production; tests and the embedded profile make them quicker."""

    senders: int = Field(2, ge=1, le=20, description="connections to the relay")
    lease_s: float = Field(
        30.0, gt=0, description="how long a mail stays with a worker that died; renewed while it lives"
    )
    poll_s: float = Field(1.0, gt=0, description="safety net: how often each stage looks for work nobody told it of")
    probe_s: float = Field(15.0, gt=0, description="first pause when the relay is away; it doubles up to twenty times")
    retry_s: float = Field(15.0, gt=0, description="first pause after a temporary refusal of one recipient")
    reply_days: int = Field(3, ge=0, le=60, description="working days that a publisher has to answer a doubt")
    notes_days: int = Field(
        30, ge=1, le=400, description="days that a refusal or doubt is known after its publisher was written to"
    )
    give_up_h: float = Field(
        72.0,
        gt=0,
        description="age at which a mail that keeps being refused is given up; a letter after 24 at the latest",
    )
    audit_hour: int = Field(
        2, ge=0, le=23, description="hour of the night, by the province's clocks, at which promises are audited"
    )


class WebhookSettings(BaseModel):
    """How other systems are called. Addresses of the internet are called by TLS only."""

    networks: tuple[IPv4Network | IPv6Network, ...] = Field(
        (), description='networks of your own that may be called, also without TLS, as JSON: `["10.20.0.0/16"]`'
    )
    cafile: Path | None = Field(None, description="certificates to trust beside the system's")
    timeout_s: float = Field(10.0, gt=0, description="how long an answer is waited for")
    retry_s: float = Field(15.0, gt=0, description="first pause after a call that was not taken")
    give_up_h: float = Field(72.0, gt=0, description="age at which a call that is not taken is given up")

    def ssl_context(self) -> ssl.SSLContext:
        """What checks the certificates of receivers. Raises `StartError` for an unreadable `cafile`."""
        return trusting("TIENDO_WEBHOOKS_CAFILE", self.cafile)


class AlertsSettings(ServiceSettings):
    """Everything that this service reads from the environment."""

    smtp: SmtpSettings = SmtpSettings()
    mail: MailSettings = MailSettings()
    alerts: StageSettings = StageSettings()
    webhooks: WebhookSettings = WebhookSettings()
