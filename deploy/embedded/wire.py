"""Asks a Kafka broker over a bare socket whether it serves, before any client library comes into play.

A client library would do it too, with a screen full of warnings while the broker is still starting.
"""

import socket
import struct

METADATA = 3
VERSION = 1
CORRELATION_ID = 1
CLIENT_ID = b"tiendo-probe"


def kafka_serves(host: str, port: int, timeout: float = 1.0) -> bool:
    """Whether it answers a metadata request with at least one live broker (its port is open long before that)."""
    # Request header v1: api key, version, correlation id, client id; body: an empty list of topics.
    request = struct.pack(f">hhih{len(CLIENT_ID)}si", METADATA, VERSION, CORRELATION_ID, len(CLIENT_ID), CLIENT_ID, 0)
    try:
        with socket.create_connection((host, port), timeout) as connection:
            connection.settimeout(timeout)
            connection.sendall(struct.pack(">i", len(request)) + request)
            answer = _exactly(connection, 12)
    except OSError:
        return False
    if answer is None:
        return False
    _size, correlation_id, brokers = struct.unpack(">iii", answer)
    return bool(correlation_id == CORRELATION_ID and brokers > 0)


def _exactly(connection: socket.socket, size: int) -> bytes | None:
    got = b""
    while len(got) < size:
        more = connection.recv(size - len(got))
        if not more:
            return None
        got += more
    return got
