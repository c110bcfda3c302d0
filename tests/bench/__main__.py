"""`python -m tests.bench [name …]`: run the benches, print a table, and write build/bench.json.

A bench is a module `bench_<name>.py` with `run() -> {figure: {"value", "unit", "goal", "compared_with"}}`; a figure
that it lists in `FIGURES` can be asked for by its own name as well. Ratios hold within one run only, so whatever is
compared is measured in the same `run`.
"""

import importlib
import json
import platform
import sys
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

HERE = Path(__file__).parent
RESULTS = Path("build") / "bench.json"


def main(wanted: list[str]) -> int:
    """Run the benches whose names are given, or all. Exit code 2 for a name that there is none of."""
    there = sorted(file.stem.removeprefix("bench_") for file in HERE.glob("bench_*.py"))
    modules = {name: importlib.import_module(f"tests.bench.bench_{name}") for name in there}
    bench_of = {figure: name for name in there for figure in (name, *getattr(modules[name], "FIGURES", ()))}
    if unknown := [name for name in wanted if name not in bench_of]:
        sys.stderr.write(f"there is no bench {', '.join(unknown)}; there are: {', '.join(bench_of)}\n")
        return 2
    chosen = dict.fromkeys(bench_of[name] for name in wanted) if wanted else there
    console = Console(width=None if sys.stdout.isatty() else 150)
    figures: dict[str, Any] = {}
    for name in chosen:
        console.print(f"[bold]▸[/] {name} …", highlight=False)
        figures.update(modules[name].run())
    RESULTS.parent.mkdir(exist_ok=True)
    before = json.loads(RESULTS.read_text()) if wanted and RESULTS.exists() else {}
    RESULTS.write_text(json.dumps({**before, **figures}, ensure_ascii=False, indent=2) + "\n")
    console.print(_table(figures))
    return 0


def _table(figures: dict[str, Any]) -> Table:
    machine = f"{platform.machine()}, {psutil.cpu_count()} cores, Python {platform.python_version()}"
    table = Table(title=machine, title_justify="left")
    for column in ("figure", "value", "unit", "goal", "compared with"):
        table.add_column(column, justify="right" if column == "value" else "left")
    for name, figure in figures.items():
        value = figure["value"]
        shown = f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"
        table.add_row(name, shown, figure["unit"], figure["goal"] or "", str(figure["compared_with"] or ""))
    return table


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
