"""Which addresses may be reached, and every notation in which one can be written."""

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from aiohttp import ClientConnectorError
from aiohttp.abc import AbstractResolver
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from crawler.adapters.http.guard import (
    MAX_ADDRESSES,
    Guard,
    GuardedResolver,
    PrivateAddressError,
    is_inside,
    is_public,
    literal,
)
from crawler.adapters.http.lookup import SystemResolver
from crawler.adapters.http.wire import Trail, Wire

PUBLIC = ["1.1.1.1", "8.8.8.8", "93.184.215.14", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1", "192.0.1.1",
          "198.17.255.255", "198.20.0.1", "223.255.255.255", "2606:4700::1111", "2a00:1450:4001::200e", "2001:4860:4860::8888",
          "2400:cb00::1", "::ffff:8.8.8.8", "168.63.129.17", "2606:4700::5efe:808:808"]
NOT_PUBLIC = {
    "this network": ["0.0.0.0", "0.1.2.3"],
    "private": ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1"],
    "carrier-grade NAT": ["100.64.0.1", "100.127.255.255"],
    "loopback": ["127.0.0.1", "127.255.255.254", "::1"],
    "link local, cloud metadata": ["169.254.169.254", "169.254.0.1", "fe80::1"],
    "protocol assignments": ["192.0.0.1", "192.0.0.9", "192.0.0.170", "2001::1", "2001:1::1", "2001:20::1"],
    "documentation": ["192.0.2.1", "198.51.100.7", "203.0.113.5", "2001:db8::1", "3fff::1"],
    "the 6to4 relay, and 6to4": ["192.88.99.1", "2002:7f00:1::", "2002:808:808::1"],
    "benchmarks": ["198.18.0.1", "198.19.255.255", "2001:2::1"],
    "multicast": ["224.0.0.1", "239.255.255.255", "ff02::1", "ff0e::1"],
    "reserved and broadcast": ["240.0.0.1", "255.255.255.255"],
    "unspecified": ["::"],
    "IPv4 within IPv6": ["::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "::8.8.8.8",
                         "::ffff:0:127.0.0.1"],
    "NAT64": ["64:ff9b::127.0.0.1", "64:ff9b::808:808", "64:ff9b:1::1"],
    "unique local and site local": ["fc00::1", "fd12:3456::1", "fec0::1"],
    "ISATAP to an address that is not public": ["2606:4700::5efe:7f00:1", "2606:4700:0:0:200:5efe:a00:1"],
    "Azure's platform": ["168.63.129.16"],
    "discard and not yet assigned": ["100::1", "4000::1", "5f00::1", "e000::1"],
}


@pytest.mark.parametrize("address", PUBLIC)
def test_public(address):
    assert is_public(ip_address(address))
    Guard(()).check(address)


@pytest.mark.parametrize(("kind", "address"), [(kind, one) for kind, many in NOT_PUBLIC.items() for one in many])
def test_not_public(kind, address):
    assert not is_public(ip_address(address))
    with pytest.raises(PrivateAddressError, match="is not a public address"):
        Guard(()).check(address)


@given(st.ip_addresses(v=4))
def test_a_mapped_address_is_judged_like_the_one_within(address):
    assert is_public(IPv6Address(f"::ffff:{address}")) == is_public(address)


@given(st.ip_addresses())
def test_nothing_is_public_that_the_standard_library_calls_private(address):
    if is_public(address):
        assert (getattr(address, "ipv4_mapped", None) or address).is_global
        assert not address.is_multicast


@given(st.integers(0, 2**128 - 1))
def test_ipv6_is_public_in_2000_3_only(value):
    address = IPv6Address(value)
    if is_public(address) and address.ipv4_mapped is None:
        assert value >> 125 == 0b001


NOTATIONS = ["127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.1", "0x7f.0x0.0x0.0x1", "0177.0.0.1",
             "017700000001", "0177.1", "127.0.0.1.", "0X7F.1", "0x7f\u00ad.1", "127.0.0.1\0", "127.1\0.example", "\uff11\uff12\uff17.1"]


@pytest.mark.parametrize("host", NOTATIONS)
def test_every_notation_of_an_ipv4_address_is_seen_through(host):
    assert literal(host) == IPv4Address("127.0.0.1")


@pytest.mark.parametrize("host", ["[::1]", "::1", "[::1%lo]", "*", "0:0:0:0:0:0:0:1", "[0000::0001]"])
def test_every_notation_of_an_ipv6_address_is_seen_through(host):
    assert literal(host) == IPv6Address("::1")


