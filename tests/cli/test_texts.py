"""extract, compare, find, dedup."""

import gzip
import json

import pytest
import zstandard

from crawler.cli.jsonlines import Lines

FERRY = " ".join(f"On day {n} the ferry to pier {n * 7} carried {n * 3} lorries and a brass band from village {n}." for n in range(9))
OTHER = " ".join(f"Gardener {n} planted {n * 5} roses behind the old mill while it rained for {n} hours without end." for n in range(9))
PAGE = ("<!doctype html><html lang=en><head><title>Ferry</title><link rel=canonical href='https://first.example/1'>"
        "<meta property='article:published_time' content='2026-03-01T08:00:00Z'></head><body><article><h1>Ferry</h1><p>"
        f"{FERRY}</p></article></body></html>")


@pytest.fixture
def files(tmp_path):
    (tmp_path / "a.txt").write_text(FERRY)
    (tmp_path / "page.html").write_text(PAGE)
    (tmp_path / "other.txt").write_text("\ufeff" + OTHER.replace(" ", "\r\n", 3))
    return tmp_path


# extract

def test_extract_prints_each_page_in_order_and_names_what_failed(firsthand, files):
    done = firsthand("extract", "a.txt", "nosuch.html", "page.html", "--json")
    rows = [json.loads(line) for line in done.out.splitlines()]
    assert (done.status, [row["input"] for row in rows]) == (1, ["a.txt", "page.html"])
    assert done.err == "firsthand: nosuch.html: cannot be read: No such file or directory\n"
    assert set(rows[1]) >= {"input", "url", "title", "text", "language", "claims", "attributions", "walls"}
    assert (rows[1]["title"], rows[1]["language"]) == ("Ferry", "en")
    assert rows[1]["claims"][0]["at"] == "2026-03-01T08:00:00Z"
    assert rows[1]["claims"][0]["from"] == "meta"
    assert not (files / "var").exists()


def test_extract_reads_a_file_as_from_its_address(firsthand, files):
    row = json.loads(firsthand("extract", "page.html", "--url", "https://copy.example/1", "--json").out)
    assert row["url"] == "https://copy.example/1"
    assert [one["kind"] for one in row["attributions"]] == ["canonical-elsewhere"]


def test_extract_for_people(firsthand, files):
    out = firsthand("extract", "page.html").out
    assert "states published 2026-03-01 08:00:00 (meta" in out
    assert "On day 8 the ferry" in " ".join(out.split())


@pytest.mark.parametrize("wrong", [["a.txt", "page.html", "--url", "https://a.example/"], ["a.txt", "--url", "ftp://a"], []])
def test_extract_refuses_what_makes_no_sense(firsthand, files, wrong):
    done = firsthand("extract", *wrong)
    assert (done.status, done.out, done.err.count("\n")) == (2, "", 1)


def test_extract_asks_no_private_address(firsthand, files):
    done = firsthand("extract", "http://127.0.0.1:9/x")
    assert done.status == 1
    assert "private" in done.err


# compare

def test_compare_two_files_says_why_and_leaves_nothing(firsthand, files):
    found = json.loads(firsthand("compare", "a.txt", "page.html", "--json").out)
    assert (found["copied"], found["a_in_b"], found["b_in_a"]) == (True, 1.0, 1.0)
    start, end = found["passages"][0]["a"]
    assert FERRY[start:end] == found["passages"][0]["quote"]
    assert "copied" in firsthand("compare", "a.txt", "page.html").out
    assert sorted(one.name for one in files.iterdir()) == ["a.txt", "other.txt", "page.html"]


def test_compare_tells_both_directions(firsthand, files):
    (files / "long.txt").write_text(FERRY + "\n" + OTHER)
    found = json.loads(firsthand("compare", "long.txt", "a.txt", "--json").out)
    assert (found["kind_of_b"], found["kind_of_a"]) == ("excerpt", "wrapped")
    assert found["a_in_b"] < found["b_in_a"] == 1.0


def test_compare_unrelated(firsthand, files):
    done = firsthand("compare", "-", "other.txt", "--json", stdin=FERRY.encode())
    found = json.loads(done.out)
    assert (done.status, found["copied"], found["related"], found["passages"]) == (0, False, False, [])


def test_compare_stored_articles_by_id_and_by_address(firsthand, stored):
    found = json.loads(firsthand("compare", stored.ids["ferry"], "https://portal.example/ferry", "--json", config=stored).out)
    assert found["kind_of_b"] == "wrapped"
    assert found["b"]["source"] == "Copy Portal"


@pytest.mark.parametrize(("names", "status"), [(("a.txt", "nosuch"), 3), (("-", "-"), 2), (("a.txt", "."), 1)])
def test_compare_what_cannot_be_read(firsthand, files, names, status):
    done = firsthand("compare", *names)
    assert (done.status, done.out, done.err.count("\n")) == (status, "", 1)


# find

