"""Why a text may be no article, and that articles are not taken for walls."""

import pytest

from crawler.core.extract import read_page

URL = "https://news.example/story/bridge"
SENTENCE = "The town council voted on Tuesday evening to keep the old iron bridge open to walkers and cyclists. "
ARTICLE = "".join(f"<p>{SENTENCE * 2}Point {n} of the agenda was left for June.</p>" for n in range(6))


def walls(body, head="", url=URL, **kwargs):
    return read_page(f"<html><head><title>Bridge</title>{head}</head><body>{body}</body></html>".encode(), url, **kwargs).walls


def article(text=ARTICLE):
    return f"<article><h1>Bridge stays open</h1>{text}</article>"


def test_an_article_has_no_wall():
    assert walls(article()) == ()


@pytest.mark.parametrize(("status", "wall"), [
    (401, "login"), (402, "paywall"), (403, "challenge"), (404, "soft-404"), (410, "soft-404"), (451, "consent"), (500, "soft-404")])
def test_status(status, wall):
    assert walls(article(), status=status) == (wall,)


@pytest.mark.parametrize(("text", "expected"), [
    (SENTENCE, ("short",)), (SENTENCE * 3, ()), ("短い記事です。" * 5, ("short",)),
    ("市議会は火曜日の夜、古い鉄橋を歩行者のために開放することを決めた。" * 4, ())])
def test_short_counts_words_in_every_script(text, expected):
    assert walls(article(f"<p>{text}</p>")) == expected


@pytest.mark.parametrize("value", [False, "False", "false", "http://schema.org/False"])
def test_paywall_by_json_ld(value):
    literal = "false" if value is False else f'"{value}"'
    head = f'<script type="application/ld+json">{{"@type":"NewsArticle","isAccessibleForFree":{literal}}}</script>'
    assert walls(article(f"<p>{SENTENCE * 4}</p>"), head) == ("paywall",)
    assert walls(article(f"<p>{SENTENCE * 4}</p>"), head.replace(literal, "true")) == ()
    assert walls(article(ARTICLE * 3), head) == ()


def test_paywall_by_a_part_that_is_not_free():
    head = ('<script type="application/ld+json">{"@type":"NewsArticle","hasPart":{"@type":"WebPageElement",'
            '"isAccessibleForFree":"False"}}</script>')
    assert walls(article(f"<p>{SENTENCE * 4}</p>"), head) == ("paywall",)


@pytest.mark.parametrize("body", [
    '<div id="root"></div><script src="/app.js"></script>',
    '<div id="__next"></div><script>self.__next_f=[]</script>',
    "<noscript>You need to enable JavaScript to run this app.</noscript><div></div><script src=a></script>",
    "<app-root></app-root><script src=a></script>"])
def test_script_shell(body):
    assert walls(body) == ("script", "short")


@pytest.mark.parametrize(("body", "kwargs"), [
    ('<h1>Just a moment...</h1><script src="/cdn-cgi/challenge-platform/h/b/orchestrate/chl_page/v1"></script>', {}),
    ('<iframe src="https://geo.captcha-delivery.com/captcha/?x=1"></iframe>', {}),
    ("<p>One moment</p>", {"headers": [("cf-mitigated", "challenge")]}),
    ('<div id="px-captcha"></div>', {})])
def test_challenge(body, kwargs):
    assert "challenge" in walls(body, **kwargs)


def test_an_article_on_a_site_that_checks_browsers_is_no_challenge():
    assert walls(article() + '<script src="/cdn-cgi/challenge-platform/scripts/jsd/main.js"></script>') == ()


def teasers(count):
    return "".join(f'<div class="item"><h2><a href="/s/{n}">Council of town number {n} votes on its bridge again</a></h2></div>'
                   for n in range(count))


@pytest.mark.parametrize("url", ["https://news.example/", "https://news.example", "https://news.example/en/", "https://news.example/index.html"])
def test_front_page(url):
    assert "list" in walls(f"<main>{teasers(3)}<p>{SENTENCE * 5}</p></main>", url=url)


def test_listing():
    assert "list" in walls(f"<main><h1>Politics</h1>{teasers(30)}</main>", url="https://news.example/politics")
    assert "list" in walls(f"<main><h1>Politics</h1>{teasers(12)}</main>",
                           '<script type="application/ld+json">{"@type":"CollectionPage"}</script>', url="https://news.example/p")


def test_an_article_with_many_teasers_below_is_no_list():
    assert walls(article() + f'<section>{teasers(12)}</section>') == ()
    head = '<script type="application/ld+json">[{"@type":"NewsArticle","headline":"x"},{"@type":"ItemList"}]</script>'
    assert walls(article() + f'<section>{teasers(40)}</section>', head) == ()


def test_an_article_addressed_by_a_query_is_no_front_page():
    assert walls(article(), url="https://news.example/?p=123") == ()
