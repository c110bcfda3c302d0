"""`python -m services.runtime.sheets`: read one spreadsheet, in a process that has little to lose.

Standard input: the length of a request (4 bytes), the request as JSON, the file. Standard output: what was found, a
JSON line each. The process limits its own memory and time, writes no files but temporary ones, and is told no secrets.
"""

import resource
import sys

from services.runtime.sheets import serving


def main() -> None:
    """Limit this process, then serve one request."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    request, body = serving.received(sys.stdin.buffer)
    limits = serving.limits_of(request)
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))
    serving.serve(request, body, sys.stdout.buffer)


if __name__ == "__main__":
    main()
