"""Foreign text in a real browser: nothing of it runs, nothing is loaded, and it is all there to read."""

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from urllib.parse import quote

import pytest

from crawler.render.harmless import line
from tests.browser.conftest import wider
from tests.hostile.test_shown import PAYLOADS, fill

FOREIGN = {**PAYLOADS, "huge": "w" * 10_000, "hebrew": "\u202eשלום <b onclick=alert(1)>", "data": "data:text/html,<script>alert(1)</script>"}
# What a payload that came through would leave behind, whatever it calls.
TRAP = "for (const name of ['alert', 'confirm', 'prompt']) window[name] = () => { document.documentElement.dataset.owned = 1; }"


@pytest.fixture(scope="module")
def shelf(tmp_path_factory, serving):
    """A store in which every payload stands in every field, being served."""
    folder = tmp_path_factory.mktemp("shelf")
    with ThreadPoolExecutor(1) as thread:   # Playwright has a loop in ours
        stories = thread.submit(asyncio.run, fill(folder, FOREIGN)).result()
    return SimpleNamespace(server=serving(folder / "store.db"), stories=stories)


@pytest.fixture
def page(desk, shelf):
    opened = desk.open()
    desk.ours.add(shelf.server.address)
    opened.context.add_init_script(TRAP)
    yield opened
    desk.heard.forget_refusals()


def untouched(page):
    """No tag, handler or link of theirs became one of the page's; it fits the window."""
    found = page.evaluate("""() => ({
        owned: document.documentElement.dataset.owned || null,
        tags: [...new Set([...document.querySelectorAll('*')].map(one => one.tagName.toLowerCase()))],
        handlers: [...document.querySelectorAll('*')].filter(one => one.getAttributeNames().some(name => name.startsWith('on') || name === 'style')).length,
        links: [...document.links].map(one => one.protocol), frames: document.querySelectorAll('iframe, img, object, embed, base').length,
        scripts: [...document.scripts].map(one => one.src),
    })""")
    assert found["owned"] is None
    assert set(found["tags"]) & {"math", "mglyph", "b", "font", "marquee"} == set()
    assert (found["handlers"], found["frames"]) == (0, 0)
    assert set(found["links"]) <= {"http:", "https:"}
    assert all(src.endswith("/static/review.js") for src in found["scripts"])
    assert wider(page) == []


def words(text):
    """As a page shows a line of it."""
    return " ".join(line(text).split())


def test_stories_and_articles_show_it_as_text(page, shelf):
    for number, (name, text) in enumerate(FOREIGN.items()):
        page.goto(f"{shelf.server.address}/stories/{shelf.stories[name]}")
        untouched(page)
        shown = " ".join(page.inner_text("main").split())
        assert words(text) in " ".join(page.text_content("h1").split()), name
        assert words(text) in shown or words(text)[:60] in shown, name
        if number % 4 == 0:
            page.goto(f"{shelf.server.address}/articles/a{name}a")
            untouched(page)


def test_lists_show_it_as_text(page, shelf):
    for path in ("/?state=all", "/?state=all&after=", "/sources", "/rewordings"):
        for width in (1200, 390):
            page.set_viewport_size({"width": width, "height": 844})
            page.goto(shelf.server.address + path)
            untouched(page)
    page.goto(f"{shelf.server.address}/?state=all")
    assert page.locator(".item").count() == 25
    page.click("text=More stories")
    untouched(page)
    assert page.locator(".item").count() == len(FOREIGN) - 25


def test_errors_and_fields_repeat_it_as_text(page, shelf):
    places = ("/?q={}", "/stories/{}", "/?since={}", "/articles/{}", "/?source={}&state=all", "/source?name={}",
              f"/stories/{shelf.stories['script']}?done={{}}&beside={{}}")
    for number, (name, text) in enumerate(FOREIGN.items()):
        given = quote(text[:900], safe="")
        # All of them in every place for two, the others in two places each: a page costs a tenth of a second.
        for place in places if name in ("script", "endless") else (places[number % 7], places[(number + 3) % 7]):
            page.goto(shelf.server.address + place.format(given, given))
            untouched(page)
            assert page.locator("h1").count() == 1, (name, place)


@pytest.mark.parametrize("guarded", [True, False], ids=["as it is", "without its policy, by escaping alone"])
def test_the_report_shows_it_as_text(desk, shelf, guarded, tmp_path):
    text = shelf.server.report("html").read_text()
    if not guarded:
        text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text)
    (tmp_path / "trial.html").write_text(text)
    desk.ours.add("file:///")
    page = desk.open()
    page.context.add_init_script(TRAP)
    page.goto((tmp_path / "trial.html").as_uri())
    untouched(page)
    assert page.title() == "Duplicate report"
    shown = " ".join(page.inner_text("body").split())
    for name in ("script", "onerror", "template"):
        assert words(FOREIGN[name]) in shown
