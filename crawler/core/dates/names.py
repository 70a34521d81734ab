"""Month names: the own table for English, Arabic and Persian, and dateparser (its door) for every other language.

dateparser knows one of the three sets of Arabic month names and no Persian calendar; it costs 0.2 s to import and
30 to 140 ms for a language's first date, 1 ms for each one after.
"""

import re
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from crawler.core.dates.reading import Reading
from crawler.core.text import fold
from crawler.core.types import Resolution

_ENGLISH = ("january jan", "february feb", "march mar", "april apr", "may", "june jun", "july jul", "august aug",
            "september sept sep", "october oct", "november nov", "december dec")
_EGYPT = "يناير فبراير مارس أبريل مايو يونيو يوليو أغسطس سبتمبر أكتوبر نوفمبر ديسمبر"
_MAGHREB = "جانفي فيفري مارس أفريل ماي جوان جويلية أوت سبتمبر أكتوبر نوفمبر ديسمبر"
_MOROCCO = "يناير فبراير مارس أبريل ماي يونيو يوليوز غشت شتنبر أكتوبر نونبر دجنبر"
_LEVANT = ("كانون الثاني", "شباط", "آذار", "نيسان", "أيار", "حزيران", "تموز", "آب", "أيلول", "تشرين الأول", "تشرين الثاني", "كانون الأول")
_PERSIAN = "ژانویه فوریه مارس آوریل مه ژوئن ژوئیه اوت سپتامبر اکتبر نوامبر دسامبر"
_JALALI = "فروردین اردیبهشت خرداد تیر مرداد شهریور مهر آبان آذر دی بهمن اسفند"


def _table() -> dict[str, str]:
    gregorian = [names.split() for names in _ENGLISH]
    for calendar in (_EGYPT.split(), _MAGHREB.split(), _MOROCCO.split(), _LEVANT, _PERSIAN.split()):
        for names, name in zip(gregorian, calendar, strict=True):
            names.append(name)
    table = {fold(name): f"M{month:02}" for month, names in enumerate(gregorian, 1) for name in names}
    return table | {fold(name): f"J{month:02}" for month, name in enumerate(_JALALI.split(), 1)}


MONTHS = _table()
"""Folded name -> "M05" (Gregorian) or "J02" (Solar Hijri)."""


def jalali(year: int, month: int, day: int) -> date | None:
    """A date of the Solar Hijri calendar, 1374..1479 (1995..2100); None where there is no such day.

    Months 1 to 6 have 31 days, 7 to 11 have 30. Nowruz by the 33-year cycle, which agrees with the observed equinox
    for these years but for a few at the far end.
    """
    lengths = [31] * 6 + [30] * 5 + [30 if _is_leap(year) else 29]
    if not 1374 <= year <= 1479 or not 1 <= day <= lengths[month - 1]:
        return None
    leaps = sum(_is_leap(earlier) for earlier in range(1374, year))
    nowruz = date(1995, 3, 21) + timedelta(days=365 * (year - 1374) + leaps)
    return nowruz + timedelta(days=sum(lengths[:month - 1]) + day - 1)


def _is_leap(year: int) -> bool:
    return year % 33 in (1, 5, 9, 13, 17, 22, 26, 30)


# Figures alone are the grammar's: what it refused there (February 31, 3/5/2024 in English) must not be guessed here.
_WORD = re.compile(r"[^\W\d_]{2,}")
_EITHER_ORDER = re.compile(r"\d{1,2}\s?[/-]\s?\d{1,2}\s?[/-]\s?\d{2,4}")
_SECONDS = re.compile(r"\d:\d{2}:\d{2}")
_END_ZONE = re.compile(r"(?<=\d)\s*(Z|(?:UTC|GMT)?\s*[+-]\d{1,2}(?::?\d{2})?|[A-Z]{3,5})$")


_DIALECTS = {"no": "nb", "nn": "nb"}  # what pages say -> what dateparser calls it


def read_words(text: str, language: str) -> Reading | None:
    """A date with the month names of a language, by dateparser; None where it is not understood."""
    if not _WORD.search(text) or _EITHER_ORDER.search(text):
        return None
    zone = _END_ZONE.search(text)
    data = _ask(_DIALECTS.get(language[:2].lower(), language[:2].lower()), text[:zone.start()] if zone else text)
    if data is None or data.date_obj is None:
        return None
    wall = data.date_obj.replace(tzinfo=None)
    if data.period != "time":
        return Reading(wall.replace(hour=0, minute=0, second=0, microsecond=0), Resolution.DAY)
    resolution = Resolution.SECOND if _SECONDS.search(fold(text)) else Resolution.MINUTE
    return Reading(wall, resolution, zone[1] if zone else "")


def _ask(language: str, text: str) -> Any:
    try:
        return _parser(language).get_date_data(text)
    except Exception:  # noqa: BLE001 - foreign text in a parser of many rules: whatever it raises, it did not understand
        return None


@lru_cache(maxsize=64)
def _parser(language: str) -> Any:
    from dateparser.date import DateDataParser  # noqa: PLC0415 - 0.2 s, and most sources never need it

    settings = {
        "REQUIRE_PARTS": ["day", "month", "year"], "PARSERS": ["absolute-time"], "RETURN_TIME_AS_PERIOD": True,
        "RETURN_AS_TIMEZONE_AWARE": False,
    }
    return DateDataParser(languages=[language], settings=settings)
