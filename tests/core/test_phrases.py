"""What sites say of themselves, each language both ways.

The sentences of `data/phrases_development.tsv` were written together with the table of words, with the table at hand: they
keep what works working and measure neither recall nor precision. Neither do those of `data/phrases_tuning.tsv`: somebody wrote
them who had not seen the table, and the table has been widened by what they showed to be missing. The other half of what that
writer wrote, `data/phrases_heldout.tsv`, has not been looked at: floors of recall and precision are asserted on it alone.
"""

from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.core.phrases import Hit, agency, find, is_site_phrase, source_label, wall
from crawler.core.phrases.lexicon import LANGUAGES, Part, lexicon, lookup, of_language, rows

# Of declared copies among the held-out sentences. Measured when the file was first opened: 69 of 89 found (97 of 178 on both
# halves before any tuning), 2 false of 250, none of them among the 129 hard negatives. A language has only five or six.
FLOOR_RECALL = 0.75
FLOOR_RECALL_OF_A_LANGUAGE = 0.4
FLOOR_PRECISION = 0.95

DATA = Path(__file__).parent / "data"
KINDS = {"declared-copy", "source-label", "credit", "dateline", "greeting", "thanks"}
BODY = ("The ferry ran aground at dawn. Its forty passengers were taken off by a lifeboat.\n"
        "The captain blamed the fog. An inquiry begins in May, the harbour office said.\n"
        "Two tugs will try to pull the ship off the sandbank with the next spring tide.\n")


def read(name: str) -> list[tuple[str, str, str]]:
    lines = (DATA / name).read_text(encoding="utf-8").splitlines()
    cells = [line.split("\t") for line in lines if line.strip() and not line.startswith("#")]
    return [(cell[0], cell[1], cell[2]) for cell in cells]


def kinds(text: str) -> set[str]:
    return {hit.kind for hit in find(text)}


@pytest.mark.parametrize(("language", "expected", "text"), read("phrases_development.tsv"))
def test_development_sentence(language, expected, text):
    found = kinds(text)
    if expected == "none":
        assert not found, find(text)
    else:
        assert expected in found
        assert expected == "declared-copy" or "declared-copy" not in found


def test_every_language_is_tested_both_ways():
    seen = defaultdict(set)
    for language, expected, _ in read("phrases_development.tsv"):
        seen[language].add(expected)
    assert set(seen) == set(LANGUAGES)
    assert all({"declared-copy", "source-label", "none"} <= expected for expected in seen.values())


@pytest.mark.parametrize(("language", "expected", "text"), read("phrases_tuning.tsv"))
def test_tuning_sentence(language, expected, text):
    found = kinds(text)
    assert expected in found or (expected == "none" and not found), find(text)
    assert expected == "declared-copy" or "declared-copy" not in found


def test_held_out_sentences_hold_the_floors():
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])   # declared and found, declared, found but not declared
    for language, expected, text in read("phrases_heldout.tsv"):
        found = "declared-copy" in kinds(text)
        for each in (counts[language], counts["all"]):
            each[0] += found and expected == "declared-copy"
            each[1] += expected == "declared-copy"
            each[2] += found and expected != "declared-copy"
    for language, (right, declared, _) in counts.items():
        floor = FLOOR_RECALL if language == "all" else FLOOR_RECALL_OF_A_LANGUAGE
        assert right >= floor * declared, (language, dict(counts))
    right, _, wrong = counts["all"]
    assert right >= FLOOR_PRECISION * (right + wrong), dict(counts)


def test_no_hard_negative_of_the_held_out_sentences_is_a_declaration():
    negatives = [text for _, expected, text in read("phrases_heldout.tsv") if expected == "none"]
    assert len(negatives) >= 120
    assert not [text for text in negatives if "declared-copy" in kinds(text)]