@pytest.mark.parametrize("host", ["news.example", "1.2.3.4.example", "", "0x", "1.2.3.4.5", "256.256.256.256", "127.0.0.1 x",
                                  "127%2E0", "8.8.8.8%lo", "a127.1", "08.1", "\0",
                                  "\u00ad", "\ud800", "1" * 100])
def test_a_name_is_no_address(host):
    assert literal(host) is None


@given(st.one_of(
    st.text("0123456789xabcdefABCDEFX.", min_size=1, max_size=16),
    st.lists(st.integers(0, 2**32).flatmap(lambda n: st.sampled_from([str(n), hex(n), f"0{n:o}"])),
             min_size=1, max_size=4).map(".".join)))
def test_whatever_getaddrinfo_reads_as_an_address_is_seen_through(host):
    try:
        found = socket.getaddrinfo(host, 80, socket.AF_INET, socket.SOCK_STREAM, 0, socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return
    assert str(literal(host)) == found[0][4][0]


@pytest.mark.parametrize(("network", "address", "allowed"), [
    ("127.0.0.0/8", "127.0.0.1", True), ("127.0.0.0/8", "::ffff:127.0.0.1", True), ("127.0.0.0/8", "::1", False),
    ("127.0.0.0/8", "10.0.0.1", False), ("::1/128", "::1", True), ("fd00::/8", "fd12::1", True),
    ("10.1.0.0/16", "10.1.2.3", True), ("10.1.0.0/16", "10.2.2.3", False), ("::ffff:0:0/96", "10.0.0.1", False)])
def test_a_listed_network_may_be_reached(network, address, allowed):
    guard = Guard((ip_network(network),))
    assert guard.allows(ip_address(address)) is allowed
    assert guard.listed(ip_address(address)) is allowed


def test_a_public_address_is_never_called_listed():
    assert not Guard((ip_network("0.0.0.0/0"),)).listed(ip_address("8.8.8.8"))


@pytest.mark.parametrize(("name", "inside"), [
    ("localhost", True), ("LocalHost.", True), ("a.localhost", True), ("printer.local", True), ("nas.home.arpa", True),
    ("metadata.google.internal", True), ("notlocalhost", False), ("localhost.example", False), ("local.news", False), ("", False)])
def test_names_that_lead_inside_by_agreement(name, inside):
    assert is_inside(name) is inside


async def test_a_socket_is_refused_although_nobody_looked_at_the_address_before():
    wire = Wire(Guard(()), SystemResolver(), proxy=None, tls=None)
    with pytest.raises(ClientConnectorError) as refused:   # aiohttp asks no resolver about a literal
        await wire.send(URL("http://127.0.0.1:9/"), {}, Trail())
    await wire.close()
    assert isinstance(refused.value.os_error, PrivateAddressError)


class Answers(AbstractResolver):
    def __init__(self, *addresses):
        self.addresses = addresses

    async def resolve(self, host, port=0, family=socket.AF_UNSPEC):
        return [{"hostname": host, "host": address, "port": port, "proto": 0, "flags": 0, "family": socket.AF_INET}
                for address in self.addresses]

    async def close(self):
        pass


async def resolved(*addresses):
    return [one["host"] for one in await GuardedResolver(Answers(*addresses), Guard(())).resolve("news.example", 80)]


async def test_private_addresses_are_left_out_of_a_mixed_answer():
    assert await resolved("127.0.0.1", "8.8.8.8", "::1", "10.0.0.1") == ["8.8.8.8"]


@pytest.mark.parametrize("address", ["127.0.0.1", "fe80::1%2", "not-an-address"])
async def test_a_name_with_private_addresses_alone_is_refused(address):
    with pytest.raises(PrivateAddressError):
        await resolved(address)


async def test_an_empty_answer_is_no_answer():
    with pytest.raises(OSError, match="has no address"):
        await resolved()


async def test_repeated_addresses_count_once_and_the_number_is_limited():
    assert await resolved("8.8.8.8", "8.8.8.8") == ["8.8.8.8"]
    assert len(await resolved(*(f"8.8.{n // 250}.{n % 250}" for n in range(2000)))) == MAX_ADDRESSES


async def test_the_system_resolver_knows_numbers():
    assert [one["host"] for one in await SystemResolver().resolve("127.0.0.1", 80)] == ["127.0.0.1"]


@pytest.mark.parametrize("host", ["", "a..b", "x" * 64 + ".example", "nothing.invalid"])
async def test_a_name_that_is_none_is_an_error_of_the_lookup(host):
    with pytest.raises(OSError, match=r".+"):
        await GuardedResolver(SystemResolver(), None).resolve(host, 80)
