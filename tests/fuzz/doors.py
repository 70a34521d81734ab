"""Every door through which foreign bytes come in, or their words go out: one table.

A door takes any bytes, drives the real entry point with them, and asserts what must hold of what comes out. Whatever
leaves it is a fault of the product (or of the door): the errors that the product promises are caught inside. Hypothesis
goes through the table in every test run (test_doors.py), atheris for as long as one likes (fuzz.py, `make fuzz`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import documents_in
import reports_out
import texts_in
import wire_in
from seeds import SEEDS, TOKENS
from watch import timed, watched

from crawler.adapters.pool import PRELOAD
from crawler.core import dates, extract
from crawler.core.types import Origin

CORPUS = Path(__file__).parent / "corpus"
"""What once broke something, a folder a door; `notes.tsv` in it says what."""


@dataclass(frozen=True, slots=True)
class Door:
    """`seconds` of processor time are enough for 64 KiB, with a wide margin over what was measured; `reaches` are the
    packages whose branches guide the fuzzer; `forgiving`: it may name files, and is refused those outside its folder."""

    name: str
    way: Callable[[bytes], None]
    seconds: float
    reaches: tuple[str, ...] = ()
    forgiving: bool = False

    def enter(self, data: bytes, slack: float = 1.0) -> None:
        """Go in with these bytes. `slack` multiplies the seconds, where the code is instrumented."""
        with watched(forgiving=self.forgiving), timed(self.seconds * slack, len(data)):
            self.way(data)

    @property
    def seeds(self) -> tuple[bytes, ...]:
        """Documents to begin from."""
        return SEEDS[self.name]

    @property
    def tokens(self) -> tuple[bytes, ...]:
        """Words of its grammar."""
        return tuple(dict.fromkeys(word.encode() for word in TOKENS[self.name].split(" ") if word))

    @property
    def corpus(self) -> list[Path]:
        """What once broke it."""
        return sorted(path for path in (CORPUS / self.name).glob("*") if path.name != "notes.tsv")


# Workers are killed after 5 s of a feed or a robots.txt and 10 s of a page; what runs on the event loop may hold it for
# a tenth of a second, which is asked here with the margin that a busy machine needs.
DOORS: dict[str, Door] = {door.name: door for door in (
    Door("feed", documents_in.feed, 5, ("feedparser", "dateparser")),
    Door("page", documents_in.page, 10, ("trafilatura", "htmldate")),
    Door("content", documents_in.content, 10),
    Door("robots", documents_in.robots_txt, 5, ("protego",)),
    Door("site", documents_in.site, 3),
    Door("opml", documents_in.opml_list, 3),
    Door("url", wire_in.url, 1, ("yarl", "tld")),
    Door("hop", wire_in.hop, 1, ("yarl",)),
    Door("host", wire_in.host, 1),
    Door("headers", wire_in.headers, 1),
    Door("body", wire_in.body, 3),
    Door("date", texts_in.date, 1, ("dateparser",)),
    Door("words", texts_in.words, 5),
    Door("two", texts_in.two, 10),
    Door("lines", texts_in.lines, 10),
    Door("config", texts_in.configuration, 5, forgiving=True),
    Door("report", reports_out.everything, 5),
)}


def _warm() -> None:
    """Load what workers load beforehand, and what reads files of its own when it is first used."""
    for name in (*PRELOAD, "crawler.render.html", "crawler.render.table", "zstandard"):
        import_module(name)
    dates.parse("2 марта 2026", origin=Origin.FEED, language="ru")   # its library looks up this machine's zone
    extract.read_page(SEEDS["page"][0], "https://daily.example/")    # the model of languages is unpacked into a file


_warm()
