"""Every page, as everybody meets it: wide and narrow, light and dark, enlarged, on paper, with a screen reader."""

import pytest

from tests.browser.conftest import violations, wider

FERRY = "Night ferry to Skarrow"
BOAT = "طلاب جامعة المرسى"
PAGES = {
    "queue": "/?state=all", "filtered": "/?state=all&q=ferry&kind=excerpt&min_copies=1", "nothing found": "/?state=all&q=nosuchword",
    "story": "/stories/{ferry}", "story in doubt": "/stories/{cable}", "Arabic story": "/stories/{boat}", "article": "/articles/{article}",
    "sources": "/sources", "source": "/source?name=The+Harbour+Post", "rewordings": "/rewordings", "translations": "/translations", "subscribe": "/subscribe",
    "login": "/login", "no such story": "/stories/none", "no such page": "/nowhere", "bad filter": "/?since=yesterday",
}
WIDTHS = (320, 390, 768, 1200)


@pytest.fixture(params=PAGES)
def path(request, demo):
    ferry = demo.story(FERRY)
    return PAGES[request.param].format(ferry=ferry["id"], cable=demo.story("Northern Cable")["id"], boat=demo.story(BOAT)["id"],
                                       article=ferry["original"]["article"])


@pytest.fixture
def page(desk, world, path):
    opened = desk.open(world.address + path)
    desk.heard.forget_refusals()
    return opened


def landmarks(page):
    return page.evaluate("""() => ({
        main: document.querySelectorAll('main').length, top: document.querySelectorAll('h1').length,
        headings: [...document.querySelectorAll('h1, h2, h3, h4, h5, h6')].filter(one => one.checkVisibility()).map(one => +one.tagName[1]),
        language: document.documentElement.lang, title: document.title,
        status: document.querySelectorAll('[role=status]').length,
    })""")


def test_nothing_is_wrong_for_who_cannot_see_or_point(page):
    """axe-core finds nothing of any weight, whatever the size and the colours; headings are in order."""
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    for width in (1200, 390):
        page.set_viewport_size({"width": width, "height": 844})
        page.emulate_media(color_scheme="light")
        assert violations(page) == [], width
        page.emulate_media(color_scheme="dark")
        assert violations(page, only="color-contrast") == [], width
    found = landmarks(page)
    assert (found["main"], found["top"], found["status"], found["language"]) == (1, 1, 1, "en")
    assert found["title"].endswith(" · Firsthand")
    assert found["headings"][0] == 1
    assert all(after - before <= 1 for before, after in zip(found["headings"], found["headings"][1:], strict=False)), found["headings"]


def test_nothing_is_cut_at_the_side_and_all_can_be_touched(page):
    """At any width; at 200 % as well, which is a window half as wide in which letters are as large."""
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    for width in (*WIDTHS, 640 // 2):
        page.set_viewport_size({"width": width, "height": 844})
        assert wider(page) == [], width
        small = page.evaluate("""() => [...document.querySelectorAll('a, button, input, select, summary')].filter(one => {
            const box = one.getBoundingClientRect(), inText = getComputedStyle(one).display === 'inline';
            return one.checkVisibility() && box.width && !inText && !one.closest('.skip') && one.type !== 'hidden' && (box.height < 24 || box.width < 24);
        }).map(one => `${one.outerHTML.slice(0, 100)} ${one.getBoundingClientRect().height}`)""")
        assert small == [], width


def test_letters_twice_as_large_still_fit(page):
    """For who enlarges the text alone, in the settings of the browser."""
    page.context.new_cdp_session(page).send("Page.setFontSizes", {"fontSizes": {"standard": 32, "fixed": 26}})
    for width in (390, 1200):
        page.set_viewport_size({"width": width, "height": 844})
        assert page.evaluate("getComputedStyle(document.body).fontSize") == "32px"
        assert wider(page) == [], width


@pytest.mark.parametrize("path", ["filtered", "story", "sources", "subscribe"], indirect=True)
def test_every_stop_of_tab_is_seen(page):
    """Each has a ring, lies in the window, and under nothing that sticks to its edge."""
    page.set_viewport_size({"width": 1000, "height": 600})
    stops = []
    while len(stops) < 150:
        page.keyboard.press("Tab")
        at = page.evaluate("""() => {
            const one = document.activeElement, style = getComputedStyle(one), box = one.getBoundingClientRect();
            if (one === document.body) return null;
            const x = Math.min(box.x + 4, box.right - 1), y = Math.min(Math.max(box.y, 0) + 4, box.bottom - 1);
            const over = document.elementFromPoint(x, y);
            return {what: one.outerHTML.slice(0, 160), ring: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
                    within: box.bottom > 0 && box.top < innerHeight, free: !!over && (one.contains(over) || over.contains(one))};
        }""")
        if at is None:
            break
        stops.append(at)
    assert len(stops) > 6
    assert [one for one in stops if not (one["ring"] and one["within"] and one["free"])] == []


@pytest.mark.parametrize("path", ["queue", "story", "sources"], indirect=True)
def test_nothing_moves(page):
    moving = page.evaluate("""() => [...document.querySelectorAll('*')].filter(one => {
        const style = getComputedStyle(one);
        return style.transitionDuration !== '0s' || style.animationName !== 'none' || style.scrollBehavior !== 'auto';
    }).map(one => one.tagName)""")
    assert moving == []


@pytest.mark.parametrize("path", ["story"], indirect=True)
def test_marks_are_told_apart_without_colours(page):
    page.emulate_media(forced_colors="active")
    marks = page.evaluate("""() => Object.fromEntries(['shared', 'site'].map(name => {
        const style = getComputedStyle(document.querySelector(`.side mark.${name}`));
        return [name, `${style.borderBottomStyle} ${style.textDecorationLine}`];
    }))""")
    assert marks == {"shared": "solid none", "site": "none none"}
    page.keyboard.press("j")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


@pytest.mark.parametrize("path", ["story"], indirect=True)
def test_a_story_on_paper(page):
    """Dark ink on white whatever the screen shows, addresses beside the headlines, and nothing to press."""
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.locator("button:visible, input:visible, .top:visible, kbd:visible").count() == 0
    assert page.locator(".side mark.shared").first.is_visible()
    address = page.evaluate("getComputedStyle(document.querySelector('h1 a'), '::after').content")
    assert "harbour-post.example" in address or address == 'attr(href)' or "attr" in address
    assert len(page.pdf()) > 20_000


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark_are_what_they_say(desk, world, scheme):
    page = desk.open(world.address + "/subscribe", color_scheme=scheme)
    ink, paper = page.evaluate("[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]")
    assert (light(ink) < light(paper)) is (scheme == "light")


def light(colour):
    return sum(map(int, colour.removeprefix("rgb(").removesuffix(")").split(", ")))
