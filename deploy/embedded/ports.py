"""Loopback ports: finding a free one, and saying clearly that one is taken."""

import errno
import random
import socket
import threading

from deploy.embedded.errors import PortTaken

LOOPBACK = "127.0.0.1"
# Below the range from which the kernel takes ports for outgoing connections: a port from that range can be taken
# between our look and the server's bind by any client on the machine.
CANDIDATES = range(20_000, 30_000)

_given: set[int] = set()
_lock = threading.Lock()


def is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: TIME_WAIT is no obstacle
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
            raise
    return True


def free_port() -> int:
    """A loopback port that nobody listens on, never the same twice in one process."""
    with _lock:
        for port in random.sample(CANDIDATES, k=200):
            if port not in _given and is_free(port):
                _given.add(port)
                return port
    raise RuntimeError("200 random ports between 20000 and 30000 were all taken")


def claimed(port: int | None, setting: str) -> int:
    """`port` if it is free, any free one if it is None; raises `PortTaken` that names `setting` otherwise."""
    if port is None:
        return free_port()
    if not is_free(port):
        raise PortTaken(port, setting)
    return port
