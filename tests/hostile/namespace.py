"""A machine of its own, on which every address of IPv4 and IPv6 is this machine and a ledger notes who came where.

Run by test_addresses.py as `unshare --net --mount python namespace.py`: it never touches the network around it. Routes of
the type `local` for 0/0 and ::/0 make the kernel accept a connection to any address, public or not; a name server answers
from a table; requests to do something come in as JSON, a line each, and so do the answers leave.
"""

import asyncio
import ctypes
import itertools
import json
import os
import re
import socket
import struct
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import unquote, urlsplit

from crawler.adapters.http import HttpFetcher
from crawler.ports import Fetched, Request, Unchanged
from crawler.settings import Crawl, PerHost

PORTS = (80, 443, 8080)
OWN = ("93.184.216.34", "2606:2800:220:1::1")   # else getaddrinfo holds that this machine has no network
SILENT = ("45.33.32.0/24", "2600:3c01::/32")    # what is sent there is dropped

# --- the network: rtnetlink, since a bare machine has no `ip` ---------------------------------------------------------

NEW_LINK, NEW_ADDRESS, NEW_ROUTE = 16, 20, 24
REQUEST_ACK_CREATE = 0x1 | 0x4 | 0x400
LOCAL_TABLE, BOOT, HOST_SCOPE, LINK_SCOPE, UNICAST, LOCAL = 255, 3, 254, 253, 1, 2
NO_DUPLICATE_DETECTION = 2


def ask(kind, body):
    """One request to the kernel, and its answer. Raises OSError."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as netlink:
        netlink.send(struct.pack("=IHHII", 16 + len(body), kind, REQUEST_ACK_CREATE, 1, 0) + body)
        error = struct.unpack_from("=i", netlink.recv(4096), 16)[0]
    if error:
        raise OSError(-error, os.strerror(-error))


def attribute(kind, value):
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def family(address):
    return socket.AF_INET if ip_address(address).version == 4 else socket.AF_INET6


def set_up(device):
    ask(NEW_LINK, struct.pack("=BxHiII", socket.AF_UNSPEC, 0, device, 1, 1))


def add_address(device, address):
    packed = ip_address(address).packed
    ask(NEW_ADDRESS, struct.pack("=BBBBi", family(address), 8 * len(packed), NO_DUPLICATE_DETECTION, 0, device)
        + attribute(1, packed) + attribute(2, packed))


def add_route(device, network, kind, scope):
    address, _, length = network.partition("/")
    ask(NEW_ROUTE, struct.pack("=BBBBBBBBI", family(address), int(length), 0, 0, LOCAL_TABLE, BOOT, scope, kind, 0)
        + attribute(1, ip_address(address).packed) + attribute(4, struct.pack("=i", device)))


def make_network():
    lo = socket.if_nametoindex("lo")
    set_up(lo)
    for address in OWN:
        add_address(lo, address)
    for everything in ("0.0.0.0/0", "::/0"):
        add_route(lo, everything, LOCAL, HOST_SCOPE)
    for network in SILENT:
        add_route(lo, network, UNICAST, LINK_SCOPE)


def connections_begun():
    """TCP connections that anybody here has tried to open, to any port of any address."""
    names, values = (line.split() for line in Path("/proc/net/snmp").read_text().splitlines() if line.startswith("Tcp:"))
    return int(values[names.index("ActiveOpens")])


# --- names ------------------------------------------------------------------------------------------------------------

FILES = {"/etc/resolv.conf": "nameserver 127.0.0.1\noptions timeout:5 attempts:2\n",
         "/etc/nsswitch.conf": "hosts: files dns\n",
         "/etc/hosts": "127.0.0.1 localhost\n::1 localhost ip6-localhost\n10.0.0.7 printer\n"}
BIND, A, CNAME, AAAA = 4096, 1, 5, 28


def mount(source, target, kind, flags):
    if ctypes.CDLL(None, use_errno=True).mount(source.encode(), target.encode(), kind, flags, None):
        raise OSError(ctypes.get_errno(), f"mount on {target}")


def use_names(folder):
    """Let the C library ask the name server of this machine alone: no cache of another's, no mDNS."""
    for path, text in FILES.items():
        if Path(path).exists():   # without it, the C library's defaults are these
            mine = Path(folder, Path(path).name)
            mine.write_text(text)
            mount(str(mine), path, None, BIND)
    for cache in ("/run/nscd", "/var/run/nscd"):
        if Path(cache).is_dir() and list(Path(cache).iterdir()):
            mount("none", cache, b"tmpfs", 0)


def labels(name):
    return b"".join(bytes([len(part)]) + part.encode() for part in name.split(".") if part) + b"\0"


class Names(asyncio.DatagramProtocol):
    """Answers A and AAAA from a table: name -> {"A": [addresses of the first answer, of the second, …], "CNAME": name}."""

    def __init__(self):
        self.zone, self.turns = {}, {}

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, query, sender):
        parts, at = [], 12
        while query[at]:
            parts.append(query[at + 1:at + 1 + query[at]].decode("latin-1"))
            at += 1 + query[at]
        kind = struct.unpack_from(">H", query, at + 1)[0]
        name = ".".join(parts).lower()
        known = name in self.zone
        records = list(self.records(name, kind))
        head = query[:2] + struct.pack(">HHHHH", 0x8580 if known else 0x8583, 1, len(records), 0, 0)
        self.transport.sendto(head + query[12:at + 5] + b"".join(records), sender)

    def records(self, name, kind):
        known = self.zone.get(name, {})
        if "CNAME" in known:
            yield labels(name) + struct.pack(">HHIH", CNAME, 1, 0, len(labels(known["CNAME"]))) + labels(known["CNAME"])
            yield from self.records(known["CNAME"], kind)
        answers = known.get({A: "A", AAAA: "AAAA"}.get(kind), ())
        if answers:
            turn = self.turns.setdefault((name, kind), itertools.count())
            for address in answers[next(turn) % len(answers)]:
                packed = ip_address(address).packed
                yield labels(name) + struct.pack(">HHIH", kind, 1, 0, len(packed)) + packed


