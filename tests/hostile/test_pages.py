"""Article pages that lie, hide or attack, from the feed to the verdict: what is stored, flagged, and never called a copy."""

from datetime import timedelta
from html import escape

import pytest
from misbehaving import item, listening, ok, page, redirect, rss

from crawler.core import urls
from crawler.core.elect import candidates
from crawler.settings import MaxBytes

STORY = [
    "The ferry to the northern islands stays in port until Thursday, because a crack was found in its starboard shaft.",
    "Divers saw it on Sunday evening during a routine look at the propellers, said the harbour master of the town.",
    "A smaller boat takes patients and schoolchildren across twice a day; everybody else has to wait or take the plane.",
    "The shipping company expects the spare part on Wednesday from a yard in the south, and promised to pay for hotels.",
]
PROSE = "".join(f"<p>{text}</p>" for text in STORY)


def sentence(n):
    """A sentence that no other number has."""
    words = ("harbour", "council", "bridge", "winter", "budget", "school", "forest", "railway", "theatre", "hospital", "market")
    return " ".join(f"{words[(n * k + k) % 11]}{n * 13 + k}" for k in range(1, 15)) + "."


@pytest.fixture
def collected(desk, sites):
    """`await collected({path: script}, …)`: a feed of these pages on one site, polled and collected; (site, articles)."""
    async def run(pages, links=None, of=None, title="Ferry stays in port", **options):
        one = of or desk
        site = await sites(ok(status="404 Not Found"), **options)
        site.paths |= pages | {"/feed": ok(rss(*(
            item(escape(f"{site.url[:-1]}{link}"), title) for link in links or pages)))}
        feed = await one.poll(f"{site.url}feed")
        assert feed.state.reason is None, feed.state.detail
        with listening() as heard:
            articles = await one.collect()
        assert not [record for record in heard.records if record.exc_info]
        return site, articles

    return run


# --- walls and templates --------------------------------------------------------------------------------------------

WALLS = {
    "a soft 404": page("Page not found", "Sorry, the page you are looking for could not be found.", "It may have been moved or deleted."),
    "a cookie wall": page("Before you continue", "We and our 842 partners use cookies to store and access information on your device.",
                          "Accept all cookies or manage your privacy settings to continue to the site."),
    "a log-in": page("Sign in", "Please log in to continue reading this article.", "Forgot your password? Create an account."),
    "a paywall": page("Ferry stays", "Subscribe to continue reading.", "This article is for subscribers only. Already a subscriber? Sign in."),
    "a shell for JavaScript": b"<html><head><title>News</title><script src=/app.js></script></head><body><div id=root></div>"
                              b"<noscript>You need to enable JavaScript to run this app.</noscript></body></html>",
    "a bot challenge": b"<html><head><title>Just a moment...</title></head><body><div class=cf-turnstile></div>"
                       b"<script src='/cdn-cgi/challenge-platform/x.js'></script>Checking your browser before accessing.</body></html>",
    "fewer than forty words": page("Ferry stays", "The ferry stays in port until Thursday, said the harbour master."),
    "navigation alone": b"<html><head><title>Daily</title></head><body><nav>" + b"".join(
        b"<a href=/%d>Section %d of the site</a> " % (n, n) for n in range(40)) + b"</nav></body></html>",
    "a list of teasers": b"<html><head><title>All news</title></head><body><main>" + b"".join(
        b"<h2><a href=/%d>A headline of some length about subject %d</a></h2>" % (n, n) for n in range(40)) + b"</main></body></html>",
    "nothing at all": b"", "white space": b" \n " * 100, "a picture": b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20,
    "a PDF": b"%PDF-1.7\n" + bytes(range(256)) * 20, "a program's noise": bytes(n * n % 251 for n in range(9000)),
    "a frameset": b"<frameset><frame src=/a><frame src=/b></frameset>", "an empty body": b"<html><head><title>t</title></head><body></body></html>",
    "a feed": rss(item("https://daily.example/1")), "JSON": b'{"error": "not found", "code": 404}',
    "a meta refresh": b"<html><head><meta http-equiv=refresh content='0;url=file:///etc/passwd'></head><body>Moved.</body></html>",
}


@pytest.mark.parametrize("body", WALLS.values(), ids=WALLS)
async def test_what_is_no_article_is_flagged_and_never_a_copy(body, desk, collected):
    await collected({"/1": ok(body)})
    await collected({"/1": ok(body)}, host="127.0.0.2")
    stored = await desk.articles()
    assert len(stored) == 2
    assert all(one.walls for one in stored), [one.walls for one in stored]
    await desk.judge()
    assert (await desk.store.counts(desk.now)).copies == 0


