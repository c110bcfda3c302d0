"""`tiendo dlq`: what lies in the quarantine, and what is to become of it; parked sources; going on after the fuse."""

import os
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from httpx2 import Client, HTTPError
from pydantic import ValidationError
from rich.markup import escape
from rich.text import Text

from contracts.quarantine import Resume, Resumed
from contracts.statistics import RejectionCode
from deploy.embedded import running
from services.cli import dlq_words as words
from services.cli.addresses import address
from services.cli.dlq_desk import TOPIC, Desk, Done, run
from services.cli.settings import HERE, Data
from services.gateway.settings import Settings
from services.ingest import refusals
from services.ingest.parking import Cause, ParkedSource
from services.ingest.resuming import PATH
from services.runtime import settings
from services.runtime.errors import StartError
from services.runtime.kafka.quarantine import Fate, Lying, Wanted

LISTED = 200
"""Letters that `list` shows people who did not say how many they want."""

ORDER = (
    "Replayed records come after everything sent since. The order of arrival does not change figures; of several "
    "events under one id the first accepted stands."
)

app = typer.Typer(no_args_is_help=True, help="The quarantine: look, replay, drop; parked sources; the fuse.")

Sources = Annotated[
    list[str] | None, typer.Option("--source", help="Of this source; may be given again.", show_default=False)
]
Reasons = Annotated[
    list[str] | None, typer.Option("--reason", help="For this reason; may be given again.", show_default=False)
]
Since = Annotated[
    str | None, typer.Option(help="Quarantined since: a date, an instant, or 30m, 2h, 3d ago.", show_default=False)
]
Until = Annotated[str | None, typer.Option(help="Quarantined before; written likewise.", show_default=False)]
Limit = Annotated[int | None, typer.Option(min=1, help="So many at most, the oldest first.", show_default=False)]
Offsets = Annotated[
    list[int] | None, typer.Argument(help="Those at these offsets of the quarantine.", show_default=False)
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line, and nothing else.")]


class State(StrEnum):
    """Which letters `list` shows."""

    OPEN = words.OPEN
    REPLAYED = Fate.REPLAYED.value
    DROPPED = Fate.DROPPED.value
    ALL = "all"


@app.command("list")
def list_(
    source: Sources = None,
    reason: Reasons = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = None,
    state: Annotated[State, typer.Option(help="What became of them.")] = State.OPEN,
    as_json: AsJson = False,
    data: Data = HERE,
) -> None:
    """List what lies in the quarantine, from the oldest on."""
    wanted = _wanted(source, reason, since, until, ())
    most = limit if limit is not None or as_json else LISTED
    lying = run(data, lambda desk: desk.lying(wanted, lambda one: state in (State.ALL, words.state(one.mark)), most))
    if as_json:
        for one in lying:
            words.line(words.told(one))
        return
    console = words.console()
    if not lying:
        console.print("nothing there")
        return
    words.table(console, lying)
    console.print(words.by_reason(one.letter for one in lying))
    if len(lying) == LISTED and limit is None:
        console.print("these are the oldest; --limit shows more")


@app.command()
def show(
    offset: Annotated[int, typer.Argument(help="Its offset in the quarantine.", show_default=False)],
    out: Annotated[
        Path | None, typer.Option(help="Write the record's value, byte for byte, into this file.", show_default=False)
    ] = None,
    partition: Annotated[
        int | None, typer.Option(help="Its partition, where the quarantine has several.", show_default=False)
    ] = None,
    as_json: AsJson = False,
    data: Data = HERE,
) -> None:
    """Show one letter: why it is there, where it came from, and the record as its publisher sent it."""
    wanted = Wanted(offsets=frozenset({offset}))
    lying = run(data, lambda desk: desk.lying(wanted))
    one = the_one([one for one in lying if partition in (None, one.letter.place.partition)], offset)
    if out is not None:
        write(one, out)
    if as_json:
        words.line({**words.told(one), "headers": [[name, words.text(text)] for name, text in one.letter.headers]})
        return
    console, letter = words.console(), one.letter
    facts: dict[str, object] = {
        "reason": letter.finding.reason,
        "detail": letter.finding.detail,
        "quarantined": f"{letter.finding.at.isoformat()}, for the {words.ordinal(letter.attempts)} time, by "
        f"{letter.finding.handler}",
        "source": letter.finding.source,
        "id": letter.finding.id,
        "came from": letter.origin,
        "lies at": letter.place,
        "state": words.state(one.mark),
        "key": words.text(letter.key),
        **{f"header {name}": words.text(text) for name, text in letter.headers},
        "value": "null (a tombstone)" if letter.value is None else f"{len(letter.value)} bytes",
    }
    if letter.cut is not None:
        facts["cut"] = f"{letter.cut}; a replay reads it from where it came from, as long as the topic keeps it"
    for name, fact in facts.items():
        console.print(Text(f"{name}: ", style="bold") + Text(words.plain(str(fact))))
    if letter.value is not None:
        console.print(Text(words.plain(words.text(letter.value[:4_096]) or "")))
        if len(letter.value) > 4_096:
            console.print(f"… and {len(letter.value) - 4_096} bytes more: --out FILE writes all of them")


@app.command()
def replay(
    offsets: Offsets = None,
    source: Sources = None,
    reason: Reasons = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = None,
    refused: Annotated[
        bool,
        typer.Option(
            "--refused", help="Not the quarantine, but figures that were refused only because the catalog came later."
        ),
    ] = False,
    codes: Annotated[
        str | None,
        typer.Option(
            metavar="CODE,…",
            help="With --refused: those against which nothing but these codes stood.",
            show_default=", ".join(sorted(refusals.EARLY)),
        ),
    ] = None,
    dry_run: DryRun = False,
    data: Data = HERE,
) -> None:
    """Send records again as their publishers sent them; each is handled as if it had just come.

    Without a filter: all that was neither replayed nor dropped. Safe to run again, also after it was interrupted.

    Exit code 0: all were sent. 1: some cannot be sent any more. 2: broker or database do not answer.
    """
    if codes is not None and not refused:
        raise StartError("--codes goes with --refused; the quarantine is filtered by --reason.")
    if refused and (reason or offsets):
        raise StartError("--reason and offsets are the quarantine's; with --refused, use --codes.")
    wanted = _wanted(source, reason, since, until, offsets or ())
    if refused:
        chosen = _codes(codes)
        done = run(data, lambda desk: desk.replay_refused(wanted, chosen, limit, dry_run))
    else:
        done = run(data, lambda desk: desk.replay(wanted, limit, dry_run))
    _summary(done, "would be replayed" if dry_run else "replayed")
    if done.of and not dry_run:
        words.console().print(ORDER)
    if done.lost:
        raise typer.Exit(1)


@app.command()
def drop(
    offsets: Offsets = None,
    source: Sources = None,
    reason: Reasons = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = None,
    all_: Annotated[bool, typer.Option("--all", help="Everything that lies there.")] = False,
    dry_run: DryRun = False,
    data: Data = HERE,
) -> None:
    """Mark records as done with: they are not listed or replayed any more. Kafka keeps them as long as its topic does.

    Dropped by mistake: `tiendo dlq replay OFFSET` replays them all the same.
    """
    if not (all_ or offsets or source or reason or since or until):
        raise StartError("Say which: offsets, --source, --reason, --since, --until, or --all.")
    wanted = _wanted(source, reason, since, until, offsets or ())
    _summary(run(data, lambda desk: desk.drop(wanted, limit, dry_run)), "would be dropped" if dry_run else "dropped")


@app.command()
def parked(as_json: AsJson = False, data: Data = HERE) -> None:
    """List the sources that are parked, since when and why."""

    async def ask(desk: Desk) -> list[ParkedSource]:
        return list(await desk.parkings.standing())

    found = run(data, ask)
    for one in found:
        if as_json:
            told = {"source": one.source, "cause": one.cause, "unreadable": one.unreadable, "last": _last(one)}
            words.line({**told, "since": one.since.isoformat(), "told": one.told})
        else:
            why = "in a row" if one.cause == Cause.ROW else "of its latest 1,000"
            told_it = "its publisher was told" if one.told else "its publisher is yet to be told"
            said = (
                f"  since {one.since.isoformat()}: {one.unreadable} unreadable {why}, the last {_last(one)}; {told_it}"
            )
            words.console().print(Text(words.plain(one.source), style="bold") + Text(said))
    if not found and not as_json:
        words.console().print("no source is parked")


@app.command()
def unpark(source: Annotated[str, typer.Argument(help="The source.", show_default=False)], data: Data = HERE) -> None:
    """Read a source again, from what it sends next on. What was kept of it meanwhile waits for `replay`.

    Exit code 0: it is read again, within seconds. 1: it was not parked.
    """

    async def unpark_(desk: Desk) -> bool:
        return await desk.parkings.unpark(source)

    if not run(data, unpark_):
        words.console().print(Text(f"{words.plain(source)} is not parked"))
        raise typer.Exit(1)
    words.console().print(Text(f"{words.plain(source)} is read again. What was kept of it:"))
    words.console().print(Text(f"    tiendo dlq replay --reason parked --source '{words.plain(source)}'"))


@app.command()
def resume(
    quarantine: Annotated[
        int,
        typer.Option(
            min=0,
            max=1_000_000,
            metavar="N",
            help="Let so many dead letters more into the quarantine before the fuse counts again.",
        ),
    ] = 0,
    ingest: Annotated[
        list[str] | None,
        typer.Option(
            metavar="URL",
            help="Internal HTTP port of an ingest process; again for each. Default: that of `tiendo up`, else "
            "TIENDO_GATEWAY_INGEST_URL.",
            show_default=False,
        ),
    ] = None,
    data: Data = HERE,
) -> None:
    """Go on with the partitions that the fuse stopped, from where they were stopped, with a new fuse.

    If what stopped them is still there and --quarantine does not cover it, the fuse blows again and nothing is lost.

    Exit code 0: done, also if nothing was stopped. 2: ingest does not answer.
    """
    body = Resume(quarantine=quarantine).model_dump_json()
    urls = [address(url, "--ingest") for url in ingest or [_ingest(data)]]
    answers = [(url, _resumed(url, body)) for url in urls]
    for url, said in answers:
        stopped = [*(f"{said.topic}/{number}" for number in said.partitions), *said.others]
        what = f"{', '.join(stopped)} go on" if stopped else "nothing was stopped"
        words.console().print(Text(f"{url}: {what}"))


def the_one(lying: Sequence[Lying], offset: int) -> Lying:
    """The letter that was asked for. Raises `StartError` where there is none, or more than one."""
    if not lying:
        raise StartError(f"Nothing lies at offset {offset} of {TOPIC}.dlq (any more).")
    if len(lying) > 1:
        partitions = ", ".join(str(one.letter.place.partition) for one in lying)
        raise StartError(
            f"At offset {offset} something lies in the partitions {partitions}: name one with --partition."
        )
    return lying[0]


def write(one: Lying, out: Path) -> None:
    """The record's value, as it is. Raises `StartError`."""
    try:
        out.write_bytes(one.letter.value or b"")
    except OSError as error:
        raise StartError(f"{out} cannot be written: {error.strerror}.") from None


def _last(one: ParkedSource) -> str:
    return f"{one.raw.topic}/{one.raw.partition}/{one.raw.offset}"


def _resumed(url: str, body: str) -> Resumed:
    try:
        with Client(base_url=url, timeout=10, trust_env=False) as client:
            answer = client.post(PATH, content=body, headers={"content-type": "application/json"})
            answer.raise_for_status()
            return Resumed.model_validate_json(answer.content)
    except (HTTPError, ValidationError) as error:
        why = (str(error) or type(error).__name__).splitlines()[0]
        raise StartError(
            f"ingest does not answer at {url} ({why}): start it, or name its internal port with --ingest."
        ) from None


def _ingest(data: Path) -> str:
    here = running.facts(data / "up") or {}
    return here.get("ingest") or settings.load(Settings, os.environ).gateway.ingest_url


# what was asked


def _wanted(
    source: Sequence[str] | None,
    reason: Sequence[str] | None,
    since: str | None,
    until: str | None,
    offsets: Sequence[int],
) -> Wanted:
    return Wanted(frozenset(source or ()), frozenset(reason or ()), _moment(since), _moment(until), frozenset(offsets))


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    ago = re.fullmatch(r"(\d{1,5})([mhd])", text)
    if ago:
        unit = {"m": "minutes", "h": "hours", "d": "days"}[ago[2]]
        return datetime.now(UTC) - timedelta(**{unit: int(ago[1])})
    try:
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError):
        raise StartError(
            f"{text!r} is no moment: write a date (2026-03-01), an instant (2026-03-01T08:00:00+07:00), or 30m, 2h, 3d."
        ) from None


def _codes(text: str | None) -> frozenset[str]:
    if text is None:
        return frozenset(refusals.EARLY)
    chosen = frozenset(code.strip() for code in text.split(",") if code.strip())
    unknown = sorted(chosen - set(RejectionCode))
    if unknown or not chosen:
        raise StartError(f"--codes: there is no code {', '.join(unknown) or '(none was given)'}.")
    return chosen


def _summary(done: Done, word: str) -> None:
    console = words.console()
    for (what, source), count in sorted(done.of.items()):
        console.print(f"    {count} × {escape(words.plain(what))}, {escape(words.plain(source))}")
    console.print(f"{done.of.total()} {word}")
    for why, count in sorted(done.left.items()):
        console.print(f"{count} left alone: {why}")
    for line in done.lost[:20]:
        console.print(Text(words.plain(line), style="red"))
    if done.lost:
        console.print(Text(f"{len(done.lost)} cannot be replayed", style="red"))
