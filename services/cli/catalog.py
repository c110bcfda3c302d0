"""`tiendo catalog`: check a folder, say what it would change, apply it, show what stands."""

import asyncio
import logging
from collections import Counter
from collections.abc import Coroutine, Iterable, Mapping, Sequence, Sized
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, NamedTuple, NoReturn, TypeVar

import typer
from aiokafka.errors import KafkaError
from rich.console import Console
from rich.table import Table
from rich.text import Text

from contracts.catalog import CatalogObject, OrgUnit
from contracts.topics import CATALOG
from services.cli.business_day import business_day
from services.cli.settings import HERE, CommandSettings, Data, of_the_system
from services.runtime.catalog import Catalog, codec, stream
from services.runtime.catalog.check import Checked, check_folder
from services.runtime.catalog.closed_targets import closed_targets
from services.runtime.catalog.difference import Change, differences, rejudged
from services.runtime.catalog.problems import Located, Problem
from services.runtime.catalog.publishers import own_topics
from services.runtime.catalog.tenancy import UnitsClaimed, refuse_claimed
from services.runtime.errors import StartError, Transient
from services.runtime.kafka.topics import inbound_topics, make_topics

app = typer.Typer(no_args_is_help=True)
console = Console(soft_wrap=True, highlight=False)
errors = Console(soft_wrap=True, highlight=False, stderr=True)

Folder = Annotated[Path, typer.Argument(help="The folder that has catalog.yaml.", show_default=False)]
Folders = Annotated[
    list[Path],
    typer.Argument(help="Folders that have a catalog.yaml, to be applied to one system.", show_default=False),
]
AsOf = Annotated[
    datetime | None,
    typer.Option(
        metavar="DAY",
        formats=["%Y-%m-%d"],
        help="Day by which periods are closed or not. Default: today, by the clock of the services (TIENDO_CLOCK).",
        show_default=False,
    ),
]
T = TypeVar("T")

_NAMES = {
    "province": "province",
    "org_unit": "units",
    "succession": "successions",
    "kpi": "KPIs",
    "target": "targets",
    "calendar": "calendars",
    "person": "people",
    "publisher": "publishers",
    "rule": "rules",
}


@app.callback()
def quiet() -> None:
    """Danh mục của tỉnh · The catalog of a province."""
    # What the client library mutters about a broker that is away, the commands say in a sentence.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)


@app.command()
def check(folders: Folders) -> None:
    """Say every mistake of a folder: file, line, what is wrong, what to write instead."""
    every = [_report(folder) for folder in folders]
    claims = _claims(every)
    for sentence in claims:
        errors.print(Text(sentence, style="red"))
    if claims or any(checked.errors for checked in every):
        raise typer.Exit(1)


@app.command()
def apply(folder: Folder, as_of: AsOf = None, data: Data = HERE) -> None:
    """Check a folder and publish it; services switch to it at once. Applying the same again changes nothing."""
    located = _readable(folder)
    province, objects = located.province, located.items
    read = _settings(data)
    settings = read.kafka

    async def publish() -> tuple[stream.Applied, list[str]]:
        await make_topics(settings, [CATALOG])
        await _warn_of_closed(folder, located, await stream.read(settings.connection()), read, _day(as_of))
        applied = await stream.apply(settings.connection(), province, objects, now=datetime.now(UTC))
        own = {topic.name for topic in own_topics(province, Catalog.of(objects).publishers)}
        return applied, sorted(own - set(await inbound_topics(settings))) if own else []

    applied, lacking = _on_broker(publish())
    if applied.written or applied.removed:
        console.print(f"{province}: catalog {applied.version}, {applied.written} written, {applied.removed} removed")
    else:
        console.print(f"{province}: nothing changed, catalog {applied.version} stands")
    for topic in lacking:
        console.print(f"{topic} is not there yet: run `tiendo topics`, then `tiendo acl --apply`")


@app.command()
def diff(folder: Folder, as_of: AsOf = None, data: Data = HERE) -> None:
    """Say what applying a folder would change, and whose figures would be judged anew."""
    located = _readable(folder)
    province, objects = located.province, located.items
    read = _settings(data)
    found = _on_broker(stream.read(read.kafka.connection()))
    before = found[province].values if province in found else {}
    changes = differences(before, codec.encode_all(province, objects))
    for change in changes:
        _print_change(change)
    if not changes:
        console.print("nothing would change")
        return
    _on_broker(_warn_of_closed(folder, located, found, read, _day(as_of)))
    standing = found[province].catalog if province in found else None
    anew = list(rejudged(standing, Catalog.of(objects)))
    console.print("judged anew:" if anew else "no figure would be judged anew")
    for sentence in anew:
        console.print(Text(f"    {sentence}"))