@pytest.mark.parametrize("status", ["401 No", "402 Pay", "403 No", "451 Law", "404 No", "410 Gone", "500 Oops", "503 Later"])
async def test_a_page_that_is_refused_is_no_article_whatever_stands_in_it(status, desk, collected):
    _site, articles = await collected({"/1": ok(page("Ferry stays", *STORY), status=status)})
    assert articles == []


@pytest.mark.parametrize("count", [3, 5])
async def test_one_text_under_different_titles_of_a_host_is_a_template_and_no_copy_of_itself(count, desk, collected):
    _site, _articles = await collected({f"/{n}": ok(page(f"Story number {n} of the day", *STORY)) for n in range(count)}, title="x")
    await collected({"/copy": ok(page("Ferry stays in port", *STORY))}, host="127.0.0.2")
    assert len(await desk.articles()) == count + 1
    await desk.judge()
    counts = await desk.store.counts(desk.now)
    assert (counts.stories, counts.copies) == (0, 0)


async def test_the_same_text_on_two_hosts_is_a_copy(desk, collected):
    await collected({"/1": ok(page("Ferry stays in port", *STORY))})
    await collected({"/1": ok(page("No ferry until Thursday", *STORY))}, host="127.0.0.2")
    await desk.judge()
    counts = await desk.store.counts(desk.now)
    assert (counts.stories, counts.copies) == (1, 1)


async def test_pages_that_share_what_their_site_repeats_are_no_copies(desk, collected):
    frame = [sentence(9000 + n) for n in range(4)]
    pages = {f"/{n}": ok(page(f"Headline {sentence(n)[:30]}", *frame, *(sentence(n * 40 + k) for k in range(8)))) for n in range(12)}
    await collected(pages, title="x")
    await desk.judge()
    assert (await desk.store.counts(desk.now)).copies == 0


# --- pages that attack their reader ------------------------------------------------------------------------------------

HEAVY = {
    "a word of two megabytes": PROSE + "<p>" + "x" * 1_900_000 + "</p>",
    "100,000 links": PROSE + "<a href=/x>link</a>" * 100_000,
    "200,000 line breaks": PROSE + "<br>" * 200_000,
    "60,000 levels": "<div>" * 60_000 + PROSE,
    "100,000 levels of bold": "<b>" * 100_000 + PROSE,
    "60,000 open tables": PROSE + "<table><tr><td>" * 60_000,
    "300,000 comments that never close": PROSE + "<!--" * 300_000,
    "a million angle brackets": PROSE + "<" * 1_000_000,
    "a million ampersands": PROSE + "<p>" + "&" * 1_000_000 + "</p>",
    "300,000 references to nothing": PROSE + "&#0;" * 300_000,
    "a reference of 100,000 digits": PROSE + "<p>a&#" + "9" * 100_000 + ";b</p>",
    "50,000 attributes": PROSE + "<p " + " ".join(f"a{n}=1" for n in range(50_000)) + ">x</p>",
    "an attribute of a megabyte": PROSE + f"<p class='{'a ' * 500_000}'>x</p>",
    "60,000 scripts": PROSE + "<script>x</script>" * 60_000,
    "50,000 dates": PROSE + "<time datetime='2026-05-04T10:00:00Z'>now</time>" * 50_000,
    "50,000 headlines": PROSE + "<h1>x</h1>" * 50_000,
    "50,000 forms": PROSE + "<form><input><select><option>x" * 50_000,
    "JSON-LD of 100,000 brackets": PROSE + '<script type="application/ld+json">' + "[" * 100_000 + "</script>",
    "JSON-LD with a figure of 100,000 digits": PROSE + '<script type="application/ld+json">{"@type":"NewsArticle","x":' + "9" * 100_000 + "}</script>",
    "JSON-LD whose headline is a reference of 100,000 digits":
        PROSE + '<script type="application/ld+json">{"@type":"NewsArticle","headline":"a&#' + "9" * 100_000 + ';b"}</script>',
    "5,000 blocks of JSON-LD": PROSE + '<script type="application/ld+json">{"@type":"NewsArticle","author":[{}]}</script>' * 5_000,
    "half a million combining marks": PROSE + "<p>a" + "\u0301" * 500_000 + "</p>",
    "100,000 quotations": PROSE + "<p>" + "“a” said. " * 100_000 + "</p>",
    "30,000 source labels": PROSE + "<p>Source: Reuters</p>" * 30_000,
    "300,000 sentences": PROSE + "<p>" + "A. " * 300_000 + "</p>",
    "a style of a megabyte": f"<style>{'a{}' * 300_000}</style>" + PROSE, "SVG without end": PROSE + "<svg><g>" * 50_000,
}


