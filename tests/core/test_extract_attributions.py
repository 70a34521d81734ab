"""Where a page says that its article comes from: each way of saying it, and what looks like it and is not."""

import pytest

from crawler.core.extract import read_content, read_page
from crawler.core.types import AttributionKind as Kind

URL = "https://portal.example/news/bridge"
PROSE = "".join(f"<p>The town council voted on Tuesday evening to keep bridge number {n} open to walkers and cyclists, and asked "
                "engineers to report on the state of the eastern pier before the winter.</p>" for n in ("one", "two", "three", "four"))
ARABIC = "<p>قرر المجلس البلدي مساء الثلاثاء إبقاء الجسر الحديدي القديم مفتوحا أمام المشاة وراكبي الدراجات في المدينة.</p>" * 3
CHINESE = "<p>市议会周二晚间投票决定，继续向行人和骑自行车的人开放这座建于一百年前的旧铁桥，并拨出专款维修东侧桥墩。</p>" * 3
HINDI = "<p>नगर परिषद ने मंगलवार शाम को पुराने लोहे के पुल को पैदल चलने वालों और साइकिल सवारों के लिए खुला रखने का फैसला किया।</p>" * 3


def read(head="", before="", after="", outside="", prose=PROSE, url=URL, **kwargs):
    markup = (f"<html><head><title>Bridge</title><meta property='og:site_name' content='Portal'>{head}</head><body>"
              f"<article><h1>Bridge stays open</h1>{before}{prose}{after}</article>{outside}</body></html>")
    return read_page(markup.encode(), url, "text/html; charset=utf-8", **kwargs).attributions


def told(*args, kind=None, **kwargs):
    return [(a.kind, a.name, a.url) for a in read(*args, **kwargs) if kind in {None, a.kind}]


def ld(json):
    return f'<script type="application/ld+json">{{"@type":"NewsArticle",{json}}}</script>'


# --- head and JSON-LD ---------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("head", "where"), [
    ('<link rel="canonical" href="https://herald.example/a?x=1">', "link rel=canonical"),
    ('<link rel="shortlink canonical" href="//herald.example/a?x=1">', "link rel=canonical"),
    ('<meta property="og:url" content="https://herald.example/a?x=1">', "meta og:url")])
def test_canonical_elsewhere(head, where):
    (found,) = [a for a in read(head) if a.kind is Kind.CANONICAL_ELSEWHERE]
    assert found.url.startswith("https://herald.example/a") or found.url.startswith("http://herald.example/a")
    assert found.where == where


@pytest.mark.parametrize("href", [
    "https://herald.example/", "https://herald.example", "https://herald.example/en/", "https://www.portal.example/other",
    "https://news.google.com/articles/abc", "https://feedproxy.google.com/~r/x/1", "https://t.co/abc", "javascript:x()", "http://[", ""])
def test_home_pages_proxies_and_the_own_site_are_no_canonical_elsewhere(href):
    assert told(f'<link rel="canonical" href="{href}">') == []


def test_a_cache_is_looked_through():
    assert told('<link rel="canonical" href="https://herald-example.cdn.ampproject.org/c/s/herald.example/a">') == [
        (Kind.CANONICAL_ELSEWHERE, None, "https://herald.example/a")]


def test_canonical_in_the_http_header():
    headers = [("Link", '<https://herald.example/a>; rel="canonical"')]
    assert (Kind.CANONICAL_ELSEWHERE, None, "https://herald.example/a") in told(headers=headers)


@pytest.mark.parametrize(("json", "expected"), [
    ('"isBasedOn":"https://herald.example/a"', (Kind.BASED_ON, None, "https://herald.example/a")),
    ('"isBasedOn":{"@type":"NewsArticle","name":"The Herald","url":"https://herald.example/a"}',
     (Kind.BASED_ON, "The Herald", "https://herald.example/a")),
    ('"isBasedOnUrl":["https://herald.example/a"]', (Kind.BASED_ON, None, "https://herald.example/a")),
    ('"sourceOrganization":{"name":"The Herald","url":"https://herald.example"}',
     (Kind.BASED_ON, "The Herald", "https://herald.example")),
    ('"provider":{"@type":"Organization","name":"Reuters"}', (Kind.AGENCY_CREDIT, "Reuters", None)),
    ('"creditText":"Reuters"', (Kind.AGENCY_CREDIT, "Reuters", None)),
    ('"creditText":"The Herald"', (Kind.NAMES_SOURCE, "The Herald", None)),
    ('"author":{"@type":"Organization","name":"Agence France-Presse"}', (Kind.AGENCY_CREDIT, "AFP", None)),
    ('"author":[{"@type":"Person","name":"Ann Lee"},{"@type":"Person","name":"Associated Press"}]', (Kind.AGENCY_CREDIT, "AP", None)),
    ('"author":"Felix Stein und Jo Wolf, dpa"', (Kind.AGENCY_CREDIT, "dpa", None)),
])
def test_json_ld(json, expected):
    assert told(ld(json)) == [expected]


