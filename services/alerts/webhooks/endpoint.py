"""An endpoint: where it is, which transitions it wants, and the secrets with which its calls are signed. Pure."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal
from urllib.parse import urlsplit

from contracts.alerts import AlertTransition, Severity, TransitionType

MARK = "whsec_"
"""What the written form of a secret begins with."""

_SECRET_BYTES = 32
_LONGEST_URL = 2_000


class WrongUrl(ValueError):
    """An address that no call can go to; the message says what is wrong, in both languages."""


@dataclass(frozen=True, slots=True)
class Secret:
    """What calls are signed with until `until` (None: for good). `written`: as a receiver configures it, `whsec_` and
    base64."""

    written: str = field(repr=False)
    until: datetime | None = None

    @property
    def key(self) -> bytes:
        """Of the HMAC."""
        return base64.b64decode(self.written.removeprefix(MARK))


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which transitions; an empty field asks for nothing. A unit stands for itself and everything below it."""

    types: tuple[TransitionType, ...] = ()
    severities: tuple[Severity, ...] = ()
    kpis: tuple[str, ...] = ()
    units: tuple[str, ...] = ()

    def includes(self, transition: AlertTransition, above: Collection[str]) -> bool:
        """`above`: the units above the transition's own."""
        return (
            (not self.types or transition.type in self.types)
            and (not self.severities or transition.severity in self.severities)
            and (not self.kpis or transition.kpi in self.kpis)
            and (not self.units or not {transition.org_unit, *above}.isdisjoint(self.units))
        )


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One receiver. `state` is `gone` once it answered 410: nothing is called until somebody enables it again.

    `failures`: unsuccessful calls in a row, the receiver being away; `paused_until`: no call before that.
    """

    id: str
    province: str
    url: str
    created_at: datetime
    secrets: tuple[Secret, ...]
    wanted: Wanted = Wanted()
    note: str = ""
    state: Literal["active", "gone"] = "active"
    failures: int = 0
    paused_until: datetime | None = None

    def wants(self, transition: AlertTransition, above: Collection[str]) -> bool:
        """Whether it is called for this transition."""
        return self.province == transition.province and self.wanted.includes(transition, above)


def new_secret() -> Secret:
    """A random one."""
    return Secret(MARK + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode())


def rotated(endpoint: Endpoint, new: Secret, old_until: datetime) -> Endpoint:
    """The endpoint with another secret, and the one before valid beside it until then. Older ones end now: a signature
    of two is what receivers are used to."""
    current = replace(endpoint.secrets[0], until=old_until)
    return replace(endpoint, secrets=(new, current))


def checked(url: str) -> str:
    """The address, if a call can go there. Raises `WrongUrl`."""
    try:
        parts = urlsplit(url)
        port_is_right = parts.port is None or parts.port > 0
    except ValueError:
        parts, port_is_right = urlsplit(""), False
    if parts.scheme not in ("https", "http") or not parts.hostname or not port_is_right or len(url) > _LONGEST_URL:
        raise WrongUrl(
            "Địa chỉ phải có dạng https://máy/đường-dẫn · The address must look like https://host/path",
        )
    if parts.username is not None or parts.password is not None:
        raise WrongUrl(
            "Không ghi tên và mật khẩu trong địa chỉ: bên nhận kiểm tra chữ ký · "
            "No user name or password in the address: its receiver checks the signature"
        )
    if not url.isascii() or any(sign <= " " for sign in url):
        raise WrongUrl(
            "Địa chỉ chỉ có ký tự ASCII; tên miền có dấu viết theo dạng xn-- · "
            "The address has ASCII characters only; write the xn-- form of the name"
        )
    return url


def signature(valid: Sequence[Secret], call_id: str, timestamp: int, body: bytes, now: datetime) -> str:
    """`webhook-signature`: HMAC-SHA256 over `id.timestamp.body` with each valid secret, separated by spaces
    (Standard Webhooks, “Signature scheme”)."""
    signed = b".".join((call_id.encode(), str(timestamp).encode(), body))
    return " ".join(
        "v1," + base64.b64encode(hmac.new(one.key, signed, hashlib.sha256).digest()).decode()
        for one in valid
        if one.until is None or one.until > now
    )
