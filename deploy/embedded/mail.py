"""Starts the mail sink (`mail_sink.py`) as a process and waits for its greeting."""

import importlib.util
import sys
from dataclasses import dataclass
from pathlib import Path
from socket import create_connection

from deploy.embedded.errors import NotAvailable
from deploy.embedded.ports import LOOPBACK, claimed
from deploy.embedded.processes import Child, Command, Supervisor

NAME = "mail-sink"
WHAT = "The mail sink"
READY_SECONDS = 15.0
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class MailSink:
    """A relay for the services at `host`:`port`; the mails lie in `folder`."""

    host: str
    port: int
    folder: Path
    child: Child


def why_not() -> str | None:
    """None if it can run here, otherwise a sentence that says why not."""
    if importlib.util.find_spec("aiosmtpd") is None:
        return "the package aiosmtpd is not installed; `pip install 'tiendo[embedded]'` or any make target brings it."
    return None


def start(supervisor: Supervisor, folder: Path, port: int | None = None) -> MailSink:
    """Starts it on `port` (default: a free one) of the loopback address; mails go to `folder` (made if missing)."""
    if (reason := why_not()) is not None:
        raise NotAvailable(WHAT, reason)
    port = claimed(port, "--smtp-port")
    arguments = [sys.executable, "-m", "deploy.embedded.mail_sink"]
    arguments += ["--folder", str(folder.resolve()), "--port", str(port)]
    child = supervisor.start(Command(NAME, arguments, folder=ROOT, grace=5.0))
    supervisor.wait_until(child, lambda: greets(port), READY_SECONDS)
    return MailSink(LOOPBACK, port, folder, child)


def greets(port: int) -> bool:
    """Whether an SMTP server says 220 there."""
    try:
        with create_connection((LOOPBACK, port), 1.0) as connection:
            connection.settimeout(1.0)
            greeting = connection.recv(512)
            connection.sendall(b"QUIT\r\n")
            return greeting.startswith(b"220")
    except OSError:
        return False