def test_find_a_text_that_is_not_stored(firsthand, stored, tmp_path):
    ferry = json.loads(firsthand("show", stored.ids["ferry"], "--json", config=stored).out)["text"]
    (tmp_path / "draft.txt").write_text("A word of our own first.\n" + ferry)
    done = firsthand("find", "draft.txt", "--json", config=stored)
    rows = [json.loads(line) for line in done.out.splitlines()]
    assert done.status == 0
    assert {row["article"] for row in rows} == {stored.ids[name] for name in ("ferry", "portal", "lantern")}
    assert {row["story"] for row in rows} == {stored.stories["ferry"]}
    assert [row["containment"] for row in rows] == sorted((row["containment"] for row in rows), reverse=True)


def test_find_a_stored_article_by_its_address_without_itself(firsthand, stored):
    done = firsthand("find", "https://post.example/ferry", config=stored)
    assert done.status == 0
    assert "https://portal.example/ferry" in done.out
    assert "https://post.example/ferry" not in done.out


@pytest.mark.parametrize(("text", "words"), [(OTHER, "nothing stored"), ("too short", "too short to tell")])
def test_find_nothing_is_3(firsthand, stored, text, words):
    done = firsthand("find", "-", stdin=text.encode(), config=stored)
    assert (done.status, done.out, done.err.count("\n")) == (3, "", 1)
    assert words in done.err


# dedup

def line(id_, text, **more):
    return json.dumps({"id": id_, "text": text, **more})


GOOD = [line("a", FERRY, source="Post", published="2026-03-01T06:00:00Z"),
        line("b", "Welcome, dear readers, to our own little page about many boats, where a bell rings at noon and nobody minds the rain.\n" + FERRY, source="Portal",
             published="2026-03-01T08:00:00+01:00"),
        line("c", OTHER), line("empty", ""), line("e", FERRY + " Copied from the Post by hand.", published="2026-03-02T00:00:00Z")]


def rows(text):
    return [json.loads(one) for one in text.splitlines()]


def test_dedup_gives_a_line_an_article_in_input_order(firsthand, tmp_path):
    (tmp_path / "in.jsonl").write_text("\n".join(GOOD))
    done = firsthand("dedup", "in.jsonl", "-o", "out", "--pairs", "pairs", "--stories", "stories")
    assert (done.status, done.out, done.err) == (0, "", "")
    out = rows((tmp_path / "out").read_text())
    assert [(row["id"], row["role"], row["kind"]) for row in out] == [
        ("a", "original", None), ("b", "copy", "wrapped"), ("c", "single", None), ("empty", "single", None), ("e", "copy", "near")]
    assert set(out[0]) == {"id", "story", "original", "role", "kind", "similarity", "of_original", "of_copy", "matched"}
    assert out[2]["story"] is None
    pairs = rows((tmp_path / "pairs").read_text())
    assert [(pair["a"], pair["b"]) for pair in pairs] == [("a", "b"), ("a", "e"), ("b", "e")]
    assert set(pairs[0]) == {"a", "b", "similarity", "a_in_b", "b_in_a", "kind"}
    assert [(one["original"], [copy["id"] for copy in one["copies"]]) for one in rows((tmp_path / "stories").read_text())] == [
        ("a", ["b", "e"])]
    assert sorted(one.name for one in tmp_path.iterdir()) == ["in.jsonl", "out", "pairs", "stories"]


BAD = [
    (b"{bad", "no JSON"), (b"[1]", "expected an object, found a list"), (b'{"text":"x"}', "no id"), (b'{"id":"x"}', "no text"),
    (b'{"id":5,"text":"x"}', "id: expected a text, found a number"), (b'{"id":"","text":"x"}', "id: is empty"),
    (b'{"id":"x","text":null}', "text: expected a text, found null"), (b'{"id":"a","text":"x"}', "stands on an earlier line"),
    (b'{"id":"x","text":"x","url":[]}', "url: expected a text, found a list"),
    (b'{"id":"x","text":"x","published":"yesterday"}', "no RFC 3339 time"),
    (b'{"id":"x","text":"x","first_seen":"2026-02-30T00:00:00Z"}', "day is out of range"),
    (b'{"id":"x","text":"x","first_seen":"0001-01-01T00:00:00Z"}', "no moment of the years 1995 to 2100"),
    (b'{"id":"x","text":"x","appeared_after":"2026-03-01T06:00:00+23:59"}', "in a zone within 14 hours of UTC"),
    (b'{"id":"x","text":"x","published":"2026-02-03"}', "no RFC 3339 time"),
    (b'{"id":"x","text":"x","first_seen":"2026-02-03T08:00:00Z","appeared_after":"2026-02-03T09:00:00Z"}', "appeared_after is later"),
    (b'{"id":"x","text":"\xff"}', "not UTF-8"), (b"[" * 100_000, "nested too deeply"),
    (b'{"id":"x","text":"x","n":' + b"9" * 5000 + b"}", "no JSON"),
]