@pytest.mark.parametrize("json", [
    '"isBasedOn":"https://portal.example/news/bridge"', '"isBasedOn":""', '"isBasedOn":[[[]]]', '"isBasedOn":{"name":3}',
    '"isPartOf":{"name":"The Herald","url":"https://herald.example"}', '"sourceOrganization":{"name":"Portal"}',
    '"author":{"name":"Ann Reuter"}', '"author":"Reuters Breakingviews columnist Ann Lee"', '"publisher":{"name":"Portal"}',
    '"image":{"creditText":"Reuters"}', '"author":"FOCUS online"'])
def test_json_ld_that_says_nothing_of_the_kind(json):
    assert told(ld(json)) == []


@pytest.mark.parametrize(("meta", "expected"), [
    ('name="original-source" content="https://herald.example/a"', (Kind.BASED_ON, None, "https://herald.example/a")),
    ('name="syndication-source" content="https://herald.example/a"', (Kind.BASED_ON, None, "https://herald.example/a")),
    ('name="source" content="The Herald"', (Kind.NAMES_SOURCE, "The Herald", None)),
    ('name="author" content="dpa"', (Kind.AGENCY_CREDIT, "dpa", None))])
def test_meta(meta, expected):
    assert told(f"<meta {meta}>") == [expected]


@pytest.mark.parametrize("meta", [
    'name="original-source" content="https://portal.example/x"', 'name="source" content="Portal"', 'name="source" content="Portal 2026"',
    'name="source" content=""', 'name="source" content="4711"'])
def test_meta_that_names_the_page_itself(meta):
    assert told(f"<meta {meta}>") == []


# --- labels -------------------------------------------------------------------------------------------------------

LABELS = [
    ("<p>Source: The Herald</p>", "The Herald", None),
    ('<p>Source: <a href="https://herald.example/a">The Herald</a></p>', "The Herald", "https://herald.example/a"),
    ('<div><span>Source:</span> <a href="https://herald.example/a">The Herald</a></div>', "The Herald", "https://herald.example/a"),
    ('<dl><dt>Source:</dt><dd><a href="https://herald.example/a">The Herald</a></dd></dl>', "The Herald", "https://herald.example/a"),
    ('<p>Source:<br><a href="https://herald.example/a">The Herald</a></p>', "The Herald", "https://herald.example/a"),
    ("<dl><dt>Source</dt><dd>The Herald</dd></dl>", "The Herald", None),
    ("<p>Quelle: Nordblatt</p>", "Nordblatt", None),
    ("<p>Fuente: El Puente</p>", "El Puente", None),
    ("<p>Источник: Невский листок</p>", "Невский листок", None),
    ("<p>المصدر: صحيفة الجسر</p>", "صحيفة الجسر", None),
    ("<p>来源：大桥日报</p>", "大桥日报", None),
    ("<p>Source: Reuters</p>", "Reuters", None),
]


@pytest.mark.parametrize("place", ["after", "before"])
@pytest.mark.parametrize(("label", "name", "url"), LABELS)
def test_source_labels(label, name, url, place):
    assert told(**{place: label}, kind=Kind.NAMES_SOURCE) == [(Kind.NAMES_SOURCE, name, url)]


@pytest.mark.parametrize("label", [
    "<figure><img src=x><figcaption>Source: Reuters</figcaption></figure>",
    '<div class="image-caption">Source: Reuters</div>', "<nav>Source: Reuters</nav>",
    '<aside class="related">Source: Reuters</aside>', "<p>Source: Portal</p>", "<p>Source: portal.example</p>",
    '<p>Source: <a href="/about">Portal</a></p>', "<p>Original price of the Nordblatt set</p>",
    "<p>कॉपी लिंक</p><p>दुकानदार</p>", "<p>情報提供</p><p>お楽しみ</p>",
    '<p>Zum Inhalt dieser Seite</p><p><a href="https://herald.example/">Zur Mediathek</a></p>',
    '<p>Zum Inhalt dieser Seite <a href="https://herald.example/">Zur Mediathek</a></p>'])
def test_picture_credits_teasers_and_self_labels_are_no_source(label):
    assert told(after=label, kind=Kind.NAMES_SOURCE) == []


@pytest.mark.parametrize("place", ["before", "after", "outside"])
def test_a_label_of_the_own_name_is_none_whatever_is_linked_beside_it(place):
    label = '<div>Source: Portal<a href="https://portal-rights.example/buy/?id=7">Order a licence</a></div>'
    assert told(**{place: label}, kind=Kind.NAMES_SOURCE) == []


def test_the_mark_of_a_picture_between_two_paragraphs_is_no_credit():
    picture = '<div><img src="/a.jpg"><div class="c1">Walkers on the bridge on Monday</div><div class="c2">REUTERS</div></div>'
    assert told(prose=PROSE + picture + PROSE.replace("Tuesday", "Monday")) == []


def test_a_label_of_an_own_name_and_another_keeps_the_other():
    assert told(after="<p>Quelle: portal.example, dpa</p>", kind=Kind.NAMES_SOURCE) == [(Kind.NAMES_SOURCE, "dpa", None)]


# --- sentences ----------------------------------------------------------------------------------------------------

