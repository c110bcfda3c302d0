"""One system a data folder: knowing that it runs, where, and how to end it from another terminal.

The mark is a file lock, which the kernel takes away with the process however it dies, so a mark is never stale and the
process id beside it is never somebody else's.
"""

import contextlib
import fcntl
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, TypedDict, cast

from deploy.embedded.errors import EmbeddedError

MARK = "running.json"
POLL_SECONDS = 0.05


class _Said(TypedDict):
    pid: int
    facts: dict[str, str]


class AlreadyRuns(EmbeddedError):
    """Process `pid` runs the system over this data folder."""

    def __init__(self, folder: Path, pid: int | None) -> None:
        process = f"process {pid}" if pid else "it is just starting"
        super().__init__(f"The system over {folder} runs already ({process}): end it with `make down` first.")
        self.pid = pid


class DoesNotEnd(EmbeddedError):
    """Process `pid` was asked to end and then killed, and still holds the data folder."""

    def __init__(self, pid: int, seconds: float) -> None:
        super().__init__(f"Process {pid} did not end within {seconds:g} s, not even when it was killed.")
        self.pid = pid


@contextlib.contextmanager
def holding(folder: Path) -> Iterator[Callable[[dict[str, str]], None]]:
    """Marks the folder as in use while inside; gives a function that tells others facts (such as an address).

    Raises `AlreadyRuns`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / MARK).open("a+") as mark:
        if not _locked(mark, patience=0.3):  # whoever merely looks holds it for an instant
            said = _read(mark)
            raise AlreadyRuns(folder, said["pid"] if said else None)

        def tell(facts: dict[str, str]) -> None:
            mark.truncate(0)
            json.dump(_Said(pid=os.getpid(), facts=facts), mark)
            mark.flush()

        tell({})
        yield tell
        mark.truncate(0)


def facts(folder: Path) -> dict[str, str] | None:
    """What the system over this folder told about itself; None if none runs."""
    held = _holder(folder)
    return None if held is None else held[1]


def end(folder: Path, seconds: float = 60.0) -> bool:
    """Ends the system over this folder and waits until it is gone; False if none runs. Raises `DoesNotEnd`.

    SIGTERM first, SIGKILL after `seconds`.
    """
    held = _holder(folder)
    if held is None:
        return False
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.kill(held[0], number)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if _holder(folder) is None:
                return True
            time.sleep(POLL_SECONDS)
    raise DoesNotEnd(held[0], seconds)


def _holder(folder: Path) -> tuple[int, dict[str, str]] | None:
    try:
        with (folder / MARK).open("r+") as mark:
            if _locked(mark):
                return None
            said = _read(mark)
    except FileNotFoundError:
        return None
    return (said["pid"], said["facts"]) if said else None


def _locked(mark: IO[str], patience: float = 0.0) -> bool:
    deadline = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(POLL_SECONDS)
        else:
            return True


def _read(mark: IO[str]) -> _Said | None:
    mark.seek(0)
    try:
        return cast("_Said", json.load(mark))
    except ValueError:  # between its lock and its first words
        return None
