"""What `tiendo send` shows: how far it is, and what became of the file."""

from collections.abc import Iterator, Sequence, Sized
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress
from rich.text import Text

from contracts.base import composed
from contracts.topics import STATISTICS_REJECTED
from services.cli.bars import bars
from services.cli.dlq_words import plain
from services.cli.sending import Contents, Outcome, Remark

LISTED = 20
"""Of the wrong, refused and flagged ones each, that are named."""


class Bar:
    """A bar on a terminal. Elsewhere what is waited for is a line, and of the rest only the end counts."""

    def __init__(self, console: Console, progress: Progress) -> None:
        self._console, self._progress = console, progress
        self._task = progress.add_task("reads the file", total=None, words="")

    def begin(self, what: str, done: int, total: int) -> None:
        """The next step, of so many of which so many are done already."""
        self._progress.reset(self._task, description=what, completed=done, total=total, words="")

    def done(self, count: int) -> None:
        """So many are done."""
        self._progress.update(self._task, completed=count)

    def tell(self, words: str) -> None:
        """What is waited for; with no words, nothing any more."""
        self._progress.update(self._task, words=words)
        if words and not self._console.is_terminal:
            self._console.print(Text(plain(words)))

    @contextmanager
    def aside(self) -> Iterator[Console]:
        """The console without the bar, for a question."""
        self._progress.stop()
        yield self._console
        self._progress.start()


@contextmanager
def bar() -> Iterator[Bar]:
    """Beside what is printed, so that this may go into a file."""
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    with bars(console, passing=True) as progress:
        yield Bar(console, progress)


def of_the_file(contents: Contents) -> list[Text]:
    """What of the file is not sent."""
    lines = [Text(plain(note), style="yellow") for note in contents.notes]
    if contents.repeated:
        lines.append(Text(f"{contents.repeated} lines say again what an earlier one says, and count once"))
    return [*lines, *_named("wrong, not sent", contents.wrong, "red")]


def question(contents: Contents) -> Text:
    """Whether what is sound shall go without the rest."""
    wrong, rows = _counted(contents)
    return Text(
        f"{wrong} trên {rows} dòng sai. Chỉ gửi các dòng đúng?\n"
        f"{wrong} of {rows} rows are wrong. Send the sound rows only? [y/N] "
    )


def is_yes(answer: str) -> bool:
    """In either language; anything else is no."""
    return composed(answer).strip().casefold() in {"y", "yes", "c", "có"}


def nothing_sent(contents: Contents) -> Text:
    """What to do now."""
    wrong, rows = _counted(contents)
    only_vi, only_en = ", hoặc chỉ gửi các dòng đúng (--rows good)", ", or send the sound rows only (--rows good)"
    return Text(
        f"{wrong} trên {rows} dòng sai; không số liệu nào được gửi. Sửa tệp rồi gửi lại"
        f"{only_vi if contents.ready else ''}.\n"
        f"{wrong} of {rows} rows are wrong; nothing was sent. Mend the file and send it again"
        f"{only_en if contents.ready else ''}.",
        style="red",
    )


def _counted(contents: Contents) -> tuple[int, int]:
    """How many rows or lines are wrong, and how many there are."""
    wrong = _many(contents.wrong)
    return wrong, wrong + len(contents.ready) + contents.repeated


def tried(contents: Contents, outcome: Outcome | None) -> list[Text]:
    """What a dry run says."""
    if outcome is None:
        return [
            Text(f"{len(contents.ready)} events can be read; the checks that need the catalog take a gateway (--to)")
        ]
    new = outcome.accepted - outcome.same
    return [
        Text(f"would be accepted: {new} (flagged: {_many(outcome.flagged)}); accepted before: {outcome.same}"),
        *_named("would be refused", outcome.refused, "red"),
        *_named("would be flagged", outcome.flagged, "yellow"),
    ]


def published(contents: Contents, topic: str, broker: str) -> list[Text]:
    """What was written to the broker, which does not know what becomes of it."""
    return [
        Text(f"written to {topic} at {broker}, by all replicas in sync: {len(contents.ready)} events"),
        Text(f"refusals come on {STATISTICS_REJECTED.name}, keyed by source; a gateway has each under /api/v1/events"),
    ]


def became(contents: Contents, turned_away: Sized, outcome: Outcome, gateway: str) -> list[Text]:
    """What became of what was sent. `turned_away`: those that the gateway did not take."""
    lines = [
        Text(f"acknowledged by {gateway}: {len(contents.ready) - len(turned_away)} events"),
        Text(f"accepted: {outcome.accepted} (flagged: {_many(outcome.flagged)})", style="green"),
        *_named("refused", outcome.refused, "red"),
        *_named("flagged", outcome.flagged, "yellow"),
    ]
    if outcome.waiting:
        lines.append(Text(f"still on their way: {len(outcome.waiting)}; GET /api/v1/events tells what becomes of them"))
    return lines


def _named(what: str, found: Sequence[Remark], style: str) -> list[Text]:
    if not found:
        return []
    lines = [Text(f"{what}: {_many(found)}", style=style)]
    for one in found[:LISTED]:
        where = f"{one.place}, {one.within}" if one.within else one.place
        lines += (Text(plain(f"    {where}: {one.why.vi}")), Text(plain(f"        {one.why.en}"), style="dim"))
    rest = len(found) - LISTED
    return lines + ([Text(f"    and {rest} {'remark' if rest == 1 else 'remarks'} more")] if rest > 0 else [])


def _many(found: Sequence[Remark]) -> int:
    """Of so many rows or lines."""
    return len({one.place for one in found})
