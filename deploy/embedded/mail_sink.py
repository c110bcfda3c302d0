"""An SMTP server that delivers nothing and keeps every mail as a file. A process of its own:

    python -m deploy.embedded.mail_sink --folder .tiendo/mail --port 2525

One file a recipient, `<sequence>-<recipient>.eml`, the bytes as they came after the two headers that RFC 5321 §4.4
has a final delivery add (`Return-Path`, `Delivered-To`). A mail is accepted (250) only when its file is complete.
Loopback only; no TLS, no authentication.
"""

import argparse
import asyncio
import re
import signal
import sys
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from deploy.embedded.errors import PortTaken
from deploy.embedded.ports import LOOPBACK, is_free

MAX_MAIL_BYTES = 33_554_432
IDENTITY = "mail-sink.localhost"

_UNSAFE = re.compile(r"[^\w.@+=-]")
_SEQUENCE = re.compile(r"(\d+)-.*\.eml")


class Mailbox:
    """The folder. Files come into being complete: written under another name, then renamed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        kept = (_SEQUENCE.fullmatch(file.name) for file in folder.iterdir())
        self._sequence = max((int(match[1]) for match in kept if match), default=0)

    def keep(self, sender: str, recipient: str, content: bytes) -> Path:
        """Stores one recipient's copy and returns its file; names sort in the order of arrival."""
        self._sequence += 1
        file = self._folder / f"{self._sequence:06d}-{_UNSAFE.sub('_', recipient)[:150]}.eml"
        part = file.with_suffix(".part")
        part.write_bytes(f"Return-Path: <{sender}>\r\nDelivered-To: {recipient}\r\n".encode() + content)
        part.replace(file)
        return file


class Delivery:
    """What aiosmtpd calls for a mail that came in whole."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Keeps the mail once for each recipient; the reply goes out after the last file is in place."""
        content = envelope.content
        if not isinstance(content, bytes):
            raise TypeError("the server must be made with decode_data=False")
        names = [
            self._mailbox.keep(envelope.mail_from or "", recipient, content).name for recipient in envelope.rcpt_tos
        ]
        return f"250 kept as {', '.join(names)[:400]}"


async def serve(folder: Path, port: int) -> None:
    """Serves until SIGTERM or SIGINT."""
    delivery = Delivery(Mailbox(folder))

    def connection() -> SMTP:
        return SMTP(
            delivery,
            data_size_limit=MAX_MAIL_BYTES,
            enable_SMTPUTF8=True,
            decode_data=False,
            hostname=IDENTITY,
            ident="mail sink",
        )

    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    server = await loop.create_server(connection, LOOPBACK, port)
    async with server:
        await stop.wait()


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0 after a stop, 1 with a sentence if the port is taken."""
    parser = argparse.ArgumentParser(prog="mail_sink", description="Keeps every mail as a file and delivers none.")
    parser.add_argument("--folder", type=Path, required=True, help="where the .eml files go")
    parser.add_argument("--port", type=int, required=True, help="loopback port to listen on")
    options = parser.parse_args(arguments)
    if not is_free(options.port):
        sys.stderr.write(f"{PortTaken(options.port, '--port')}\n")
        return 1
    asyncio.run(serve(options.folder, options.port))
    return 0


if __name__ == "__main__":
    sys.exit(main())
