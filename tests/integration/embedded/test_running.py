import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.embedded import running

ROOT = Path(__file__).parents[3]
PROGRAM = """
import signal, sys, time
from pathlib import Path
from deploy.embedded import running
from deploy.embedded.processes import ending_cleanly_on_sigterm

with ending_cleanly_on_sigterm(), running.holding(Path(sys.argv[1])) as tell:
    tell({"dashboard": "http://127.0.0.1:8080/"})
    if len(sys.argv) > 2:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("up", flush=True)
    time.sleep(600)
"""


def a_system_over(folder: Path, *options: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", PROGRAM, str(folder), *options]
    system = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert system.stdout is not None
    assert system.stdout.readline() == "up\n"
    return system


def test_a_running_system_is_found_and_ended_from_elsewhere(tmp_path: Path) -> None:
    with a_system_over(tmp_path) as system:
        assert running.facts(tmp_path) == {"dashboard": "http://127.0.0.1:8080/"}
        with (
            pytest.raises(running.AlreadyRuns, match=rf"runs already \(process {system.pid}\)"),
            running.holding(tmp_path),
        ):
            pytest.fail("two of them over one folder")
        assert running.end(tmp_path)
        assert system.wait(10) == 128 + signal.SIGTERM
    assert running.facts(tmp_path) is None


def test_one_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    with a_system_over(tmp_path, "deaf") as system:
        assert running.end(tmp_path, seconds=0.3)
        assert system.wait(10) == -signal.SIGKILL


def test_one_that_was_killed_leaves_no_mark(tmp_path: Path) -> None:
    with a_system_over(tmp_path) as system:
        os.kill(system.pid, signal.SIGKILL)
        system.wait(10)
    assert running.facts(tmp_path) is None
    assert not running.end(tmp_path)
    with running.holding(tmp_path):
        assert running.facts(tmp_path) == {}


def test_nothing_runs_over_a_folder_that_is_not_there(tmp_path: Path) -> None:
    assert running.facts(tmp_path / "missing") is None
    assert not running.end(tmp_path / "missing")
