"""The desk at which a person reviews: what is shown of stories and articles, and rulings on them.

The commands, the page and the API ask here, so that they show and do the same. Everything shown is plain data, as
`core.report` and `render.detail` make it.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, cast, get_args

from crawler import matcher
from crawler.core import report as core
from crawler.core import urls
from crawler.core.types import Article, Copy, Kind, Link, Match, Relation, SourceFacts, Verdict
from crawler.errors import ConflictError, NotFoundError, UsageError
from crawler.ports import Clock, PastRuling, Pool, Shelf, Store, StoredArticle, StoredStory, StoryQuery
from crawler.render import detail, sides

Ruling = Literal["confirm", "reject", "licensed", "original", "split", "merge", "undo"]
RULINGS: tuple[Ruling, ...] = get_args(Ruling)
POSSIBLE = 50           # pairs of a kind that a report offers to a person
LONGEST_NOTE = 2000     # characters
BESIDE = 200            # stories of a report that bring the texts of their copies …
COPIES_BESIDE = 10      # … of so many copies each …
_TEXTS = 16_000_000     # … as long as that are no more characters: a browser has to open it
_SECONDS = 10.0         # of a worker's processor for one comparison
_TARGETS: Mapping[str, tuple[int, int | None, str]] = {   # how many ids follow a ruling
    "original": (1, 1, "one ARTICLE"), "split": (1, None, "at least one ARTICLE"), "merge": (1, 1, "one STORY"),
    "undo": (0, 0, "nothing")}

T = TypeVar("T")
Linked = Sequence[tuple[Link, Article, Article]]


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody rules. `story` is a story's id, or that of an article in one; `targets` as the command takes them.

    With `expected`, the `version` of the story that they saw, a story that has changed since is refused.
    """

    story: str
    ruling: Ruling
    targets: tuple[str, ...] = ()
    note: str = ""
    who: str = ""
    expected: str | None = None
    undo: int | None = None     # the id of a ruling; the newest where None


