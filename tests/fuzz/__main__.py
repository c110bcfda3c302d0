"""`python -m tests.fuzz SECONDS [target …]`: look for bytes that break a promise, so long in all; exit code 1 if found.

libFuzzer never returns, so each target is a process of its own. What it found on the way is kept in build/fuzz and
begun with the next time.
"""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"
FOUND = Path("build") / "fuzz"
LONGEST = 8_192
"""Bytes of an input."""


def main(arguments: list[str]) -> int:
    """Run the targets that are named, or all, one after the other."""
    if arguments[:1] == ["--inside"]:
        return _inside(arguments[1], arguments[2:])
    from tests.fuzz.targets import TARGETS

    seconds, wanted = arguments[0] if arguments else "", arguments[1:] or [*TARGETS]
    if not seconds.isdecimal() or not TARGETS.keys() >= set(wanted):
        sys.stderr.write(f"write `python -m tests.fuzz SECONDS [{' | '.join(TARGETS)}]`\n")
        return 2
    if importlib.util.find_spec("atheris") is None:
        sys.stderr.write("atheris is not installed; it has wheels for Linux on x86_64 only.\n")
        return 2
    each = max(1, int(seconds) // len(wanted))
    return max([_run(target, each) for target in wanted])


def _run(target: str, seconds: int) -> int:
    kept = FOUND / target
    kept.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "tests.fuzz", "--inside", target, str(kept), str(CORPUS / target)]
    options = [f"-max_total_time={seconds}", f"-max_len={LONGEST}", "-print_final_stats=1", "-timeout=10"]
    done = subprocess.run(
        [*command, *options, f"-artifact_prefix={FOUND}/{target}-"],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    count = re.search(r"number_of_executed_units: (\d+)", done.stderr)
    executed = f"{int(count[1]):,}" if count else "?"
    sys.stdout.write(
        f"{target}: {executed} inputs in {seconds} s, {'broken' if done.returncode else 'nothing found'}\n"
    )
    if done.returncode:
        sys.stdout.write(f"{done.stdout[-4_000:]}\n{done.stderr[-4_000:]}\n")
        sys.stdout.write(f"The input is in {FOUND}: put it into {CORPUS / target} with the correction.\n")
    return min(1, abs(done.returncode))


def _inside(target: str, options: list[str]) -> int:
    import atheris  # type: ignore[import-untyped] # ships no types

    with atheris.instrument_imports(
        include=["contracts", "services.ingest", "services.gateway.intake", "services.runtime.sheets"]
    ):
        from tests.fuzz.targets import TARGETS
    atheris.Setup([sys.argv[0], *options], TARGETS[target])
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
