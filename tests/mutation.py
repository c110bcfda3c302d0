"""Which changes of the arithmetic no test notices: `make mutation`.

mutmut makes the changes (mutants) and finds out which tests reach which function. It would then collect the tests anew
for each of thousands of mutants and ask them in any order, which takes a day. Here they are collected once; each mutant
gets a fork of that process, in which the tests that noticed its neighbours go first. What became of a mutant is kept
where mutmut keeps it, so `mutmut results` and `mutmut show` work.

What was killed stays so until its function changes; what survived is judged again by the tests of the day.
"""

import argparse
import contextlib
import fnmatch
import gc
import os
import random
import resource
import shutil
import signal
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from mutmut import __main__ as mutmut
from mutmut.configuration import config
from mutmut.mutation.data import SourceFileMutationData
from mutmut.mutation.trampoline import set_mutant_under_test
from mutmut.state import state
from mutmut.stats import load_stats
from mutmut.utils.file_utils import copy_also_copy_files, copy_src_dir, setup_source_paths
from mutmut.utils.format_utils import mangled_name_from_mutant_name
from mutmut.workers.isolation import get_mutant_runner, run_in_fork

SURVIVED, KILLED, NOT_TESTED, TIMEOUT = 0, 1, 33, 36
"""By which mutmut remembers what became of a mutant: exit codes."""

PATIENCE, FACTOR = 4, 20
"""A test never ends that takes so many seconds of the processor, and so many times what it took without a mutant."""

SEED = 1
"""Of samples."""

MEMORY = 4 << 30
"""Bytes that a fork may have, for mutants that collect without end."""


def prepared() -> int:
    """Makes the mutants, and has mutmut record which test reaches which function. In a fork: what the tests leave in
    caches would hide mutants from the tests that come after."""
    Path("mutants").mkdir(exist_ok=True)
    shutil.rmtree("mutants/tests", ignore_errors=True)
    set_mutant_under_test("mutant_generation")
    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
        copy_src_dir()
        copy_also_copy_files()
        mutmut.create_mutants(1)
    setup_source_paths()
    mutmut.collect_or_load_stats(get_mutant_runner(1), apply_config_invalidation=True)
    return 0


