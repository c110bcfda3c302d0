"""The command `tiendo`: its commands are loaded, which takes a second, and run.

Whoever interrupts it meanwhile reads a line and no traceback: nothing has begun that would have to be ended.
"""

import os
import signal
from types import FrameType

INTERRUPTED = 130


def main() -> None:
    """The console script."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:  # a shell that leaves us in the background has it ignored
        signal.signal(signal.SIGINT, _interrupted)
    from services.cli.commands import run

    signal.signal(signal.SIGINT, before)
    run()


def _interrupted(_: int, __: FrameType | None) -> None:
    """End at once: an exception would come up wherever the loading is, and be told by whoever catches it there."""
    os.write(2, "tiendo: đã ngắt / interrupted\n".encode())
    os._exit(INTERRUPTED)


if __name__ == "__main__":
    main()
