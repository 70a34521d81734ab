"""Dates: every form of the table is read as written, none is invented, and no text raises."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crawler.core.dates import MAX_LENGTH, http_date, parse, span, usable
from crawler.core.dates.names import jalali
from crawler.core.dates.zones import InvalidZoneError, offset
from crawler.core.types import Claim, Origin, Resolution, Zone

SECOND, MINUTE, DAY = Resolution.SECOND, Resolution.MINUTE, Resolution.DAY
STATED, ASSUMED, UNKNOWN = Zone.STATED, Zone.ASSUMED, Zone.UNKNOWN

# text, language, UTC as written below, resolution, zone
YEARS = datetime.fromisoformat("1996-01-01"), datetime.fromisoformat("2099-01-01")  # wall clocks

READ = [
    # ISO 8601, RFC 3339 and what is written instead
    ("2024-05-03T10:05:07Z", None, "2024-05-03 10:05:07", SECOND, STATED),
    ("2024-05-03t10:05:07z", None, "2024-05-03 10:05:07", SECOND, STATED),
    ("2024-05-03T10:05:07+03:00", None, "2024-05-03 07:05:07", SECOND, STATED),
    ("2024-05-03T10:05:07+0300", None, "2024-05-03 07:05:07", SECOND, STATED),
    ("2024-05-03T10:05:07+03", None, "2024-05-03 07:05:07", SECOND, STATED),
    ("2024-05-03T10:05:07-0930", None, "2024-05-03 19:35:07", SECOND, STATED),
    ("2024-05-03T10:05:07−03:00", None, "2024-05-03 13:05:07", SECOND, STATED),
    ("2024-05-03 10:05:07 +0300", None, "2024-05-03 07:05:07", SECOND, STATED),
    ("2024-05-03 10:05:07 UTC", None, "2024-05-03 10:05:07", SECOND, STATED),
    ("2024-05-03T10:05:07.250Z", None, "2024-05-03 10:05:07.250000", SECOND, STATED),
    ("2024-05-03T10:05:07,123456789Z", None, "2024-05-03 10:05:07.123456", SECOND, STATED),
    ("2024-05-03T10:05Z", None, "2024-05-03 10:05:00", MINUTE, STATED),
    ("2024-05-03T10:05:07", None, "2024-05-03 10:05:07", SECOND, UNKNOWN),
    ("2024-05-03 10:05", None, "2024-05-03 10:05:00", MINUTE, UNKNOWN),
    ("20240503T100507Z", None, "2024-05-03 10:05:07", SECOND, STATED),
    ("20240503100507", None, "2024-05-03 10:05:07", SECOND, UNKNOWN),
    ("202405031005", None, "2024-05-03 10:05:00", MINUTE, UNKNOWN),
    ("2024-W18-5T10:05:07Z", None, "2024-05-03 10:05:07", SECOND, STATED),
    ("2024-124T10:05:07Z", None, "2024-05-03 10:05:07", SECOND, STATED),
    ("2024-12-31T24:00:00Z", None, "2025-01-01 00:00:00", SECOND, STATED),
    ("2016-12-31T23:59:60Z", None, "2016-12-31 23:59:59", SECOND, STATED),
    ("2024-05-03T00:00:00Z", None, "2024-05-03 00:00:00", SECOND, STATED),
    ("2024-05-03T10:05:07+02:00CET", None, "2024-05-03 08:05:07", SECOND, STATED),
    ("2024-05-03T10:05:07+03:00[Europe/Moscow]", None, "2024-05-03 07:05:07", SECOND, STATED),
    ("2024-05-03", None, "2024-05-03 00:00:00", DAY, UNKNOWN),
    ("20240503", None, "2024-05-03 00:00:00", DAY, UNKNOWN),
    ("2024-05-03Z", None, "2024-05-03 00:00:00", DAY, STATED),
    ("2024-05-03+03:00", None, "2024-05-02 21:00:00", DAY, STATED),
    ("2024/05/03 10:05:07", None, "2024-05-03 10:05:07", SECOND, UNKNOWN),
    ("1714730707", None, "2024-05-03 10:05:07", SECOND, STATED),
    ("1714730707000", None, "2024-05-03 10:05:07", SECOND, STATED),
    # RFC 2822, HTTP, C, Java, JavaScript
    ("Fri, 03 May 2024 10:05:07 GMT", None, "2024-05-03 10:05:07", SECOND, STATED),
    ("Fri, 03 May 2024 10:05:07 +0300", None, "2024-05-03 07:05:07", SECOND, STATED),
    ("Fri, 3 May 24 10:05 EST", None, "2024-05-03 15:05:00", MINUTE, STATED),
    ("03 May 2024 10:05:07 -0000", None, "2024-05-03 10:05:07", SECOND, STATED),
    ("Friday, 03-May-24 10:05:07 GMT", None, "2024-05-03 10:05:07", SECOND, STATED),
    ("Fri May  3 10:05:07 2024", None, "2024-05-03 10:05:07", SECOND, UNKNOWN),
    ("Fri May  3 10:05:07 MSK 2024", None, "2024-05-03 07:05:07", SECOND, STATED),
    ("Fri May 03 2024 10:05:07 GMT+0300 (Arabian Standard Time)", None, "2024-05-03 07:05:07", SECOND, STATED),
    ("Fri, 03 May 2024 10:05:07 CEST", None, "2024-05-03 08:05:07", SECOND, STATED),
    ("Fri, 03 May 2024 10:05:07 JST", None, "2024-05-03 01:05:07", SECOND, STATED),
    ("Fri, 03 May 2024 10:05:07 GMT+3", None, "2024-05-03 07:05:07", SECOND, STATED),
    ("Fri, 03 May 2024 10:05:07 BST", None, "2024-05-03 10:05:07", SECOND, UNKNOWN),
    ("Fri, 03 May 2024 10:05:07 IST", None, "2024-05-03 10:05:07", SECOND, UNKNOWN),
    ("Fri, 03 May 2024 10:05:07 CST", None, "2024-05-03 10:05:07", SECOND, UNKNOWN),
    ("Fri, 03 May 2024 10:05:07 MST", None, "2024-05-03 10:05:07", SECOND, UNKNOWN),
    ("Fri, 03 May 2024 10:05:07 XYZ", None, "2024-05-03 10:05:07", SECOND, UNKNOWN),
    ("Fri, 03 May 2024", None, "2024-05-03 00:00:00", DAY, UNKNOWN),
    # English prose
    ("May 3, 2024", None, "2024-05-03 00:00:00", DAY, UNKNOWN),
    ("Friday, May 3rd, 2024 at 3:05 p.m. EDT", None, "2024-05-03 19:05:00", MINUTE, STATED),
    ("Sept. 3, 2024, 12:05 AM", None, "2024-09-03 00:05:00", MINUTE, UNKNOWN),
    ("3rd of May 2024 12:05pm", None, "2024-05-03 12:05:00", MINUTE, UNKNOWN),
    ("10:05 | 3 May 2024", None, "2024-05-03 10:05:00", MINUTE, UNKNOWN),
    # figures
    ("03.05.2024 10:05", None, "2024-05-03 10:05:00", MINUTE, UNKNOWN),
    ("3. 5. 2024", None, "2024-05-03 00:00:00", DAY, UNKNOWN),
    ("03/05/2024 10:05", "fr", "2024-05-03 10:05:00", MINUTE, UNKNOWN),
    ("25/05/2024", None, "2024-05-25 00:00:00", DAY, UNKNOWN),
    ("05/25/2024", "en", "2024-05-25 00:00:00", DAY, UNKNOWN),
    ("05/05/2024", None, "2024-05-05 00:00:00", DAY, UNKNOWN),
    ("22/11/2024 à 09h47", "xx", None, SECOND, UNKNOWN),
    ("22/11/2024 à 09:47", "fr", "2024-11-22 09:47:00", MINUTE, UNKNOWN),
    ("02/03/2025 KL. 09:00", "da", "2025-03-02 09:00:00", MINUTE, UNKNOWN),
    ("03.05.24, 07:39 Uhr", "de", "2024-05-03 07:39:00", MINUTE, UNKNOWN),
    ("24.05.03", "ko", None, SECOND, UNKNOWN),
    ("24.05.03", None, None, SECOND, UNKNOWN),
    ("torsdag 9. mai 2024 - 13:26", "no", "2024-05-09 13:26:00", MINUTE, UNKNOWN),
    # East Asia
    ("2024年5月3日", None, "2024-05-03 00:00:00", DAY, UNKNOWN),
    ("2024年05月03日 10:05:07", "zh", "2024-05-03 10:05:07", SECOND, UNKNOWN),
    ("2024年5月3日 星期五 下午3:05", "zh", "2024-05-03 15:05:00", MINUTE, UNKNOWN),
    ("2024年5月3日(金) 15時05分", "ja", "2024-05-03 15:05:00", MINUTE, UNKNOWN),
    ("2024年5月3日 午後3時5分7秒", "ja", "2024-05-03 15:05:07", SECOND, UNKNOWN),
    ("2024年5月3日 10:05", "ja", "2024-05-03 10:05:00", MINUTE, UNKNOWN),
    ("2024년 5월 3일 오후 3:05", "ko", "2024-05-03 15:05:00", MINUTE, UNKNOWN),
    ("2024.05.03. 오전 10:05", "ko", "2024-05-03 10:05:00", MINUTE, UNKNOWN),
    ("2024-05-03 (금) 10:05", "ko", "2024-05-03 10:05:00", MINUTE, UNKNOWN),
    # Arabic, Persian, Urdu
    ("الجمعة 3 مايو 2024 - 10:05 م", "ar", "2024-05-03 22:05:00", MINUTE, UNKNOWN),
    ("٣ مايو ٢٠٢٤ ١٠:٠٥", None, "2024-05-03 10:05:00", MINUTE, UNKNOWN),
    ("3 أيار/مايو 2024", "ar", "2024-05-03 00:00:00", DAY, UNKNOWN),
    ("15 تشرين الثاني 2024", None, "2024-11-15 00:00:00", DAY, UNKNOWN),
    ("3 جويلية 2024", "ar", "2024-07-03 00:00:00", DAY, UNKNOWN),
    ("۱۴ اردیبهشت ۱۴۰۳ - ۱۰:۰۵", "fa", "2024-05-03 10:05:00", MINUTE, UNKNOWN),
    ("3 مه 2024", "fa", "2024-05-03 00:00:00", DAY, UNKNOWN),
    ("3 مئی 2024", "ur", "2024-05-03 00:00:00", DAY, UNKNOWN),
    # by the language of the source
    ("пятница, 3 мая 2024 г. 10:05", "ru", "2024-05-03 10:05:00", MINUTE, UNKNOWN),
    ("3 мая 2024, 10:05 МСК", "ru", None, SECOND, UNKNOWN),
    ("3 травня 2024, 10:05", "uk", "2024-05-03 10:05:00", MINUTE, UNKNOWN),
    ("vendredi 3 mai 2024 à 10h05", "fr", "2024-05-03 10:05:00", MINUTE, UNKNOWN),
    ("1er août 2024", "fr", "2024-08-01 00:00:00", DAY, UNKNOWN),
    ("Freitag, 3. Mai 2024, 10:05 Uhr", "de", "2024-05-03 10:05:00", MINUTE, UNKNOWN),
    ("3. März 2024 10:05:07 MEZ", "de", "2024-03-03 09:05:07", SECOND, STATED),
    ("3 de maio de 2024 às 10:05", "pt", "2024-05-03 10:05:00", MINUTE, UNKNOWN),
    ("शुक्रवार, 3 मई 2024 10:05", "hi", "2024-05-03 10:05:00", MINUTE, UNKNOWN),
    ("viernes, 3 de mayo de 2024", "es", "2024-05-03 00:00:00", DAY, UNKNOWN),
    ("3 maggio 2024 ore 10:05", "it", "2024-05-03 10:05:00", MINUTE, UNKNOWN),
    ("3 Ağustos 2024 10:05", "tr", "2024-08-03 10:05:00", MINUTE, UNKNOWN),
    ("Jumat, 3 Agustus 2024 10:05 WIB", "id", "2024-08-03 03:05:00", MINUTE, STATED),
]


@pytest.mark.parametrize(("raw", "language", "at", "resolution", "zone"), READ)
def test_read_as_written(raw, language, at, resolution, zone):
    claim = parse(raw, origin=Origin.FEED, language=language)
    expected = None if at is None else datetime.fromisoformat(at).replace(tzinfo=UTC)
    assert (claim.at, claim.resolution, claim.zone) == (expected, resolution, zone)
    assert claim.raw == raw


@pytest.mark.parametrize(("raw", "language"), [
    ("", None), ("   ", None), ("yesterday", "en"), ("3 days ago", "en"), ("2024", None), ("2024-05", None), ("May 2024", "en"), ("10:05", None),
    ("2024-02-31", "en"), ("31 February 2024", "en"), ("31 février 2024", "fr"), ("2024-13-01", None), ("2024-05-03T25:00:00Z", None), ("2024-05-03T10:61:00Z", None),
    ("2024-05-03T10:05:07+99:99", None), ("Fri, 03 May 2024 10:05:07 +9999", None), ("0001-01-01T00:00:00Z", None), ("9999-12-31T23:59:59Z", None),
    ("-0001-11-30T00:00:00+00:00", None), ("1994-12-31T23:59:59Z", None), ("2101-01-01T00:00:00Z", None), ("Mon, 01 Jan 0001 00:00:00 GMT", None),
    ("03/05/2024", "en"), ("03/05/2024", None), ("3-5-2024 10:05", "en"), ("2024050310", None), ("17147304", None), ("1714730400.5.5", None),
    ("2024-05-03T10:05:07Z 2024-05-04T10:05:07Z", None), ("2023-366", None), ("2024-000", None), ("2024-W54-1", None), ("31 اردیبهشت ۱۵۰۳", "fa"), ("۳۱ مهر ۱۴۰۳", "fa"),
    ("{{ page.date }}", "en"), ("<time>2024-05-03</time>", None), ("3 мая 2024", "xx"), ("3 мая 2024", "en"), ("null", None),
])
def test_nothing_is_invented(raw, language):
    claim = parse(raw, origin=Origin.META, language=language)
    assert claim.at is None
    assert claim.raw == raw.strip()
    assert span(claim) is None
    assert not usable(claim, datetime(2024, 5, 3, tzinfo=UTC))


@pytest.mark.parametrize(("raw", "key", "at", "zone"), [
    ("2024-05-03T10:05:07", "Asia/Riyadh", "2024-05-03 07:05:07", ASSUMED),
    ("2024-05-03", "Asia/Riyadh", "2024-05-02 21:00:00", ASSUMED),
    ("2024-05-03T10:05:07Z", "Asia/Riyadh", "2024-05-03 10:05:07", STATED),
    ("Fri, 03 May 2024 10:05:07 BST", "Europe/London", "2024-05-03 09:05:07", STATED),
    ("Fri, 03 May 2024 10:05:07 IST", "Asia/Kolkata", "2024-05-03 04:35:07", STATED),
    ("Fri, 03 May 2024 10:05:07 CST", "Asia/Shanghai", "2024-05-03 02:05:07", STATED),
    ("Fri, 03 May 2024 10:05:07 CST", "America/Chicago", "2024-05-03 15:05:07", ASSUMED),  # it is CDT there in May
])
def test_what_is_known_of_the_source_fills_the_zone(raw, key, at, zone):
    claim = parse(raw, origin=Origin.META, zone=ZoneInfo(key))
    assert (claim.at, claim.zone) == (datetime.fromisoformat(at).replace(tzinfo=UTC), zone)


def test_what_and_origin_are_kept():
    claim = parse("2024-05-03", what="modified", origin=Origin.SITEMAP)
    assert (claim.what, claim.origin) == ("modified", Origin.SITEMAP)


def _claim(resolution, zone):
    return Claim("published", Origin.META, "", datetime(2024, 5, 3, tzinfo=UTC), resolution, zone)


@pytest.mark.parametrize(("resolution", "zone", "earliest", "latest"), [
    (SECOND, STATED, "2024-05-03 00:00:00", "2024-05-03 00:00:00"),
    (MINUTE, STATED, "2024-05-03 00:00:00", "2024-05-03 00:00:59"),
    (DAY, STATED, "2024-05-03 00:00:00", "2024-05-03 23:59:59"),
    (DAY, ASSUMED, "2024-05-03 00:00:00", "2024-05-03 23:59:59"),
    (SECOND, UNKNOWN, "2024-05-02 10:00:00", "2024-05-03 12:00:00"),
    (DAY, UNKNOWN, "2024-05-02 10:00:00", "2024-05-04 11:59:59"),
])
def test_span(resolution, zone, earliest, latest):
    expected = tuple(datetime.fromisoformat(end).replace(tzinfo=UTC) for end in (earliest, latest))
    assert span(_claim(resolution, zone)) == expected


@given(st.integers(-12 * 4, 14 * 4), st.datetimes(*YEARS))
def test_a_wall_time_without_zone_spans_every_clock_of_the_world(quarters, wall):
    shift = timedelta(minutes=15 * quarters)
    truth = (wall - shift).replace(tzinfo=UTC)
    earliest, latest = span(parse(wall.isoformat(timespec="microseconds"), origin=Origin.META))
    assert earliest <= truth <= latest


def test_usable_allows_an_hour_of_skew():
    claim = parse("2024-05-03T10:00:00Z", origin=Origin.FEED)
    assert usable(claim, datetime(2024, 5, 3, 9, tzinfo=UTC))
    assert not usable(claim, datetime(2024, 5, 3, 8, 59, 59, tzinfo=UTC))
    assert usable(claim, datetime(2030, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize("raw", ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"])
def test_the_three_forms_of_http(raw):
    assert http_date(raw) == datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)


@pytest.mark.parametrize("raw", ["0", "-1", "", "now", "Sun, 06 Nov 1994", "Sun, 06 Nov 1994 08:49:37 +9999", "\ud800", "Mon, 32 Jan 2024 00:00:00 GMT"])
def test_what_is_no_http_date(raw):
    assert http_date(raw) is None


def test_http_dates_of_any_year():
    assert http_date("Thu, 01 Jan 1970 00:00:00 GMT") == datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(("year", "month", "day", "expected"), [
    (1403, 1, 1, "2024-03-20"), (1403, 12, 30, "2025-03-20"), (1404, 1, 1, "2025-03-21"), (1399, 12, 30, "2021-03-20"), (1400, 1, 1, "2021-03-21"),
    (1375, 1, 1, "1996-03-20"), (1374, 1, 1, "1995-03-21"), (1357, 11, 22, None), (1404, 12, 30, None), (1403, 7, 31, None),
])
def test_solar_hijri(year, month, day, expected):
    found = jalali(year, month, day)
    assert (found.isoformat() if found else None) == expected


def test_an_offset_no_clock_has_is_refused():
    assert offset("+14:00") == timedelta(hours=14)
    assert offset("+0545") == timedelta(hours=5, minutes=45)
    assert offset("nonsense") is None
    with pytest.raises(InvalidZoneError):
        offset("+14:01")


def test_a_parser_that_fails_has_not_understood(monkeypatch):
    class Broken:
        def get_date_data(self, text):
            raise OverflowError(text)

    monkeypatch.setattr("crawler.core.dates.names._parser", lambda language: Broken())
    assert parse("3 мая 2024", origin=Origin.FEED, language="ru").at is None


PIECES = st.sampled_from([
    "2024", "05", "03", "-", "/", ".", ":", "T", "Z", "+", "10:05", " ", ",", "May", "Fri", "GMT", "+0300", "年", "月", "日", "下午", "مايو", "م", "IST", "24:00", "99",
    "W18", "-5", "(", ")", "[", "am", "\u200f", "٣", "é", "1714730400", "9999",
])


@given(st.one_of(st.text(), st.lists(PIECES, max_size=12).map("".join)), st.sampled_from([None, "en", "ru", "zh", "xx", ""]))
@example("\ud800", None)
@example("9" * 10_000, "en")
@example("2024-05-03T10:00:00" + " " * 10_000 + "Z", "en")
@example("9999-12-31T23:59:59-12:00", None)
@example("²024-05-03", None)
def test_no_text_raises(raw, language):
    claim = parse(raw, origin=Origin.INPUT, language=language, zone=None)
    assert len(claim.raw) <= MAX_LENGTH
    claim.raw.encode()
    assert claim.at is None or (claim.at.tzinfo is UTC and 1995 <= claim.at.year <= 2100)
    ends = span(claim)
    assert ends is None or ends[0] <= claim.at <= ends[1]
    http_date(raw)


@given(st.datetimes(*YEARS), st.integers(-12 * 60, 14 * 60))
def test_isoformat_round_trips(wall, minutes):
    sign = "-" if minutes < 0 else "+"
    raw = f"{wall.isoformat()}{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
    claim = parse(raw, origin=Origin.FEED)
    assert claim.at == datetime.fromisoformat(raw)
    assert claim.zone is STATED
