"""Invented prose for the matcher: an article in English and one in Arabic, and sentences to put around them."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from crawler.core.types import Article

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

HARBOUR = """The harbour council of Port Ellery voted on Tuesday night to close the old grain terminal and sell its land to the railway.
Eleven of the fifteen members backed the sale, which had divided the town since the first survey was published in January.
Councillor Maren Holt said the terminal had lost money in nine of the past ten years and that its cranes no longer passed inspection.
"We are not selling our history, we are selling a roof that leaks," she told the chamber before the vote.
Fishermen who moor beside the terminal had asked for a delay of one season, arguing that the railway's plans would cut their quay in half.
The railway promised to keep a strip of forty metres open to boats and to pay for a new ice house before work begins in the autumn.
A petition against the sale gathered six thousand signatures, roughly a quarter of the town's adults, but was ruled inadmissible last week.
Opponents said they would take the decision to the regional court, where a hearing could be set for the end of May."""

DAM = """أعلنت وزارة الموارد المائية في مدينة الزهراء يوم الأحد أن سد الوادي الجديد بلغ نصف سعته التخزينية للمرة الأولى منذ افتتاحه.
وقال المهندس سامي الحلواني إن الأمطار التي هطلت خلال الأسبوعين الماضيين رفعت منسوب البحيرة سبعة أمتار كاملة.
وأضاف أن الفرق الفنية فتحت بوابتين من أصل ست بوابات لتخفيف الضغط على الجدار الشرقي الذي خضع لأعمال ترميم واسعة العام الماضي.
ويعتمد نحو مئة وعشرين ألف مزارع في السهول المجاورة على مياه السد لري محاصيل القمح والقطن والخضروات الشتوية.
وطالبت نقابة المزارعين الحكومة بإعلان جدول واضح لتوزيع المياه قبل بداية موسم الزراعة في الشهر المقبل.
وأشار خبراء محليون إلى أن المخزون الحالي يكفي المنطقة ثمانية عشر شهرا إذا حافظت السلطات على معدلات الضخ المعتادة.
وتعهدت الوزارة بنشر قياسات يومية لمنسوب البحيرة على موقعها حتى يتمكن السكان من متابعة الوضع بأنفسهم."""

MARKET = """A night market that had run without a licence for thirty years reopened in Caldera on Friday under rules drawn up by its own traders.
Stalls now stand two metres apart, gas bottles are checked each evening, and a drum is beaten at midnight to close the lanes.
Oswin Tarrant, who sells lamp oil and repairs radios, said the new order had doubled his takings because families came back.
The city agreed to provide light and water in return for a daily fee that is less than the price of a bowl of soup.
Officials from two neighbouring towns walked the lanes on the first evening with notebooks, and one of them bought a radio."""


def article(id_: str, text: str, source: str = "", minutes: float = 0, **fields: object) -> Article:
    """An article seen `minutes` after the start."""
    fields = {"url": f"https://{source or id_}.example/{id_}", "title": fields.pop("title", ""), "language": None, **fields}
    return Article(id=id_, source=source, text=text, first_seen=START + timedelta(minutes=minutes), **fields)


@pytest.fixture
def prose() -> SimpleNamespace:
    """HARBOUR, DAM, MARKET, START and `article`."""
    return SimpleNamespace(harbour=HARBOUR, dam=DAM, market=MARKET, start=START, article=article)
