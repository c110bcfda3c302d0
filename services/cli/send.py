"""`tiendo send`: a file of figures to a gateway or to the broker, and what became of each."""

import asyncio
import os
import re
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from contracts.topics import INBOUND, OWN_PREFIX, STATISTICS_REPORTED
from services.cli import outcomes, sending
from services.cli import send_words as words
from services.cli.addresses import address
from services.cli.destinations import Broker, Destination, Gateway, Patience, key_of
from services.cli.dlq_words import console
from services.cli.send_words import Bar
from services.cli.sending import Contents, Outcome, Resume, Said
from services.cli.settings import HERE, Data
from services.runtime.errors import StartError
from services.runtime.sheets import child
from services.runtime.sheets.cells import SheetRefused
from services.runtime.sheets.limits import Limits
from services.runtime.sheets.numbers import DecimalSign
from services.runtime.sheets.reading import Asked, Format

FORMATS: dict[str, Format] = {".csv": "csv", ".tsv": "csv", ".xlsx": "xlsx"}
LINES = frozenset({".jsonl", ".ndjson", ".json"})

LIMITS = Limits(
    file_bytes=67_108_864,
    unpacked_bytes=1_073_741_824,
    rows=1_048_576,
    seconds=300.0,
    memory_bytes=1_073_741_824,
    answer_bytes=2_147_483_648,
)
"""One's own file on one's own machine may be larger than what strangers send."""


class Rows(StrEnum):
    """Which rows go where some are wrong, as of `POST imports`."""

    ALL = "all"
    GOOD = "good"


class Telling(NamedTuple):
    """What the command line says of a file, for what does not say it itself."""

    source: str | None
    province: str | None
    decimal: DecimalSign | None


def send(
    file: Annotated[Path, typer.Argument(help="CSV, XLSX, or JSON lines of events.", show_default=False)],
    to: Annotated[
        str | None, typer.Option(metavar="URL", help="Address of a gateway. Default: the broker.", show_default=False)
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="The source that reports, where the file does not say it.", show_default=False)
    ] = None,
    province: Annotated[str | None, typer.Option(help="Of rows that say none.", show_default=False)] = None,
    decimal: Annotated[
        DecimalSign | None, typer.Option(help="The sign of decimals in a table.", show_default=False)
    ] = None,
    key_file: Annotated[
        Path | None,
        typer.Option(help="File with the key for the gateway. Default: TIENDO_SEND_KEY.", show_default=False),
    ] = None,
    topic: Annotated[
        str, typer.Option(help="Of the broker: your own, where the operator gave you one.")
    ] = STATISTICS_REPORTED.name,
    rows: Annotated[
        Rows, typer.Option(help="`good`: send the sound rows though others are wrong; `all`: ask, or send none.")
    ] = Rows.ALL,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would become of it, and send nothing.")] = False,
    afresh: Annotated[bool, typer.Option("--afresh", help="Do not go on where an earlier try ended.")] = False,
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait for what becomes of the events.")] = 30.0,
    patience: Annotated[float, typer.Option(min=0, help="Seconds that the other side may be away.")] = 120.0,
    data: Data = HERE,
) -> None:
    """Send the figures in a file, and say what was accepted, flagged and refused.

    Where rows or lines are wrong in themselves they are named, and on a terminal it asks whether the sound ones shall
    go; elsewhere nothing is sent without `--rows good`. Ended in the middle, the same command goes on where it was;
    sent twice, a figure counts once.

    Exit code 0: nothing is wrong. 1: something was wrong or refused. 2: it could not be sent.
    """
    if not re.match(INBOUND, topic):
        raise StartError(f"--topic is {STATISTICS_REPORTED.name}, or begins with {OWN_PREFIX}.")
    telling, body, asked = Telling(source, province, decimal), _body(file), False
    with words.bar() as bar:
        if to is not None:
            with Gateway(address(to, "--to"), key_of(os.environ, key_file), Patience(patience, bar.tell)) as gateway:
                contents = _contents(file, body, _completed(file, body, telling, gateway))
                if dry_run:
                    outcome = outcomes.tried(gateway, contents, bar)
                    lines = words.tried(contents, outcome)
                else:
                    asked = _agreed(contents, rows, bar)
                    turned_away = _sent(
                        gateway, contents, _resume(file, body, gateway, telling, contents, afresh=afresh), bar
                    )
                    outcome = outcomes.followed(gateway, contents, turned_away, wait, bar)
                    lines = words.became(contents, turned_away, outcome, gateway.name)
        else:
            contents, outcome = _contents(file, body, telling), Outcome()
            if dry_run:
                lines = words.tried(contents, None)
            else:
                asked = _agreed(contents, rows, bar)
                with Broker(data, topic, Patience(patience, bar.tell)) as broker:
                    _sent(broker, contents, _resume(file, body, broker, telling, contents, afresh=afresh), bar)
                    lines = words.published(contents, topic, broker.bootstrap)
    where = console()
    for line in (*([] if asked else words.of_the_file(contents)), *lines):
        where.print(line)
    if contents.wrong or outcome.refused:
        raise typer.Exit(1)