@pytest.mark.parametrize(("text", "declared"), [
    ("Reprinted with permission of the author.", True),
    ("Reproduction without permission of the author.", False),
    ("经作者同意转载。", True),
    ("未经作者授权转载", False),
    ("This article was republished by other newspapers.", False),
    ("This article was republished from other newspapers.", True),
    ("Dieser Artikel wurde von anderen Zeitungen übernommen.", False),
    ("Dieser Artikel wurde aus anderen Zeitungen übernommen.", True),
    ("تم نقل هذا الخبر من قبل مواقع أخرى.", False),
    ("تم نقل هذا الخبر من مواقع أخرى.", True),
    ("Our portal collects news; this item was taken automatically from its source.", True),
    ("Our portal collects news; this item was taken automatically from its source, he complained.", False),
    ("The software copies articles automatically from news sites.", False),
    ("A informação veio de uma fonte próxima ao clube.", False),
])
def test_who_copies_whence_and_with_whose_leave(text, declared):
    assert ("declared-copy" in kinds(text)) is declared


@pytest.mark.parametrize(("text", "kind"), [
    ("شكراً لزيارتكم ومتابعتكم، ودمتم في حفظ الله ورعايته.", "thanks"),
    ("ROME, 12 Mar. (ANSA) -", "credit"), ("By AFP and agencies", "credit"), ("Redacción / Agencias", "credit"),
    ("Запись Паром сел на мель у маяка впервые появилась на сайте Портовый курьер.", "declared-copy"),
])
def test_other_wordings(text, kind):
    assert kinds(text) == {kind}


@pytest.mark.parametrize("text", ["Google, Reuters", "Photo: AFP", "Статья Анны Петровой впервые вышла в журнале."])
def test_lists_and_pictures_are_no_credits_and_reports_no_footers(text):
    assert not find(text)


# --- where a phrase stands ---

def test_a_declaration_is_found_at_either_edge_with_its_place_and_name():
    line = "This article was republished from Harbour Courier."
    for text in (line + "\n" + BODY, BODY + line, "  \n" + BODY + "\n" + line + "\n"):
        hit, = find(text)
        assert (hit.kind, text[hit.start:hit.end], hit.quote, hit.name) == ("declared-copy", line, line, "Harbour Courier")


def test_a_declaration_that_shares_the_last_line_with_the_body():
    text = BODY.strip() + " This item was quoted automatically from its primary source."
    hit, = find(text)
    assert hit.quote == "This item was quoted automatically from its primary source."


def test_a_sentence_deep_inside_a_paragraph_of_the_middle_is_no_declaration():
    middle = "The band plays on. This article was copied automatically from its source. So runs the first line of their song."
    assert not find(BODY + middle + "\n" + BODY)


def test_a_line_of_its_own_in_the_middle_is_one():
    assert kinds(BODY + "This article was copied automatically from its source.\n" + BODY) == {"declared-copy"}


@pytest.mark.parametrize("text", [
    "“This article was copied automatically from its source.”",
    "'This article was copied automatically from its source,' reads the last line of every page.",
    "«Этот материал автоматически скопирован из источника»",
    "「この記事は情報源から自動的に転載されたものです」",
    "This article was copied automatically from its source, he complained”",
])
def test_quoted_declarations_are_none(text):
    assert "declared-copy" not in kinds(text)


@pytest.mark.parametrize("text", [
    "This article was originally published on May 3 and has been updated.",
    "This article first appeared in our print edition.",
    "The data in this article was taken from the World Bank.",
    "Quotes in this article have been translated from French.",
    "This article was republished by newspapers across Europe.",
    "This article was created with the help of artificial intelligence and reviewed by an editor.",
    "This article may not be copied, republished or redistributed.",
    "No part of this article may be reproduced without permission.",
    "The text was taken from the Bible.",
    "Views expressed in this article are those of the author.",
    "Dieser Artikel erschien zuerst in unserer Printausgabe.",
    "Dieser Artikel wurde von vielen Zeitungen nachgedruckt.",
    "Les données de cet article sont tirées de la Banque mondiale.",
    "Los datos de este artículo fueron tomados del Banco Mundial.",
    "البيانات الواردة في هذا المقال مأخوذة من البنك الدولي.",
    "При перепечатке материала ссылка на сайт обязательна.",
    "Bu haberdeki veriler Dünya Bankası'ndan alınmıştır.",
    "本文数据来自世界银行。",
    "未经授权，不得转载本文。",
    "本記事の無断転載を禁じます。",
    "この記事のデータは世界銀行から引用した。",
    "무단 전재 및 재배포 금지",
    "इस लेख के आंकड़े विश्व बैंक से लिए गए हैं।",
    "Data dalam artikel ini diambil dari Bank Dunia.",
])
def test_what_publishers_say_of_their_own_articles_is_no_declaration(text):
    assert "declared-copy" not in kinds(text)


