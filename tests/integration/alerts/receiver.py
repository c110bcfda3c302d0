"""A receiver of webhooks: a real HTTP server that answers as it is told and remembers every call."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Receiver:
    """`answers`: status and headers of the next calls, one after the other; afterwards 204. `hang_s`: a silence before
    each answer."""

    url: str = ""
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    hang_s: float = 0.0
    calls: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    @property
    def ids(self) -> list[str]:
        """Of all calls."""
        return [headers["webhook-id"] for headers, _ in self.calls]


@contextmanager
def receiving() -> Iterator[Receiver]:
    """On a free port of the loopback address, as long as the block runs."""
    receiver, lock = Receiver(), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers["content-length"])
            body = self.rfile.read(length)
            if len(body) < length:  # whoever called was killed in the middle of it
                self.close_connection = True
                return
            with lock:
                receiver.calls.append(({name.lower(): value for name, value in self.headers.items()}, body))
                status, headers = receiver.answers.pop(0) if receiver.answers else (204, {})
            time.sleep(receiver.hang_s)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    serving = threading.Thread(target=server.serve_forever, args=(0.05,))
    serving.start()
    receiver.url = f"http://127.0.0.1:{server.server_port}/hook"
    try:
        yield receiver
    finally:
        server.shutdown()
        serving.join()
        server.server_close()
