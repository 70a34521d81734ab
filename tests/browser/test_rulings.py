"""Rulings as people make them: with the keyboard alone, with Tab and Enter, without JavaScript, two at once.

What was ruled is looked for where it counts: in the report, in the API, after a restart, after `rematch`.
"""

import re

import pytest

CABLE = "Northern Cable to lay"
FERRY = "Night ferry to Skarrow"
CANOE = "Whaling museum gives back"
LETTERS = "The keeper who answered"
QUAKE = "Strong earthquake shakes"
ROBOAT = "طلاب جامعة المرسى"
CLINIC = "Retired doctors reopen"
APPLE = "Hillford schoolgirl finds"
GRAIN = "Lakeland states agree"
TRAM = "How Orrin's tram lost"
THEATRE = "Un pueblo de pescadores"
BAKERY = "Kıyı kasabasının"


class Reviewer:
    """Somebody with a keyboard and nothing else. What they see is read off the page; all they do is press keys."""

    def __init__(self, page):
        self.page = page

    def press(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)

    def go(self, *keys):
        """Keys that lead to another page."""
        with self.page.expect_navigation(wait_until="load"):
            self.press(*keys)

    def marked(self):
        """What is marked: a copy by its kind and source, a story of the queue by its text."""
        return self.page.evaluate("""() => {
            const item = document.activeElement.closest("[data-item]");
            if (!item || item.hasAttribute("data-whole")) return item ? "the whole story" : "";
            return item.getAttribute("aria-label") || item.innerText;
        }""")

    def mark(self, words):
        """Step down until something with these words is marked."""
        for _ in range(60):
            before = self.marked()
            self.press("j")
            if words in self.marked():
                return
            assert self.marked() != before, f"{words!r} is nowhere below"
        raise AssertionError(words)

    def open(self, title):
        """From wherever, by way of the queue of all stories."""
        if "/stories/" in self.page.url:
            self.go("q")
        self.press("Escape")                             # from the top, wherever one was
        self.mark(title)
        self.go("Enter")
        assert title in self.page.inner_text("h1")

    def rule(self, key):
        """Press a key that rules; gives what the page then says."""
        self.go(key)
        return self.told()

    def told(self):
        self.page.wait_for_selector("#live:not(:empty)", state="attached")
        return self.page.inner_text("#live")

    def note(self, text):
        self.press("n")
        self.page.keyboard.type(text)
        self.press("Enter")


@pytest.fixture
def reviewer(desk, own_world):
    return Reviewer(desk.open(own_world.address + "/?state=all"))


def rows(server):
    """Every story, as the API has it now."""
    return server.get("/api/v1/stories?state=all&limit=100")["stories"]


def found(rows, title):
    """The stories with this in the title of a member."""
    return [one for one in rows if any(title in each["title"] for each in (one["original"], *one["copies"]))]


def sources(story):
    return {one["source"] for one in story["copies"]}


def of(story, source):
    (one,) = [each for each in story["copies"] if each["source"] == source]
    return one


