"""Which addresses a feed of the public web may reach, checked at the last moment before a connection.

A name is checked by what it resolves to, a literal in every notation that the C library reads as an address, a redirect
like a first request, and each socket again when it is made: between a lookup and a connection nothing is trusted.
"""

import socket
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from aiohttp.abc import AbstractResolver, ResolveResult

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# `ipaddress.is_global` lets these pass: protocol assignments, the 6to4 relay, benchmarks, the reserved class E; and one
# that is public by its number alone: to a machine at Azure it is the platform, with its certificates (WireServer).
_NEVER_4 = tuple(IPv4Network(n) for n in (
    "0.0.0.0/8", "192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15", "224.0.0.0/4", "240.0.0.0/4", "168.63.129.16/32"))
# Global unicast is 2000::/3 and nothing else: that leaves out NAT64 (64:ff9b::/96), which carries any IPv4 address,
# IPv4-compatible ::a.b.c.d, link and site local, multicast. Within it: Teredo and other protocol assignments, 6to4
# (carries any IPv4 address), documentation.
_UNICAST_6 = IPv6Network("2000::/3")
_NEVER_6 = tuple(IPv6Network(n) for n in ("2001::/23", "2002::/16", "2001:db8::/32", "3fff::/20"))
# ISATAP (RFC 5214, 6.1), under any prefix: a machine that speaks it sends the packet to the IPv4 address at the end.
_ISATAP = (0x00005EFE, 0x02005EFE)
# By their ends: loopback (RFC 6761), multicast DNS (RFC 6762), homes (RFC 8375), ICANN's for private use.
_INSIDE = ("localhost", "local", "home.arpa", "internal")

# A hostile zone can answer with thousands; each costs a socket and a packet to somebody.
MAX_ADDRESSES = 100
_KEPT = 1024        # hosts and addresses: each request asks four times, 10 to 20 us, about the same two


class PrivateAddressError(OSError):
    """A connection to an address that is not public, and not listed in `private_networks`, was refused."""


@lru_cache(_KEPT)
def is_public(address: Address) -> bool:
    """Whether an address is global unicast. An IPv4-mapped IPv6 address counts as the IPv4 address in it."""
    plain = _unmapped(address)
    if isinstance(plain, IPv4Address):
        return plain.is_global and not any(plain in network for network in _NEVER_4)
    if int(plain) >> 32 & 0xFFFFFFFF in _ISATAP and not is_public(IPv4Address(int(plain) & 0xFFFFFFFF)):
        return False
    return plain in _UNICAST_6 and plain.is_global and not any(plain in network for network in _NEVER_6)


def is_inside(name: str) -> bool:
    """Whether a host name is one of those that by agreement lead nowhere but to the machine or the network around it."""
    plain = name.lower().rstrip(".")
    return any(plain == end or plain.endswith(f".{end}") for end in _INSIDE)


@lru_cache(_KEPT)
def literal(host: str) -> Address | None:
    """The address that a host is, in any notation that `getaddrinfo` reads: 127.1, 0x7f.1, 2130706433, [::1%lo], *.

    None for a name.
    """
    bare = host.partition("\0")[0].strip("[]")     # the C library is handed a name up to its first NUL
    bare = (bare.partition("%")[0] if ":" in bare else bare).rstrip(".")
    if bare == "*":  # glibc's word for this machine
        return IPv6Address("::1")
    try:
        return ip_address(bare)
    except ValueError:
        pass
    # inet_aton ignores what follows white space; a host has none, but nothing may hang on that.
    if not bare or any(char.isspace() for char in bare):
        return None
    try:
        # Python's own lookups drop and fold what this codec does: soft hyphens, full-width figures.
        return IPv4Address(socket.inet_aton(bare if bare.isascii() else bare.encode("idna").decode("ascii")))
    except (OSError, UnicodeError):  # the second of the codec
        return None


class Guard:
    """Lets public addresses pass, and those of the networks that the configuration lists."""

    def __init__(self, networks: Sequence[Network]) -> None:
        self._networks = tuple(networks)

    def allows(self, address: Address) -> bool:
        """Whether a connection to the address may be made."""
        return is_public(address) or self.listed(address)

    def listed(self, address: Address) -> bool:
        """Whether the address is not public, and reachable only because `private_networks` lists it."""
        return not is_public(address) and any(_within(address, network) for network in self._networks)

    def check(self, host: str) -> None:
        """Raise PrivateAddressError unless `host` is an address that may be reached."""
        address = literal(host)
        if address is None or not self.allows(address):
            raise PrivateAddressError(f"{host} is not a public address")


class GuardedResolver(AbstractResolver):
    """Leaves out of another resolver's answer what may not be reached, what is repeated, and what is too much."""

    def __init__(self, inner: AbstractResolver, guard: Guard | None) -> None:
        self._inner = inner
        self._guard = guard

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC,
    ) -> list[ResolveResult]:
        """Addresses of `host` that may be reached. Raises OSError, and PrivateAddressError where only those are left."""
        try:
            found = await self._inner.resolve(host, port, family)
        except UnicodeError as error:  # getaddrinfo's answer to empty and to overlong labels
            raise OSError(f"{host} is no host name") from error
        if not found:
            raise OSError(f"{host} has no address")
        answers = list({answer["host"]: answer for answer in found}.values())
        allowed = [answer for answer in answers if self._may(answer)]
        if not allowed:
            raise PrivateAddressError(f"{host} has no public address ({answers[0]['host']})")
        return allowed[:MAX_ADDRESSES]

    def _may(self, answer: ResolveResult) -> bool:
        if self._guard is None:
            return True
        address = literal(answer["host"])
        return address is not None and self._guard.allows(address)

    async def close(self) -> None:
        """Close the inner resolver."""
        await self._inner.close()


def _unmapped(address: Address) -> Address:
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _within(address: Address, network: Network) -> bool:
    return address in network or _unmapped(address) in network
