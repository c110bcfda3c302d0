"""A small supervisor: processes that say why they died, and that never outlive whoever started them.

    with Supervisor(log_folder) as supervisor:
        child = supervisor.start(Command("broker", ["tansu", "broker"]))
        supervisor.wait_until(child, broker_answers, seconds=10)

It does not restart anything and knows nothing of what it runs. It signals process groups that it made itself and
nothing else. Should it be killed with -9, the kernel ends its children (see `launch.py`).
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

from deploy.embedded.errors import ChildExited, NotReady

LAUNCHER = Path(__file__).with_name("launch.py")
TAIL_LINES = 12
POLL_SECONDS = 0.02


def last_lines(text: str) -> str:
    """The end of a log as it is shown in an error."""
    return "\n".join(text.strip().splitlines()[-TAIL_LINES:])


@dataclass(frozen=True, slots=True)
class Command:
    """What to run. `environment` is the child's whole environment, the own one if None.

    Children of a higher `stage` are stopped before those of a lower one, those of one stage together. `grace` is how
    many seconds lie between SIGTERM and SIGKILL. `explain` makes the words for an error out of the whole log.
    """

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str] | None = None
    folder: Path | None = None
    stage: int = 0
    grace: float = 10.0
    explain: Callable[[str], str] = last_lines


class Child:
    """One started process, the leader of its own process group."""

    def __init__(self, command: Command, process: subprocess.Popen[bytes], log: Path) -> None:
        self.command = command
        self.log = log
        self._process = process
        self._bidden = False
        self._reaping = threading.Lock()

    @property
    def name(self) -> str:
        return self.command.name

    @property
    def pid(self) -> int:
        """Also the id of its process group."""
        return self._process.pid

    def exit_code(self) -> int | None:
        """None while it runs. Whatever it left in its process group is ended as soon as its end is noticed."""
        with self._reaping:
            if self._process.returncode is None and self._has_ended():
                # Before the leader is reaped its group id cannot belong to anybody else.
                self._signal(signal.SIGKILL)
                self._process.wait()
            return self._process.returncode

    def check(self) -> None:
        """Raises `ChildExited` with the last lines of the log if it ended unbidden."""
        if not self._bidden:
            self.check_runs()

    def check_runs(self) -> None:
        """Raises `ChildExited` if it ended, bidden or not."""
        if (code := self.exit_code()) is not None:
            raise ChildExited(self.name, code, self.log, self.explanation())

    def explanation(self) -> str:
        """What the log says about the trouble, in a few lines."""
        return self.command.explain(self.log.read_text("utf-8", errors="replace"))

    def terminate(self) -> None:
        """Asks it to end (SIGTERM to its group) and does not wait."""
        self._bid(signal.SIGTERM)

    def kill(self) -> int:
        """Ends it as `kill -9` does, waits until it is gone and returns its exit code."""
        self._bid(signal.SIGKILL)
        return self.wait(seconds=30)

    def stop(self) -> int:
        """SIGTERM, after its grace SIGKILL; returns the exit code."""
        self.terminate()
        try:
            return self.wait(self.command.grace)
        except TimeoutError:
            return self.kill()

    def wait(self, seconds: float) -> int:
        """The exit code once it has ended; raises `TimeoutError`."""
        deadline = time.monotonic() + seconds
        while (code := self.exit_code()) is None:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.name} (process {self.pid}) still runs after {seconds:g} s")
            time.sleep(POLL_SECONDS)
        return code

    def _bid(self, number: signal.Signals) -> None:
        self._bidden = True
        with self._reaping:
            if self._process.returncode is None:
                self._signal(number)

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):  # PermissionError: macOS, a group of zombies
            os.killpg(self.pid, number)

    def _has_ended(self) -> bool:
        try:
            return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        except ChildProcessError:  # somebody else in this process reaped it
            return True


class Supervisor:
    """Starts children and ends them in reverse order, whatever happens. A context manager, sync and async."""

    def __init__(self, log_folder: Path) -> None:
        self._log_folder = log_folder
        self._children: list[Child] = []
        self._stopping = False
        # "Parent" in the kernel's promise means the thread that forked. One thread that outlives all children starts
        # everything, so that callers may start children from threads that come and go.
        self._spawner = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spawner")

    @property
    def children(self) -> tuple[Child, ...]:
        """All of them in the order of their start, ended ones included."""
        return tuple(self._children)

    def start(self, command: Command) -> Child:
        """Starts the command; its output goes to `<name>.log`, that of the run before to `<name>.previous.log`."""
        return self._spawner.submit(self._spawn, command).result()

    def wait_until(self, child: Child, ready: Callable[[], bool], seconds: float) -> None:
        """Polls `ready`; raises `ChildExited` if the child ends first, `NotReady` if it takes more than `seconds`."""
        deadline = time.monotonic() + seconds
        while not ready():
            child.check_runs()
            if time.monotonic() > deadline:
                raise NotReady(child.name, seconds, child.log, child.explanation())
            time.sleep(POLL_SECONDS)
        child.check_runs()  # the one who answered may have been somebody else on the same port

    def check(self) -> None:
        """Raises `ChildExited` for the first child that ended unbidden."""
        for child in self._children:
            child.check()

    async def watch(self, every: float = 0.2) -> None:
        """Runs until a child ends unbidden, then raises `ChildExited`: a task beside the real work."""
        while True:
            self.check()
            await asyncio.sleep(every)

    def stop(self) -> None:
        """Ends all of them; may be called twice. A second Ctrl-C meanwhile shortens the grace to nothing."""
        if self._stopping:
            return
        self._stopping = True
        try:
            self._spawner.submit(_nothing).result()  # a start under way is over now, and no other one follows
            for stage in sorted({child.command.stage for child in self._children}, reverse=True):
                _stop_together([child for child in reversed(self._children) if child.command.stage == stage])
        finally:
            for child in self._children:
                if child.exit_code() is None:
                    child.kill()
            self._spawner.shutdown()  # last: the kernel kills what this thread started when it ends

    def _spawn(self, command: Command) -> Child:
        if self._stopping:
            raise RuntimeError(f"{command.name} cannot be started: this supervisor is stopping")
        log = self._fresh_log(command.name)
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid()), *command.arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=command.folder,
                env=command.environment,
                process_group=0,  # Ctrl-C in the terminal reaches us alone, and we decide the order
            )
        child = Child(command, process, log)
        self._children.append(child)
        return child

    def _fresh_log(self, name: str) -> Path:
        self._log_folder.mkdir(parents=True, exist_ok=True)
        log = self._log_folder / f"{name}.log"
        taken = {child.log for child in self._children if child.exit_code() is None}
        while log in taken:  # several of a name run side by side
            name += "+"
            log = log.with_name(f"{name}.log")
        if log.exists():
            log.replace(log.with_name(f"{name}.previous.log"))
        return log

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.shield(asyncio.to_thread(self.stop))


def _nothing() -> None: ...


def _stop_together(children: Sequence[Child]) -> None:
    for child in children:
        child.terminate()
    started = time.monotonic()
    for child in children:
        left = child.command.grace - (time.monotonic() - started)
        try:
            child.wait(max(left, 0.0))
        except TimeoutError:
            child.kill()


@contextlib.contextmanager
def ending_cleanly_on_sigterm() -> Iterator[None]:
    """Makes SIGTERM and SIGHUP unwind the program as Ctrl-C does, so that context managers stop what they started.

    For the main thread of a program. Raises `SystemExit` with 128 + the signal's number, as shells report it.
    """

    def leave(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
