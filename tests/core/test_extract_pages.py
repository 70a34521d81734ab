"""Text, title, language, encoding, addresses: what is read from pages of several makes, in several languages."""

import gzip
import io
import pickle

import pytest

from crawler.core.extract import page as pages
from crawler.core.extract import read_content, read_page

URL = "https://news.example/2024/05/bridge"

ARTICLES = {
    "en": ("Council votes to keep the old iron bridge open",
           ["The town council voted on Tuesday evening to keep the old iron bridge open to walkers and cyclists.",
            "Engineers had warned that the eastern pier needs repairs worth four million pounds within three years.",
            "Mayor Ruth Calder said the money would come from the sale of the former tax office beside the station.",
            "Shopkeepers on both banks had collected nine thousand signatures against a closure during the winter."]),
    "de": ("Stadtrat hält die alte Eisenbrücke offen",
           ["Der Stadtrat hat am Dienstagabend beschlossen, die alte Eisenbrücke für Fußgänger offen zu halten.",
            "Ingenieure hatten gewarnt, dass der östliche Pfeiler in drei Jahren für vier Millionen erneuert werden muss.",
            "Bürgermeisterin Ruth Calder sagte, das Geld komme aus dem Verkauf des früheren Finanzamts am Bahnhof.",
            "Händler auf beiden Ufern hatten im Winter neuntausend Unterschriften gegen eine Schließung gesammelt."]),
    "fr": ("Le conseil garde ouvert le vieux pont de fer",
           ["Le conseil municipal a décidé mardi soir de garder le vieux pont de fer ouvert aux piétons et aux cyclistes.",
            "Les ingénieurs avaient prévenu que la pile orientale devait être réparée dans les trois années à venir.",
            "La maire Ruth Calder a expliqué que l'argent viendrait de la vente de l'ancien bureau des impôts.",
            "Les commerçants des deux rives avaient recueilli neuf mille signatures contre la fermeture cet hiver."]),
    "es": ("El pleno mantiene abierto el viejo puente de hierro",
           ["El pleno municipal decidió el martes por la noche mantener abierto el viejo puente de hierro a los peatones.",
            "Los ingenieros habían advertido de que el pilar oriental necesita obras por cuatro millones en tres años.",
            "La alcaldesa Ruth Calder explicó que el dinero saldrá de la venta de la antigua oficina de impuestos.",
            "Los comerciantes de ambas orillas habían reunido nueve mil firmas contra el cierre durante el invierno."]),
    "ar": ("المجلس البلدي يقرر إبقاء الجسر الحديدي القديم مفتوحا",
           ["قرر المجلس البلدي مساء الثلاثاء إبقاء الجسر الحديدي القديم مفتوحا أمام المشاة وراكبي الدراجات في المدينة.",
            "وكان المهندسون قد حذروا من أن الدعامة الشرقية تحتاج إلى إصلاحات كبيرة خلال السنوات الثلاث المقبلة.",
            "وقالت رئيسة البلدية إن الأموال ستأتي من بيع مبنى مكتب الضرائب السابق القريب من محطة القطار.",
            "وجمع أصحاب المتاجر على ضفتي النهر تسعة آلاف توقيع ضد إغلاق الجسر خلال فصل الشتاء الماضي."]),
    "zh": ("市议会决定保留旧铁桥通行",
           ["市议会周二晚间投票决定，继续向行人和骑自行车的人开放这座建于一百年前的旧铁桥，并拨出专款维修。",
            "工程师此前警告说，东侧桥墩需要在三年之内进行价值四百万元的修复工程，否则大桥将不得不关闭。",
            "市长表示，这笔资金将来自出售火车站旁边原来的税务局大楼，预计今年秋天就可以完成全部手续。",
            "河两岸的店主在冬天收集了九千个签名，反对关闭大桥，他们说没有这座桥生意就很难继续做下去。"]),
    "hi": ("नगर परिषद ने पुराने लोहे के पुल को खुला रखने का फैसला किया",
           ["नगर परिषद ने मंगलवार शाम को पुराने लोहे के पुल को पैदल चलने वालों और साइकिल सवारों के लिए खुला रखने का फैसला किया।",
            "इंजीनियरों ने चेतावनी दी थी कि पूर्वी खंभे की मरम्मत तीन साल के भीतर करनी होगी और इस पर बहुत खर्च आएगा।",
            "महापौर ने कहा कि इसके लिए पैसा रेलवे स्टेशन के पास पुराने कर कार्यालय की बिक्री से आएगा।",
            "नदी के दोनों किनारों के दुकानदारों ने सर्दियों में पुल बंद करने के खिलाफ नौ हजार हस्ताक्षर जुटाए थे।"]),
    "ru": ("Городской совет оставил старый железный мост открытым",
           ["Городской совет во вторник вечером решил оставить старый железный мост открытым для пешеходов и велосипедистов.",
            "Инженеры предупреждали, что восточная опора в ближайшие три года потребует ремонта на четыре миллиона.",
            "Мэр города заявила, что деньги поступят от продажи бывшего здания налоговой службы возле вокзала.",
            "Торговцы на обоих берегах собрали за зиму девять тысяч подписей против закрытия моста."]),
    "ja": ("市議会、古い鉄橋の通行継続を決定",
           ["市議会は火曜日の夜、百年前に建てられた古い鉄橋を歩行者と自転車のために引き続き開放することを決めた。",
            "技術者たちは、東側の橋脚には三年以内に四百万円をかけた修理が必要になると以前から警告していた。",
            "市長は、駅の隣にある以前の税務署の建物を売却して費用をまかなうと説明し、秋には手続きが終わると述べた。",
            "両岸の商店主たちは冬の間に、橋の閉鎖に反対する九千人分の署名を集め、市議会に提出していた。"]),
}