class Judge:
    """A plugin of pytest that, instead of running the tests, runs for each mutant those that reach its function."""

    def __init__(self, files: list[SourceFileMutationData], wanted: Sequence[str], sample: int | None) -> None:
        self._root = Path.cwd()
        self._files = {name: data for data in files for name in data.exit_code_by_key}
        self._wanted = wanted
        self._sample = sample
        self._noticing: dict[str, list[str]] = defaultdict(list)  # function → tests, who noticed last first

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Judges all that is to be judged."""
        items = {item.nodeid: item for item in session.items}
        gc.freeze()
        if _forked(lambda: _first_to_fail(session, session.items)) != (0, ""):
            raise pytest.UsageError("tests fail without any mutant: look with `make test`")
        chosen = self._chosen()
        began = time.monotonic()
        for number, name in enumerate(chosen, start=1):
            code = self._judged(session, items, name)
            self._files[name].exit_code_by_key[name] = code
            if number == len(chosen) or self._files[chosen[number]] is not self._files[name] or number % 20 == 0:
                with contextlib.chdir(self._root):
                    self._files[name].save()
            sys.stderr.write(f"{number} of {len(chosen)}, {time.monotonic() - began:.0f} s: {code} {name}\n")
        return True

    def _chosen(self) -> list[str]:
        matching = (name for each in self._wanted for name in fnmatch.filter(self._files, each))
        wanted = list(dict.fromkeys(matching))
        if self._sample is not None and self._sample < len(wanted):
            drawn = set(random.Random(SEED).sample(sorted(wanted), self._sample))
            wanted = [name for name in wanted if name in drawn]
        return [name for name in wanted if self._files[name].exit_code_by_key[name] != KILLED]

    def _judged(self, session: pytest.Session, items: dict[str, pytest.Item], name: str) -> int:
        function = mangled_name_from_mutant_name(name)
        reaching = state().tests_by_mangled_function_name.get(function, set()) & items.keys()
        if not reaching:
            return NOT_TESTED
        ordered = [items[test] for test in self._ordered(self._noticing[function], reaching)]
        status, noticed_by = _forked(lambda: _first_to_fail(session, ordered, name))
        if noticed_by:
            noticing = self._noticing[function]
            noticing[:] = [noticed_by, *(test for test in noticing if test != noticed_by)]
            return KILLED
        return TIMEOUT if status == signal.SIGPROF else KILLED if status else SURVIVED

    @staticmethod
    def _ordered(noticing: list[str], reaching: set[str]) -> Iterator[str]:
        """First who noticed other mutants of the function; then the files whose tests are soon done."""
        seconds: dict[str, float] = defaultdict(float)
        for test in reaching:
            seconds[_file(test)] += state().duration_by_test[test]
        yield from (test for test in noticing if test in reaching)
        yield from sorted(reaching - set(noticing), key=lambda test: (seconds[_file(test)], _file(test), test))


def _file(test: str) -> str:
    return test.partition("::")[0]


def _first_to_fail(session: pytest.Session, items: Sequence[pytest.Item], mutant: str = "") -> str:
    """Runs the tests with the mutant in force until one fails, and says which; empty if none does."""
    set_mutant_under_test(mutant)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    for item, following in pairwise([*items, None]):
        assert item is not None
        signal.setitimer(signal.ITIMER_PROF, PATIENCE + FACTOR * state().duration_by_test.get(item.nodeid, 0))
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if session.testsfailed:
            return item.nodeid
    return ""


def _forked(tests: Callable[[], str]) -> tuple[int, str]:
    """What the tests say in a fork of this process, and by which signal or exit code it ended."""
    reading, writing = os.pipe()
    sys.stdout.flush()
    child = os.fork()
    if not child:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(1, 2)
        try:
            os.write(writing, tests().encode())
        except BaseException:
            os._exit(1)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as said:
        answer = said.read().decode()
    return abs(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])), answer


def table(files: Sequence[SourceFileMutationData]) -> str:
    """A line for each module in Markdown, and one for all. The score is that of what was judged."""
    lines = [
        "| module | mutants | judged | killed | timeouts | survived | not tested | score |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    codes = {str(data.path): list(data.exit_code_by_key.values()) for data in files}
    for module, made in (*sorted(codes.items()), ("**all**", [code for each in codes.values() for code in each])):
        count = Counter(made)
        judged = len(made) - count[None]
        score = f"{100 * (count[KILLED] + count[TIMEOUT]) / judged:.1f} %" if judged else "–"
        lines.append(
            f"| {module.removeprefix('services/')} | {len(made)} | {judged} | {count[KILLED]} | {count[TIMEOUT]} "
            f"| {count[SURVIVED]} | {count[NOT_TESTED]} | {score} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Judges mutants, and says what became of all that were judged so far."""
    parser = argparse.ArgumentParser()
    parser.add_argument("mutants", nargs="*", default=["*"], help="patterns: services.metrics.plan.*")
    parser.add_argument("--sample", type=int, help="so many of them, drawn at random; the same ones each time")
    asked = parser.parse_args()
    if run_in_fork(prepared):
        sys.exit("No mutants were made, or tests fail without any.")
    setup_source_paths()
    load_stats()
    files = list(mutmut.collect_source_file_mutation_data(mutant_names=())[1].values())
    judge = Judge(files, asked.mutants, asked.sample)
    tests = (*config().pytest_add_cli_args, *config().pytest_add_cli_args_test_selection)
    with contextlib.chdir("mutants"):
        ended = pytest.main(["--rootdir=.", "--tb=native", "-x", "-q", "-s", *tests], plugins=[judge])
    sys.stdout.write(table(files) + "\n")
    sys.exit(ended)


if __name__ == "__main__":
    main()
