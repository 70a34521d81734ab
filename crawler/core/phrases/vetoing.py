"""What makes a sentence speak of copying instead of declaring it: reports, questions, denials, conditions, other copiers."""

from crawler.core.phrases.lexicon import HEAD_FINAL, Part
from crawler.core.phrases.sentence import Sentence
from crawler.core.text import fold

LONGEST = 90   # words of the longest wrapper seen: a paragraph-long Arabic notice of 60
# "of", where it follows what possesses: の, का/के/की, کا/کے/کی; written onto the word in Korean and Turkish.
OF = frozenset(map(fold, ("の", "का", "के", "की", "کا", "کے", "کی", "의")))


def vetoed(sentence: Sentence) -> bool:
    """Reporting, asking, denying, supposing: not a declaration."""
    if sentence.question or len(sentence.tokens) > LONGEST or sentence.has(Part.VETO) or by_others(sentence):
        return True
    core = sentence.first(_CORE)
    if core is None or _denied(sentence, core):
        return True
    condition = sentence.first(Part.IF)
    return condition is not None and condition < core and sentence.language not in HEAD_FINAL


def by_others(sentence: Sentence) -> bool:
    """Whether "other" says who copies, not whence: "republished by other papers" against "taken from other sites"."""
    return any(part & Part.OTHER and not sentence.outside(at) and not (part & Part.FROM or _whence(sentence, at))
               for at, part in enumerate(sentence.parts))


# What can stand between "from" and "other": "from a number of other sites", "من مواقع أخرى".
_BETWEEN = Part.OUTLET | Part.SRC | Part.FEED | Part.FILL | Part.OTHER | Part.ITEM | Part.FROM | Part.TONGUE
_REACH = 5
# Where "from" is written into the word, or the other's report is the object: 다른 매체 보도를, başka bir siteden.
_WRITTEN_FROM = {"ko": ("에서", "로부터", "을", "를", "의"), "tr": ("dan", "den", "tan", "ten")}


def _whence(sentence: Sentence, at: int) -> bool:
    """Whether "from" governs the word: before it, or behind it where what governs stands last."""
    if sentence.language in HEAD_FINAL:
        return _governed(sentence, range(at, min(at + _REACH + 1, len(sentence.parts))))
    # German "von" means "by" as well, where no article follows.
    if sentence.language == "de" and at and sentence.tokens[at - 1].form == "von":
        return False
    return _governed(sentence, range(at, max(-1, at - _REACH - 1), -1))


def _governed(sentence: Sentence, places: range) -> bool:
    endings = _WRITTEN_FROM.get(sentence.language, ("\0",))
    for at in places:
        part = sentence.parts[at]
        form = sentence.tokens[at].form
        if part & Part.FROM or form in OF or form.endswith(endings):
            return True
        if part & Part.AT or not (part & _BETWEEN or sentence.outside(at)):
            return False
    return False


def _denied(sentence: Sentence, core: int) -> bool:
    """Whether a negation governs the core. Far behind it, it belongs to what follows: "and does not reflect our views"."""
    at = sentence.first(Part.NOT)
    if at is None or sentence.has(Part.EDIT | Part.RESP | Part.AUTO):
        return False
    return at <= core + 4 or sentence.language in HEAD_FINAL


_CORE = Part.COPY | Part.MADE | Part.WP | Part.PUB | Part.RESP | Part.EDIT
