"""Whether a sentence, by the parts its words play, is a site's own phrase.

The theory. A declaration has a core (this item + copied, originally published, syndicated …) and explains itself: nearly
every word of it plays a part, but for the name it gives and the headline it repeats. What discusses copying has words
that no declaration needs ("the minister", "plagiarism", "many"), a reporting verb, a condition, a negation or quotation
marks around the core. So a rule asks for parts, and `Sentence.plain` bounds the words that play none.

The rules know no language. What differs between languages stands in the table, but for one thing: where what governs
stands last (`HEAD_FINAL`), a name stands before its preposition (`names`).
"""

from collections.abc import Callable

from crawler.core.phrases.agencies import agency
from crawler.core.phrases.lexicon import (
    BITS,
    HEAD_FINAL,
    LANGUAGES,
    Part,
    Parts,
    everywhere,
    in_language,
    of_language,
)
from crawler.core.phrases.sentence import Sentence, clauses, read
from crawler.core.phrases.vetoing import LONGEST, OF, by_others, vetoed

__all__ = ["Sentence", "declares", "greets", "promising", "read", "thanks"]



Rule = Callable[[Sentence], bool]


_MANNER = Part.AUTO | Part.SRC | Part.FEED
# Where "from" is written into the word itself: sitesinden, מהאתר.
_ATTACHED = HEAD_FINAL | {"he", "ar", "el"}
# Where the item stands before what belongs to it: この記事のデータ, 本文数据.
_ITEM_FIRST = HEAD_FINAL | {"zh"}


def _pointed(sentence: Sentence) -> bool:
    """Whether it says from where or how: "copied" alone is no declaration, and "copied by" speaks of others."""
    if sentence.has(_MANNER):
        return True
    named = sentence.name is not None or sentence.has(Part.OUTLET)
    return named and (sentence.has(Part.FROM) or sentence.language in _ATTACHED)


def _whole(sentence: Sentence) -> bool:
    """Whether the item itself is spoken of, not something in it: "the figures in this article were taken from …"."""
    item = sentence.first(Part.ITEM)
    if item is None:
        return True
    if _possessed(sentence, item):
        return False
    window = range(item + 1, min(item + 3, len(sentence.parts))) if sentence.language in _ITEM_FIRST else range(max(0, item - 4), item)
    return not any(sentence.strange(at) and agency(sentence.tokens[at].form) is None and (at == 0 or sentence.language == "de" or not sentence.named_like(at)) for at in window)


def _sure_name(sentence: Sentence) -> bool:
    """Whether the name is one beyond doubt: an agency, a web address, or a name after "newspaper", "site"."""
    if sentence.name is None:
        return False
    first, last = sentence.name
    return agency(sentence.named) is not None or sentence.has(Part.OUTLET) or _foreign(sentence) or any(
        token.domain for token in sentence.tokens[first:last])


def _foreign(sentence: Sentence) -> bool:
    """Whether a Latin name stands among words of another script: a brand."""
    return sentence.named.isascii() and not any(token.form.isascii() for token in sentence.tokens[:1])


_WRITTEN_OF = {"ko": ("의",), "tr": ("nin", "nın", "nun", "nün", "deki", "daki", "teki", "taki")}


def _possessed(sentence: Sentence, item: int) -> bool:
    """Whether something of the item is spoken of: この記事のデータ, इस लेख के आंकड़े."""
    after = item + 1
    if after < len(sentence.tokens) and sentence.tokens[after].form in OF:
        after += 1
    elif not sentence.tokens[item].form.endswith(_WRITTEN_OF.get(sentence.language, ("\0",))):
        return False
    return after < len(sentence.parts) and not sentence.parts[after]


def _taken(sentence: Sentence) -> bool:
    """Whether a verb says that something was copied; "generated", "provided", "published" do so only with a feed or a source."""
    if sentence.has(Part.COPY):
        return True
    if sentence.has(Part.MADE):
        robot = sentence.has(Part.AUTO, Part.FROM, Part.OUTLET) and sentence.has(Part.US | Part.THIS)
        return robot or sentence.has(Part.FEED | Part.SRC) or (sentence.has(Part.FROM) and agency(sentence.named) is not None)
    return sentence.has(Part.PUB) and (sentence.has(Part.FEED, Part.FROM) or sentence.has(Part.AUTO, Part.SRC))


