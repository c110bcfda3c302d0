"""`tiendo demo` and `tiendo up`: servers, topics, catalog and services brought up in order, and taken down in reverse.

Whatever happens in between, also Ctrl-C and a service that dies, every process that was started here is ended.
"""

import asyncio
import contextlib
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.collection import Collection
from pymongo.database import Database
from rich.console import Console

from contracts.catalog import CatalogObject
from contracts.topics import TOPICS
from deploy.embedded import running
from deploy.embedded.demo import gauges, play, summary
from deploy.embedded.demo.show import Show
from deploy.embedded.demo.steps import Steps
from deploy.embedded.errors import EmbeddedError
from deploy.embedded.processes import ending_cleanly_on_sigterm
from deploy.embedded.stack import BrokerKind, Stack
from deploy.embedded.system import System
from services.runtime.catalog import check, codec, stream
from services.runtime.catalog.catalog import Catalog
from services.runtime.catalog.publishers import own_topics
from services.runtime.errors import DeliveryError, StartError
from services.runtime.kafka.topics import make_topics
from services.runtime.settings import KafkaSettings

CATALOG = Path(__file__).parents[1] / "catalogs" / "dak-nong"
DRAIN_S = 30.0


def broker_kind(word: str) -> BrokerKind:
    """The broker that a command names."""
    if word == "tansu":
        return "tansu"
    if word == "kafka":
        return "kafka"
    sys.stderr.write(f"--broker is {word!r}; it may be tansu or kafka.\n")
    sys.exit(2)


def demo(folder: Path, broker: BrokerKind, weeks: int | None) -> int:
    """Play the year and show what came of it. The mails stay in `folder`/mail; all else is removed. The exit code."""
    console = _console()
    began = time.monotonic()
    steps = Steps(console)
    with _saying_errors(), ending_cleanly_on_sigterm(), running.holding(folder):
        for old in ("mongo", "mail", "logs", "broker"):
            shutil.rmtree(folder / old, ignore_errors=True)
        try:
            with contextlib.ExitStack() as stack:
                with steps.step("starting broker, database and mail server"):
                    servers = stack.enter_context(Stack.started(folder, broker=broker))
                with steps.step("making topics, checking and applying the catalog of Đắk Nông"):
                    catalog = prepare(servers)
                with steps.step("starting the four services"):
                    system = System(servers, _environment(play.CLOCK))
                    system.start()
                console.print(f"  dashboard while this runs: {system.url('gateway')}", highlight=False)
                with (
                    steps.step("playing the published figures of 2021–2022 and the simulated year 2023"),
                    Show(console) as show,
                ):
                    sent = asyncio.run(_played(servers, system, catalog, show, weeks))
                with steps.step("reading the result from the API"):
                    result = summary.read(system, servers.mail_folder)
                stopping = time.monotonic()
            steps.times.append(("ending everything", time.monotonic() - stopping))
        finally:
            for scratch in ("mongo", "broker"):
                shutil.rmtree(folder / scratch, ignore_errors=True)
        summary.show(console, result, catalog, sent, steps.times, time.monotonic() - began)
        return 0
    return 1


async def _played(servers: Stack, system: System, catalog: Catalog, show: Show, weeks: int | None) -> int:
    player = play.Player(servers, system, catalog, show)
    sent = await player.play(CATALOG / "facts.csv", weeks)
    await player.mails_out()
    return sent


def up(folder: Path, broker: BrokerKind, *, port: int, clock: str, empty: bool) -> int:
    """Start, play the demonstration once where there is no data yet, and stay. The exit code."""
    console = _console()
    with _saying_errors(), ending_cleanly_on_sigterm(), running.holding(folder) as tell:
        with Stack.started(folder, broker=broker) as servers:
            to_play = _to_play(servers, empty)
            catalog = prepare(servers)
            time_is = _environment(play.CLOCK if clock == "demo" else clock)
            system = System(servers, time_is, ports={"gateway": port})
            system.start()
            addresses = {name: system.url(name, "") for name in ("metrics", "ingest")}
            tell({"dashboard": system.url("gateway"), **addresses, **servers.environment(), **time_is})
            console.print(
                f"Dashboard: {system.url('gateway')}   mails: {servers.mail_folder}   Kafka: {servers.bootstrap}",
                highlight=False,
            )
            if to_play:
                with Show(console) as show:
                    asyncio.run(_played(servers, system, catalog, show, None))
                _note_demonstration(servers, "played")
            console.print("It runs until Ctrl-C, or `make down` from another terminal.", highlight=False)
            try:
                while True:
                    servers.supervisor.check()
                    time.sleep(0.5)
            except (KeyboardInterrupt, SystemExit):
                lost = _drain(system)
                forgets = servers.broker == "tansu"
        if lost is None:
            return 0
        fate = "what it had not handled is lost with the embedded broker" if forgets else "the broker keeps the rest"
        sys.stderr.write(f"tiendo: {lost}; {fate}\n")
    return 1


