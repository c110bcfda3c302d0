"""How far a rebuild is, for whoever looks: bars on a terminal, lines elsewhere, nothing where only the end counts."""

from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import TaskID

from contracts.rebuilds import KpiRebuild, Rebuild, Stage
from services.cli.bars import bars

STAGES = {
    Stage.WAITING: "waits for its turn",
    Stage.READING: "reads the ledger",
    Stage.CATCHING_UP: "catches up with the stream",
    Stage.SWITCHING: "is put in force",
    Stage.DONE: "done",
    Stage.REFUSED: "refused",
}


class Show(Protocol):
    """Shows one state after the other."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def show(self, rebuild: Rebuild) -> None:
        """How far it is now."""
        ...


class Silence:
    """Shows nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to end."""

    def show(self, rebuild: Rebuild) -> None:
        """Nothing."""


class Lines(Silence):
    """A line for each step of a KPI, and for what it waits for."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._said: dict[str, str] = {}

    def show(self, rebuild: Rebuild) -> None:
        for one in rebuild.kpis:
            words = _words(one)
            if self._said.get(one.kpi, STAGES[Stage.WAITING]) != words:
                self._console.print(f"{one.kpi}: {words}", markup=False)
            self._said[one.kpi] = words


class Bars(Silence):
    """A bar for each KPI that is under way or over."""

    def __init__(self, console: Console) -> None:
        self._progress = bars(console)
        self._bars: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def show(self, rebuild: Rebuild) -> None:
        for one in rebuild.kpis:
            if one.kpi not in self._bars:
                if one.stage is Stage.WAITING and one.waits_for is None:
                    continue
                self._bars[one.kpi] = self._progress.add_task(one.kpi, words="", total=None)
            total = None if one.entries is None else max(one.entries, one.read)
            self._progress.update(self._bars[one.kpi], completed=one.read, total=total, words=_words(one))
            if one.stage.over:
                self._progress.stop_task(self._bars[one.kpi])


def _words(one: KpiRebuild) -> str:
    return STAGES[one.stage] + (f"; waits: {one.waits_for}" if one.waits_for else "")
