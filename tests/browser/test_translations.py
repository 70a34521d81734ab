"""A translated copy on the page: sentences of two directions of writing beside each other."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from tests import tongues
from tests.browser.conftest import violations, wider
from tests.cli.conftest import build, configured


@pytest.fixture(scope="module")
def rails(tmp_path_factory, serving):
    folder = tmp_path_factory.mktemp("rails")
    with ThreadPoolExecutor(1) as thread:   # Playwright has a loop in ours
        stored = thread.submit(asyncio.run, build(configured(folder, tongues.ON), tongues.drafts())).result()
    return SimpleNamespace(server=serving(folder / "store.db"), story=stored.stories["train"], ids=stored.ids)


@pytest.fixture(params=["wadi", "edition", "possible"])
def path(request, rails):
    return "/translations" if request.param == "possible" else f"/stories/{rails.story}?beside={rails.ids[request.param]}"


def test_nothing_is_wrong_for_who_cannot_see_or_point(desk, rails, path):
    page = desk.open(rails.server.address + path)
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    for width in (1200, 390):
        page.set_viewport_size({"width": width, "height": 844})
        page.emulate_media(color_scheme="light")
        assert violations(page) == [], width
        page.emulate_media(color_scheme="dark")
        assert violations(page, only="color-contrast") == [], width
    for width in (320, 390, 768, 1200):
        page.set_viewport_size({"width": width, "height": 844})
        assert wider(page) == [], width


CELLS = """() => [...document.querySelectorAll('table.pairs tbody tr')].map(row => [...row.cells].map(cell => {
    const range = document.createRange(); range.selectNodeContents(cell);
    const text = range.getBoundingClientRect(), box = cell.getBoundingClientRect(), style = getComputedStyle(cell);
    return {text: cell.textContent, lang: cell.lang, direction: style.direction,
            left: text.left - box.left - parseFloat(style.paddingLeft), right: box.right - text.right - parseFloat(style.paddingRight)}; }))"""


@pytest.mark.parametrize("script", [True, False], ids=["", "without JavaScript"])
def test_each_sentence_runs_its_own_way(desk, rails, script):
    page = desk.open(f"{rails.server.address}/stories/{rails.story}?beside={rails.ids['wadi']}", java_script_enabled=script)
    rows = page.evaluate(CELLS)
    assert [row[0]["text"] for row in rows] == tongues.ENGLISH.split("\n")
    assert [row[1]["text"] for row in rows] == tongues.ARABIC.split("\n")
    assert {tuple((cell["lang"], cell["direction"]) for cell in row) for row in rows} == {(("en", "ltr"), ("ar", "rtl"), ("", "ltr"))}
    for english, arabic, _ in rows:
        assert abs(english["left"]) < 2, english        # begins at its own edge
        assert abs(arabic["right"]) < 2, arabic
    sides = page.evaluate("[...document.querySelectorAll('.side')].map(side => [...side.querySelectorAll('p[dir=auto]')].map(one => getComputedStyle(one).direction))")
    assert sides == [["ltr"] * 6, ["rtl"] * 6]


def test_a_possible_translation_is_ruled_on_with_the_keyboard(desk, rails, serving):
    own = serving(rails.server.folder / "store.db")
    page = desk.open(f"{own.address}/translations")
    assert page.locator("article.item").count() == 1
    page.keyboard.press("j")
    page.keyboard.press("c")
    page.wait_for_url("**/translations?done=1")
    assert page.locator("article.item").count() == 0
    assert page.locator(".none").inner_text() == "None that wait for a person."
    (confirmed,) = [one for one in own.get("/api/v1/stories")["stories"] if any(copy["verdict"] == "confirm" for copy in one["copies"])]
    assert rails.ids["mojaz"] in [copy["article"] for copy in confirmed["copies"]]
    desk.close()
    own.stop()