def test_ten_stories_with_the_keyboard_alone(reviewer, own_world, desk):
    # 1 in doubt: the second of those between whom it stands was first
    reviewer.open(CABLE)
    assert "Who was first?" in reviewer.page.inner_text("main")
    assert reviewer.rule("2").startswith("Kept: original named, by local, on ")
    # 2 one copy is licensed, with a note; the mark stays on it
    reviewer.open(FERRY)
    reviewer.mark("The Daily Lantern")
    reviewer.note("by the agreement of 2024")
    assert "The Daily Lantern" in reviewer.marked()
    assert reviewer.rule("l").startswith("Kept: licensed, by local, on ")
    assert "The Daily Lantern" in reviewer.marked()
    # 3 all of it is right
    reviewer.open(CANOE)
    reviewer.note("checked with the desk")
    assert reviewer.rule("c").startswith("Kept: confirmed, by local, on ")
    # 4 none of it is: the story ends, and the queue says so
    reviewer.open(LETTERS)
    assert "its articles stand alone" in reviewer.rule("r")
    # 5 one of three is no copy
    reviewer.open(QUAKE)
    reviewer.mark("Capital Ledger")
    assert reviewer.rule("r").startswith("Kept: rejected, by local, on ")
    # 6 right to left: the copy was first
    reviewer.open(ROBOAT)
    reviewer.mark("قوافل")
    assert reviewer.rule("f").startswith("Kept: original named, by local, on ")
    # 7 one belongs elsewhere
    reviewer.open(CLINIC)
    reviewer.mark("Inland Mirror")
    assert reviewer.rule("s").startswith("Kept: split off, by local, on ")
    # 8 ruled by mistake, and taken back; then again on one copy, and that stays
    reviewer.open(APPLE)
    assert reviewer.rule("l").startswith("Kept: licensed, by local, on ")
    assert reviewer.rule("u") == "Taken back."
    reviewer.mark("The Daily Lantern")
    assert reviewer.rule("c").startswith("Kept: confirmed, by local, on ")
    # 9 the whole of it is licensed
    reviewer.open(TRAM)
    assert reviewer.rule("l").startswith("Kept: licensed, by local, on ")
    # 10 two are the same, whatever the matcher says
    reviewer.open(BAKERY)
    other = reviewer.page.url
    reviewer.open(THEATRE)
    reviewer.press("m")
    reviewer.page.keyboard.insert_text(other)
    assert reviewer.rule("Enter").startswith("Kept: merged, by local, on ")

    def check(rows):
        (cable,) = found(rows, CABLE)
        assert (cable["original"]["source"], cable["verdict"], cable["decided"]) == ("Valley Courier", "original", True)
        (ferry,) = found(rows, FERRY)
        assert (ferry["verdict"], of(ferry, "The Daily Lantern")["verdict"], of(ferry, "NewsBasket")["verdict"]) == (None, "licensed", None)
        (canoe,) = found(rows, CANOE)
        assert canoe["verdict"] == "confirm"
        assert found(rows, LETTERS) == []
        (quake,) = found(rows, QUAKE)
        assert sources(quake) == {"Valley Courier", "The Harbour Post"}
        (boat,) = found(rows, ROBOAT)
        assert (boat["original"]["source"], boat["verdict"]) == ("قوافل", "original")
        (clinic,) = found(rows, CLINIC)
        assert sources(clinic) == {"NewsBasket"}
        (apple,) = found(rows, APPLE)
        assert (apple["verdict"], of(apple, "The Daily Lantern")["verdict"]) == (None, "confirm")
        (tram,) = found(rows, TRAM)
        assert {one["verdict"] for one in tram["copies"]} == {"licensed"}
        (merged,) = found(rows, THEATRE)
        assert found(rows, BAKERY) == [merged]

    check(own_world.report()["stories"])
    check(rows(own_world))
    ferry = own_world.get(f"/api/v1/stories/{found(rows(own_world), FERRY)[0]['id']}")
    assert [(one["ruling"], one["who"], one["note"]) for one in ferry["rulings"]] == [("licensed", "local", "by the agreement of 2024")]
    apple = own_world.get(f"/api/v1/stories/{found(rows(own_world), APPLE)[0]['id']}")
    assert [(one["ruling"], one["undone_by"]) for one in apple["rulings"]] == [("licensed", "local"), ("confirm", None)]

    own_world.stop()
    own_world.call("rematch")
    check(own_world.report()["stories"])
    page = desk.open(own_world.start().address + "/?state=ruled")
    assert "Northern Cable" in page.inner_text("main")


def test_what_ended_a_story_is_taken_back_where_it_is_said(reviewer, own_world):
    reviewer.open(LETTERS)
    reviewer.rule("r")
    assert found(rows(own_world), LETTERS) == []
    assert reviewer.rule("u") == "Taken back."
    (story,) = found(rows(own_world), LETTERS)
    assert (story["verdict"], sources(story)) == (None, {"NewsBasket"})


def test_other_keys_lead_where_they_say(desk, world):
    reviewer = Reviewer(desk.open(world.address + "/?state=all"))
    page = reviewer.page
    reviewer.press("/")
    page.keyboard.type("ferry c r")                      # in a field, keys are letters
    reviewer.go("Enter")
    assert page.locator(".item").count() == 0
    reviewer.press("/")
    page.keyboard.press("Control+A")
    page.keyboard.type("ferry")
    reviewer.go("Enter")
    reviewer.mark(FERRY)
    reviewer.go("Enter")
    reviewer.press("j", "j", "j")
    assert "The Daily Lantern" in reviewer.marked()
    reviewer.press("k")
    assert "NewsBasket" in reviewer.marked()
    reviewer.press("j")
    reviewer.go("b")
    assert "Copy: The Daily Lantern" in page.inner_text(".beside")
    assert "The Daily Lantern" in reviewer.marked()
    reviewer.press("j")
    reviewer.go("Enter")
    assert "Copy: The Morning Brief" in page.inner_text(".beside")
    reviewer.press("Escape")
    assert reviewer.marked() == ""
    reviewer.press("?")
    assert page.locator("dialog").is_visible()
    reviewer.press("c", "r")                             # rule nothing while it is open
    reviewer.press("Escape")
    assert not page.locator("dialog").is_visible()
    reviewer.go("q")
    assert page.input_value("[name=q]") == "ferry"
    assert FERRY in reviewer.marked()                    # back where one came from