@dataclass(frozen=True, slots=True)
class Desk:
    """Over the store; `settle` parts the stories of some articles anew, in whatever way this process can."""

    store: Store
    clock: Clock
    settle: Callable[[Sequence[str]], Awaitable[object]] | None = None
    pool: Pool | None = None
    rules: matcher.Rules = field(default_factory=matcher.Rules)
    facts: Mapping[str, SourceFacts] = field(default_factory=dict)

    # --- shown --------------------------------------------------------------------------------------------------

    async def report(self, query: StoryQuery, *, beside: int = 0) -> dict[str, Any]:
        """The whole report of a query. With `beside` as somebody reads it who has no more than the report: each story with
        its claims, rulings and history, the first so many with the texts of copies next to what they are most like."""
        stories = await self.store.stories(query)
        counts = await self.store.counts(self.clock())
        narrow = query.kinds or query.undecided or query.role or query.words or query.state
        proposed = [] if narrow else await self.possible(Relation.REWORDING, query)
        translated = [] if narrow and not query.undecided else await self.possible(Relation.TRANSLATION, query)
        made = core.report(
            [(one.story, one.articles, one.carriers) for one in stories], generated=self.clock().replace(microsecond=0),
            since=query.since, until=query.until, articles=counts.articles, kinds=query.kinds, without=query.without,
            rewordings=proposed, translations=translated)
        if beside:
            await self._enlarge(made, {one.story.id: one for one in stories}, beside)
        return made

    async def _enlarge(self, made: dict[str, Any], stories: Mapping[str, StoredStory], beside: int) -> None:
        """Put into the rows of a report what a person wants to see of each story."""
        left = _TEXTS
        for number, row in enumerate(made["stories"]):
            stored = stories[row["id"]]
            row["articles"] = [{**core.brief(one), "claims": [detail.claim(each, one) for each in one.claims]}
                               for one in stored.articles]
            row["history"] = detail.history(stored)
            standing = [PastRuling(one) for one in stored.verdicts]
            row["rulings"] = [past(one) for one in (
                standing if number >= beside else await self.store.past_rulings(stored.story.id))]
            if number < beside and left > 0:
                left -= await self._add_texts(row, stored)
        made["texts_left_out"] = sum("beside" not in copy for row in made["stories"] for copy in row["copies"])

    async def _add_texts(self, row: dict[str, Any], stored: StoredStory) -> int:
        """Put the texts of the first copies into a row; returns how many characters that were."""
        copies, known = row["copies"][:COPIES_BESIDE], {one.id for one in stored.articles}
        bases = [copy["matched"] if copy["matched"] in known else stored.story.original for copy in copies]
        read = {one.article.id: one for one in await readings(
            self.store, list(dict.fromkeys([*bases, *(copy["article"] for copy in copies)])))}
        for base, copy in zip(bases, copies, strict=True):
            match = await self._known(next(one for one in stored.story.copies if one.article == copy["article"]), base)
            copy["beside"] = await self._run(sides.beside, read[base], read[copy["article"]], self.rules, match)
        return sum(len(read[base].article.text) + len(read[copy["article"]].article.text)
                   for base, copy in zip(bases, copies, strict=True))

    async def possible(self, relation: Relation, query: StoryQuery, limit: int = POSSIBLE) -> list[tuple[Link, Article, Article]]:
        """Pairs that a person may look at, rewordings or translations, as far as the query's source and language let them
        through."""
        links = await self.store.possible(relation, query.since, query.until, limit)
        return [each for each in await with_articles(self.store, links) if _concerns(query, each[1:])]

    async def rows(self, shelf: Shelf) -> list[dict[str, Any]]:
        """Rows of the report for a part of a list, with how many copies there are in all."""
        return [{**core.row(one.story, one.articles, one.carriers), "copy_count": one.copies, "updated": core.moment(one.updated)} for one in shelf.stories]

    async def story(self, id_: str, *, passages: bool = False) -> dict[str, Any]:
        """One story whole, its rulings with those that were taken back. Raises NotFoundError."""
        return await self.story_of(await self.store.story(id_), passages=passages)

    async def story_of(self, stored: StoredStory, *, passages: bool = True) -> dict[str, Any]:
        """A stored story whole; with `passages` what each copy shares with the original, which is computed again."""
        whole = await self.store.kept([one.id for one in stored.articles])
        matches = await self.shared(stored) if passages else {}
        links = await self.linked([one.id for one in stored.articles])
        return {**detail.story(stored, whole, matches, links), "version": stored.version,
                "rulings": [past(one) for one in await self.store.past_rulings(stored.story.id)]}

    async def article(self, id_: str) -> dict[str, Any]:
        """One article whole. Raises NotFoundError."""
        one = await self.store.article(id_)
        return detail.article(one, await self._partners(one), await self.linked([id_]))

    async def beside(self, story: str, article: str) -> dict[str, Any]:
        """A copy beside the text it is most like, as paragraphs of marked pieces. Raises NotFoundError."""
        stored = await self.store.story(story)
        copy = next((one for one in stored.story.copies if one.article == article), None)
        if copy is None:
            raise NotFoundError(f"{article}: no copy in story {stored.story.id}")
        known = {one.id for one in stored.articles}
        base = copy.matched if copy.matched in known else stored.story.original
        left, right = await readings(self.store, [base, article])
        return await self._run(sides.beside, left, right, self.rules, await self._known(copy, base))

    async def _known(self, copy: Copy, base: str) -> Match | None:
        """The stored match of a translation: other matches are quicker computed again than kept in mind."""
        return await self.store.match(base, copy.article) if copy.kind in (Kind.TRANSLATION, Kind.EDITION, Kind.SYNDICATED) else None

    async def _run(self, function: Callable[..., T], *arguments: Any) -> T:
        if self.pool is None:
            return function(*arguments)
        return await self.pool.run(function, *arguments, timeout=_SECONDS)

    async def shared(self, story: StoredStory) -> dict[str, Match]:
        """For each copy its match with the original, computed again for the passages."""
        original, *copies = await readings(self.store, [one.id for one in story.articles])
        found: dict[str, Match | None] = {}
        by_id = {one.article: one for one in story.story.copies}
        for other in copies:
            id_ = other.article.id
            known = await self._known(by_id[id_], original.article.id) if id_ in by_id else None
            is_known = known is not None and known.translation is not None
            found[id_] = known if is_known else await self._run(matcher.pair, original, other, self.rules)
        return {id_: each for id_, each in found.items() if each is not None}

    async def linked(self, ids: Sequence[str]) -> list[tuple[Link, Article, Article]]:
        """The links of these articles, with both ends."""
        return await with_articles(self.store, await self.store.links(ids))

    async def _partners(self, one: StoredArticle) -> StoredStory | None:
        return await self.story_or_none(one.story) if one.story else None

    async def story_or_none(self, id_: str) -> StoredStory | None:
        """The story with this id, or the one that it became."""
        try:
            return await self.store.story(id_)
        except NotFoundError:
            return None

    async def is_proposed(self, one: str, other: str) -> bool:
        """Whether two articles stand in the report as a possible rewording or translation."""
        return any(link.relation in (Relation.REWORDING, Relation.TRANSLATION) and {link.a, link.b} == {one, other}
                   for link in await self.store.links([one]))

    # --- ruled --------------------------------------------------------------------------------------------------

    async def rule(self, wish: Wish) -> Verdict:
        """Store a ruling, or take one back, and part the stories it touches anew.

        Raises UsageError where it makes no sense, NotFoundError, ConflictError where the story has changed.
        """
        check(wish.ruling, wish.targets)
        if len(wish.note) > LONGEST_NOTE:
            raise UsageError(f"note: {len(wish.note):,} characters; at most {LONGEST_NOTE:,} are kept")
        if wish.ruling == "undo":
            stored = await self.store.undo_verdict(
                await self._id_of(wish.story), wish.who, self.clock(), wish.expected, wish.undo)
        else:
            stored = await self.store.add_verdict(await self._verdict(wish), wish.expected)
        if self.settle is not None:
            await self.settle([stored.anchor, *stored.articles])
        return stored

    async def outcome(self, ruling: str, stored: Verdict) -> dict[str, Any]:
        """Where the articles that were ruled on stand now."""
        alone, stories = [], {}
        for id_ in dict.fromkeys((stored.anchor, *stored.articles)):
            one = await self.store.article(id_)
            if one.story is None:
                alone.append({"article": id_, "source": one.article.source, "title": one.article.title, "url": one.article.url})
            elif one.story not in stories:
                found = await self.store.story(one.story)
                stories[one.story] = {**core.row(found.story, found.articles), "version": found.version}
        return {"verdict": detail.verdict(stored), "undone": ruling == "undo", "stories": list(stories.values()),
                "single": alone}

    async def _verdict(self, wish: Wish) -> Verdict:
        ruling, targets = wish.ruling, wish.targets
        if ruling in ("confirm", "reject") and len(targets) == 1 and await self.is_proposed(wish.story, targets[0]):
            return self._made(wish, wish.story, wish.story, targets)
        found = await self._story(wish.story)
        if wish.expected is not None and found.version != wish.expected:
            raise ConflictError(f"story {found.story.id}: it has changed since you saw it; nothing was written. "
                                "Look at it again")
        original, members = found.story.original, [one.id for one in found.articles]
        if ruling == "merge":
            articles = await self._others(found, targets[0])
        elif not targets:
            articles = [id_ for id_ in members if id_ != original]
        else:
            articles = [await self._member(found, target) for target in targets]
            if ruling == "split" and original in articles:   # parted from it are then all who stay
                articles = [id_ for id_ in members if id_ not in articles]
        _sensible(ruling, original, articles)
        return self._made(wish, found.story.id, original, articles)

    def _made(self, wish: Wish, story: str, anchor: str, articles: Sequence[str]) -> Verdict:
        ruling = cast("Any", wish.ruling)   # all but undo, which is none
        return Verdict(0, ruling, story, anchor, tuple(dict.fromkeys(articles)), wish.who, self.clock(), wish.note,
                       not wish.targets)

    async def _id_of(self, given: str) -> str:
        """The story that an id means: its own, or that of the article with this id; for one that ended, the id itself."""
        found = await self.story_or_none(given)
        if found is not None:
            return found.story.id
        try:
            one = await self.store.article(given)
        except NotFoundError:
            return given
        standing = await self.store.verdicts([given])
        return one.story or (standing[-1].story if standing else given)

    async def _story(self, given: str) -> StoredStory:
        found = await self.story_or_none(await self._id_of(given))
        if found is None:
            raise NotFoundError(f"{given}: no story is stored under this id, nor an article that is in one")
        return found

    async def _others(self, one: StoredStory, given: str) -> list[str]:
        other = await self._story(given)
        if other.story.id == one.story.id:
            raise UsageError(f"{given} is the same story")
        return [article.id for article in other.articles]

    async def _member(self, story: StoredStory, given: str) -> str:
        """An article of the story, by its id or its address. Raises NotFoundError."""
        id_ = given
        if "://" in given and (canonical := urls.canonical(given)):
            id_ = await self.store.article_at(canonical) or given
        if id_ not in {one.id for one in story.articles}:
            raise NotFoundError(f"{given}: no such article in story {story.story.id}")
        return id_


