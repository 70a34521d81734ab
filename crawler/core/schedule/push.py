"""How seldom a feed is asked whose hub has promised to push its news (WebSub), and when that promise is not believed.

A hub may fall silent without a word, so the polls go on as a safety net. They are not only that: a poll without an entry
is what says that the entry appeared later, and the pushes say nothing of absence. `SLOW` is the price of both: a hub that
is silent costs three hours at most, and what it pushes carries an error bar of three hours at most, for eight polls a day.
"""

from datetime import datetime, timedelta

from crawler.core.types import FeedState, Push

SLOW = timedelta(hours=3)


def brought(state: FeedState, push: Push | None) -> int:
    """New entries that were pushed since the last success: they are the feed's pace as well as what a poll brings."""
    if push is None:
        return 0
    # Counted from the first verification: another subscription counts anew.
    return push.entries - state.pushed if push.entries >= state.pushed else push.entries


def unpushed(state: FeedState, at: datetime, new: int, push: Push | None) -> bool:
    """Whether the hub is no longer believed, after a poll at `at` that found `new` entries which nobody had pushed.

    What appeared before the subscription was verified was never to be pushed. Trust comes back with a push that brought
    something since the poll before, where this one found nothing besides.
    """
    last = state.last_success
    if push is None or last is None or last < push.since or at >= push.until:
        return False
    if new:
        return True
    spoke = push.last is not None and push.last > last
    return state.unpushed and not spoke


def slowed(usual: timedelta, state: FeedState, at: datetime, push: Push | None, longest: timedelta) -> timedelta:
    """The interval, where a hub is believed; the usual one where there is none. Never longer than `longest`, and none
    that is longer already gets shorter. It ends with the lease, unless the usual one is longer than that."""
    if push is None or at >= push.until or state.unpushed:
        return usual
    return max(usual, min(SLOW, longest, push.until - at))