def test_next_goes_through_the_queue(desk, world):
    reviewer = Reviewer(desk.open(world.address + "/?state=decided"))
    seen = []
    reviewer.press("j")
    reviewer.go("Enter")
    for _ in range(3):
        seen.append(reviewer.page.inner_text("h1"))
        reviewer.go("x")
    queue = [one["original"]["title"] for one in world.get("/api/v1/stories?state=decided")["stories"]]
    assert seen == queue[:3]


def test_keys_act_on_a_keyboard_of_another_script(reviewer):
    """As an Arabic one sends them: the key where a c is printed beside another letter."""
    session = reviewer.page.context.new_cdp_session(reviewer.page)

    def arabic(key, code):
        for kind in ("keyDown", "keyUp"):
            session.send("Input.dispatchKeyEvent", {"type": kind, "key": key, "code": code, "text": key if kind == "keyDown" else ""})

    arabic("ت", "KeyJ")
    assert CABLE in reviewer.marked()
    reviewer.go("Enter")
    with reviewer.page.expect_navigation():
        arabic("ؤ", "KeyC")
    assert reviewer.told().startswith("Kept: confirmed, by local, on ")


def test_keys_can_be_switched_off(desk, world):
    reviewer = Reviewer(desk.open(world.address + "/?state=all"))
    reviewer.open(CABLE)
    reviewer.press("?")
    reviewer.page.uncheck("#keys-on")
    reviewer.press("Escape")
    before = world.get("/api/v1/changes")
    reviewer.press("c", "j", "r", "x", "q")
    assert "/stories/" in reviewer.page.url
    reviewer.page.reload()
    reviewer.press("c")
    assert world.get("/api/v1/changes") == before


def test_enter_in_a_note_rules_nothing(reviewer, own_world):
    reviewer.open(CABLE)
    reviewer.note("to be checked")
    assert reviewer.page.input_value("#note") == "to be checked"
    assert own_world.get(f"/api/v1{reviewer.page.url.partition(own_world.address)[2].partition('?')[0]}")["rulings"] == []
    assert reviewer.rule("c").startswith("Kept: confirmed, by local, on ")
    assert "to be checked" in reviewer.page.inner_text(".history")


def tab_to(page, words):
    """Press Tab until what has these words is reached; every stop on the way can be seen."""
    for _ in range(200):
        page.keyboard.press("Tab")
        at = page.evaluate("""() => {
            const one = document.activeElement, style = getComputedStyle(one), box = one.getBoundingClientRect();
            const over = document.elementFromPoint(box.x + Math.min(box.width, 20) / 2, box.y + Math.min(box.height, 20) / 2);
            return {words: one.innerText || one.name || '', ring: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
                    covered: one !== document.body && !!over && !one.contains(over) && !over.contains(one)};
        }""")
        assert at["ring"] or at["words"] == "" or page.evaluate("document.activeElement === document.body"), at
        assert not at["covered"], at
        if re.search(words, " ".join(at["words"].split())):
            return
    raise AssertionError(f"Tab never reaches {words!r}")


def test_with_nothing_but_tab_enter_and_space(desk, own_world):
    page = desk.open(own_world.address + "/?state=all")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.innerText") == "Skip to the content"
    page.keyboard.press("Enter")
    tab_to(page, "Night ferry")
    page.keyboard.press("Enter")
    page.wait_for_url("**/stories/**")
    tab_to(page, "^Split off s The Morning Brief")
    with page.expect_navigation():
        page.keyboard.press("Space")
    assert "Kept: split off" in page.inner_text(".done")
    tab_to(page, "^Undo u? ?split")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert "Taken back." in page.inner_text(".done")
    tab_to(page, "^Note")
    page.keyboard.press("Space")
    tab_to(page, "^note$")
    page.keyboard.type("with Tab")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    with page.expect_navigation():
        page.keyboard.press("Space")                     # Licensed, the last of the whole story's buttons
    (story,) = found(rows(own_world), FERRY)
    assert {one["verdict"] for one in story["copies"]} == {"licensed"}
    rulings = own_world.get(f"/api/v1/stories/{story['id']}")["rulings"]
    assert [(one["ruling"], one["note"], bool(one["undone_at"])) for one in rulings] == [
        ("split", "", True), ("licensed", "with Tab", False)]


