"""The times that a site prints: in its own zone, with its own mistakes, in its own language."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime

from crawler.newsworld.model import Publication, Site
from crawler.newsworld.world import World

_MONTHS = {
    "en": "January February March April May June July August September October November December",
    "ar": "يناير فبراير مارس أبريل مايو يونيو يوليو أغسطس سبتمبر أكتوبر نوفمبر ديسمبر",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "ru": "января февраля марта апреля мая июня июля августа сентября октября ноября декабря",
    "tr": "Ocak Şubat Mart Nisan Mayıs Haziran Temmuz Ağustos Eylül Ekim Kasım Aralık",
    "hi": "जनवरी फ़रवरी मार्च अप्रैल मई जून जुलाई अगस्त सितंबर अक्टूबर नवंबर दिसंबर",
}
_PATTERNS = {"de": "{day}. {month} {year}, {time} Uhr", "es": "{day} de {month} de {year}, {time}",
             "ar": "{day} {month} {year} - {time}"}


@dataclass(frozen=True, slots=True)
class Printed:
    """One time in the forms that pages and feeds need."""

    at: datetime
    language: str

    @property
    def iso(self) -> str:
        """RFC 3339 with the zone that the site writes."""
        return self.at.isoformat(timespec="seconds")

    @property
    def zulu(self) -> str:
        """The same moment with a Z."""
        return self.at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")

    @property
    def rfc(self) -> str:
        """The form of RSS."""
        return format_datetime(self.at)

    @property
    def words(self) -> str:
        """For people, in the language of the page."""
        time = self.at.strftime("%H:%M")
        if self.language == "zh":
            return f"{self.at.year}年{self.at.month}月{self.at.day}日 {time}"
        month = _MONTHS[self.language].split()[self.at.month - 1]
        pattern = _PATTERNS.get(self.language, "{day} {month} {year}, {time}")
        return pattern.format(day=self.at.day, month=month, year=self.at.year, time=time)


def printed(site: Site, at: datetime, language: str | None = None) -> Printed:
    """A moment as this site writes it, the error of its clock included."""
    wrong = at + timedelta(minutes=site.mislabelled)
    return Printed(wrong.astimezone(timezone(timedelta(minutes=site.zone))), language or site.language)


def claimed(world: World, item: Publication) -> tuple[Printed, Printed]:
    """When the page says that it was published and changed."""
    first = world.moment(item.at - item.backdated)
    last = world.moment(max(world.version(item).at - item.backdated, item.at - item.backdated))
    return printed(item.site, first), printed(item.site, last)
