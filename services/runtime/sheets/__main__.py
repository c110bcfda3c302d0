"""`python -m services.runtime.sheets`: read one spreadsheet, in a process that has little to lose.

Standard input: the length of a request (4 bytes), the request as JSON, the file. Standard output: what was found, a
JSON line each. The process limits its own memory and time, ends with the one that asked, writes no files but temporary
ones, and is told no secrets.
"""

import ctypes
import os
import resource
import signal
import sys
from math import ceil

from services.runtime.sheets import serving

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Limit this process, then serve one request."""
    _end_with(int(sys.argv[1]))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    request, body = serving.received(sys.stdin.buffer)
    limits = serving.limits_of(request)
    seconds = ceil(limits.seconds) + 1  # the one that asked ends it sooner, unless it is gone
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))
    serving.serve(request, body, sys.stdout.buffer)


def _end_with(parent: int) -> None:
    """Be killed when the parent is, which then cannot see to it. Elsewhere than on Linux the limit of time does."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            sys.exit(1)


if __name__ == "__main__":
    main()
