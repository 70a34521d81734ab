"""`deduplicate` and `compare`: the matcher on texts in memory, without a crawl or a store.

The same steps as the daemon's judge, over all documents at once, so the order of the input cannot matter.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import lru_cache, partial
from itertools import compress
from multiprocessing import get_context
from typing import Any, TypeVar

from crawler import matcher
from crawler.core import story, urls
from crawler.core.text import whole_key
from crawler.core.types import Article, Link, Match, Settled, SourceFacts
from crawler.dedup import result, sketch
from crawler.dedup.candidates import Question, questions, with_holders
from crawler.dedup.document import Document, attributions, watched
from crawler.dedup.result import Deduplicated, Row
from crawler.dedup.sketch import Sketch
from crawler.dedup.twins import Twins
from crawler.ports.encoding import Across

A = TypeVar("A")
B = TypeVar("B")
Step = Callable[[Callable[[A], B], Iterable[A]], Iterable[B]]


def deduplicate(
    documents: Iterable[Document | Mapping[str, Any]], *, containment: float = 0.6, min_words: int = 40,
    window: timedelta = timedelta(days=90), jobs: int = 1, facts: Mapping[str, SourceFacts] | None = None,
    across: Across | None = None,
) -> Deduplicated:
    """Find the copies among documents and name each story's original.

    `documents` are `Document` or mappings with its fields; ids are unique, else ValueError. `jobs` processes share
    the work; the result does not depend on their number, nor on the order of the documents. With `across` translated
    copies are found too.
    """
    rules = matcher.Rules(containment, min_words)
    with _workers(jobs) as step:
        given = [one if isinstance(one, Document) else Document(**one) for one in documents]
        ids = [one.id for one in given]
        if len(set(ids)) != len(ids):
            raise ValueError("ids are not unique")
        if across is not None:
            given = list(step(_spoken, given))
        articles = list(watched(list(step(Document.article, given)), {one.id for one in given if one.first_seen}))
        twins = Twins.of(articles, window)
        judged = _judged(step, twins.first, set(_templates(articles)), rules, window)
        if across is not None:
            judged = _with_translations(step, judged, across)
        settled = list(step(partial(_settle, rules, facts or {}), _components(judged.readings, judged.matches)))
    stories = sorted(twins.joined([one for each in settled for one in each.stories]), key=lambda one: one.original)
    links = [one for each in settled for one in each.links]
    links += result.apart(judged.rewordings, stories)
    links += result.apart(judged.doubtful, stories)
    links.sort(key=lambda one: (one.relation, one.a, one.b))
    named = tuple(map(result.named, stories))
    return Deduplicated(tuple(result.rows(ids, named)), tuple(result.pairs(judged.matches, named, links)), named,
                        dict(twins.barred(judged.barred)), tuple(links))


def _spoken(one: Document) -> Document:
    """With the language of its text, judged by that: what is stated may be a site's and not the text's."""
    from crawler.core.extract import language  # noqa: PLC0415 - half a second that only those pay who ask

    return replace(one, language=language.of(one.text, one.language))


@dataclass(frozen=True, slots=True)
class _Judged:
    """What comparing documents gave."""

    readings: Mapping[str, matcher.Reading]
    matches: Sequence[Match]
    rewordings: Sequence[Link]
    barred: Mapping[str, str]
    doubtful: Sequence[Link] = ()


def _judged(
    step: Step[Any, Any], articles: Mapping[str, Article], templates: AbstractSet[str], rules: matcher.Rules, window: timedelta,
) -> _Judged:
    prepared: dict[str, matcher.Prepared] = {}
    sketches: dict[str, Sketch | None] = {}
    for id_, (one, sketched) in zip(articles, step(partial(_prepare, rules), with_holders(articles)), strict=True):
        prepared[id_], sketches[id_] = one, sketched
    prepared |= {id_: replace(prepared[id_], keys=(), wall="template") for id_ in templates & prepared.keys()}
    readings = {id_: matcher.Reading(one, frozenset(prepared[id_].dropped)) for id_, one in articles.items()}
    asked = list(questions(articles, prepared, readings, sketches, rules.containment * matcher.RELATED, window))
    compared = ((one.mine, one.asked) for one in asked if one.asked)
    matches = sorted((each for found in step(partial(_verify, rules), compared) for each in found),
                     key=lambda each: (each.a, each.b))
    return _Judged(readings, matches, [each for found in step(_reworded, _open(asked, matches, sketches)) for each in found],
                   {id_: one.wall for id_, one in prepared.items() if one.wall})


def _with_translations(step: Step[Any, Any], judged: _Judged, across: Across) -> _Judged:
    from crawler.dedup import crosslingual  # noqa: PLC0415 - numpy, which nobody else pays for

    asked = [one for id_, one in sorted(judged.readings.items()) if id_ not in judged.barred]
    found = crosslingual.crossed(step, asked, judged.matches, across)
    copied = {(each.a, each.b) for each in judged.matches if each.copied}
    crossed = {(each.a, each.b): each for each in found.matches if (each.a, each.b) not in copied}
    within = [each for each in judged.matches if (each.a, each.b) not in crossed]   # one match a pair
    return replace(judged, matches=sorted([*within, *crossed.values()], key=lambda each: (each.a, each.b)),
                   doubtful=found.links)


@contextmanager
def _workers(jobs: int) -> Iterator[Step[Any, Any]]:
    """`map`, over this process or several; results in the order given either way."""
    if jobs <= 1:
        yield map
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield partial(pool.map, chunksize=16)


def _templates(articles: Sequence[Article]) -> Iterator[str]:
    """Articles whose text their host shows under other titles too: walls and templates."""
    alike: dict[tuple[str, int], list[Article]] = {}
    for one in articles:
        if one.url:
            alike.setdefault((urls.site(one.url), _whole(one.text)), []).append(one)
    for group in alike.values():
        if len(group) > 1 and matcher.is_template(group[0].text, (one.title for one in group)):
            yield from (one.id for one in group)


@lru_cache(maxsize=256)  # a text may come a million times
def _whole(text: str) -> int:
    return whole_key(text)


def _prepare(
    rules: matcher.Rules, given: tuple[Article, dict[int, list[str]]],
) -> tuple[matcher.Prepared, Sketch | None]:
    found = matcher.prepare(given[0], given[1], rules)
    return found, sketch.of(matcher.Reading(given[0], frozenset(found.dropped)).body()) if found.keys else None


_Asked = tuple[matcher.Reading, Sequence[matcher.Reading]]


def _verify(rules: matcher.Rules, given: _Asked) -> list[Match]:
    return matcher.verify(given[0], given[1], rules)


def _open(
    asked: Sequence[Question], matches: Sequence[Match], sketches: Mapping[str, Sketch | None],
) -> Iterator[_Asked]:
    """Each article with the candidates that may retell it, after all matches of it, whoever found them."""
    by_article: dict[str, list[Match]] = {}
    for each in matches:
        for id_ in (each.a, each.b):
            by_article.setdefault(id_, []).append(each)
    for question in asked:
        mine = question.mine
        others = matcher.retelling(mine, question.candidates, by_article.get(mine.article.id, []))
        may = sketch.Compared(sketches[mine.article.id]).may_retell([sketches[other.article.id] for other in others])
        if any(may):
            yield mine, [*compress(others, may)]


def _reworded(given: _Asked) -> list[Link]:
    return matcher.rewordings(given[0], given[1], ())


def _settle(
    rules: matcher.Rules, facts: Mapping[str, SourceFacts], given: tuple[list[matcher.Reading], list[Match]],
) -> Settled:
    return matcher.settle(given[0], given[1], (), facts, rules)


def _components(
    readings: Mapping[str, matcher.Reading], matches: Sequence[Match],
) -> Iterator[tuple[list[matcher.Reading], list[Match]]]:
    """Groups of articles tied by copies, with the matches among them."""
    tied = story.ties(matches, ())
    parts = story.components(set(tied.linked), tied)
    place = {id_: number for number, part in enumerate(parts) for id_ in part}
    inside: dict[int, list[Match]] = {}
    for each in matches:
        if each.a in place and place[each.a] == place.get(each.b):
            inside.setdefault(place[each.a], []).append(each)
    for number, part in enumerate(parts):
        yield [readings[id_] for id_ in sorted(part)], inside.get(number, [])


def compare(a: Document | str, b: Document | str, *, containment: float = 0.6) -> Match | None:
    """The match of two texts, or None where they share nothing worth the name. Lengths are not asked about."""
    one, other = (matcher.Reading((each if isinstance(each, Document) else Document(id_, each)).article())
                  for each, id_ in ((a, "a"), (b, "b")))
    return matcher.pair(one, other, matcher.Rules(containment))


__all__ = ["Across", "Deduplicated", "Document", "Row", "attributions", "compare", "deduplicate"]