# --- the ledger -------------------------------------------------------------------------------------------------------

class Ledger:
    """A server at every address: who came to which one, and what was asked.

    `answers`: "host/path", else "/path" -> (status, type or Location, body). `/to/STATUS?LOCATION` redirects.
    """

    def __init__(self):
        self.answers, self.seen, self.barriers, self.waited = {}, [], 0, {}

    async def start(self):
        for port in PORTS:
            listening = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=1024)
            await asyncio.start_server(self.serve, sock=listening)

    async def serve(self, reader, writer):
        address, port = writer.get_extra_info("sockname")[:2]
        came = self.waited.pop(writer.get_extra_info("peername")[:2], None)
        if came is not None:
            came.set_result(None)
        entry = [str(getattr(ip_address(address), "ipv4_mapped", None) or address), port, ""]
        self.seen += [entry] if came is None else []
        try:
            if port == 443:   # nobody here speaks TLS
                return
            head = await reader.readuntil(b"\r\n\r\n")
            entry[2] = head.split(b"\r\n")[0].decode("latin-1")
            named = re.search(rb"\r\nhost: *([^\r]*)", head, re.IGNORECASE)
            writer.write(self.answer(head.split()[1].decode("latin-1"), named[1].decode("latin-1") if named else ""))
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, IndexError, asyncio.CancelledError):
            pass   # came without a question, or the test is over
        finally:
            writer.close()

    def answer(self, target, host):
        parts = urlsplit(target)
        if parts.path.startswith("/to/"):
            status = parts.path.split("/")[2]
            return f"HTTP/1.1 {status} Moved\r\nLocation: {unquote(parts.query)}\r\nContent-Length: 0\r\n\r\n".encode()
        status, kind, body = self.answers.get(host + parts.path) or self.answers.get(parts.path, (200, "text/html", "<p>Hm."))
        raw, named = body.encode(), "Location" if 300 <= status < 400 else "Content-Type"
        return f"HTTP/1.1 {status} So\r\n{named}: {kind}\r\nContent-Length: {len(raw)}\r\n\r\n".encode() + raw

    async def read(self):
        """Everything since the last time. A connection of our own to each port stands behind all others in its queue."""
        for port in PORTS:
            came = asyncio.get_running_loop().create_future()
            with socket.socket(socket.AF_INET6) as own:
                own.bind(("::1", 0))
                self.waited["::1", own.getsockname()[1]] = came
                own.connect(("::1", port))
                await came
        self.barriers += len(PORTS)
        found, self.seen = self.seen, []
        return found


# --- what can be asked for --------------------------------------------------------------------------------------------

class Machine:
    def __init__(self, ledger, names):
        self.ledger, self.names, self.noted = ledger, names, 0

    async def set(self, answers=None, zone=None):
        self.ledger.answers |= answers or {}
        self.names.zone |= zone or {}
        return {}

    async def get(self, url, kind="feed", environment=None, seconds=10, **crawl):
        """One request by a new fetcher, so that nothing is remembered of a name."""
        before = {name: os.environ[name] for name in environment or () if name in os.environ}
        os.environ.update(environment or {})
        options = Crawl(timeout=timedelta(seconds=seconds), per_host=PerHost(concurrency=8, delay=timedelta(0)), **crawl)
        fetcher = HttpFetcher(options, "Firsthand/test", lambda: datetime.now(UTC))
        try:
            outcome = await fetcher.get(Request(url, kind))
        finally:
            await fetcher.close()
            for name in environment or ():
                del os.environ[name]
            os.environ.update(before)
        if isinstance(outcome, Fetched | Unchanged):
            return {"reason": None, "detail": ""}
        return {"reason": outcome.reason, "detail": outcome.detail}

    async def run(self, arguments, environment=None):
        """The command, as a process."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "crawler", *arguments, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE, env={**os.environ, **(environment or {})})
        out, err = await process.communicate()
        return {"status": process.returncode, "out": out.decode(), "err": err.decode()}

    async def do(self, what, arguments):
        answer = await getattr(self, what)(**arguments)
        reached = await self.ledger.read()
        self.noted += len(reached)
        unseen, self.noted = connections_begun() - self.ledger.barriers - self.noted, connections_begun() - self.ledger.barriers
        return {**answer, "reached": reached, "unseen": unseen}


async def main():
    loop = asyncio.get_running_loop()
    ledger, names = Ledger(), Names()
    await ledger.start()
    await loop.create_datagram_endpoint(lambda: names, local_addr=("127.0.0.1", 53))
    machine = Machine(ledger, names)
    lines = asyncio.StreamReader(limit=2**24)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    print(json.dumps("ready"), flush=True)
    while line := await lines.readline():
        print(json.dumps(await machine.do(*json.loads(line))), flush=True)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        make_network()
        use_names(folder)
        asyncio.run(main())