def paragraphs(language):
    return "".join(f"<p>{text}</p>" for text in ARTICLES[language][1])


def semantic(language):
    """A current make: article, header, figure, related teasers, footer."""
    title = ARTICLES[language][0]
    return f"""<!DOCTYPE html><html lang="{language}"><head><meta charset="utf-8"><title>{title} | The Herald</title>
      <meta property="og:title" content="{title}"><meta property="og:site_name" content="The Herald"></head><body>
      <header><h1 class="logo">TH</h1><nav><ul><li><a href="/world">World</a></li><li><a href="/sport">Sport</a></li></ul></nav>
      </header><main><article><h1>{title}</h1><figure><img src="a.jpg"><figcaption>A bridge. Photo: Jo Field</figcaption></figure>
      {paragraphs(language)}</article></main>
      <aside class="related"><h2>More</h2><ul><li><a href="/1">Harbour fees will rise again</a></li></ul></aside>
      <footer>© The Herald. All rights reserved.</footer></body></html>"""


def tables(language):
    """An old make: tables, font tags, upper case."""
    title = ARTICLES[language][0]
    rows = "".join(f"<P><FONT SIZE=2>{text}</FONT></P>" for text in ARTICLES[language][1])
    return f"""<HTML><HEAD><TITLE>The Herald - {title}</TITLE></HEAD><BODY BGCOLOR=white><TABLE><TR><TD WIDTH=120>
      <A HREF="/">Home</A><BR><A HREF="/w">World</A></TD><TD><H1>{title}</H1>{rows}</TD></TR></TABLE></BODY></HTML>"""


def cms(language):
    """What most content systems make: divs with class names."""
    title = ARTICLES[language][0]
    return f"""<!doctype html><html><head><title>{title} – The Herald</title></head><body class="has-sidebar single-post">
      <div id="page"><div class="menu"><a href="/a">A</a></div><div class="entry"><h1 class="entry-title">{title}</h1>
      <div class="entry-content">{paragraphs(language)}</div></div>
      <div class="sidebar widget-area"><h3>Popular</h3><a href="/p">Ferry strike enters second week</a></div></div></body></html>"""


@pytest.mark.parametrize("make", [semantic, tables, cms])
@pytest.mark.parametrize("language", list(ARTICLES))
def test_text_title_and_language_of_every_make(make, language):
    page = read_page(make(language).encode(), URL, "text/html; charset=utf-8")
    assert page.text == "\n".join(ARTICLES[language][1])
    assert page.title == ARTICLES[language][0]
    assert page.language == language
    assert page.walls == ()


@pytest.mark.parametrize(("language", "encoding"), [
    ("ar", "cp1256"), ("ru", "cp1251"), ("ru", "koi8-r"), ("zh", "gb18030"), ("ja", "shift_jis"), ("ja", "euc_jp"),
    ("de", "iso8859-1"), ("fr", "cp1252"), ("ru", "utf-16"), ("de", "utf-8-sig")])
