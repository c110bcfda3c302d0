import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from deploy.embedded.errors import ChildExited, NotReady
from deploy.embedded.processes import Command, Supervisor

ROOT = Path(__file__).parents[3]
SLEEPER = "import time; time.sleep(600)"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
)

# A program that starts two children, says which, and waits: to be ended in all the ways that programs are ended.
PROGRAM = """
import sys, time
from pathlib import Path
from deploy.embedded.processes import Command, Supervisor, ending_cleanly_on_sigterm

with ending_cleanly_on_sigterm(), Supervisor(Path(sys.argv[1])) as supervisor:
    for name in ("broker", "database"):
        supervisor.start(Command(name, [sys.executable, "-c", "import time; time.sleep(600)"]))
    print(*(child.pid for child in supervisor.children), flush=True)
    time.sleep(600)
"""


def python(name: str, code: str, stage: int = 0, grace: float = 10.0) -> Command:
    return Command(name, [sys.executable, "-c", code], stage=stage, grace=grace)


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def wait_for(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    with Supervisor(tmp_path) as supervisor:
        yield supervisor


@pytest.fixture
def program(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as program:
        yield program
        program.kill()


def children_of(program: "subprocess.Popen[str]") -> list[int]:
    assert program.stdout is not None
    return [int(pid) for pid in program.stdout.readline().split()]


def test_children_do_not_outlive_a_program_that_is_killed_with_9(program: "subprocess.Popen[str]") -> None:
    children = children_of(program)
    assert len(children) == 2
    program.kill()
    program.wait(10)
    wait_for(lambda: all(is_gone(pid) for pid in children))


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, -signal.SIGINT), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_program_that_is_asked_to_end_ends_its_children_first(
    program: "subprocess.Popen[str]", number: signal.Signals, code: int
) -> None:
    children = children_of(program)
    program.send_signal(number)
    assert program.wait(10) == code
    assert all(is_gone(pid) for pid in children)


def test_children_are_ended_when_the_program_fails(tmp_path: Path) -> None:
    started = []

    def fails_while_a_server_runs() -> None:
        with Supervisor(tmp_path) as supervisor:
            started.append(supervisor.start(python("server", SLEEPER)))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails_while_a_server_runs()
    assert is_gone(started[0].pid)


def test_a_child_started_from_a_thread_lives_on_after_the_thread(supervisor: Supervisor) -> None:
    thread = threading.Thread(target=lambda: supervisor.start(python("server", SLEEPER)))
    thread.start()
    thread.join()
    time.sleep(0.2)  # that the kernel would have needed to end it
    supervisor.check()
    assert supervisor.children[0].exit_code() is None


def test_what_does_not_listen_to_sigterm_is_killed_after_its_grace(supervisor: Supervisor) -> None:
    child = supervisor.start(python("stubborn", STUBBORN, grace=0.2))
    supervisor.wait_until(child, lambda: "deaf" in child.log.read_text(), seconds=10)
    assert child.stop() == -signal.SIGKILL


def test_later_stages_are_stopped_before_earlier_ones(tmp_path: Path) -> None:
    order = tmp_path / "order"
    code = """
import signal, sys, time
def leave(*_):
    time.sleep(0.05)
    open({order!r}, "a").write({name!r} + " ")
    sys.exit(0)
signal.signal(signal.SIGTERM, leave)
print("ready", flush=True)
time.sleep(600)
"""
    with Supervisor(tmp_path) as supervisor:
        for name, stage in (("broker", 0), ("service", 1), ("database", 0)):
            child = supervisor.start(python(name, code.format(order=str(order), name=name), stage=stage))
            supervisor.wait_until(child, lambda log=child.log: "ready" in log.read_text(), seconds=10)  # type: ignore[misc]
    ended = order.read_text().split()
    assert ended[0] == "service"
    assert sorted(ended[1:]) == ["broker", "database"]


def test_what_a_dead_child_leaves_in_its_group_is_ended(supervisor: Supervisor) -> None:
    code = f"import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', {SLEEPER!r}]).pid, flush=True)"
    child = supervisor.start(python("careless", code))
    child.wait(10)
    orphan = int(child.log.read_text())
    wait_for(lambda: is_gone(orphan))


def test_a_child_that_ends_by_itself_is_named_with_its_last_words(supervisor: Supervisor) -> None:
    child = supervisor.start(python("metrics", "print('first'); print('no such catalog'); raise SystemExit(3)"))
    with pytest.raises(ChildExited) as caught:
        supervisor.wait_until(child, lambda: False, seconds=10)
    assert (caught.value.name, caught.value.code) == ("metrics", 3)
    assert str(caught.value).startswith("metrics ended by itself with exit code 3 (log: ")
    assert str(caught.value).endswith("    first\n    no such catalog")


def test_a_child_that_was_shot_is_named_with_the_signal(supervisor: Supervisor) -> None:
    child = supervisor.start(python("ingest", SLEEPER))
    os.kill(child.pid, signal.SIGKILL)
    child.wait(10)
    with pytest.raises(ChildExited, match="ingest ended by itself by SIGKILL"):
        supervisor.check()


def test_a_child_that_was_told_to_end_is_no_failure(supervisor: Supervisor) -> None:
    assert supervisor.start(python("ingest", SLEEPER)).kill() == -signal.SIGKILL
    supervisor.check()


def test_a_child_that_does_not_become_ready_is_named(supervisor: Supervisor) -> None:
    child = supervisor.start(python("alerts", "print('waiting for MongoDB', flush=True); import time; time.sleep(600)"))
    supervisor.wait_until(child, lambda: "waiting" in child.log.read_text(), seconds=10)
    with pytest.raises(NotReady, match=r"alerts runs but was not ready within 0.1 s .*\n    waiting for MongoDB"):
        supervisor.wait_until(child, lambda: False, seconds=0.1)


def test_a_program_that_does_not_exist_is_named(supervisor: Supervisor) -> None:
    child = supervisor.start(Command("broker", ["/nowhere/broker"]))
    with pytest.raises(ChildExited, match=r"/nowhere/broker cannot be run: No such file or directory"):
        supervisor.wait_until(child, lambda: False, seconds=10)


def test_the_log_of_the_run_before_is_kept(supervisor: Supervisor, tmp_path: Path) -> None:
    for words in ("first run", "second run"):
        supervisor.start(python("gateway", f"print({words!r})")).wait(10)
    assert (tmp_path / "gateway.log").read_text() == "second run\n"
    assert (tmp_path / "gateway.previous.log").read_text() == "first run\n"


def test_nothing_can_be_started_once_it_stops(tmp_path: Path) -> None:
    with Supervisor(tmp_path) as supervisor:
        pass
    with pytest.raises(RuntimeError):
        supervisor.start(python("late", SLEEPER))


async def test_a_task_can_watch_the_children_beside_the_real_work(tmp_path: Path) -> None:
    async with Supervisor(tmp_path) as supervisor:
        steady = supervisor.start(python("steady", SLEEPER))
        watching = asyncio.create_task(supervisor.watch(every=0.01))
        await asyncio.sleep(0.05)
        assert not watching.done()
        supervisor.start(python("weak", "raise SystemExit(1)"))
        with pytest.raises(ChildExited, match="weak ended by itself"):
            await asyncio.wait_for(watching, 10)
    assert is_gone(steady.pid)
