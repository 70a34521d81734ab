"""Date forms that need no language: figures, English, East Asian, Arabic and Persian. Text -> `Reading`."""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from crawler.core.dates.names import MONTHS, jalali
from crawler.core.dates.reading import Reading
from crawler.core.dates.zones import NAMES
from crawler.core.text import fold
from crawler.core.types import Resolution


@dataclass(frozen=True, slots=True)
class _Time:
    hour: int
    minute: int
    second: int | None
    micro: int
    zone: str


_OFFSET = r"(?:(?:utc|gmt|ut|z)\s*)?[+-]\d{1,2}(?::?\d{2})?(?::\d{2})?"
_NAMED = "|".join(sorted((name.lower() for name in NAMES), key=len, reverse=True))
# JavaScript and Java add the zone's name once more: "+0300 (Arabian Standard Time)", "+03:00[Europe/Moscow]".
_ZONE = rf"(?P<zone>{_OFFSET}|(?:{_NAMED})(?![a-z]))(?:\s*\([^()]*\)|\s*\[[^\[\]]*\]|(?:{_NAMED})(?![a-z]))?"

_ISO = re.compile(
    r"(?P<y>\d{4})(?P<s>[-/.]?)(?P<m>\d{1,2})(?P=s)(?P<d>\d{1,2})\.?"
    rf"(?:(?:\s*t\s*|\s+|_|,\s*)(?P<time>\d{{1,2}}:?\d{{2}}(?::?\d{{2}}(?:[.,]\d+)?)?)(?:\s*{_ZONE})?"
    r"|(?P<dayzone>z|[+-]\d{2}:\d{2}))?",
)
_CLOCK = re.compile(r"(?P<H>\d{1,2}):?(?P<M>\d{2})(?::?(?P<S>\d{2})(?:[.,](?P<f>\d+))?)?")
_DIGITS = re.compile(r"(\d{8})(\d{4}(?:\d{2})?)")
_WEEK = re.compile(r"(\d{4})-?w(\d{2})-?([1-7])(?!\d)")
_ORDINAL = re.compile(r"(\d{4})-(\d{3})(?!\d)")
_EPOCH = re.compile(r"(\d{10})(?:\d{3}|\.\d+)?")


def read(text: str, language: str | None) -> Reading | None:
    """Read one date; None where it is not understood. `language` decides 3/5/2024 only."""
    folded = " ".join(fold(text).split())
    try:
        return _iso(folded) or _compact(folded) or _written(folded, language)
    except (ValueError, OverflowError):  # Feb 31, hour 25, year 0
        return None


# --- ISO 8601 and its variants ----------------------------------------------------------------------------------


def _iso(text: str) -> Reading | None:
    hit = _ISO.fullmatch(_calendar(text))
    if hit is None or (not hit["s"] and len(hit["m"] + hit["d"]) != 4):
        return None
    day = date(int(hit["y"]), int(hit["m"]), int(hit["d"]))
    if hit["time"] is None:
        return Reading(datetime(day.year, day.month, day.day), Resolution.DAY, hit["dayzone"] or "")  # noqa: DTZ001 - a wall clock
    clock = _CLOCK.fullmatch(hit["time"])
    return _reading(day, _time(clock, hit["zone"] or "")) if clock is not None else None


def _calendar(text: str) -> str:
    """Week and ordinal dates ("2024-W18-5", "2024-124") with month and day in their place."""
    week, ordinal = _WEEK.match(text), _ORDINAL.match(text)
    if week is not None:
        return date.fromisocalendar(int(week[1]), int(week[2]), int(week[3])).isoformat() + text[week.end():]
    if ordinal is not None:
        day = date(int(ordinal[1]), 1, 1) + timedelta(int(ordinal[2]) - 1)
        return (day.isoformat() if day.year == int(ordinal[1]) else "") + text[ordinal.end():]
    return text


