"""`python -m contracts export | check`: make the generated documents, or prove that they are up to date.

`export` refuses to overwrite a schema with one that breaks its readers or writers: such a change is a new version,
beside the old. `check --against REV` compares with the schemas of a git revision as well.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from contracts.compatibility import Change, Unclassified, breaking, compare
from contracts.generate import documents

HERE = Path(__file__).parent


def main() -> int:
    """Exit code 0: all well; 1: a sentence for each thing that is not."""
    parser = argparse.ArgumentParser(prog="python -m contracts", description=__doc__)
    parser.add_argument("command", choices=["export", "check"])
    parser.add_argument("--against", metavar="REV", help="a git revision whose schemas must stay readable")
    asked = parser.parse_args()
    made = documents()
    committed = {name: (HERE / name).read_text() for name in made if (HERE / name).exists()}
    problems = [*_broken(committed, made), *_forgotten(made)]
    if asked.against:
        problems += _broken(_of_revision(asked.against, list(made)), made)
    if asked.command == "check":
        stale = [name for name, text in made.items() if committed.get(name) != text]
        problems += [f"contracts/{name} is not what the models say: run `make generate`" for name in stale]
    elif not problems:
        for name, text in made.items():
            (HERE / name).parent.mkdir(exist_ok=True)
            (HERE / name).write_text(text)
    for problem in problems:
        sys.stderr.write(f"{problem}\n")
    return 1 if problems else 0


def _broken(before: dict[str, str], after: dict[str, str]) -> list[str]:
    problems = []
    for name in sorted(before.keys() & after.keys()):
        if name.startswith("schemas/"):
            try:
                changes = compare(json.loads(before[name]), json.loads(after[name]))
            except Unclassified as error:
                problems.append(f"contracts/{name}: {error}")
                continue
            problems += [f"contracts/{name}: {change}" for change in breaking(changes)]
            _say(name, changes)
    return problems


def _say(name: str, changes: list[Change]) -> None:
    for change in changes:
        sys.stderr.write(f"contracts/{name}: {change}\n")


def _forgotten(made: dict[str, Any]) -> list[str]:
    there = {f"schemas/{file.name}" for file in (HERE / "schemas").glob("*.json")}
    return [
        f"contracts/{name} belongs to no payload any more: a version, once promised, stays"
        for name in there - made.keys()
    ]


def _of_revision(revision: str, names: list[str]) -> dict[str, str]:
    found = {}
    for name in names:
        shown = subprocess.run(
            ["git", "show", f"{revision}:contracts/{name}"],
            cwd=HERE.parent,
            capture_output=True,
            text=True,
            check=False,
        )
        if shown.returncode == 0:
            found[name] = shown.stdout
    return found


if __name__ == "__main__":
    sys.exit(main())