@pytest.mark.parametrize("declared", ["http", "meta", "nowhere"])
def test_encodings(language, encoding, declared):
    label = {"gb18030": "gb2312", "utf-8-sig": "utf-8"}.get(encoding, encoding)
    meta = f'<meta http-equiv="Content-Type" content="text/html; charset={label}">' if declared == "meta" else ""
    markup = semantic(language).replace('<meta charset="utf-8">', meta)
    markup = markup.replace("©", "(c)")
    page = read_page(markup.encode(encoding), URL, f"text/html; charset={label}" if declared == "http" else "text/html")
    assert page.text == "\n".join(ARTICLES[language][1])


def test_http_charset_goes_before_meta():
    markup = semantic("ru").replace('charset="utf-8"', 'charset="windows-1252"').encode("cp1251")
    assert ARTICLES["ru"][1][0] in read_page(markup, URL, "text/html; charset=windows-1251").text


def test_valid_utf8_is_utf8_whatever_is_declared():
    page = read_page(semantic("de").encode(), URL, "text/html; charset=iso-8859-1")
    assert "Eisenbrücke" in page.text
    assert any("read as utf-8" in note for note in page.notes)


@pytest.mark.parametrize("label", ["rot13", "idna", "punycode", "undefined", "unicode_escape", "utf-7", "zlib", "x" * 900, "\u00e9"])
def test_what_is_no_encoding_of_pages_is_not_used(label):
    text, encoding, declared = pages.decode("<p>grün</p>".encode(), f"text/html; charset={label}")
    assert (text, encoding, declared) == ("<p>grün</p>", "utf-8", None)


def test_a_character_cut_at_the_cap_is_no_reason_to_guess():
    text, encoding, _ = pages.decode("grün und grün".encode()[:-2], None)
    assert (text, encoding) == ("grün und gr", "utf-8")


# --- title --------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("head", "body", "expected"), [
    ("<title>Bridge stays open | Herald</title><meta property='og:site_name' content='Herald'>", "", "Bridge stays open"),
    ("<title>Herald: Bridge stays open</title><meta property='og:site_name' content='Herald'>", "", "Herald: Bridge stays open"),
    ("<title>Bridge stays open - news.example</title>", "", "Bridge stays open"),
    ("<title>Bridge stays open - after all</title>", "", "Bridge stays open - after all"),
    ("<meta property='og:title' content='Bridge stays open'>", "<h1>HERALD</h1>", "Bridge stays open"),
    ("<title>Old bridge open</title><meta property='og:title' content='You will not believe it'>", "<h1>Old bridge stays open</h1>", "Old bridge stays open"),
    ("", "<h1>Old bridge\n stays <em>open</em></h1>", "Old bridge stays open"),
    ("<title>x</title><meta property='og:title' content=''>", "", "x"),
    ("", "", ""),
])
def test_title(head, body, expected):
    assert read_page(f"<html><head>{head}</head><body>{body}<p>x</p></body></html>".encode(), URL).title == expected


def test_headline_of_the_json_ld_where_nothing_else_is_said():
    script = '<script type="application/ld+json">{"@type":"NewsArticle","headline":"Bridge &amp; river"}</script>'
    assert read_page(f"<html><head>{script}</head><body><p>x</p></body></html>".encode(), URL).title == "Bridge & river"


# --- body ---------------------------------------------------------------------------------------------------------

def test_article_body_of_the_json_ld_where_the_page_is_a_shell():
    body = "\\n".join(ARTICLES["en"][1])
    script = f'<script type="application/ld+json">{{"@type":"NewsArticle","articleBody":"{body}"}}</script>'
    page = read_page(f'<html><head>{script}</head><body><div id="root"></div></body></html>'.encode(), URL)
    assert page.text == "\n".join(ARTICLES["en"][1])


def test_comments_are_no_text_and_white_space_is_collapsed():
    markup = semantic("en").replace("</article>", "<p>  Spaced \t\n out&nbsp;words about the bridge and the long river. </p></article>"
                                    "<section class='comments'><p>First! I hate this bridge so very much, really.</p></section>")
    page = read_page(markup.encode(), URL)
    assert page.text.endswith("\nSpaced out words about the bridge and the long river.")


def test_reading_leaves_no_trace():
    first = read_page(semantic("en").encode(), URL)
    for _ in range(4):
        assert read_page(semantic("en").encode(), URL) == first


def test_a_page_can_travel_between_processes():
    page = read_page(semantic("en").encode(), URL)
    assert pickle.loads(pickle.dumps(page)) == page
    assert pickle.loads(pickle.dumps(read_page)) is read_page


# --- language -----------------------------------------------------------------------------------------------------

def test_the_text_decides_the_language_not_the_markup():
    assert read_page(semantic("de").replace('lang="de"', 'lang="en"').encode(), URL).language == "de"


