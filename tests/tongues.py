"""One report in three languages, and one in Arabic of which it is not clear whether it was taken from it. All invented."""

from datetime import UTC, datetime, timedelta

ON = "match: {translations: true}\n"   # in a configuration

ENGLISH = """A goods train left the rails outside Karmel station on Monday morning, and three wagons loaded with cement overturned beside the river.
Nobody was hurt, but the line between Karmel and the port of Tarsis will stay closed for at least four days, the railway said.
Engineer Salma Haddad told reporters that a rail had cracked in the night frost and that 120 metres of track must be replaced.
Passengers are being carried by 35 buses, which leave from the square in front of the station every twenty minutes.
The mayor of Karmel asked residents not to collect the cement, because it burns the skin when it gets wet.
The railway had promised in 2019 to renew the whole line, but the work was postponed twice for lack of money."""
ARABIC = """خرج قطار بضائع عن القضبان قرب محطة الكرمل صباح الاثنين، وانقلبت ثلاث عربات محملة بالإسمنت على ضفة النهر.
ولم يصب أحد بأذى، لكن الخط بين الكرمل وميناء طرسيس سيبقى مغلقا أربعة أيام على الأقل، بحسب هيئة السكك الحديدية.
وقالت المهندسة سلمى حداد للصحفيين إن أحد القضبان تشقق بسبب صقيع الليل وإن 120 مترا من السكة يجب استبدالها.
وينقل الركاب في 35 حافلة تنطلق من الساحة أمام المحطة كل عشرين دقيقة.
وطلب رئيس بلدية الكرمل من السكان عدم جمع الإسمنت لأنه يحرق الجلد عندما يبتل.
وكانت الهيئة وعدت في عام 2019 بتجديد الخط كله، لكن العمل تأجل مرتين لنقص المال."""
GERMAN = """Ein Güterzug ist am Montagmorgen vor dem Bahnhof Karmel entgleist, und drei mit Zement beladene Wagen stürzten neben dem Fluss um.
Verletzt wurde niemand, aber die Strecke zwischen Karmel und dem Hafen Tarsis bleibt nach Angaben der Bahn mindestens vier Tage gesperrt.
Die Ingenieurin Salma Haddad sagte Reportern, eine Schiene sei im Nachtfrost gerissen und 120 Meter Gleis müssten ersetzt werden.
Die Fahrgäste werden von 35 Bussen befördert, die alle zwanzig Minuten auf dem Platz vor dem Bahnhof abfahren.
Der Bürgermeister von Karmel bat die Einwohner, den Zement nicht einzusammeln, weil er nass die Haut verätzt.
Die Bahn hatte 2019 versprochen, die ganze Strecke zu erneuern, doch die Arbeiten wurden aus Geldmangel zweimal verschoben."""
DOUBTFUL = "\n".join((
    ARABIC.split("\n")[0], ARABIC.split("\n")[2],
    "وافتتح في المدينة القديمة معرض للخط العربي يضم مئات اللوحات التي رسمها طلاب الجامعة خلال العام الماضي.",
    "وأعلن اتحاد الكرة أن المباراة النهائية ستقام في الملعب الكبير مساء الجمعة بحضور الجماهير."))
OTHER = "\n".join((   # of nothing else
    "يستعد مزارعو الزيتون في القرى الجبلية لموسم القطاف الذي يبدأ هذا العام قبل موعده بأسبوعين بسبب الحر الشديد في الصيف.",
    "وقال رئيس الجمعية التعاونية إن المعصرة القديمة أصلحت وإن طاقتها تضاعفت بعد تركيب آلة جديدة وصلت من الخارج الشهر الماضي.",
    "وتأمل النساء اللواتي يصنعن الصابون في بيع منتجاتهن في سوق المدينة الذي يقام كل خميس قرب الجامع الكبير حتى نهاية الشتاء."))
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def drafts():
    """As `build` of tests/cli takes them: the report, a translated copy, an edition, and what a person is asked about."""
    from crawler.core.types import Claim, Origin, Page

    def page(title, text, language, minutes):
        at = NOON + timedelta(minutes=minutes)
        return Page(title, text, language, claims=(Claim("published", Origin.JSON_LD, f"{at:%Y-%m-%dT%H:%M:%SZ}", at),))

    rows = [("train", "https://gazette.example/train", "Karmel Gazette", "Goods train derails", ENGLISH, "en", 0),
            ("wadi", "https://wadi.example/qitar", "الوادي اليوم", "انقلاب قطار بضائع (صور)", ARABIC, "ar", 60),
            ("edition", "https://gazette.example/de/zug", "Karmel Gazette", "Güterzug entgleist", GERMAN, "de", 90),
            ("mojaz", "https://mojaz.example/akhbar", "بوابة الموجز", "أخبار متفرقة", DOUBTFUL, "ar", 120),
            ("olives", "https://jabal.example/zaytun", "الجبل", "موسم الزيتون", OTHER, "ar", 130)]
    return [(name, url, source, page(title, text, language, minutes), minutes)
            for name, url, source, title, text, language, minutes in rows]