def test_two_at_once_do_not_overwrite_each_other(desk, own_world):
    (story,) = found(rows(own_world), FERRY)
    one, other = (Reviewer(desk.open(f"{own_world.address}/stories/{story['id']}")) for _ in range(2))
    other.note("seen by the other desk")
    one.mark("The Morning Brief")
    one.rule("s")
    other.mark("NewsBasket")
    other.go("l")
    desk.heard.forget_refusals()
    assert "Nothing was written: the story has changed since you saw it." in other.page.inner_text("[role=alert]")
    assert "Nothing was written" in other.told()
    assert other.page.evaluate("document.activeElement.getAttribute('role')") == "alert"
    assert other.page.input_value("#note") == "seen by the other desk"
    assert other.page.locator("#note").is_visible()
    (now,) = found(rows(own_world), FERRY)
    assert sources(now) == {"NewsBasket", "The Daily Lantern"}
    assert [each["verdict"] for each in now["copies"]] == [None, None]
    assert "The Morning Brief" not in other.page.inner_text("section[aria-labelledby=copies]")
    other.mark("NewsBasket")                             # having looked again
    assert other.rule("l").startswith("Kept: licensed, by local, on ")
    rulings = own_world.get(f"/api/v1/stories/{story['id']}")["rulings"]
    assert [(each["ruling"], each["note"]) for each in rulings] == [("split", ""), ("licensed", "seen by the other desk")]


def test_without_javascript_everything_works(desk, own_world):
    page = desk.open(own_world.address, java_script_enabled=False)
    assert page.inner_text(".item h2") == found(rows(own_world), CABLE)[0]["original"]["title"]
    assert not page.get_by_role("button", name="Keys").is_visible()
    page.click("text=All 23")
    page.fill("[name=q]", "ferry")
    page.click("text=Filter")
    page.select_option("[name=kind]", "excerpt")
    page.click("button:has-text('Show')")
    assert page.locator(".item").count() == 1
    page.click(f"text={FERRY}")
    page.click("article:has-text('The Daily Lantern') >> text=Side by side")
    assert "Copy: The Daily Lantern" in page.inner_text(".beside")
    page.click("summary:has-text('Note')")
    page.fill("#note", "no script at all")
    page.click("article:has-text('The Daily Lantern') >> button:has-text('Reject')")
    assert page.inner_text(".done").startswith("Kept: rejected, by local, on ")
    (story,) = found(rows(own_world), FERRY)
    assert sources(story) == {"NewsBasket", "The Morning Brief"}
    page.click(".history button:has-text('Undo')")
    assert page.inner_text(".done").startswith("Taken back.")
    page.click("summary:has-text('Merge')")
    page.fill("#other", found(rows(own_world), CANOE)[0]["id"])
    page.click("button:text-is('Merge')")
    assert page.inner_text(".done").startswith("Kept: merged, by local, on ")
    told = own_world.report()["stories"]
    assert found(told, FERRY) == found(told, CANOE) != []


def test_who_signed_in_is_named_in_the_history(desk, demo, serving, tmp_path):
    from crawler import tokens

    ada, grace = (tokens.add(tmp_path / "tokens", name) for name in ("ada", "grace"))
    server = serving(demo.store, demo.settings, tokens_file=str(tmp_path / "tokens"))
    story = demo.story(FERRY)
    for token, name, key in ((ada, "ada", "c"), (grace, "grace", "u")):
        page = desk.open(f"{server.address}/stories/{story['id']}")
        assert page.evaluate("document.activeElement.id") == "token"
        page.keyboard.type(token)
        with page.expect_navigation(url="**/stories/**"):
            page.keyboard.press("Enter")
        assert name in page.inner_text("header")
        Reviewer(page).rule(key)
    assert re.search("Confirm by ada on the whole story.* taken back by grace", page.inner_text(".history"), re.DOTALL)
    page.click("text=Sign out")
    page.goto(f"{server.address}/stories/{story['id']}")
    assert page.url.startswith(f"{server.address}/login")
    page.fill("#token", "fh_wrong")
    page.keyboard.press("Enter")
    page.wait_for_selector("[role=alert]")
    assert page.inner_text("[role=alert]") == "Nobody has this token."
    desk.heard.forget_refusals()
