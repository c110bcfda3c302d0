"""The four services as four processes on top of a `Stack`.

    with Stack.started(folder) as stack:
        system = System(stack, {"TIENDO_CLOCK": "from:2023-01-01T00:00:00+07:00"})
        system.start()
        print(system.url("gateway"))

They are stopped with the stack's supervisor, before the servers are.
"""

import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy.embedded.errors import NotReady
from deploy.embedded.ports import LOOPBACK, claimed
from deploy.embedded.processes import Child, Command
from deploy.embedded.stack import Stack

SERVICES = ("ingest", "metrics", "alerts", "gateway")
READY_SECONDS = 45.0
GRACE_SECONDS = 20.0
STAGE = 1
PROBE_SECONDS = 2.0
PROBE_EVERY = 0.05

ROOT = Path(__file__).parents[2]


class System:
    """`python -m services.<name>` for each name, each with an HTTP port of its own.

    `environment` is added to the own environment and the stack's. `ports` fixes the port of a service where it matters
    (the gateway's, which people type, with `--port`); the others take free ones, and keep them when restarted. Mails
    link to the gateway.
    """

    def __init__(
        self,
        stack: Stack,
        environment: Mapping[str, str] | None = None,
        *,
        names: Sequence[str] = SERVICES,
        ports: Mapping[str, int] | None = None,
    ) -> None:
        self._stack = stack
        self._environment = {**os.environ, "PYTHONUNBUFFERED": "1", **stack.environment(), **(environment or {})}
        self._ports = {name: claimed((ports or {}).get(name), "--port") for name in names}
        if "gateway" in self._ports:
            self._environment.setdefault("TIENDO_MAIL_LINK", self.url("gateway").rstrip("/"))
        self._children: dict[str, Child] = {}
        for owner in ("metrics", "ingest", "alerts"):  # the gateway asks them
            if owner in self._ports:
                self._environment.setdefault(f"TIENDO_GATEWAY_{owner.upper()}_URL", self.url(owner, ""))
        if "ingest" in self._ports:  # metrics asks it
            self._environment.setdefault("TIENDO_METRICS_INGEST_URL", self.url("ingest", ""))

    def start(self, seconds: float = READY_SECONDS) -> None:
        """Starts all services, waits until each is ready; `ChildExited` or `NotReady` names the one that is not."""
        for name in self._ports:
            self.launch(name)
        self.wait_ready(seconds)

    def launch(self, name: str) -> Child:
        """Starts one service without waiting for it; also how one that was killed comes back."""
        environment = {**self._environment, "TIENDO_HTTP_PORT": str(self._ports[name])}
        command = [sys.executable, "-m", f"services.{name}"]
        child = self._stack.supervisor.start(
            Command(name, command, environment, folder=ROOT, stage=STAGE, grace=GRACE_SECONDS)
        )
        self._children[name] = child
        return child

    def wait_ready(self, seconds: float = READY_SECONDS) -> None:
        """Waits until `/readyz` of every service says 200, `seconds` for all of them together."""
        deadline = time.monotonic() + seconds
        for name, child in self._children.items():
            while not self.is_ready(name):
                self._stack.supervisor.check()
                if time.monotonic() > deadline:
                    raise NotReady(name, seconds, child.log, self._unready(name) or child.explanation())
                time.sleep(PROBE_EVERY)

    def is_ready(self, name: str) -> bool:
        """Whether `/readyz` of this service says 200 now."""
        return self._readiness(name)[0] == 200

    def child(self, name: str) -> Child:
        """The process of a service: to kill it, to look at its memory, to read its log."""
        return self._children[name]

    def url(self, name: str, path: str = "/") -> str:
        """Address of a page of a service."""
        return f"http://{LOOPBACK}:{self._ports[name]}{path}"

    def _unready(self, name: str) -> str:
        """What the service itself says it waits for."""
        return self._readiness(name)[1]

    def _readiness(self, name: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(self.url(name, "/readyz"), timeout=PROBE_SECONDS) as answer:
                return answer.status, answer.read(2_000).decode("utf-8", errors="replace")
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read(2_000).decode("utf-8", errors="replace")
        except OSError:
            return 0, ""
