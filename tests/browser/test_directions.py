"""Arabic, Persian, Hebrew and what is written from left to right, beside and inside each other."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from crawler.core.types import Attribution, AttributionKind
from tests.cli.conftest import NOON, build, configured
from tests.cli.conftest import page as read

ARABIC = "\n".join((
    "عادت العبّارة الليلية بين البر والجزيرة بعد أحد عشر عاماً من الغياب، ووافق مجلس الميناء على الخدمة بسبعة أصوات مقابل صوتين.",
    "وتستغرق الرحلة خمس ساعات وتتوقف عند رصيفين صغيرين في الطريق وتحمل أربعين شاحنة إلى جانب الركاب والبضائع والبريد.",
    "وطلب الصيادون موعداً أبكر كي يصل صيد الصباح إلى السوق قبل أن تفتح أبوابها في السادسة من كل يوم عمل في الأسبوع.",
    "“The sea is no wider than it was,” said the captain of the Corrigan, who has waited ten years for this ship and her crew."))
ENGLISH_AROUND = ("Good morning from the desk that reads the papers of the coast for you, so that you need not do it yourself today.",
                  "That was all from the harbour, and we thank the ones who wrote it down before we had even finished our coffee.")
PERSIAN = "\n".join((
    "چراغ دریایی سر خاکستری پس از یک زمستان تاریک دوباره روشن می‌شود و شورا نگهبان تازه‌ای برای آن برگزیده است.",
    "چهل نفر برای این کار درخواست دادند که در میان آنان یک سازندهٔ ویولن و دو ستاره‌شناس و ناخدای پیشین قایق راهنما بودند.",
    "شورا سازندهٔ ویولن را برگزید که می‌تواند در برج کار کند و یکشنبه‌های خشک در نگارخانه را به روی بازدیدکنندگان باز کند."))
HEBREW = "\n".join((
    "המתנדבים נטעו ארבע מאות עצי תפוח לאורך מסילת הברזל הישנה ששימשה פעם את מחצבת הסיד שבעמק העליון של המחוז.",
    "העצים באים מייחורים שאסף מורה בגמלאות במשך שלושים שנה בחצרות נטושות, וכל אחד מהם נושא לוח עם שם המשק.",
    "בתי הספר יקטפו את התפוחים הראשונים בעוד שלוש שנים, ויצרן הסיידר הבטיח לסחוט את כל מה שישאירו הילדים."))
HARBOUR, PORTAL, SEA, COAST = "صحيفة المرفأ", "قناة 24", "روزنامه دریا", "עיתון החוף"


def drafts():
    named = (Attribution(AttributionKind.NAMES_SOURCE, HARBOUR, "https://marfa.example/ferry", f"المصدر: {HARBOUR}", "body"),)
    wrapped = f"{ENGLISH_AROUND[0]}\n{ARABIC}\n{ENGLISH_AROUND[1]}"
    return [
        ("ferry", "https://marfa.example/ferry", HARBOUR, page("عودة العبّارة الليلية بعد 11 عاماً (صور)", ARABIC, "ar"), 0),
        ("portal", "https://channel24.example/ferry", PORTAL, page("العبّارة الليلية تعود", ARABIC, "ar", named), 60),
        ("desk", "https://desk.example/ferry", "The Morning Desk", page("The ferry: عودة العبّارة, as they wrote it", wrapped, "en"), 90),
        ("lamp", "https://darya.example/lamp", SEA, page("چراغ دریایی دوباره روشن شد", PERSIAN, "fa"), 10),
        ("lamp2", "https://channel24.example/lamp", PORTAL, page("چراغ دریایی", PERSIAN, "fa"), 10),
        ("trees", "https://hof.example/trees", COAST, page("400 עצי תפוח לאורך המסילה!", HEBREW, "he"), 20),
        ("trees2", "https://desk.example/trees", "The Morning Desk", page("עצי תפוח", HEBREW, "he"), 80)]


def page(title, text, language, attributions=()):
    from dataclasses import replace

    return replace(read(title, text, NOON, attributions), language=language, claims=())


@pytest.fixture(scope="module")
def coast(tmp_path_factory, serving):
    folder = tmp_path_factory.mktemp("coast")
    with ThreadPoolExecutor(1) as thread:   # Playwright has a loop in ours
        stored = thread.submit(asyncio.run, build(configured(folder), drafts())).result()
    return SimpleNamespace(server=serving(folder / "store.db"), stories=stored.stories, ids=stored.ids)


@pytest.fixture
def ferry(desk, coast):
    return desk.open(f"{coast.server.address}/stories/{coast.stories['ferry']}?beside={coast.ids['desk']}")


def direction(page, selector):
    return page.eval_on_selector_all(selector, "all => all.map(one => getComputedStyle(one).direction)")


def test_titles_and_texts_run_their_own_way(ferry):
    assert direction(ferry, "h1") == ["rtl"]
    assert direction(ferry, "h3") == ["rtl", "ltr"]
    sides = [direction(ferry, f".side:nth-child({number}) p[dir=auto]") for number in (1, 2)]
    assert sides == [["rtl", "rtl", "rtl", "ltr"], ["ltr", "rtl", "rtl", "rtl", "ltr", "ltr"]]
    assert direction(ferry, "html, main, .rule, table") == ["ltr"] * 4
    right = ferry.evaluate("""() => { const one = document.createRange(), text = document.querySelector('h1 a').firstChild;
        one.setStart(text, 0); one.setEnd(text, 1);
        return one.getBoundingClientRect().right > document.querySelector('h1').getBoundingClientRect().right - 8; }""")
    assert right    # an Arabic headline begins at the right


def test_what_both_have_is_marked_on_both_sides(ferry):
    marks = ferry.eval_on_selector_all(".side", "all => all.map(side => [...side.querySelectorAll('mark')].map(one => one.className))")
    assert set(marks[0]) == {"shared"}
    assert {marks[1][0], marks[1][-1]} <= {"own", "site"}
    assert "shared" in marks[1]


ORDER = """([root, ...words]) => {     // where each of these begins on the screen, each looked for behind the one before it
    const walk = document.createTreeWalker(document.querySelector(root), NodeFilter.SHOW_TEXT), found = [];
    let node = walk.nextNode(), from = 0;
    for (const word of words) {
        while (node && node.data.indexOf(word, from) < 0) { node = walk.nextNode(); from = 0; }
        if (!node) return null;
        const range = document.createRange(), start = node.data.indexOf(word, from);
        range.setStart(node, start); range.setEnd(node, start + word.length);
        const box = range.getBoundingClientRect();
        found.push([Math.round(box.left), Math.round(box.top + box.height / 2)]);
        from = start + word.length;
    }
    return found;
}"""


def in_a_row(page, root, *words):
    """These stand on one line from left to right, as a sentence in English puts them."""
    places = page.evaluate(ORDER, [root, *words])
    assert places is not None, words
    assert max(y for _, y in places) - min(y for _, y in places) < 12, places
    assert [x for x, _ in places] == sorted(x for x, _ in places), list(zip(words, places, strict=True))


def test_names_do_not_turn_the_sentence_around_them(desk, coast, ferry):
    in_a_row(ferry, ".why li", "(", PORTAL, "names", HARBOUR, ")")
    in_a_row(ferry, ".head > p:nth-of-type(2)", HARBOUR, ", ", "earliest" if "earliest" in ferry.inner_text(".head") else "listed first")
    (undecided,) = [id_ for name, id_ in coast.stories.items() if name.startswith("lamp")]
    lamp = desk.open(f"{coast.server.address}/stories/{undecided}")
    first, second = sorted((SEA, PORTAL), key=lamp.inner_text(".badge.warn").index)
    in_a_row(lamp, ".badge.warn", "between", first, "and", second)


def test_a_list_has_each_story_in_its_own_direction(desk, coast):
    queue = desk.open(f"{coast.server.address}/?state=all")
    assert sorted(direction(queue, ".what")) == ["rtl", "rtl", "rtl"]
    assert set(direction(queue, ".state, .copies")) == {"ltr"}
    queue.set_viewport_size({"width": 390, "height": 844})
    boxes = queue.eval_on_selector_all(".what h2, .what p", """all => all.map(one => {
        const range = document.createRange(); range.selectNodeContents(one);
        return one.getBoundingClientRect().right - range.getBoundingClientRect().right; })""")
    assert all(abs(gap) < 2 for gap in boxes), boxes       # headline and source begin at the same edge


def test_figures_stand_behind_names_in_the_graph(desk, coast):
    graph = desk.open(f"{coast.server.address}/sources")
    pairs = graph.eval_on_selector_all(".plot.flows text", """all => all.map(one => {
        const [name, number] = one.querySelectorAll('tspan'), a = name.getBoundingClientRect(), b = number.getBoundingClientRect();
        return [name.textContent, b.left >= a.right - 2]; })""")
    assert len(pairs) >= 5
    assert [name for name, behind in pairs if not behind] == []


def test_the_report_runs_the_same_way(desk, coast, tmp_path):
    desk.ours.add("file:///")
    page = desk.open(coast.server.report("html").as_uri())
    (number,) = [at for at, title in enumerate(page.eval_on_selector_all("article h3", "all => all.map(one => one.innerText)"), 1) if "العبّارة" in title]
    assert direction(page, f"#story-{number} h3") == ["rtl"]
    in_a_row(page, f"#story-{number} .why li", "(", PORTAL, "names", HARBOUR, ")")
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    assert direction(page, f"#story-{number} .side p[dir=auto]")[:4] == ["rtl", "rtl", "rtl", "ltr"]