def _compact(text: str) -> Reading | None:
    """202405031005, 20240503100500; a count of seconds or milliseconds since 1970, unless it reads as YYYYMMDDHH."""
    digits = _DIGITS.fullmatch(text)
    if digits is not None:
        return _iso(f"{digits[1]} {digits[2]}")
    epoch = _EPOCH.fullmatch(text)
    if epoch is None or _is_hour_stamp(epoch[1]):
        return None
    return Reading(datetime(1970, 1, 1) + timedelta(seconds=int(epoch[1])), Resolution.SECOND, "z")  # noqa: DTZ001 - zone beside it


def _is_hour_stamp(digits: str) -> bool:
    return digits[:2] in ("19", "20") and 1 <= int(digits[4:6]) <= 12 and 1 <= int(digits[6:8]) <= 31 and int(digits[8:]) < 24


# --- written dates ----------------------------------------------------------------------------------------------

_MORNING = {"am", "上午", "午前", "오전", "ص", "صباحا"}
_EVENING = {"pm", "下午", "午後", "오후", "م", "مساء"}
_HALF = r"(?:a\.?m\b\.?|p\.?m\b\.?|上午|下午|午前|午後|오전|오후|صباحا|مساء|ص(?!\w)|م(?!\w))"
_TIME = re.compile(
    rf"(?:(?P<before>{_HALF})\s*)?(?<![\d:+-])(?P<H>\d{{1,2}})(?::(?P<M>\d{{2}})(?::(?P<S>\d{{2}})(?:[.,](?P<f>\d+))?)?(?![\d:])"
    r"|\s*[時时点點시]\s*(?:(?P<M2>\d{1,2})\s*[分분]\s*(?:(?P<S2>\d{1,2})\s*[秒초])?)?)"
    rf"(?:\s*(?P<after>{_HALF}))?(?:\s*{_ZONE}|\s+(?P<word>[a-z]{{3,5}})$)?",
)
_MONTH = re.compile(r"(?<!\w)(?:" + "|".join(sorted(map(re.escape, MONTHS), key=len, reverse=True)) + r")(?!\w)\.?")
_TWICE = re.compile(r"([MJ]\d\d)(?:\s*[/(]\s*\1\s*\)?)+")  # "أيار/مايو": the Levant's name and Egypt's
_FILLER = re.compile(
    r"(?<!\w)(?:mon|tues?|wed|wednes|thu|thur|thurs|fri|sat|satur|sun)(?:day)?(?!\w)[.,]?"
    r"|(?<!\w)(?:at|on|of|the|à|às|as|ore|um|uhr|kl|h|hrs)(?!\w)\.?|(?<=\d)h(?!\w)|\(?[月火水木金土日](?:曜日?)?\)|[月火水木金土日]曜日?|(?:星期|周|週|礼拜)[一二三四五六日天]|\(?[월화수목금토일](?:요일)?\)|[월화수목금토일]요일"
    r"|(?<!\w)(?:يوم|الاثنين|الاتنين|الثلاثاء|الاربعاء|الخميس|الجمعه|السبت|الاحد)(?!\w)|[,،|·•;]|(?<=\s)[-@](?=\s|$)|^-\s",
)
_FORMS = [re.compile(form) for form in (
    r"(?P<d>\d{1,2})(?:st|nd|rd|th)?[ .-]*(?P<mon>[MJ]\d\d)[ -]*(?P<y>\d{4}|\d{2})",   # 3 May 2024, 03-May-24
    r"(?P<mon>[MJ]\d\d)[ -]*(?P<d>\d{1,2})(?:st|nd|rd|th)? *(?P<y>\d{4})",             # May 3, 2024
    r"(?P<y>\d{4})[ -]*(?P<mon>[MJ]\d\d)[ -]*(?P<d>\d{1,2})",                          # 2024 May 3
    r"(?P<y>\d{4}) ?[年년] ?(?P<m>\d{1,2}) ?[月월] ?(?P<d>\d{1,2}) ?[日号號일]",
    r"(?P<y>\d{4})(?P<sep>[-/.]) ?(?P<m>\d{1,2})(?P=sep) ?(?P<d>\d{1,2})\.?",
    r"(?P<d>\d{1,2})\. ?(?P<m>\d{1,2})\. ?(?P<y>\d{4})",                               # dots: the day is first everywhere
    r"(?P<d>\d{1,2})\.(?P<m>\d{1,2})\.(?P<yy>\d{2})",
    r"(?P<a>\d{1,2}) ?(?P<sep>[/-]) ?(?P<b>\d{1,2}) ?(?P=sep) ?(?P<y>\d{4})",
)]