def test_compare_says_which_was_first_where_the_texts_tell(firsthand, tmp_path):
    text = ("The harbour council of Port Ellery voted on Tuesday night to close the old grain terminal and sell its land to the "
            "railway, after eleven of the fifteen members had backed the sale that divided the town since the first survey.")
    (tmp_path / "a.txt").write_text(text)
    (tmp_path / "b.txt").write_text(text + "\nMore follows tomorrow.")
    found = json.loads(firsthand("compare", str(tmp_path / "b.txt"), str(tmp_path / "a.txt"), "--json").out)
    assert (found["copied"], found["first"]["decided"], found["first"]["why"], found["rules"]) == (True, False, [], 2)
    assert found["refused"] is None
    assert found["containment"] == 1.0


@pytest.mark.parametrize("options", [["-o", "in.jsonl"], ["--pairs", "in.jsonl"], ["-o", "link.jsonl"], ["-o", "x", "--related", "./x"]])
def test_dedup_overwrites_neither_its_input_nor_a_result(firsthand, tmp_path, monkeypatch, options):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.jsonl").write_text("\n".join(GOOD))
    (tmp_path / "link.jsonl").symlink_to("in.jsonl")
    done = firsthand("dedup", "in.jsonl", *options)
    assert (done.status, "go to the same place" in done.err) == (2, True)
    assert (tmp_path / "in.jsonl").read_text() == "\n".join(GOOD)


def test_dedup_names_bad_lines_and_goes_on(firsthand):
    first = GOOD[0].encode()
    body = b"\xef\xbb\xbf" + first + b"\r\n\r\n" + b"\n".join(bad for bad, _ in BAD) + b"\n" + GOOD[2].encode()
    done = firsthand("dedup", "-", stdin=body)
    assert (done.status, [row["id"] for row in rows(done.out)]) == (1, ["a", "c"])
    told = done.err.splitlines()
    assert told[-1] == f"firsthand: -: {len(BAD)} lines left out"
    for number, ((_, reason), complaint) in enumerate(zip(BAD, told, strict=False), 3):
        assert complaint.startswith(f"-:{number}: left out: ")
        assert reason in complaint
    assert firsthand("dedup", "-", "--skip-bad", stdin=body).status == 0


@pytest.mark.parametrize(("name", "pack"), [("in.jsonl.gz", gzip.compress), ("in.jsonl.zst", zstandard.ZstdCompressor().compress),
                                            ("in.zst", lambda body: b"".join(
                                                zstandard.ZstdCompressor().compress(body[at:at + 100])
                                                for at in range(0, len(body), 100)))])
def test_dedup_reads_compressed_files_and_notices_cut_ones(firsthand, tmp_path, name, pack):
    body = "\n".join(GOOD).encode()
    (tmp_path / name).write_bytes(pack(body))
    plain = firsthand("dedup", "-", stdin=body).out
    assert firsthand("dedup", name).out == plain
    (tmp_path / name).write_bytes(pack(body)[:-5])
    done = firsthand("dedup", name, "-o", "out")
    assert (done.status, done.err.count("\n"), (tmp_path / "out").exists()) == (1, 1, False)
    assert name in done.err


def test_dedup_does_not_depend_on_the_number_of_processes(firsthand):
    body = "\n".join(GOOD).encode()
    assert firsthand("dedup", "-", "--jobs", "2", stdin=body).out == firsthand("dedup", "-", stdin=body).out


def test_dedup_keeps_ids_that_are_no_unicode(firsthand):
    done = firsthand("dedup", "-", stdin=(line("s\ud800", FERRY) + "\n" + line("b", FERRY + " \ud800")).encode())
    assert [row["id"] for row in rows(done.out)] == ["s\ud800", "b"]


def test_dedup_counts_a_configuration_only_where_it_is_named(firsthand, tmp_path):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "firsthand.yaml").write_text("not: [valid")
    body = (line("a", FERRY) + "\n" + line("b", FERRY)).encode()
    assert rows(firsthand("dedup", "-", stdin=body).out)[1]["role"] == "copy"
    (tmp_path / "strict.yaml").write_text("match: {min_words: 5000}\nfeeds: []\n")
    assert rows(firsthand("-c", "strict.yaml", "dedup", "-", stdin=body).out)[1]["role"] == "single"


@pytest.mark.parametrize("wrong", [["--jobs", "0"], ["-o", "x", "--pairs", "x"], ["--stories", "-"]])
def test_dedup_refuses_what_makes_no_sense(firsthand, wrong, tmp_path):
    done = firsthand("dedup", "-", *wrong, stdin=b"")
    assert (done.status, done.out, done.err.count("\n")) == (2, "", 1)
    assert not list(tmp_path.iterdir())


def test_dedup_of_nothing(firsthand):
    assert (firsthand("dedup", "-").status, firsthand("dedup", "-").out) == (0, "")
    assert firsthand("dedup", "nosuch.jsonl").status == 1


def test_lines_counts_what_it_read(tmp_path):
    (tmp_path / "in").write_bytes(b'{"id":"a","text":""}\n{')
    lines, told = Lines(str(tmp_path / "in")), []
    assert [one.id for one in lines.documents(told.append)] == ["a"]
    assert (lines.bytes_read, lines.bad, len(told)) == (22, 1, 1)
