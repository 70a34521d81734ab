"""Whom a sentence names: the run of words beside a preposition."""

from collections.abc import Sequence

from crawler.core.phrases.agencies import agency
from crawler.core.phrases.lexicon import Part
from crawler.core.phrases.reading import Token

_LONGEST = 8          # words of a name, where the script has capitals to hold it together
_LONGEST_UNCASED = 6
_ANCHORS = Part.FROM | Part.AT | Part.WP | Part.CREDIT | Part.OUTLET
# Between the preposition and the name: "from the newspaper NAME", "vom Nachrichtenportal NAME".
_SKIPPED = Part.FILL | Part.OUTLET | Part.FROM | Part.AT | Part.ITEM | Part.SRC | Part.WP | Part.CREDIT | Part.THIS | Part.FEED
_CORE = Part.COPY | Part.MADE | Part.WP | Part.PUB | Part.CREDIT
# Words of names that play parts as well, where a capital shows it: Daily News, The Post, Times of India, Associated Press.
_IN_NAMES = Part.ITEM | Part.OUTLET | Part.FILL | Part.TIME | Part.SOCIAL | Part.MORE | Part.FIRST | Part.SHARE
# Correo del Puerto, Frankfurter Allgemeine von 1949: the prepositions that names are made with.
_OF = frozenset({"de", "del", "della", "dello", "dei", "di", "do", "da", "dos", "das", "du", "des", "d", "of", "von", "van"})

Span = tuple[int, int]


def span_of_name(tokens: Sequence[Token], parts: Sequence[int], *, final: bool) -> Span | None:
    """Word numbers [first, last) of whom the sentence names, None where nobody is; `final`: names stand before."""
    core = next((at for at, part in enumerate(parts) if part & _CORE), 0)
    found = []
    for at, part in enumerate(parts):
        if part & _ANCHORS:
            first, last = _before(tokens, parts, at) if final else _after(tokens, parts, at)
            if first < last:
                found.append((first, last))
    # What the core governs comes first after it, or last before it.
    later = [span for span in found if span[0] > core]
    if final:
        return found[-1] if found else None
    return later[0] if later else (found[-1] if found else None)


def _after(tokens: Sequence[Token], parts: Sequence[int], at: int) -> Span:
    start = at + 1
    while start < len(parts) and parts[start] & _SKIPPED and not _heads_name(tokens, parts, start):
        start += 1
    end = start
    while end < len(parts) and end - start < _limit(tokens[start]) and _named(tokens, parts, end, first=end == start):
        end += 1
    while end > start and parts[end - 1] & Part.FILL and not tokens[end - 1].proper:
        end -= 1
    return start, end


def _before(tokens: Sequence[Token], parts: Sequence[int], at: int) -> Span:
    end = at
    while end > 0 and parts[end - 1] & _SKIPPED and not _heads_name(tokens, parts, end - 1):
        end -= 1
    start = end
    while start > 0 and end - start < _limit(tokens[end - 1]) and _named(tokens, parts, start - 1, first=False):
        start -= 1
    return start, end


def _limit(token: Token) -> int:
    return _LONGEST if _cased(token) or token.domain else _LONGEST_UNCASED


def _cased(token: Token) -> bool:
    return token.form[:1].upper() != token.form[:1]


def _heads_name(tokens: Sequence[Token], parts: Sequence[int], at: int) -> bool:
    """A capitalised word that plays a part but begins a name: "by Daily News" has one, "by the daily news" none."""
    following = at + 1 < len(parts) and not parts[at + 1] and tokens[at + 1].proper and _cased(tokens[at + 1])
    return bool(following and _cased(tokens[at]) and tokens[at].proper and parts[at] & (Part.ITEM | Part.FILL))


def _named(tokens: Sequence[Token], parts: Sequence[int], at: int, *, first: bool) -> bool:
    token, part = tokens[at], parts[at]
    if token.domain or token.quoted:
        return not part & Part.COPY
    if part & (Part.TIME | Part.TONGUE) and first:
        return False
    if not part:
        return (token.proper or agency(token.form) is not None) and not (token.form.isdigit() and first)
    if not _cased(token):
        # Without spaces a name ends in what it is: 港口日报, 港新聞.
        return not first and bool(part & Part.OUTLET) and tokens[at - 1].end == token.start
    if not (part & _IN_NAMES or token.form in _OF):
        return False
    if token.proper:
        return not first or _heads_name(tokens, parts, at)
    return not first and (bool(part & Part.FILL) or token.form in _OF) and at + 1 < len(parts) and not parts[at + 1] and tokens[at + 1].proper
