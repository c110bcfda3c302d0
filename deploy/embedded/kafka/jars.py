"""Kafka's jars: fetched once by Maven into the user's cache folder, and the Java that runs them."""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from deploy.embedded.errors import NotAvailable

WHAT = "Apache Kafka"
KAFKA_VERSION = "4.1.1"
POM = Path(__file__).with_name("pom.xml")
MINIMUM_JAVA = 17
FETCH_SECONDS = 600

_JAVA_VERSION = re.compile(r'version "(?:1\.)?(\d+)')


def folder() -> Path:
    """Where the jars lie, or will: `$XDG_CACHE_HOME/tiendo/kafka-<version>`."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache, "tiendo", f"kafka-{KAFKA_VERSION}")


def java() -> str | None:
    """The Java to run: `$JAVA_HOME`'s, else the one on the path."""
    home = os.environ.get("JAVA_HOME")
    return shutil.which("java", path=str(Path(home, "bin"))) if home else shutil.which("java")


def why_not() -> str | None:
    """None if Kafka can run here (its jars are there or Maven can fetch them), otherwise why not, in a sentence."""
    program = java()
    if program is None:
        where = "in JAVA_HOME" if os.environ.get("JAVA_HOME") else "on the path"
        return f"it needs Java {MINIMUM_JAVA} or newer, and none was found {where}."
    version = _version(program)
    if version is None or version < MINIMUM_JAVA:
        return f"it needs Java {MINIMUM_JAVA} or newer and {program} is {version or 'of an unknown version'}."
    if not folder().is_dir() and shutil.which("mvn") is None:
        return "its jars are not there yet, and Maven (mvn), which fetches them, was not found."
    return None


def fetched() -> Path:
    """The folder with the jars, fetched now (about 43 MB) if they are missing; complete or not there at all."""
    target = folder()
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="fetching-") as scratch:
        jars = Path(scratch, "jars")
        _fetch_into(jars)
        try:
            jars.replace(target)
        except OSError:
            if not target.is_dir():  # somebody else was faster
                raise
    return target


def _fetch_into(jars: Path) -> None:
    command = ["mvn", "--batch-mode", "--quiet", "--strict-checksums", "--file", str(POM)]
    command += ["dependency:copy-dependencies", f"-DoutputDirectory={jars}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=FETCH_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise NotAvailable(WHAT, f"Maven did not fetch its jars within {FETCH_SECONDS} s.") from error
    if done.returncode != 0:
        first = next((line for line in done.stdout.splitlines() if "ERROR" in line), "no reason given")
        raise NotAvailable(WHAT, f"Maven could not fetch its jars ({first}).")


def _version(program: str) -> int | None:
    try:
        said = subprocess.run([program, "-version"], capture_output=True, text=True, timeout=30, check=False).stderr
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = _JAVA_VERSION.search(said)
    return int(match[1]) if match else None
