"""Which addresses may be connected to. What exports say must not make storewatch look into the network that it runs in."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import httpcore

from engine.facts import IpNetwork

Address = IPv4Address | IPv6Address
Resolver = Callable[[str, int], list[str]]
_NAT64 = ip_network("64:ff9b::/96")
_COMPATIBLE = ip_network("::/96")


class RefusedAddress(httpcore.ConnectError):
    """The host leads to an address inside."""


def is_outside(address: Address, allow: Iterable[IpNetwork] = ()) -> bool:
    """Whether ``address`` is on the open internet, or in a network that is allowed. An IPv4 address inside an IPv6 one counts."""
    if isinstance(address, IPv6Address):
        if address.scope_id:
            return False
        inner = _inner(address)
        if inner is not None:
            return is_outside(inner, allow)
    if any(address.version == network.version and address in network for network in allow):
        return True
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def _inner(address: IPv6Address) -> IPv4Address | None:
    if address.ipv4_mapped:
        return address.ipv4_mapped
    if address.sixtofour:
        return address.sixtofour
    if address.teredo:
        return address.teredo[1]
    if address in _NAT64 or (address in _COMPATIBLE and int(address) > 1):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def look_up(host: str, port: int) -> list[str]:
    """What the system's resolver says of ``host``: addresses. Raises OSError."""
    found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def resolved(host: str, port: int, allow: Sequence[IpNetwork] = (), resolver: Resolver = look_up) -> list[str]:
    """The addresses of ``host``. Raises :class:`RefusedAddress` when any of them is inside: a name with one of each is a trick."""
    addresses = resolver(host, port)
    for text in addresses:
        if not is_outside(ip_address(text), allow):
            raise RefusedAddress(f"{host} leads to {text}")
    return addresses


class Guarded(httpcore.NetworkBackend):
    """Connects to addresses that were checked, and to exactly those: a name that means something else a moment later changes nothing."""

    def __init__(self, allow: Sequence[IpNetwork] = (), resolver: Resolver = look_up) -> None:
        self.allow, self.resolver = tuple(allow), resolver
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        try:
            addresses = resolved(host, port, self.allow, self.resolver)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"unknown host: {error}") from error
        for number, address in enumerate(addresses, 1):
            try:
                return self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if number == len(addresses):
                    raise
        raise httpcore.ConnectError("unknown host: no address")

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None
    ) -> httpcore.NetworkStream:
        raise httpcore.UnsupportedProtocol("only addresses of the internet")