# reading


def _body(file: Path) -> bytes:
    if file.suffix.lower() not in FORMATS.keys() | LINES:
        known = ", ".join((*FORMATS, *sorted(LINES)))
        raise StartError(f"{file.name} is none of {known}: name it after what it holds.")
    try:
        return file.read_bytes()
    except OSError as error:
        raise StartError(f"{file} cannot be read: {error.strerror}.") from None


def _completed(file: Path, body: bytes, telling: Telling, gateway: Gateway) -> Telling:
    """What the gateway's catalog leaves no choice about need not be said."""
    is_table = file.suffix.lower() in FORMATS
    source, province = telling.source, telling.province
    if source is None and (is_table or not sending.names_its_sources(body)):
        source = gateway.only_source()
    if province is None and is_table:
        province = gateway.only_province()
    return telling._replace(source=source, province=province)


def _contents(file: Path, body: bytes, telling: Telling) -> Contents:
    format = FORMATS.get(file.suffix.lower())
    if format is None:
        return sending.of_lines(body, telling.source)
    if telling.source is None:
        raise StartError("A table does not say which source reports it: add --source, as the catalog has it.")
    given = {} if telling.province is None else {"province": telling.province}
    try:
        sheets = asyncio.run(child.read(body, Asked(format, given, telling.decimal), LIMITS))
    except SheetRefused as refused:
        raise StartError(f"{file.name}: {refused.vi} / {refused.en}") from None
    return sending.of_sheets(sheets, telling.source)


# sending


def _agreed(contents: Contents, rows: Rows, bar: Bar) -> bool:
    """Whether somebody was asked, and said that the sound rows shall go. Ends the command where they shall not."""
    if not contents.wrong or rows is Rows.GOOD:
        return False
    with bar.aside() as beside:
        where = console()
        for line in words.of_the_file(contents):
            where.print(line)
        if contents.ready and sys.stdin.isatty() and beside.is_terminal:
            beside.print(words.question(contents), end="")
            if words.is_yes(sys.stdin.readline()):
                return True
        where.print(words.nothing_sent(contents))
    raise typer.Exit(1)


def _resume(
    file: Path, body: bytes, to: Gateway | Broker, telling: Telling, contents: Contents, *, afresh: bool
) -> Resume:
    log = to.log if isinstance(to, Broker) else None  # topics that were made anew hold nothing of an earlier try
    resume = Resume.of(file, body, (to.name, log, *telling), len(contents.ready))
    if afresh:
        resume.forget()
    return resume


def _sent(to: Destination, contents: Contents, resume: Resume, bar: Bar) -> dict[int, Said]:
    """Send what is not acknowledged yet; what was turned away, by its number."""
    done = resume.acknowledged
    if done:
        rest = "" if done < len(contents.ready) else ": nothing is left to send (--afresh sends all of it again)"
        bar.tell(f"going on after {done} events that an earlier try sent{rest}")
    bar.begin("sends", done, len(contents.ready))
    keeps = True
    for part in sending.chunks(contents.ready, done):
        turned_away = to.send([one.event for one in part])
        found = {done + at: why for at, why in turned_away.items()}
        done += len(part)
        bar.done(done)
        if keeps and not resume.reached(done, found):
            keeps = False
            bar.tell(f"no file can be written beside {resume.path.name}: ended now, all would be sent again")
    resume.done()
    return resume.turned_away