@pytest.mark.parametrize("text", [
    "تم نقل هذا الخبر آليًّا من مصدره الأساسي",       # with marks
    "تم نقــل هذا الخبر آليا من مصدره الاساسى",        # tatweel, no hamza, final ya
    "تمّ نقلُ هذه المقالةِ تلقائيّاً من مصدرها الأصليّ",
    "وتم نقل الخبر بالكامل من مصدره",
    "Este articulo fue tomado automaticamente de su fuente original",   # no accents
    "BU HABER KAYNAĞINDAN OTOMATİK OLARAK ALINMIŞTIR.",
    "THIS ARTICLE WAS COPIED AUTOMATICALLY FROM ITS SOURCE",
    "یہ خبر خودکار طریقے سے اصل ماخذ سے نقل کی گئی ہے",
])
def test_spelling_makes_no_difference(text):
    assert kinds(text) == {"declared-copy"}


def test_a_headline_that_the_site_repeats_needs_no_explanation():
    title = "the drowned bells of old Ravenscar toll again"
    text = f"The article {title} was taken automatically from its source."
    assert kinds(text) == set()
    assert {hit.kind for hit in find(text, title=title)} == {"declared-copy"}


def test_language_breaks_ties():
    text = "Original: El Correo"
    assert find(text, language="es")[0].kind == find(text, language="pt")[0].kind == "source-label"
    declared = "Este artigo foi publicado originalmente em portocorreio.example"
    assert find(declared, language="pt")[0].language == "pt"


@pytest.mark.parametrize(("text", "name"), [
    ("This article was originally published on harbourcourier.example", "harbourcourier.example"),
    ("Artikel ini telah tayang di Kompas.com dengan judul \"Feri Kandas\"", "Kompas.com"),
    ("Dieser Beitrag wurde aus der Tageszeitung Hafenkurier übernommen.", "Hafenkurier"),
    ("Tomado de El Correo del Puerto.", "El Correo del Puerto"),
    ("Материал взят с сайта «Портовый курьер».", "Портовый курьер"),
    ("Bu haber Liman Postası sitesinden alınmıştır.", "Liman Postası"),
    ("本文转载自《港口日报》。", "港口日报"),
    ("This article was copied automatically from its primary source.", None),
])
def test_whom_a_declaration_names(text, name):
    hit, = find(text)
    assert (hit.kind, hit.name) == ("declared-copy", name)


def test_a_long_quote_is_cut():
    title = "Ferry " * 80
    hit, = find(f"The post {title} appeared first on Harbour Courier.")
    assert len(hit.quote) == 300
    assert hit.end - hit.start > 300


# --- labels ---

@pytest.mark.parametrize(("text", "expected"), [
    ("Source:", ("Source", "")),
    ("Source: BBC News", ("Source", "BBC News")),
    ("المصدر:", ("المصدر", "")),
    ("المصدر: وام", ("المصدر", "وام")),
    ("Quelle: ntv.de, dpa", ("Quelle", "ntv.de, dpa")),
    ("来源：新华网", ("来源", "新华网")),
    ("Read the original at Example Daily", ("Read the original at", "Example Daily")),
    ("Link to the news", ("Link to the news", "")),
    ("رابط الخبر", ("رابط الخبر", "")),
    ("Kaynak AA", ("Kaynak", "AA")),
    ("Источник новости: Курьер", ("Источник новости", "Курьер")),
    ("Haberin kaynağına git", ("Haberin kaynağına git", "")),
    ("मूल लेख पढ़ें", ("मूल लेख पढ़ें", "")),
    ("La fuente original de este documento es: Agencia del Puerto", ("La fuente original de este documento es", "Agencia del Puerto")),
])
def test_source_label(text, expected):
    assert source_label(text) == expected


@pytest.mark.parametrize("text", [
    "", " ", ":", "Sources said the ferry would sail again", "The source of the fire was not found", "Photo source: Reuters",
    "Source code: see the archive", "Energy source: wind", "Read more about the ferry", "News", "The original sank in 1912",
    "Zum Artikel: Fähre läuft auf Grund", "Source: " + "x" * 500,
])
def test_no_source_label(text):
    assert source_label(text) is None


