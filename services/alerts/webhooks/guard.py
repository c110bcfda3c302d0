"""Which addresses a call may go to, decided at the moment of connecting.

Whoever can register an endpoint could otherwise read our own network: the metadata service of a cloud, a database that
listens without a password. A name is therefore looked up once, the addresses that it has are judged, and the connection
goes to one that was judged; a name that answers otherwise the next time has nothing to gain by it.
"""

import asyncio
import socket
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from httpcore2 import SOCKET_OPTION, AnyIOBackend, AsyncNetworkBackend, AsyncNetworkStream, ConnectError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_NAT64 = IPv6Network("64:ff9b::/96")


class Forbidden(ConnectError):
    """No address of the host may be called; the message says which and how to allow it."""


def may_be_called(address: Address, networks: Iterable[Network], *, public: bool) -> bool:
    """Whether it lies in one of the networks that are allowed by name, or, where `public` are, in none of our own."""
    inner = embedded(address)
    if any(inner in network for network in networks if network.version == inner.version):
        return True
    return public and inner.is_global and not inner.is_multicast


def embedded(address: Address) -> Address:
    """The IPv4 address that an IPv6 address stands for, where it stands for one."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else address)


class GuardedBackend(AsyncNetworkBackend):
    """Connects where it may. `public`: also to addresses of the internet, which calls without TLS may not."""

    def __init__(self, networks: Sequence[Network], *, public: bool) -> None:
        self._networks = networks
        self._public = public
        self._inner = AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> AsyncNetworkStream:
        """Raises `Forbidden`, or what the library raises for a host that is away."""
        found = await _looked_up(host, port, timeout)
        allowed = [one for one in found if may_be_called(one, self._networks, public=self._public)]
        if not allowed:
            named = ", ".join(str(one) for one in found)
            why = (
                "it is none of the internet" if self._public else "without TLS only networks allowed by name are called"
            )
            raise Forbidden(f"{host} is {named}, and {why}; TIENDO_WEBHOOKS_NETWORKS allows a network of your own")
        for last, address in zip(range(len(allowed) - 1, -1, -1), allowed, strict=True):
            try:
                return await self._inner.connect_tcp(str(address), port, timeout, local_address, socket_options)
            except ConnectError:
                if not last:
                    raise
        raise AssertionError("no address was tried")

    async def sleep(self, seconds: float) -> None:
        """Between tries of the library."""
        await self._inner.sleep(seconds)


async def _looked_up(host: str, port: int, timeout: float | None) -> list[Address]:
    try:
        async with asyncio.timeout(timeout):
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except TimeoutError:
        raise ConnectError(f"{host} could not be looked up in time") from None
    except (OSError, UnicodeError) as error:
        raise ConnectError(f"{host} could not be looked up: {error}") from None
    return list(dict.fromkeys(_address(info[4][0]) for info in found))


def _address(text: str | int) -> Address:
    return ip_address(str(text).partition("%")[0])