LIGHT_ENOUGH = {"60,000 levels", "300,000 comments that never close", "a million ampersands", "300,000 references to nothing",
                "JSON-LD of 100,000 brackets", "half a million combining marks", "a word of two megabytes", "30,000 source labels"}


@pytest.mark.parametrize("body", [
    pytest.param(body, id=name, marks=() if name in LIGHT_ENOUGH else pytest.mark.long) for name, body in HEAVY.items()])
async def test_a_page_that_is_heavy_to_read_is_stored_in_time_or_flagged(body, desks, collected):
    """Read with a bound on what is kept, or ended after its time with the feed's summary kept and a flag."""
    desk = await desks(extract=4.0, caps=MaxBytes(feed=2**20, page=8 * 2**20))
    _site, (article,) = await collected({"/1": ok(f"<html><head><title>Ferry</title></head><body>{body}</body></html>".encode())}, of=desk)
    assert "Thursday" in article.text or article.walls, article.text[:200]
    assert len(article.text) <= 400_000
    assert len(article.claims) <= 64
    assert len(article.attributions) <= 64
    await desk.judge()
    assert (await desk.store.backlog(desk.now)).unjudged == 0


NOISE = ["\0", "\x1b[31m", "\x85", "\u202e", "\u2066", "\ufeff", "&#0;", "&#x1f;", "&#xD800;", "&#xFFFE;", "&#x110000;", "\ufffe", "\x7f"]


@pytest.mark.parametrize("noise", NOISE, ids=[repr(noise) for noise in NOISE])
async def test_what_no_text_may_hold_is_in_no_article(noise, collected):
    body = page(f"Fer{noise}ry", *STORY).replace(b"starboard shaft", f"star{noise}board shaft".encode())
    _, (article,) = await collected({"/1": ok(body, "Content-Type: text/html; charset=utf-8")})
    assert "smaller boat" in article.text
    assert not set(article.text + article.title) & set("\0\x1b\x85\u202e\u2066\ufffe\x7f")


@pytest.mark.parametrize(("encoding", "header", "meta"), [
    ("latin-1", None, "iso-8859-1"), ("utf-8", "iso-8859-1", "iso-8859-1"), ("cp1252", "utf-8", "utf-8"), ("utf-16", None, None),
    ("utf-8", "utf-7", "utf-7"), ("utf-8", "idna", "punycode"), ("utf-8", "x" * 30_000, "zlib"), ("utf-8-sig", "utf-16", None),
    ("utf-8", "unicode_escape", None)])
async def test_a_page_is_read_whatever_its_labels_say(encoding, header, meta, collected):
    text = page("Fähre", *STORY, "Die Fähre nach Öland fällt aus.", head=f"<meta charset='{meta}'>" if meta else "").decode()
    script = ok(text.encode(encoding), f"Content-Type: text/html; charset={header}" if header else "Content-Type: text/html")
    _, (article,) = await collected({"/1": script})
    assert "Die Fähre nach Öland fällt aus." in article.text


# --- addresses ----------------------------------------------------------------------------------------------------------

SAME = {
    "utm_*": "?utm_source=rss&utm_medium=x", "fbclid": "?fbclid=abc", "gclid": "?gclid=abc", "at_*": "?at_medium=RSS&at_campaign=K",
    "cmp": "?cmp=rss", "CMP in capitals": "?CMP=RSS", "ito": "?ito=1490", "ref": "?ref=home", "a session": ";jsessionid=ABC123",
    "AMP": "/amp", "a slash": "/", "a fragment": "#comments", "doubled slashes": "?", "several at once": "/?utm_source=a&fbclid=b#c",
}


@pytest.mark.parametrize("addition", SAME.values(), ids=SAME)
async def test_one_article_under_two_addresses_is_one(addition, desk, collected):
    script = ok(page("Ferry stays in port", *STORY))
    site, _ = await collected({"/story": script, f"/story{addition.partition('#')[0]}": script}, ["/story", f"/story{addition}"])
    assert len(await desk.articles()) == 1
    assert len([path for path in site.asked if path.startswith("/story")]) == 1


async def test_the_order_of_a_query_makes_no_other_article(desk, collected):
    script = ok(page("Ferry stays in port", *STORY))
    await collected({"/s?id=1&a=2": script, "/s?a=2&id=1": script})
    assert len(await desk.articles()) == 1


HOSTS = ["https://www.daily.example/x", "https://m.daily.example/x", "https://amp.daily.example/x", "http://daily.example:80/x",
         "https://DAILY.example/x", "https://daily.example./x", "https://daily.example/x/", "https://user:pw@daily.example/x"]