# --- agencies ---

@pytest.mark.parametrize(("name", "expected"), [
    ("Reuters", "Reuters"), ("(Reuters)", "Reuters"), ("رويترز", "Reuters"), ("وكالة رويترز", "Reuters"), ("路透社", "Reuters"),
    ("ロイター", "Reuters"), ("रॉयटर्स", "Reuters"), ("Рейтер", "Reuters"), ("A.F.P.", "AFP"), ("أ ف ب", "AFP"), ("أ.ف.ب", "AFP"),
    ("Agence France-Presse", "AFP"), ("اے ایف پی", "AFP"), ("د ب أ", "dpa"), ("dpa/lno", "dpa"), ("Nachrichtenagentur dpa", "dpa"),
    ("The Associated Press", "AP"), ("Anadolu Ajansı", "Anadolu"), ("РИА Новости", "RIA"), ("агентство ТАСС", "TASS"), ("新华社", "Xinhua"),
    ("共同", "Kyodo"), ("연합뉴스", "Yonhap"), ("भाषा", "PTI"), ("واس", "SPA"), ("وام", "WAM"), ("أ ش أ", "MENA"), ("بترا", "Petra"),
    ("ایرنا", "IRNA"), ("Укрінформ", "Ukrinform"), ("Agência Lusa", "Lusa"), ("EFE", "EFE"), ("ANSA", "ANSA"), ("Belga", "Belga"),
    ("Harbour Courier", None), ("", None), ("()", None), ("x" * 200, None), ("Reuters Square", None),
])
def test_agency(name, expected):
    assert agency(name) == expected


def test_no_two_agencies_share_a_name():
    owners = defaultdict(set)
    for canonical, aliases in rows("agencies.tsv"):
        for alias in [canonical, *(each.strip() for each in aliases.split(","))]:
            owners[alias.casefold()].add(canonical)
    assert {alias: names for alias, names in owners.items() if len(names) > 1} == {}


@pytest.mark.parametrize(("text", "name"), [
    ("PARIS (Reuters) - The ferry ran aground on Sunday.", "Reuters"),
    ("القاهرة (رويترز) - قال مسؤولون يوم الأحد إن السفينة جنحت.", "Reuters"),
    ("Berlin (dpa) - Eine Fähre ist am Sonntag auf Grund gelaufen.", "dpa"),
    ("МОСКВА, 5 мая — РИА Новости. Паром сел на мель.", "RIA"),
    ("新华社北京5月4日电 一艘渡轮星期日搁浅。", "Xinhua"),
    ("【ロンドン=共同】フェリーが日曜日に座礁した。", "Kyodo"),
    ("(서울=연합뉴스) 여객선이 일요일 좌초했다고 한다.", "Yonhap"),
])
def test_dateline(text, name):
    assert [(hit.kind, hit.name) for hit in find(text)] == [("dateline", name)]
    assert [hit.kind for hit in find("Ferry aground\n" + text + "\n" + BODY)] == ["dateline"]


@pytest.mark.parametrize("text", [
    "Reuters, which first reported the sinking, has an office on the quay.",
    "The harbour office told Reuters (the ferry company did not answer) that an inquiry begins.",
])
def test_no_dateline(text):
    assert not find(text)


# --- walls ---

WALLS = [
    ("consent", "We value your privacy. We and our 842 partners store and/or access information on a device. Accept all. Reject all."),
    ("consent", "Wir verwenden Cookies. Alle akzeptieren. Cookie-Einstellungen"),
    ("consent", "Nous utilisons des cookies. Tout accepter. Continuer sans accepter"),
    ("consent", "Мы используем файлы cookie. Принять все."),
    ("login", "Please log in to continue. Forgot your password? Don't have an account? Create an account."),
    ("login", "请先登录后查看。忘记密码？"),
    ("login", "ログインしてください。パスワードを忘れた方はこちら。"),
    ("login", "لوگین: لطفاً وارد شوید. رمز عبور را فراموش کرده‌اید؟"),
    ("paywall", "Already a subscriber? Log in. Subscribe to continue reading this article."),
    ("paywall", "Cet article est réservé aux abonnés. Déjà abonné ? Connectez-vous"),
    ("paywall", "Contenido exclusivo para suscriptores. Suscríbete para seguir leyendo."),
    ("challenge", "Checking your browser before accessing example.org. Please verify you are human."),
    ("challenge", "Подтвердите, что вы не робот"),
    ("challenge", "Access denied"),
    ("soft-404", "Page not found. The page you are looking for does not exist."),
    ("soft-404", "페이지를 찾을 수 없습니다. 주소를 확인해 주세요."),
    ("soft-404", "Sayfa bulunamadı"),
    ("soft-404", "الصفحة غير موجودة"),
    ("script", "Please enable JavaScript to view this page."),
    ("script", "Bitte aktivieren Sie JavaScript in Ihrem Browser."),
]