def _environment(clock: str) -> dict[str, str]:
    return {"TIENDO_CLOCK": clock}


def _console() -> Console:
    """Standard output; wide enough for the tables where it is no terminal."""
    console = Console()
    return console if console.is_terminal else Console(width=120)


def prepare(servers: Stack) -> Catalog:
    """Topics and catalog, as an operator makes them before the services start."""
    checked = check.check_folder(CATALOG)
    if checked.errors:
        raise StartError("The catalog has mistakes:\n" + "\n".join(str(problem) for problem in checked.errors))
    catalog = Catalog.of(checked.folder.items)
    kafka = KafkaSettings(bootstrap=servers.bootstrap)
    asyncio.run(make_topics(kafka, [*TOPICS, *own_topics(catalog.province.id, catalog.publishers)]))
    with _platform(servers) as platform:
        _apply(kafka, catalog.province.id, checked.folder.items, platform["catalogs"])
    return catalog


def _apply(
    kafka: KafkaSettings, province: str, objects: Sequence[CatalogObject], kept: Collection[dict[str, Any]]
) -> None:
    """Apply the catalog so that it keeps its number over a broker that has forgotten it: figures name it."""
    before = kept.find_one({"_id": province}) or {"number": 0, "version": ""}
    digests = {key: codec.digest_of(value) for key, value in codec.encode_all(province, objects).items()}
    unchanged = codec.version_of(before["number"], digests) == before["version"]
    floor = before["number"] - 1 if unchanged else before["number"]
    applied = asyncio.run(stream.apply(kafka.connection(), province, objects, now=datetime.now(UTC), floor=floor))
    number = int(applied.version.partition("-")[0])
    kept.replace_one({"_id": province}, {"number": number, "version": applied.version}, upsert=True)


def _to_play(servers: Stack, empty: bool) -> bool:
    """Whether the demonstration is to be played: at the first start, and again if that was interrupted.

    Playing twice does no harm: the same events are the same figures.
    """
    with _platform(servers) as platform:
        noted = platform["demonstration"].find_one({"_id": "demonstration"})
    if noted is None:
        _note_demonstration(servers, "declined" if empty else "begun")
        return not empty
    return bool(noted["state"] == "begun")


def _note_demonstration(servers: Stack, state: str) -> None:
    with _platform(servers) as platform:
        platform["demonstration"].replace_one({"_id": "demonstration"}, {"state": state}, upsert=True)


@contextlib.contextmanager
def _platform(servers: Stack) -> Iterator[Database[dict[str, Any]]]:
    """What the embedded profile itself remembers."""
    client: MongoClient[dict[str, Any]] = MongoClient(servers.mongo_uri)
    with client:
        yield client["tiendo_platform"]


def _drain(system: System) -> str | None:
    """Let what is under way come out at the other end before the broker forgets it; what did not, in a sentence."""

    async def drained() -> str | None:
        async with asyncio.timeout(DRAIN_S):
            while True:
                now = await gauges.read(system)
                halted = now.halted()
                if halted is not None:
                    log = system.child(halted).log
                    return f"{halted} had stopped at a record that it cannot handle ({log} says why)"
                if now.behind() == 0 and now.settled(0):
                    return None
                await asyncio.sleep(0.1)

    try:
        return asyncio.run(drained())
    except TimeoutError:
        return f"after {DRAIN_S:g} s records were still under way"


@contextlib.contextmanager
def _saying_errors() -> Iterator[None]:
    """A sentence on standard error for all that a user can cause, and no traceback; exit code 1, or 130 for Ctrl-C."""
    try:
        yield
    except (EmbeddedError, StartError, DeliveryError, play.DidNotSettle) as error:
        sys.stderr.write(f"tiendo: {error}\n")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.stderr.write("tiendo: interrupted; everything that was started has been ended\n")
        sys.exit(130)
