"""`make demo` as a newcomer sees it: it runs, shows what it did, ends by itself, and leaves nothing behind."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

from tests.servers import wanted_broker

ROOT = Path(__file__).parents[2]


def demo(folder: Path, *options: str) -> "subprocess.Popen[str]":
    bare = {name: text for name, text in os.environ.items() if not name.startswith("TIENDO_")}
    where = ["--data", str(folder), "--broker", wanted_broker()]
    command = [sys.executable, "-m", "services.cli", "demo", *where, *options]
    return subprocess.Popen(command, env=bare, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def left_behind(folder: Path) -> list[str]:
    """Processes that still name the demo's folder, or stand below one that does."""
    own = psutil.Process()
    found = []
    for process in psutil.process_iter(["cmdline", "cwd"]):
        words = " ".join(process.info["cmdline"] or [])
        if str(folder) in words and process.pid != own.pid:
            found.append(words)
    return found


def test_the_demo_runs_shows_what_it_did_and_ends_by_itself(tmp_path: Path) -> None:
    running = demo(tmp_path, "--weeks", "12")
    out, err = running.communicate(timeout=180)
    assert running.returncode == 0, out + err
    for said in ("Figures of 2023 by status", "The 5 worst gaps", "Alerts:", "Mails:", "one of the mails", "in all"):
        assert said in out
    assert re.search(r"Alerts: [1-9]\d* opened", out)
    assert list((tmp_path / "demo" / "mail").glob("*.eml"))
    assert not (tmp_path / "demo" / "mongo").exists()
    assert left_behind(tmp_path) == []


def test_ctrl_c_in_the_middle_ends_everything_that_was_started(tmp_path: Path) -> None:
    running = demo(tmp_path)
    deadline = time.monotonic() + 60
    while not list((tmp_path / "demo").glob("logs/gateway*")) and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(3)
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "interrupted; everything that was started has been ended" in err
    assert "Traceback" not in err
    assert left_behind(tmp_path) == []
