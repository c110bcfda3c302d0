"""Asks a service of this container how it is: `probe.py PATH`, exit code 0 if the answer is 200.

Standard library only, so that it starts fast (`-I -S`), and no proxy of the environment is asked.
"""

import os
import sys
from http.client import HTTPConnection

SECONDS = 4.0


def main(arguments: list[str]) -> int:
    """The exit code; what the service says is printed, and kept by the engine beside the container's state."""
    port = int(os.environ.get("TIENDO_HTTP_PORT", "8080"))
    connection = HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    try:
        connection.request("GET", arguments[0])
        answer = connection.getresponse()
        sys.stdout.write(answer.read(2_000).decode("utf-8", errors="replace") + "\n")
    except OSError as error:
        sys.stdout.write(f"nothing answers on port {port}: {error}\n")
        return 1
    finally:
        connection.close()
    return 0 if answer.status == 200 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
