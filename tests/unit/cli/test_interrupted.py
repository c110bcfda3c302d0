"""Ctrl-C before the command has begun: a line and the exit code that shells expect."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("loading", ["structlog", "pymongo"])
def test_ctrl_c_while_the_modules_load_is_one_line_and_no_traceback(loading: str) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "services.cli", "--help"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        for line in running.stderr:
            if line.startswith("import time:") and line.rpartition("|")[2].strip().startswith(loading):
                running.send_signal(signal.SIGINT)
                break
        out, err = running.communicate(timeout=30)
    said = [line for line in err.splitlines() if not line.startswith("import time:")]
    assert (running.returncode, out, said) == (130, "", ["tiendo: đã ngắt / interrupted"])
