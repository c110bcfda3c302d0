"""A server that answers as a test says."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

Answer = tuple[int, dict[str, str], Any]
"""Status, headers, and what is said: as it is if it is bytes, else as JSON."""


class Question(NamedTuple):
    """A request."""

    method: str
    path: str
    key: str | None
    body: bytes


@contextmanager
def serving(answer: Callable[[Question], Answer]) -> Iterator[str]:
    """The address of a server that gives these answers."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            status, headers, said = answer(Question(self.command, self.path, self.headers["authorization"], body))
            content = said if isinstance(said, bytes) else json.dumps(said).encode()
            self.send_response(status)
            for name, text in {**headers, "content-length": str(len(content))}.items():
                self.send_header(name, text)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
