"""What can go wrong while servers are started here; every message is one sentence a user can act on.

EmbeddedError
  NotAvailable     this machine cannot run it at all
  PortTaken        somebody else listens there
  ChildFailed      a process that was started did not do what it was started for
    ChildExited      it ended by itself
    NotReady         it runs, and does not answer in time
"""

import signal
from pathlib import Path


class EmbeddedError(Exception):
    """Base of all the errors of this package; `str()` of it can be shown to a user as it is."""


class NotAvailable(EmbeddedError):
    """`what` cannot run on this machine; `reason` is a full sentence with the remedy."""

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(f"{what} cannot be started here: {reason}")
        self.what = what
        self.reason = reason


class PortTaken(EmbeddedError):
    """Somebody else listens on `port`; `setting` is the name of the setting or option that chooses it."""

    def __init__(self, port: int, setting: str) -> None:
        super().__init__(
            f"Port {port} on 127.0.0.1 is taken by another program: "
            f"end that program or choose another port with {setting}."
        )
        self.port = port
        self.setting = setting


class ChildFailed(EmbeddedError):
    """A started process is of no use; carries its `name`, its `log` and the last lines of it (`tail`)."""

    def __init__(self, name: str, sentence: str, log: Path, tail: str) -> None:
        quoted = f" Its last words:\n{_indented(tail)}" if tail else " It wrote nothing."
        super().__init__(f"{sentence} (log: {log}).{quoted}")
        self.name = name
        self.log = log
        self.tail = tail


class ChildExited(ChildFailed):
    """A started process ended by itself; `code` is as `subprocess` gives it (negative: ended by that signal)."""

    def __init__(self, name: str, code: int, log: Path, tail: str) -> None:
        super().__init__(name, f"{name} ended by itself {ending(code)}", log, tail)
        self.code = code


class NotReady(ChildFailed):
    """A started process runs, and did not become ready within `seconds`."""

    def __init__(self, name: str, seconds: float, log: Path, tail: str) -> None:
        super().__init__(name, f"{name} runs but was not ready within {seconds:g} s", log, tail)
        self.seconds = seconds


def ending(code: int) -> str:
    """Exit code in words: `with exit code 1`, `by SIGKILL`."""
    if code >= 0:
        return f"with exit code {code}"
    try:
        return f"by {signal.Signals(-code).name}"
    except ValueError:
        return f"by signal {-code}"


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())
