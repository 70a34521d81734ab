"""The machine of `namespace.py` as tests use it: `async with machine() as inside`."""

import asyncio
import json
import os
import subprocess
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

import pytest
from address_forms import PUBLIC_4, PUBLIC_6, ZONE

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


@dataclass
class Seen:
    """What came of a request or a command, and which addresses were connected to."""

    answer: dict

    def __getattr__(self, name):
        return self.answer[name]

    @property
    def addresses(self):
        return [address for address, _, _ in self.reached]

    def assert_public(self):
        """Also that there was no attempt that the ledger could not see: a closed port, an address without a route."""
        assert [entry for entry in self.reached if not ip_address(entry[0]).is_global] == []
        assert self.unseen == 0


class Inside:
    """The machine: `await inside.get(URL)`, `await inside.run("extract", URL)`."""

    def __init__(self, process):
        self.process = process

    async def ask(self, what, **arguments):
        self.process.stdin.write(json.dumps([what, arguments]).encode() + b"\n")
        line = await self.process.stdout.readline()
        return Seen(json.loads(line))

    async def get(self, url, **options):
        return await self.ask("get", url=url, **options)

    async def serve(self, answers):
        await self.ask("set", answers=answers)

    async def name(self, name, **records):
        await self.ask("set", zone={name: records})

    async def run(self, *arguments, environment=None):
        return await self.ask("run", arguments=[str(one) for one in arguments], environment=environment)


def door():
    """How to get a network of one's own here: as root, else as root of a user namespace. Skips where neither goes."""
    said = []
    for command in (["unshare", "--net", "--mount"], ["unshare", "--user", "--map-root-user", "--net", "--mount"]):
        try:
            tried = subprocess.run([*command, "true"], capture_output=True, text=True, check=False)
        except OSError as error:
            pytest.skip(f"no network namespace: {error}")
        if tried.returncode == 0:
            return command
        said.append(tried.stderr.strip())
    pytest.skip(f"no network namespace: {'; '.join(said)}")


@asynccontextmanager
async def machine():
    process = await asyncio.create_subprocess_exec(
        *door(), sys.executable, str(HERE / "namespace.py"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, limit=2**24,
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert json.loads(await process.stdout.readline()) == "ready"
    inside = Inside(process)
    await inside.ask("set", zone={**ZONE, "news.example": {"A": [[PUBLIC_4]], "AAAA": [[PUBLIC_6]]}})
    yield inside
    process.stdin.close()
    assert await process.wait() == 0