@pytest.mark.parametrize(("expected", "text"), WALLS)
def test_wall(expected, text):
    assert wall(text) == expected


@pytest.mark.parametrize("text", [
    "", "  ", BODY,
    'The regulator fined the company over its cookie banner. It had written "we use cookies" in small print. It will appeal.',
    "The page could not be found in the archive, the librarian said. She has looked for it since March without success.",
    "Access was denied to forty passengers. The ferry company blamed a software fault, and gave them their money back.",
    BODY * 8 + "We use cookies. Accept all cookies. Subscribe to continue reading.",
    BODY + "Already a subscriber? Log in.",
])
def test_no_wall(text):
    assert wall(text) is None


# --- the whole ---

@pytest.mark.parametrize(("text", "expected"), [
    ("Follow us on Facebook", True), ("Thank you for reading this article.", True), ("Source: Harbour Courier", True),
    ("This item was copied automatically from its source.", True), ("نعرض لكم زوارنا أهم وأحدث الأخبار في المقال التالي:", True),
    ("The ferry ran aground at dawn.", False), ("(AFP)", False), ("", False),
    ("He thanked his readers for twenty years of letters.", False),
])
def test_is_site_phrase(text, expected):
    assert is_site_phrase(text) is expected


def test_hits_are_values():
    hit, = find("(AFP)")
    assert hit == Hit("credit", 0, 5, "(AFP)", "AFP", "")
    with pytest.raises(AttributeError):
        hit.kind = "dateline"


@given(st.text(max_size=400) | st.lists(st.sampled_from(
    [text for _, _, text in read("phrases_development.tsv")] + ["\n", " ", "“", "”", "\"", "(", ":", "AFP", "http://a.b/c"]), max_size=6).map(" ".join))
def test_any_text_gives_ordered_hits_that_quote_it(text):
    hits = find(text)
    assert [hit.start for hit in hits] == sorted({hit.start for hit in hits})
    for hit in hits:
        assert hit.kind in KINDS
        assert 0 <= hit.start < hit.end <= len(text)
        assert hit.quote == text[hit.start:hit.end][:300]
        assert hit.name is None or hit.name in text or agency(hit.name) is not None or hit.kind == "dateline"
    assert wall(text) in {None, "consent", "login", "paywall", "challenge", "soft-404", "script"}
    label = source_label(text)
    assert label is None or (label[0] in text and label[1] in text)
    agency(text)


@pytest.mark.parametrize("text", [
    "a" * 1_000_000, "\n" * 1_000_000, "This article was copied " * 40_000, "新" * 1_000_000, "\"" * 200_000, "(" * 200_000,
    "source: " * 120_000, "x\n" * 500_000, "«" * 100_000 + "»" * 100_000, "' a" * 300_000, "a.b/" * 250_000,
], ids=lambda text: text[:6])
def test_large_and_hostile_texts_end(text):
    assert len(find(text)) <= 1_000
    wall(text)
    source_label(text)


def test_both_ends_of_a_large_text_are_read():
    line = "This article was copied automatically from its source."
    text = line + "\n" + BODY * 4_000 + line
    assert [hit.start for hit in find(text)] == [0, len(text) - len(line)]


def test_the_table_is_sound():
    names = {part.name.lower() for part in Part}
    for cells in rows("words.tsv"):
        assert len(cells) == 3, cells
        assert cells[0] in LANGUAGES
        assert cells[1] in names
        assert all(form.strip() for form in cells[2].split(",")), cells[:2]
    assert of_language(lookup("articles")[1], "en") & Part.ITEM
    assert lexicon().whole
    assert all(len(cells) in (3, 4) for cells in rows("walls.tsv"))
