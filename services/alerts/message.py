"""The bytes of a mail: headers, structure and encodings that survive every relay, client and Python.

The bodies are built by `email.message`; the headers in front of them are folded here, because Python's own folding
loses spaces of Vietnamese subjects in some releases and joins encoded words in others. `email.header.Header` does not.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from services.alerts.render import Rendered

MAX_ID = 64
"""Longer ids are encoded inside References by some Pythons, and the thread breaks."""


@dataclass(frozen=True, slots=True)
class Address:
    """A mailbox with an ASCII address."""

    email: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Envelope:
    """Everything in front of the bodies. `extra` are further headers with ASCII values."""

    sender: Address
    to: Address
    subject: str
    date: datetime
    message_id: str
    list_id: str
    reply_to: Address | None = None
    root: str | None = None
    last: str | None = None
    extra: tuple[tuple[str, str], ...] = ()


def build(envelope: Envelope, bodies: Rendered) -> bytes:
    """The whole mail with CRLF line ends; the same input gives the same bytes.

    Raises ValueError for a line break in a header, an address that is not ASCII, or an id that is too long.
    """
    lines = [f"{name}: {value}" for name, value in _headers(envelope)]
    return "\r\n".join(lines).encode("ascii") + b"\r\n" + _body(envelope.message_id, bodies)


def _headers(envelope: Envelope) -> list[tuple[str, str]]:
    headers = [
        ("From", _mailbox("From", envelope.sender)),
        ("To", _mailbox("To", envelope.to)),
        ("Subject", encoded("Subject", envelope.subject)),
        ("Date", format_datetime(envelope.date)),
        ("Message-ID", _id(envelope.message_id)),
    ]
    if envelope.reply_to is not None:
        headers.append(("Reply-To", _mailbox("Reply-To", envelope.reply_to)))
    if envelope.last is not None:
        headers.append(("In-Reply-To", _id(envelope.last)))
        thread = dict.fromkeys(_id(one) for one in (envelope.root, envelope.last) if one is not None)
        headers.append(("References", "\r\n ".join(thread)))
    headers += [
        ("Auto-Submitted", "auto-generated"),
        ("X-Auto-Response-Suppress", "OOF, AutoReply, RN, NRN"),
        ("List-Id", f"<{_clean('List-Id', envelope.list_id)}>"),
    ]
    headers += [(name, encoded(name, value)) for name, value in envelope.extra]
    return headers


def encoded(name: str, value: str) -> str:
    """A header's value, folded; in encoded words where it is not ASCII. Raises ValueError for a line break."""
    value = _clean(name, unicodedata.normalize("NFC", value))
    if value.isascii():
        return Header(value, "us-ascii", maxlinelen=76, header_name=name).encode(linesep="\r\n")
    return Header(value, "utf-8", maxlinelen=75, header_name=name).encode(linesep="\r\n")


def _mailbox(name: str, address: Address) -> str:
    email = _clean(name, address.email)
    if not email.isascii() or any(sign in email for sign in '<>," '):
        raise ValueError(f"{name}: {email!r} is not an address that every relay takes")
    display = unicodedata.normalize("NFC", address.name)
    if not display:
        return email
    if _clean(name, display).isascii():
        quoted = display.replace("\\", r"\\").replace('"', r"\"")
        return f'"{quoted}" <{email}>'
    return f"{encoded(name, display)}\r\n <{email}>"


def _id(message_id: str) -> str:
    if len(message_id) > MAX_ID or not message_id.isascii():
        raise ValueError(f"{message_id!r} is no Message-ID of at most {MAX_ID} ASCII characters")
    return _clean("Message-ID", message_id)


def _clean(name: str, value: str) -> str:
    if any(ord(sign) < 32 or sign in "\x7f\u2028\u2029\x85" for sign in value):
        raise ValueError(f"{name}: a line break or control character in {value!r}")
    return value


def _body(message_id: str, bodies: Rendered) -> bytes:
    """multipart/alternative: quoted-printable text first, base64 HTML second."""
    message = EmailMessage(policy=SMTP)
    message.set_content(unicodedata.normalize("NFC", bodies.text), charset="utf-8", cte="quoted-printable")
    message.add_alternative(unicodedata.normalize("NFC", bodies.html), subtype="html", charset="utf-8", cte="base64")
    message.set_boundary(f"=_{message_id.strip('<>').partition('@')[0]}")
    return message.as_bytes()


def header_value(values: Sequence[str], most: int = 20) -> str:
    """Several ids as one header's value; beyond `most` they are left out."""
    return ", ".join(values[:most])
