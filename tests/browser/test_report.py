"""The HTML report as a person sees it: one file that asks nobody, with the texts, the rulings, and what it leaves out."""

import pytest

from tests.browser.conftest import violations, wider

FERRY = "Night ferry to Skarrow"


@pytest.fixture(scope="module")
def ruled(demo, serving):
    """The news world after a ruling, one that was taken back, and its report."""
    server = serving(demo.store, demo.settings)
    story = demo.story(FERRY)["id"]
    server.call("verdict", story, "confirm", "--note", "<b>seen</b> on paper")
    server.call("verdict", story, "undo")
    server.call("verdict", demo.story("Whaling museum")["id"], "confirm", "--note", "all of it")
    return server.report("html")


@pytest.fixture
def page(desk, ruled):
    desk.ours.add("file:///")
    yield desk.open(ruled.as_uri())
    assert desk.heard.asked == [ruled.as_uri()]        # the file itself, and nothing else from anywhere


def story(page, title):
    return page.locator("article", has=page.locator("h3", has_text=title))


def test_every_story_has_its_texts_side_by_side(page, demo):
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    copies = sum(len(one["copies"]) for one in demo.report["stories"])
    assert page.locator(".sides").count() == copies
    ferry = story(page, FERRY)
    assert "Hello and welcome to NewsBasket" in ferry.locator(".side mark.site").first.inner_text()
    assert ferry.locator(".side mark.shared").count() > 10


def test_rulings_stand_in_it_also_those_that_were_taken_back(page):
    ferry = story(page, FERRY).locator(".history")
    assert "<b>seen</b> on paper" in ferry.inner_text()
    assert "taken back by" in ferry.inner_text()
    assert "all of it" in story(page, "Whaling museum").locator(".history").inner_text()
    assert "confirmed by a person" in story(page, "Whaling museum").inner_text()


def test_nothing_is_wrong_for_who_cannot_see_or_point(page):
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    assert violations(page) == []
    page.emulate_media(color_scheme="dark")
    assert violations(page, only="color-contrast") == []
    for width in (320, 390, 768, 1200):
        page.set_viewport_size({"width": width, "height": 844})
        assert wider(page) == [], width


def test_what_is_left_out_is_said_with_the_command_that_shows_it(desk, demo, serving, monkeypatch, tmp_path):
    import crawler.desk

    monkeypatch.setattr(crawler.desk, "BESIDE", 3)
    monkeypatch.setattr(crawler.desk, "COPIES_BESIDE", 1)
    server = serving(demo.store, demo.settings)
    desk.ours.add("file:///")
    page = desk.open(server.report("html").as_uri())
    copies = sum(len(one["copies"]) for one in demo.report["stories"])
    assert page.locator(".sides").count() == 3
    assert f"The texts of {copies - 3} copies are left out" in page.inner_text("header")
    command = page.locator("code", has_text="firsthand compare").last.inner_text().split()
    assert page.locator("code", has_text="firsthand compare").count() == copies - 3
    assert "shared" in server.call(*command[1:])