def test_a_declaration_with_its_exact_words_and_its_link():
    sentence = "This article was automatically copied from The Herald. "
    found = read(after=f'<p>{sentence}<a href="https://herald.example/a?id=1">Read the original</a></p>')
    (declared,) = [a for a in found if a.kind is Kind.DECLARED_COPY]
    assert declared.quote == sentence.strip()
    assert declared.url == "https://herald.example/a?id=1"
    assert [(a.url, a.quote) for a in found if a.kind is Kind.NAMES_SOURCE] == [("https://herald.example/a?id=1", sentence.strip())]


def test_a_declaration_whose_link_stands_in_the_next_element():
    found = read(after='<p>This news was quoted automatically from its primary source:</p><p><a href="https://herald.example/a">'
                       "https://herald.example/a</a></p>")
    assert {(a.kind, a.url) for a in found} == {(Kind.DECLARED_COPY, "https://herald.example/a"),
                                                (Kind.NAMES_SOURCE, "https://herald.example/a")}


def test_a_declaration_that_extraction_drops_is_still_read():
    footer = '<div class="post-meta"><small>This article was originally published on The Herald.</small></div>'
    assert Kind.DECLARED_COPY in {a.kind for a in read(outside=footer)}


@pytest.mark.parametrize(("sentence", "prose"), [
    ("تم نقل هذا الخبر تلقائيا من المصدر الأصلي", ARABIC),
    ("本文转载自大桥日报。", CHINESE),
    ("यह खबर मूल स्रोत से स्वचालित रूप से कॉपी की गई है।", HINDI),
])
def test_declarations_in_other_scripts(sentence, prose):
    found = read(after=f'<p>{sentence} <a href="https://herald.example/a">herald.example</a></p>', prose=prose)
    assert [a.url for a in found if a.kind is Kind.DECLARED_COPY] == ["https://herald.example/a"]


def test_sharing_buttons_and_own_links_are_no_source():
    found = read(after='<p>This article was automatically copied from The Herald. <a href="https://www.facebook.com/sharer?u=x">f</a>'
                       '<a href="/tag/bridge">bridge</a><a href="mailto:a@b.example">mail</a></p>')
    assert [a.url for a in found] == [None]


def test_an_article_about_copying_declares_nothing():
    prose = PROSE + ("<p>The judge said the newspaper had copied the article from its rival without asking, and that readers of "
                     "both papers deserved to know where the story had first been told.</p>") + PROSE
    assert told(prose=prose) == []


# --- agencies -----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("byline", [
    '<p class="byline">By Reuters Staff</p>', '<span itemprop="author">Reuters</span>', '<a rel="author" href="/a/reuters">Reuters</a>',
    '<div class="author-name">Ann Lee, Reuters</div>'])
def test_agency_bylines(byline):
    assert (Kind.AGENCY_CREDIT, "Reuters", None) in told(before=byline)


@pytest.mark.parametrize("byline", [
    '<p class="byline">By Ann Lee</p>', '<p class="byline">Photo: Reuters</p>', '<div class="author">A A</div>',
    '<aside><p class="byline">By Reuters</p></aside>'])
def test_bylines_that_name_no_agency(byline):
    assert told(before=byline) == []


def test_a_dateline():
    found = told(prose="<p>HILLFORD (Reuters) - The council of the town voted on Tuesday to keep its bridge open.</p>" + PROSE)
    assert (Kind.DATELINE, "Reuters", None) in found


def test_a_credit_line_that_names_an_agency_and_a_person():
    assert (Kind.AGENCY_CREDIT, "AP", None) in told(after="<p>With files from The Associated Press and Ann Lee</p>")


def test_an_agency_quoted_in_the_middle_is_no_credit():
    assert told(prose=PROSE + "<p>The mayor told Reuters that the bridge would be repaired in the spring.</p>" + PROSE) == []


def test_an_agency_on_its_own_pages_credits_nobody():
    prose = "<p>HILLFORD (Reuters) - The council of the town voted on Tuesday to keep its bridge open.</p>" + PROSE
    assert told(ld('"author":"Reuters"'), prose=prose, url="https://www.reuters.com/world/bridge") == []


# --- all together -------------------------------------------------------------------------------------------------

def test_bounds_and_order():
    labels = "".join(f'<p>Source: <a href="https://s{n}.example/a">Paper number {n}</a></p>' for n in range(90))
    found = read('<link rel="canonical" href="https://herald.example/a">',
                 after=f"<p>This article was automatically copied from The Herald. {'x' * 500}</p>" + labels)
    assert len(found) == 40
    assert all(a.quote is None or len(a.quote) <= 300 for a in found)
    kinds = [list(Kind).index(a.kind) for a in found]
    assert kinds == sorted(kinds)


def test_content_of_a_feed_entry_is_read_the_same_way():
    found = read_content(PROSE + '<p>Source: <a href="https://herald.example/a">The Herald</a></p>', URL, "Bridge").attributions
    assert [(a.kind, a.name, a.url) for a in found] == [(Kind.NAMES_SOURCE, "The Herald", "https://herald.example/a")]