@pytest.mark.parametrize("link", HOSTS)
async def test_forms_of_one_host_are_one_address(link, desk, sites):
    site = await sites(ok(rss(item(link, "a", guid="1"), item("https://daily.example/x", "b", guid="2"))))
    await desk.poll(site.url)
    assert {sighting.url for sighting in await desk.sightings()} == {"https://daily.example/x"}


@pytest.mark.parametrize(("host", "punycode", "shown"), [
    ("bücher.example", "xn--bcher-kva.example", "bücher.example"), ("пример.example", "xn--e1afmkfd.example", "пример.example"),
    ("аpple.example", "xn--pple-43d.example", "xn--pple-43d.example"), ("раураӏ.example", "xn--80aa0a6a0fb.example", None),
    ("gооgle.example", "xn--ggle-55da.example", "xn--ggle-55da.example"), ("日本.example", "xn--wgv71a.example", "日本.example")])
async def test_a_host_is_stored_as_punycode_and_shown_as_such_where_it_deceives(host, punycode, shown, desk, sites):
    site = await sites(ok(rss(item(f"https://{host}/x", "a"))))
    await desk.poll(site.url)
    (sighting,) = await desk.sightings()
    name = urls.host(sighting.url)
    assert name.isascii()
    if shown:
        assert (name, urls.display(name)) == (punycode, shown)
    else:
        assert urls.display(name) == name


async def test_a_page_that_redirects_is_stored_once_under_its_last_address(desk, collected):
    site, articles = await collected({"/old": redirect("/new", 301), "/new": ok(page("Ferry stays", *STORY))}, ["/old", "/new"])
    assert len(articles) == 1
    assert await desk.store.article_at(f"{site.url}old") == await desk.store.article_at(f"{site.url}new")


CANONICALS = {
    "of a script": "javascript:alert(1)", "of a file": "file:///etc/passwd", "of another site": "https://victim.example/story", "of nothing": "http://[",
    "of 100 KB": "https://daily.example/" + "x" * 100_000, "of this machine's metadata": "http://169.254.169.254/latest",
    "with a password": "https://ann:pw@victim.example/x",
}


@pytest.mark.parametrize("canonical", CANONICALS.values(), ids=CANONICALS)
async def test_a_canonical_address_takes_over_no_other_sites_article(canonical, desk, collected):
    site, (article,) = await collected({"/1": ok(page("Ferry stays", *STORY, head=f"<link rel=canonical href='{canonical}'>"))})
    assert article.url == f"{site.url}1"
    assert await desk.store.article_at("https://victim.example/story") is None


# --- claims -------------------------------------------------------------------------------------------------------------

async def test_a_copy_that_claims_to_be_older_is_not_the_original_and_is_called_back_dated(desk, sites):
    """The copier's feed was polled without the article; then it has it, with a date from before that poll."""
    original, copier = await sites(ok(status="404 No")), await sites(ok(status="404 No"), host="127.0.0.2")
    head = "<script type='application/ld+json'>{{\"@type\":\"NewsArticle\",\"datePublished\":\"{}\"}}</script>"
    original.paths |= {"/feed": ok(rss(item(f"{original.url}1", "Ferry stays"))),
                       "/1": ok(page("Ferry stays in port", *STORY, head=head.format("2026-05-04T11:50:00Z")))}
    copier.paths |= {"/feed": ok(rss(item(f"{copier.url}0", "Other"))), "/0": ok(page("Other", *map(sentence, range(9)))),
                     "/1": ok(page("Ferry will not sail", *STORY, head=head.format("2026-05-01T08:00:00Z")))}
    for site in (original, copier):
        await desk.poll(f"{site.url}feed", every=timedelta(minutes=30))
    await desk.collect()
    desk.wait(hours=2)
    copier.paths["/feed"] = ok(rss(item(f"{copier.url}1", "Ferry will not sail"), item(f"{copier.url}0", "Other")))
    await desk.poll(f"{copier.url}feed", every=timedelta(minutes=30))
    articles = {article.title: article for article in await desk.collect()}
    await desk.judge()
    copy = articles["Ferry will not sail"]
    (weighed,) = candidates([copy], {})
    assert (weighed.claim, [claim.raw for claim in weighed.backdated]) == (None, ["2026-05-01T08:00:00Z"])
    stored = await desk.store.article(articles["Ferry stays in port"].id)
    assert (stored.role, (await desk.store.article(copy.id)).role) == ("original", "copy")
    story = await desk.store.story(stored.story)
    assert "back-dated" in {evidence.evidence for copy in story.story.copies for evidence in copy.evidence}
