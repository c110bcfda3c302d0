"""Rules tried on what was reported: figures of the ledger judged over again, and decided on by the alerts service with
a simulated clock. KPI by KPI, since alerts and mails of one have nothing to do with those of another."""

import asyncio
import gc
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from multiprocessing import get_context
from signal import SIG_IGN, SIGINT, signal
from typing import Any, NamedTuple, TypeVar

from services.alerts.rehearsal import Rehearsal
from services.alerts.tally import Happened, MailTold, told_episodes
from services.metrics.replay import Replay, Said
from services.runtime.catalog import Catalog

T = TypeVar("T")


class Reported(NamedTuple):
    """A figure as the ledger has it, and when it came."""

    at: datetime
    content: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Tried:
    """What happened under each of the catalogs that differ in rules and people only."""

    figures: int
    outcomes: tuple[Happened, ...]


def with_rules_of(catalog: Catalog, other: Catalog) -> Catalog:
    """The catalog with rules and people of another one: what is promised and reported stays the same."""
    return replace(catalog, rules=other.rules, people=other.people)


def in_order(partitions: Iterable[Sequence[dict[str, Any]]]) -> list[Reported]:
    """Figures of several partitions, each in the order of its offsets, as one: by the moment at which they came. Where
    a clock stepped back, what was behind stays behind."""
    found: list[Reported] = []
    for payloads in partitions:
        latest: datetime | None = None
        for content in payloads:
            at = datetime.fromisoformat(content["received_at"])
            latest = at if latest is None else max(latest, at)
            found.append(Reported(latest, content))
    return sorted(found, key=lambda one: one.at)


async def tried(kpi: str, figures: Sequence[Reported], catalogs: Sequence[Catalog], until: datetime) -> Tried:
    """One KPI from its first figure until a moment. The figures are judged under the first of the catalogs."""
    outcomes = tuple(Happened() for _ in catalogs)
    if not figures:
        return Tried(0, outcomes)
    rehearsals = [Rehearsal(catalog, figures[0].at) for catalog in catalogs]
    replay, count = Replay(catalogs[0], kpi), 0
    for at, together in groupby(figures, key=lambda one: one.at):
        if at > until:
            break
        payloads = [one.content for one in together]
        count += len(payloads)
        await _decide(replay.take(payloads, at), rehearsals, outcomes)
    await _decide(replay.until(until), rehearsals, outcomes)
    for rehearsal, outcome in zip(rehearsals, outcomes, strict=True):
        await rehearsal.until(until)
        outcome.episodes = told_episodes(transition.wire for transition in rehearsal.transitions)
        outcome.mails = [
            MailTold(mail.at, mail.recipient.person, mail.group.kpi, mail.reason.value) for mail in rehearsal.mails
        ]
    return Tried(count, outcomes)


class Crew:
    """As many KPIs at once as there are processors, each in a process of its own. Enter before anything else is begun:
    the processes are copies of this one."""

    def __init__(self, catalogs: Sequence[Catalog], until: datetime) -> None:
        self.size = os.cpu_count() or 1
        self._pool = ProcessPoolExecutor(self.size, get_context("fork"), _begin, (catalogs, until))

    async def __aenter__(self) -> "Crew":
        await self._run(_ready)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    async def tries(self, kpi: str, figures: Sequence[Reported]) -> Tried:
        """The same as `tried`, elsewhere."""
        return await self._run(_try, kpi, figures)

    async def _run(self, work: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work, *arguments)


_task: list[tuple[Sequence[Catalog], datetime]] = []
"""What this process of a crew tries."""


def _begin(catalogs: Sequence[Catalog], until: datetime) -> None:
    _task[:] = [(catalogs, until)]
    signal(SIGINT, SIG_IGN)  # Ctrl-C ends the one who waits
    gc.disable()  # one KPI is small, and all that it makes is dropped with it


def _ready() -> None:
    """A process of the crew is there, and with it the others."""


def _try(kpi: str, figures: Sequence[Reported]) -> Tried:
    catalogs, until = _task[0]
    try:
        return asyncio.run(tried(kpi, figures, catalogs, until))
    finally:
        gc.collect()


async def _decide(said: Iterable[Said], rehearsals: Sequence[Rehearsal], outcomes: Sequence[Happened]) -> None:
    for at, records in said:
        for rehearsal, outcome in zip(rehearsals, outcomes, strict=True):
            outcome.saw(records)
            await rehearsal.sees(records, at)