def _copied(sentence: Sentence) -> bool:
    """This item was copied (automatically | from its source | from NAME)."""
    if not (sentence.has(Part.ITEM) and _taken(sentence) and _pointed(sentence) and _whole(sentence)):
        return False
    if sentence.has(Part.THIS) or sentence.has(Part.US):
        return sentence.plain(2, 0.25)
    sure = sentence.has(_MANNER) or _sure_name(sentence)
    return sure and not _active(sentence) and sentence.starts(Part.ITEM | Part.COPY) and sentence.plain(1, 0.15)


def _active(sentence: Sentence) -> bool:
    """Whether something is said to copy: "the software copies articles from news sites"."""
    copied, item = sentence.first(Part.COPY | Part.MADE | Part.PUB), sentence.first(Part.ITEM)
    if copied is None or item is None or copied >= item or sentence.language in HEAD_FINAL:
        return False
    return any(part & (Part.AUTO | Part.OUTLET | Part.SRC | Part.FEED) and not part & Part.FROM for part in sentence.parts[:copied])


def _first_published(sentence: Sentence) -> bool:
    """This item was first published on NAME."""
    if not sentence.has(Part.ITEM, Part.PUB, Part.FIRST | Part.SRC) or not _whole(sentence):
        return False
    if sentence.name is None and (sentence.has(Part.US) or not sentence.has(Part.OUTLET)):
        return False   # "first appeared in our print edition"
    return (sentence.has(Part.THIS) or (sentence.starts(Part.ITEM) and _sure_name(sentence))) and sentence.plain(1, 0.15)


def _credits(sentence: Sentence) -> bool:
    """Whether a word credits that does nothing else: "with" is not enough."""
    return any(parts & Part.CREDIT and not parts & (Part.FILL | Part.FROM | Part.AT) for parts in sentence.parts)


_CREDIT = 10        # words of "reprinted by permission of …"


def _permitted(sentence: Sentence) -> bool:
    """Reprinted with permission of the author."""
    return (sentence.has(Part.COPY, Part.AUTO, Part.OUTLET) and not sentence.has(Part.NOT) and len(sentence.tokens) <= _CREDIT
            and sentence.starts(Part.COPY) and sentence.plain(0, 0))


def _elliptic(sentence: Sentence) -> bool:
    """Copied automatically from its source. Originally published on NAME."""
    if _permitted(sentence):
        return True
    first = sentence.has(Part.PUB, Part.FIRST) and sentence.has(Part.FROM | Part.AT)
    if len(sentence.tokens) > 16 or _credits(sentence) or not (first or sentence.has(Part.COPY, Part.FROM)):
        return False
    capital = sentence.name is not None and sentence.named[:1].isupper()
    if not (capital or sentence.has(_MANNER) or _sure_name(sentence)):
        return False
    return sentence.starts(Part.COPY | (Part.PUB | Part.FIRST if first else 0)) and sentence.plain(0, 0.1)


def _footer(sentence: Sentence) -> bool:
    """The post HEADLINE appeared first on NAME."""
    at, item = sentence.first(Part.WP), sentence.first(Part.ITEM)
    if item is None:
        return False
    if at is None or (at <= item and sentence.language not in HEAD_FINAL):
        return _footer_in_words(sentence, item)
    if sentence.language in HEAD_FINAL:
        return at >= len(sentence.tokens) - 6
    if sentence.name is None and sentence.has(Part.US):
        return False   # "first appeared in our newsletter"
    middle = [token for i, token in enumerate(sentence.tokens[:at]) if i > item]
    # A headline begins with a capital; what goes on in small letters is a sentence about an article.
    return sentence.starts(Part.ITEM) and (not middle or middle[0].quoted or middle[0].proper)