@app.command()
def show(data: Data = HERE) -> None:
    """Show the catalogs that stand on the broker: version, and how many objects of each kind."""
    found = _on_broker(stream.read(_settings(data).kafka.connection()))
    standing = [each for _, each in sorted(found.items()) if each.catalog is not None and each.manifest is not None]
    if not standing:
        _fail(f"The topic {CATALOG.name} holds no complete catalog; run `tiendo catalog apply FOLDER`.")
    table = Table("", *(each.province for each in standing))
    table.add_row("version", *(each.catalog.version if each.catalog else "" for each in standing))
    counts = [
        Counter(codec.kind_of(key) for key in (each.manifest.digests if each.manifest else ())) for each in standing
    ]
    for kind, name in _NAMES.items():
        table.add_row(name, *(str(count[kind]) for count in counts))
    console.print(table)


def _claims(every: Iterable[Checked]) -> list[str]:
    """Which folders name units that an earlier one has."""
    units: dict[str, set[str]] = {}
    said = []
    for checked in every:
        province = checked.folder.province or ""
        own = {item.id for item in checked.folder.items if isinstance(item, OrgUnit)}
        try:
            refuse_claimed(province, own, units)
        except UnitsClaimed as error:
            said.append(str(error))
        units.setdefault(province, set()).update(own)
    return said


class _Readable(NamedTuple):
    """A folder without errors."""

    province: str
    items: list[CatalogObject]
    objects: Sequence[Located]


def _readable(folder: Path) -> _Readable:
    """The province and objects of a folder without errors; else its problems are printed and the command ends."""
    checked = _report(folder, quiet=True)
    if checked.errors or checked.folder.province is None:
        raise typer.Exit(1)
    return _Readable(checked.folder.province, checked.folder.items, checked.folder.objects)


async def _warn_of_closed(
    folder: Path,
    written: _Readable,
    found: Mapping[str, codec.CatalogAssembler],
    read: CommandSettings,
    as_of: date | None,
) -> None:
    """Say which targets of closed periods are not what they were in the catalog that stands, and as of which day."""
    standing = found[written.province].catalog if written.province in found else None
    if standing is not None:
        today = await business_day(read, standing.zone, as_of)
        console.print(Text(str(today)))
        for problem in sorted(closed_targets(standing, written.objects, today.day)):
            say_problem(problem, folder)


def _day(as_of: datetime | None) -> date | None:
    return None if as_of is None else as_of.date()


def _report(folder: Path, *, quiet: bool = False) -> Checked:
    checked = check_folder(folder)
    for problem in (*checked.errors, *(() if quiet else checked.warnings)):
        say_problem(problem, folder)
    if checked.errors:
        errors.print(f"{_many(checked.errors, 'error')}, {_many(checked.warnings, 'warning')}", style="bold red")
    elif not quiet:
        console.print(f"{_counted(checked.folder.items)}: no errors, {_many(checked.warnings, 'warning')}")
    return checked


def _counted(items: Iterable[CatalogObject]) -> str:
    counts = Counter(item.object_kind for item in items)
    return ", ".join(f"{counts[kind]} {name}" for kind, name in _NAMES.items() if kind != "province" and counts[kind])


def _many(problems: Sized, word: str) -> str:
    return f"{len(problems)} {word}" + ("" if len(problems) == 1 else "s")


def say_problem(problem: Problem, folder: Path) -> None:
    """Print one problem: errors to standard error."""
    file = folder / problem.file if folder.is_dir() else folder
    place = Text(str(file) + (f":{problem.line}" if problem.line else "") + ": ", style="bold")
    word = Text("error: ", style="red") if problem.severity == "error" else Text("warning: ", style="yellow")
    (errors if problem.severity == "error" else console).print(place + word + Text(problem.message))


def _print_change(change: Change) -> None:
    style = {"added": "green", "removed": "red", "changed": "yellow"}[change.what]
    console.print(Text(f"{change.what} ", style=style) + Text(f"{change.kind} {change.id}"))
    for detail in change.details:
        console.print(Text(f"    {detail}"))


def _settings(data: Path) -> CommandSettings:
    try:
        return of_the_system(data)
    except StartError as error:
        _fail(str(error))


def _on_broker(work: Coroutine[Any, Any, T]) -> T:
    """Run it; what the broker refuses is said in a sentence."""
    try:
        return asyncio.run(work)
    except (Transient, StartError) as error:
        _fail(str(error))
    except (KafkaError, OSError) as error:
        _fail(f"The Kafka broker does not answer ({type(error).__name__}); start it, or mend TIENDO_KAFKA_BOOTSTRAP.")


def _fail(sentence: str) -> NoReturn:
    errors.print(Text(sentence, style="red"))
    raise typer.Exit(1)