def check(ruling: Ruling, targets: Sequence[str]) -> None:
    """Raises UsageError where too few or too many ids follow a ruling."""
    low, high, wanted = _TARGETS.get(ruling, (0, None, ""))
    if len(targets) < low or (high is not None and len(targets) > high):
        raise UsageError(f"{ruling} takes {wanted}")


def _sensible(ruling: str, original: str, articles: Sequence[str]) -> None:
    if ruling in ("reject", "licensed") and original in articles:
        raise UsageError(f"{original} is the story's original; {ruling} is on a copy")
    if not articles:
        raise UsageError("that would part the whole story from nothing: name some of its articles, not all")


def past(one: PastRuling) -> dict[str, Any]:
    """A ruling with who took it back and when."""
    return {**detail.verdict(one.verdict), "undone_by": one.undone_by, "undone_at": core.moment(one.undone_at)}


def _concerns(query: StoryQuery, pair: Sequence[Article]) -> bool:
    """Whether a filter by source and language lets a pair through."""
    return ((query.source is None or query.source in {one.source for one in pair})
            and (query.language is None or query.language in {one.language for one in pair}))


async def with_articles(store: Store, links: Sequence[Link]) -> list[tuple[Link, Article, Article]]:
    """Links with the articles that they tie."""
    by_id = {one.id: one for one in await store.articles([id_ for link in links for id_ in (link.a, link.b)])}
    return [(link, by_id[link.a], by_id[link.b]) for link in links if link.a in by_id and link.b in by_id]


async def readings(store: Store, ids: Sequence[str]) -> list[matcher.Reading]:
    """Stored articles as they were judged: without what their sources repeat."""
    return [matcher.Reading(one, dropped) for one, dropped in await store.readings(ids)]