_HEADLINE = 3       # words of the shortest headline: fewer are somebody's name, "the story Jane Roe told first appeared in …"
_OUTLET_NAME = 7    # words of whom a footer names, with its preposition


def _footer_in_words(sentence: Sentence, item: int) -> bool:
    """A footer in other words than WordPress has: "Запись HEADLINE впервые появилась на сайте NAME"."""
    if item > 2 or not sentence.has(Part.PUB | Part.WP, Part.FIRST):
        return False
    opens = item + 1 < len(sentence.tokens) and (sentence.tokens[item + 1].quoted or sentence.tokens[item + 1].proper)
    firsts = [at for at, part in enumerate(sentence.parts) if part & Part.FIRST and at > item + _HEADLINE]
    if not opens or not firsts:
        return False
    if sentence.parts[item] & Part.WP:        # ظهرت المقالة HEADLINE أولاً على NAME
        return len(sentence.tokens) - firsts[-1] <= _OUTLET_NAME
    verbs = [at for at, part in enumerate(sentence.parts) if part & Part.PUB and any(abs(at - first) <= 2 for first in firsts)]
    if not verbs:
        return sentence.language in HEAD_FINAL and _ends_in_verb(sentence, firsts[-1])
    last = max(verbs[-1], firsts[-1])
    return last + 1 < len(sentence.parts) and bool(sentence.parts[last + 1] & (Part.AT | Part.FROM)) and (
        len(sentence.tokens) - last <= _OUTLET_NAME)


def _ends_in_verb(sentence: Sentence, first: int) -> bool:
    """पोस्ट HEADLINE पहली बार NAME पर दिखाई दी."""
    after = range(first + 2, len(sentence.parts))
    return any(sentence.parts[at] & Part.AT for at in after) and any(sentence.parts[at] & Part.PUB for at in after) and (
        len(sentence.tokens) - first <= _OUTLET_NAME + 4)


def _disclaims(sentence: Sentence) -> bool:
    """The site is not responsible for the content. All rights lie with the source. Not edited by our staff."""
    if sentence.has(Part.EDIT, Part.NOT, Part.ITEM) and sentence.has(Part.US | Part.FEED):
        return sentence.has(Part.THIS) and sentence.plain(2, 0.25)
    if not sentence.has(Part.RESP):
        return False
    if sentence.has(Part.NOT):
        return sentence.has(Part.ITEM, Part.US | Part.OUTLET) and sentence.plain(1, 0.2)
    return sentence.has(Part.SRC, Part.ITEM) and sentence.plain(1, 0.2)


_DECLARATIONS: tuple[Rule, ...] = (_copied, _first_published, _elliptic, _footer, _disclaims)


def declares(sentence: Sentence) -> bool:
    """Whether a sentence declares that its text is a copy."""
    if not vetoed(sentence) and any(rule(sentence) for rule in _DECLARATIONS):
        return True
    return not sentence.question and len(sentence.tokens) <= LONGEST and sentence.has(Part.COPY | Part.MADE | Part.PUB) and _in_clause(sentence)


def _in_clause(sentence: Sentence) -> bool:
    """Whether a clause declares for itself: "…; this item was taken by our robot from NAME". What the others say need not be
    explained, if it reports nothing and supposes nothing."""
    cut = clauses(sentence)
    return len(cut) > 1 and any(
        _states(clause, first=at == 0, disclaimed=any(each is not clause and _no_liability(each) for each in cut))
        and not any(_discusses(each) for each in cut if each is not clause)
        and not any(each.has(Part.IF) for each in cut[:at])
        for at, clause in enumerate(cut))


def _states(clause: Sentence, *, first: bool, disclaimed: bool) -> bool:
    if vetoed(clause):
        return False
    if clause.has(Part.ITEM) and (clause.has(Part.THIS) or clause.has(Part.US) or disclaimed):
        return _copied(clause) or (clause.has(Part.THIS) and _first_published(clause))
    return first and disclaimed and _elliptic(clause)


