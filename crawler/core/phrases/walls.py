"""Page texts that are walls, not articles: consent, login, paywall, challenge, not found, script required."""


def wall(text: str) -> str | None:
    """"consent", "login", "paywall", "challenge", "soft-404" or "script" where a page's text is such a wall."""
    return None
