"""How well translated copies are found: news and its human translations, whole, in part, and in an aggregator's phrases.

The file is JSON, {language: {document: [sentence, ...]}}, `eng` the source: NTREX-128 as README.md says. Each document is
asked about once with its source among the other English ones and once without it.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from crawler import translations
from crawler.adapters.encoder import encode, encoding
from crawler.core.outdone import without_outdone
from crawler.core.types import Refusal
from crawler.dedup import Document
from crawler.matcher import Reading
from crawler.translations import Text

CODES = {"arb": "ar", "deu": "de", "fra": "fr", "rus": "ru", "tur": "tr"}
FITTED = ("deu", "fra", "rus")   # the languages, and their phrases below, by which the shipped calibration was fitted
KINDS = ("whole", "8", "5", "3", "wrapped whole", "wrapped 8", "wrapped 5")

# What aggregators say around an item, invented: in no table of phrases, and each on one page only.
PHRASES = {
    "deu": ("Liebe Leserinnen und Leser, herzlich willkommen auf unserem Portal, wo wir Ihnen rund um die Uhr das Neueste zusammenstellen.",
            "In diesem Beitrag erfahren Sie alles, was Sie über dieses Thema wissen müssen, also bleiben Sie dran.",
            "Wir hoffen, dass Ihnen dieser Überblick gefallen hat und freuen uns auf Ihren nächsten Besuch.",
            "Vergessen Sie nicht, unsere Benachrichtigungen einzuschalten, damit Ihnen keine Meldung entgeht."),
    "fra": ("Chers visiteurs, soyez les bienvenus sur notre site, où nous rassemblons pour vous l'essentiel de l'actualité à chaque heure.",
            "Nous vous présentons dans les lignes qui suivent tous les détails de cette affaire dont tout le monde parle.",
            "Nous espérons que ce résumé vous a été utile et nous vous donnons rendez-vous très bientôt.",
            "Abonnez-vous à notre chaîne pour recevoir chaque jour une sélection d'informations."),
    "rus": ("Дорогие читатели, добро пожаловать на наш портал, где мы круглосуточно собираем для вас самое интересное.",
            "Сегодня мы расскажем вам все подробности новости, которую обсуждает весь мир.",
            "Надеемся, что этот материал был вам полезен, и ждём вас снова.",
            "Не забудьте включить уведомления, чтобы не пропустить главное."),
    "tur": ("Değerli okurlarımız, günün her saati en taze gelişmeleri derlediğimiz sitemize hoş geldiniz.",
            "Bu yazımızda herkesin konuştuğu olayın bütün ayrıntılarını sizlere aktarıyoruz.",
            "Bu özetin işinize yaradığını umuyor, bir sonraki haberde buluşmayı diliyoruz.",
            "Daha fazlası için sosyal medya hesaplarımızı takip edin."),
    "arb": ("أعزاءنا المتابعين أهلاً وسهلاً بكم في موقعنا الذي يجمع لكم على مدار الساعة كل ما هو جديد.",
            "نستعرض معكم في السطور التالية كافة تفاصيل الموضوع الذي شغل الرأي العام اليوم.",
            "نتمنى أن يكون هذا الملخص قد نال إعجابكم ونلقاكم في خبر جديد.",
            "تابعوا قناتنا على جميع المنصات للمزيد من هذه المواضيع."),
}


@dataclass(slots=True)
class Tally:
    """What became of the documents of one kind."""

    asked: int = 0
    found: int = 0        # flagged, of the right source, which was there
    offered: int = 0      # … or a person is asked about it
    false: int = 0        # documents that were flagged of another one, the source being there
    astray: int = 0       # … or not being there

    @property
    def recall(self) -> float:
        """Of those that were asked."""
        return self.found / self.asked if self.asked else 0.0

    @property
    def precision(self) -> float:
        """Of what was flagged, with and without the source."""
        flagged = self.found + self.false + self.astray
        return self.found / flagged if flagged else 1.0


def measure(path: Path, languages: Sequence[str] = ()) -> Iterator[tuple[str, str, Tally]]:
    """(language, kind, what became of it), for every language of the file but the source, or for these."""
    texts: dict[str, dict[str, list[str]]] = json.loads(path.read_text(encoding="utf-8"))
    sources = _texts([(name, "\n".join(lines)) for name, lines in texts["eng"].items()], "en")
    places = translations.places([one.vectors for one in sources], [0.0] * len(sources))
    for language in languages or [each for each in texts if each != "eng"]:
        for kind in KINDS:
            if kind.startswith("wrapped") and language not in PHRASES:
                continue
            cut = [(name, "\n".join(_cut(lines, kind, PHRASES.get(language, ())))) for name, lines in texts[language].items()
                   if len(lines) >= (int(kind[-1]) if kind[-1].isdigit() else 0)]
            yield language, kind, _tally(_texts(cut, CODES.get(language)), sources, places)


def _cut(lines: Sequence[str], kind: str, phrases: Sequence[str]) -> list[str]:
    """A part of a text, from the middle, which is harder than its beginning; or the whole."""
    body = list(lines)
    if kind[-1].isdigit():
        size = int(kind[-1])
        begin = (len(body) - size) // 2
        body = body[begin:begin + size]
    return [*phrases[:2], *body, *phrases[2:]] if kind.startswith("wrapped") else body


def _texts(given: Sequence[tuple[str, str]], language: str | None) -> list[Text]:
    readings = [Reading(Document(f"{name} {language}", text, language=language).article()) for name, text in given]
    return [Text(one, vectors) for one, vectors in zip(readings, encode("use-m3", readings), strict=True)]


def _tally(asked: Sequence[Text], sources: Sequence[Text], places: translations.Places) -> Tally:
    calibration, tally = encoding().calibration, Tally()
    mine = translations.places([one.vectors for one in asked], [0.0] * len(asked))
    for one, near in zip(asked, translations.nearest(mine, places, 1.0), strict=True):
        name = _name(one.reading.article.id)
        found = [match for _, row in near if (match := translations.compare(one, sources[row], calibration)) is not None]
        right = [match for match in found if name in {_name(match.a), _name(match.b)} and _name(match.a) == _name(match.b)]
        flagged = without_outdone([match for match in found if match.copied], {})
        wrong = [match for match in found if match not in right and match.copied]
        tally.asked += 1
        tally.found += any(match in flagged for match in right)
        tally.offered += any(match.refused is Refusal.DOUBTFUL for match in right)
        tally.false += any(match in flagged for match in wrong)
        tally.astray += bool(wrong)
    return tally


def _name(id_: str) -> str:
    return id_.rpartition(" ")[0]


def total(tallies: Sequence[Tally]) -> Tally:
    """Several together."""
    return Tally(*(int(np.sum([getattr(one, name) for one in tallies])) for name in ("asked", "found", "offered", "false", "astray")))


__all__ = ["FITTED", "KINDS", "Tally", "measure", "total"]