def _written(text: str, language: str | None) -> Reading | None:
    named = _TWICE.sub(r"\1", _MONTH.sub(lambda hit: MONTHS[hit.group().rstrip(".")], text))
    found = _TIME.search(named)
    rest = named if found is None else f"{named[:found.start()]} {named[found.end():]}"
    day = _date(" ".join(_FILLER.sub(" ", rest).split()), language)
    if day is None:
        return None
    if found is None:
        return Reading(datetime(day.year, day.month, day.day), Resolution.DAY)  # noqa: DTZ001 - a wall clock
    return _reading(day, _time(found, found["zone"] or found["word"] or ""))


def _date(text: str, language: str | None) -> date | None:
    hits = (form.fullmatch(text.strip(" ,.-/")) for form in _FORMS)
    hit = next((hit for hit in hits if hit is not None), None)
    if hit is None:
        return None
    parts = hit.groupdict()
    if "a" in parts:
        return _ordered(int(parts["a"]), int(parts["b"]), int(parts["y"]), language)
    if "yy" in parts and (not language or language[:2].lower() in _YEAR_FIRST):
        return None
    year, mon = _full_year(parts.get("y") or parts["yy"]), parts.get("mon")
    if mon is not None and mon.startswith("J"):
        return jalali(int(parts["y"]), int(mon[1:]), int(parts["d"]))
    return date(year, int(mon[1:] if mon is not None else parts["m"]), int(parts["d"]))


# Languages in which 24.05.03 may begin with the year, and English, which writes no dots.
_YEAR_FIRST = frozenset({"en", "fa", "hu", "ja", "ko", "lt", "mn", "sv", "zh"})


def _full_year(year: str) -> int:
    """Two figures as RFC 2822 4.3 reads them, with Python's pivot: 69 is 1969, 68 is 2068."""
    return int(year) if len(year) > 2 else int(year) + (1900 if int(year) > 68 else 2000)


def _ordered(first: int, second: int, year: int, language: str | None) -> date | None:
    """3/5/2024: of the languages that write so, English alone has both orders; there only 13/5 and 5/13 are told apart."""
    if first == second or first > 12 or (language and language[:2].lower() != "en" and second <= 12):
        return date(year, second, first)
    return date(year, first, second) if second > 12 else None


def _time(hit: re.Match[str], zone: str) -> _Time:
    parts = hit.groupdict()
    half = (parts.get("before") or parts.get("after") or "").replace(".", "")
    minute, second = parts.get("M") or parts.get("M2") or "0", parts.get("S") or parts.get("S2")
    micro = int((parts.get("f") or "0")[:6].ljust(6, "0"))
    return _Time(_hour(int(hit["H"]), half), int(minute), None if second is None else int(second), micro, zone)


def _hour(hour: int, half: str) -> int:
    if half in _EVENING and hour < 12:
        return hour + 12
    return 0 if half in _MORNING and hour == 12 else hour


def _reading(day: date, time: _Time) -> Reading:
    """Day and time together: 24:00 is the next midnight, a leap second the last of its minute (ISO 8601, RFC 3339)."""
    midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - a wall clock
    resolution = Resolution.MINUTE if time.second is None else Resolution.SECOND
    second = min(time.second or 0, 59) if time.second != 61 else 61
    if (time.hour, time.minute, second) == (24, 0, 0):
        return Reading(midnight + timedelta(days=1), resolution, time.zone)
    return Reading(midnight.replace(hour=time.hour, minute=time.minute, second=second, microsecond=time.micro), resolution, time.zone)
