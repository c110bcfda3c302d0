"""Becomes another program that cannot outlive whoever asked for it. Run as a script: `launch.py PARENT COMMAND…`.

Linux ends a process when its parent dies only if the process itself asked for it (`PR_SET_PDEATHSIG`), and keeps that
wish over `exec`. Asking here, in a fresh process, avoids `preexec_fn`, which runs Python between fork and exec and
may dead-lock in a program with threads. Elsewhere than on Linux the wish does not exist and is skipped.

Run with `-I -S`: standard library only, nothing of the project.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
CANNOT_RUN = 127


def main() -> int:
    """Exit code if the program could not be run; does not return otherwise."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it died before the wish was made
        return CANNOT_RUN
    try:
        os.execvp(command[0], command)
    except OSError as error:
        sys.stderr.write(f"{command[0]} cannot be run: {error.strerror}\n")
        return CANNOT_RUN


if __name__ == "__main__":
    sys.exit(main())