def _discusses(clause: Sentence) -> bool:
    """Whether a clause reports: "…, he complained". "We answer for nothing that it claims" does not."""
    return (clause.has(Part.VETO) or by_others(clause)) and not _no_liability(clause)


def _no_liability(clause: Sentence) -> bool:
    return clause.has(Part.RESP)


def thanks(sentence: Sentence) -> bool:
    """Thank you for reading."""
    # बहुत and بہت are "many" as well as the "much" of "thank you very much".
    vetoed = any(part & Part.VETO and not part & Part.THANK and not sentence.outside(at) for at, part in enumerate(sentence.parts))
    return (sentence.has(Part.THANK) and not vetoed and len(sentence.tokens) <= 30
            and sentence.has(Part.READER | Part.ITEM | Part.LINK | Part.US | Part.SHARE) and sentence.plain(1, 0.2))


def greets(sentence: Sentence) -> bool:
    """Welcome, dear readers. Share this on Facebook. Read also: …"""
    if sentence.has(Part.VETO) or len(sentence.tokens) > 40 or not sentence.plain(1, 0.25):
        return False
    return _welcomes(sentence) or _invites(sentence)


def _welcomes(sentence: Sentence) -> bool:
    return sentence.has(Part.READER | Part.US, Part.GREET) and (sentence.starts(Part.GREET | Part.READER))


def _invites(sentence: Sentence) -> bool:
    if not sentence.has(Part.SHARE, Part.SOCIAL | Part.ITEM | Part.US | Part.READER | Part.MORE | Part.SRC):
        return False
    return sentence.language in HEAD_FINAL or sentence.starts(
        Part.SHARE | Part.READER | Part.GREET | Part.NOT | Part.IF | Part.SOCIAL | Part.ITEM)


def promising(together: Parts, head: Parts) -> list[str]:
    """Languages in which the words of a piece could satisfy any rule: the cheap question before `read`. `together` are all the
    parts that its words play, `head` those of the first few."""
    found, left = [], together & _GATE
    while left:
        language = LANGUAGES[((left & -left).bit_length() - 1) // BITS]
        left &= ~_GATES[language]
        if _possible(of_language(together, language), of_language(head, language), language):
            found.append(language)
    return found


def _possible(parts: int, head: int, language: str) -> bool:
    if language in HEAD_FINAL:
        head = parts
    for first, one, other, third, fourth in _WANTED:
        if head & first and parts & one and parts & other and parts & third and parts & fourth:
            return True
    return False


_ANY = (1 << 32) - 1
# What must stand among the first words, then what must stand anywhere.
_WANTED = tuple((*wanted, _ANY, _ANY, _ANY)[:5] for wanted in (
    (_ANY, Part.COPY | Part.MADE, Part.ITEM, _MANNER | Part.OUTLET | Part.FROM), (_ANY, Part.PUB, Part.FEED | Part.AUTO, Part.ITEM),
    (_ANY, Part.PUB, Part.FIRST | Part.SRC, Part.ITEM), (_ANY, Part.WP),
    (_ANY, Part.RESP, Part.ITEM, Part.NOT | Part.SRC), (_ANY, Part.EDIT, Part.NOT, Part.ITEM, Part.THIS), (_ANY, Part.THANK),
    (Part.GREET | Part.READER, Part.GREET, Part.READER | Part.US),
    (Part.SHARE | Part.READER | Part.GREET | Part.SOCIAL, Part.SHARE, Part.SOCIAL | Part.ITEM | Part.US | Part.READER | Part.MORE | Part.SRC),
    (Part.COPY, Part.FROM), (_ANY, Part.COPY, Part.AUTO, Part.OUTLET), (Part.FIRST | Part.PUB, Part.PUB, Part.FIRST, Part.FROM | Part.AT),
))
_KEYS = Part.COPY | Part.MADE | Part.PUB | Part.WP | Part.RESP | Part.EDIT | Part.THANK | Part.GREET | Part.SHARE
_GATES = {language: in_language(_KEYS, language) for language in LANGUAGES}
_GATE = everywhere(_KEYS)