def test_html_lang_decides_between_likely_languages_of_a_short_text():
    markup = "<html lang='{}'><body><article><h1>Ny bro</h1><p>Ny bro over elva i byen.</p></article></body></html>"
    assert read_page(markup.format("no-NO").encode(), URL).language == "no"
    assert read_page(markup.format("da").encode(), URL).language == "da"
    assert read_page(markup.format("zh").encode(), URL).language != "zh"


# --- addresses ----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("href", "expected"), [
    ("https://www.news.example/2024/05/bridge/?utm_source=x", "https://www.news.example/2024/05/bridge/"),
    ("/story/7", "https://news.example/story/7"),
    ("https://news.example/", None), ("https://news.example/en/", None), ("https://other.example/2024/05/bridge", None),
    ("javascript:alert(1)", None), ("", None), ("http://[", None)])
def test_canonical_on_the_own_site(href, expected):
    markup = semantic("en").replace("</head>", f'<link rel="canonical" href="{href}"></head>')
    assert read_page(markup.encode(), URL).canonical == expected


def test_canonical_of_the_http_header_and_base():
    headers = [("link", '<https://news.example/a>; rel="canonical", <https://news.example/feed>; rel="alternate"')]
    assert read_page(semantic("en").encode(), URL, headers=headers).canonical == "https://news.example/a"
    markup = semantic("en").replace("</head>", '<base href="https://news.example/deep/"><link rel="canonical" href="b"></head>')
    assert read_page(markup.encode(), URL).canonical == "https://news.example/deep/b"


def test_alternates_and_site_name():
    links = "".join(f'<link rel="alternate" hreflang="{code}" href="/{code}/bridge">' for code in ("de", "fr", "de"))
    page = read_page(semantic("en").replace("</head>", f"{links}</head>").encode(), URL)
    assert page.alternates == ("https://news.example/de/bridge", "https://news.example/fr/bridge")
    assert page.site_name == "The Herald"


# --- reservations -------------------------------------------------------------------------------------------------

def test_reservations_of_headers_and_meta():
    head = """<meta name="tdm-reservation" content="1"><meta name="tdm-policy" content="https://news.example/tdm.json">
      <meta name="robots" content="index, noai, noimageai"><meta name="robots" content="noindex">"""
    page = read_page(semantic("en").replace("</head>", f"{head}</head>").encode(), URL,
                     headers=[("X-Robots-Tag", "otherbot: noai, nofollow"), ("TDM-Reservation", "1"), ("server", "noai")])
    assert [(kept.kind, kept.value) for kept in page.reservations] == [
        ("x-robots-tag noai", "otherbot: noai, nofollow"), ("tdm-reservation", "1"),
        ("tdm-policy", "https://news.example/tdm.json"),
        ("robots noai", "index, noai, noimageai"), ("robots noimageai", "index, noai, noimageai")]


def test_no_reservation_where_none_is_made():
    assert read_page(semantic("en").encode(), URL).reservations == ()


# --- content of feed entries --------------------------------------------------------------------------------------

def test_content_of_a_feed_entry():
    html = paragraphs("en") + "<figure><img src='x'><figcaption>Photo: Jo Field</figcaption></figure><script>alert(1)</script>"
    page = read_content(html, URL, "Council votes <to> keep")
    assert page.text == "\n".join(ARTICLES["en"][1])
    assert (page.title, page.language, page.walls) == ("Council votes <to> keep", "en", ())


def test_content_with_line_breaks_only_and_with_lone_surrogates():
    page = read_content("<br><br>".join(ARTICLES["de"][1]) + "\ud800", URL, "Br\ud800ücke")
    assert page.text.split("\n")[:3] == ARTICLES["de"][1][:3]
    assert page.title == "Brücke"


@pytest.mark.parametrize("html", ["", "   ", "plain words only", "<", "<p>", "\x00\x01", "</article></body></html><p>x"])
def test_content_never_raises(html):
    assert read_content(html, URL, "").walls == ("short",)


# --- bytes that are no page ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("body", [
    b"", b"  \n", b"\x00" * 100, b"%PDF-1.7 and so on", b"\x89PNG\r\n\x1a\n",
    gzip.compress(b"<p>x</p>", mtime=0),
    bytes((n * 7919 + n * n) % 256 for n in range(20_000)), b"\xef\xbb\xbf", io.BytesIO(b"\xff\xfe").getvalue()])
def test_bytes_that_are_no_page_have_no_text_and_a_wall(body):
    page = read_page(body, URL, "text/html")
    assert page.text == ""
    assert "short" in page.walls
