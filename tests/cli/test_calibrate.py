"""calibrate: thresholds from texts and their translations. The encoder is made up, its vectors follow from the numbers in a text."""

import json
import re
import sys
from functools import cache
from importlib.machinery import ModuleSpec
from types import ModuleType

import numpy as np
import pytest

from crawler import calibrating
from crawler.adapters.encoder import encoding
from crawler.calibrating import Parallel, Text
from crawler.core.align import Calibration, align
from crawler.core.vectors import unit

LINES = {
    "en": "On day {0} the ferry to the island carried {1} lorries and a brass band from the village.",
    "de": "Am Tag {0} brachte die Fähre zur Insel {1} Lastwagen und eine Blaskapelle aus dem Dorf.",
    "fr": "Le jour {0} le bateau a transporté vers cette île {1} camions et une fanfare venue du village.",
}


def text(number, language, count=12):
    return "\n".join(LINES[language].format(number * 100 + at, number + at) for at in range(count))


def rows(groups=24, languages=("en", "de"), count=12):
    return [{"id": f"{language}{number}", "text": text(number, language, count), "same": f"t{number}", "language": language}
            for number in range(groups) for language in languages]


class Static:
    """A static model: what a sentence says is its first number, all sentences share something, and each language has its noise."""

    @classmethod
    def from_pretrained(cls, path, **_):
        return cls()

    def encode(self, sentences):
        return np.array([self.one(sentence) for sentence in sentences])

    def one(self, sentence):
        said = np.random.default_rng(int(re.search(r"\d+", sentence)[0])).standard_normal(48)
        noise = np.random.default_rng(list(sentence.encode())).standard_normal(48)
        return np.append(unit(said) + 0.4 * unit(noise), 1.5)


@pytest.fixture
def named(monkeypatch, tmp_path):
    """The name of the encoder."""
    made = ModuleType("model2vec")
    made.__spec__, made.StaticModel = ModuleSpec("model2vec", None), Static
    monkeypatch.setitem(sys.modules, "model2vec", made)
    return f"model2vec:{tmp_path}"


@pytest.fixture
def parallel(tmp_path):
    def write(given):
        (tmp_path / "p.jsonl").write_text("".join(json.dumps(row) + "\n" if isinstance(row, dict) else row + "\n" for row in given))
        return "p.jsonl"
    return write


def test_a_calibration_is_written_told_of_and_read_back(firsthand, named, parallel, tmp_path):
    done = firsthand("calibrate", parallel(rows()), "--encoder", named, "-o", "c.json")
    assert (done.status, done.out) == (0, "")
    found = encoding(named, tmp_path / "c.json").calibration
    assert found.encoder == named
    assert re.search(r"^  whole +24 +24 +100\.00% +24 +100\.00%$", done.err, re.MULTILINE)
    assert re.search(r"^  most like it +[\d,]+ +0 +0\.00% +\d+ +\d\.\d\d%$", done.err, re.MULTILINE)
    assert done.err.splitlines()[-1] == (
        f"In the configuration set match.translations: {{encoder: '{named}', calibration: 'c.json'}}")
    again = firsthand("calibrate", parallel(rows()), "--encoder", named)
    assert again.out == (tmp_path / "c.json").read_text()
    assert "calibration: FILE}" in again.err


def test_what_it_wrote_is_what_the_configuration_takes(firsthand, named, parallel, tmp_path):
    line = firsthand("calibrate", parallel(rows()), "--encoder", named, "-o", "c.json").err.splitlines()[-1]
    setting = line.removeprefix("In the configuration set match.translations: ")
    (tmp_path / "f.yaml").write_text(f"contact: desk@news.internal\nmatch:\n  translations: {setting}\nfeeds: []\n")
    assert firsthand("-c", "f.yaml", "check").status == 0
    (tmp_path / "t.jsonl").write_text("".join(json.dumps(row | {"source": row["language"]}) + "\n" for row in rows(3)))
    done = firsthand("-c", "f.yaml", "dedup", "t.jsonl", "--pairs", "pairs.jsonl")
    assert done.status == 0
    pairs = [json.loads(row) for row in (tmp_path / "pairs.jsonl").read_text().splitlines()]
    assert sorted((one["a"], one["b"]) for one in pairs if one["kind"] == "translation") == [("de0", "en0"), ("de1", "en1"), ("de2", "en2")]


def test_bad_lines_are_named_and_what_cannot_be_used_is_counted(firsthand, named, parallel):
    more = ["nonsense", json.dumps({"id": "x", "text": "y"}), json.dumps({"id": "x", "text": "y", "same": 7}),
            json.dumps({"id": "x", "text": "y", "same": ""}), json.dumps({"id": "short", "text": "Nothing.", "same": "t0"}),
            json.dumps({"id": "alone", "text": text(70, "en"), "same": "alone"}),
            json.dumps({"id": "twice", "text": text(1, "en"), "same": "t1"})]
    done = firsthand("calibrate", parallel([*rows(), *more]), "--encoder", named)
    assert done.status == 1
    assert done.err.splitlines()[:4] == [
        "p.jsonl:49: left out: no JSON: Expecting value at column 1", "p.jsonl:50: left out: no same",
        "p.jsonl:51: left out: same: expected a text, found a number", "p.jsonl:52: left out: same: is empty"]
    assert done.err.splitlines()[4].startswith("3 of 51 texts are not used: shorter than 4 sentences, in a language that ")
    assert done.err.splitlines()[-1] == "firsthand: p.jsonl: 4 lines left out"
    assert firsthand("calibrate", parallel([*rows(), *more]), "--encoder", named, "--skip-bad").status == 0


@pytest.mark.parametrize("given", [
    [], rows(19), rows(30, ("en",)), rows(30, count=3), [row | {"same": row["id"]} for row in rows(30)],
    [row | {"text": text(int(row["same"][1:]), "en")} for row in rows(30)]],
    ids=["none", "19", "one language", "short", "nothing in common", "twice the same language"])
def test_too_little_is_one_line_that_says_what_is_needed(firsthand, named, parallel, given):
    done = firsthand("calibrate", parallel(given), "--encoder", named, "-o", "c.json")
    assert (done.status, done.out) == (1, "")
    last = done.err.splitlines()[-1]
    assert re.fullmatch(r"firsthand: p\.jsonl: \d+ texts in two languages; needed are 20: lines with one value of `same`, in languages "
                        r"that the encoder covers, of four sentences at least", last)


def test_an_encoder_that_is_none_is_refused_before_anything_is_read(firsthand):
    done = firsthand("calibrate", "nosuch.jsonl", "--encoder", "use-m4")
    assert (done.status, done.out, done.err.count("\n")) == (2, "", 1)
    assert firsthand("calibrate", "nosuch.jsonl").status == 2


def test_an_encoder_that_knows_no_translation_is_refused(firsthand, named, parallel, monkeypatch, tmp_path):
    monkeypatch.setattr(Static, "one", lambda self, sentence: np.random.default_rng(list(sentence.encode())).standard_normal(400))
    done = firsthand("calibrate", parallel(rows()), "--encoder", named, "-o", "c.json")
    assert (done.status, "hardly more like those of its original" in done.err) == (1, True)
    assert not (tmp_path / "c.json").exists()


# the fit itself

def made(groups=24, common=0.0, noise=0.5, count=12, languages=("en", "de")):
    """Texts of made-up sentences; all vectors point the more one way, the more they have in `common`, as those of e5 do."""
    found = []
    for number in range(groups):
        chance = np.random.default_rng(number)
        said = unit(chance.standard_normal((count, 48)))
        found.append(Parallel(f"t{number}", tuple(
            Text(language, unit(np.column_stack((unit(said + noise * unit(chance.standard_normal(said.shape))),
                                                 np.full(count, common)))).astype(np.float32)) for language in languages)))
    return found


@cache
def calibrated(common=0.0):
    return calibrating.calibrate("x", made(common=common))


def test_the_medians_of_an_encoder_come_to_where_use_m3_has_them():
    for common in (0.0, 2.0):
        found = calibrated(common).calibration
        texts = made(common=common)
        true = np.concatenate([np.diag(one.texts[1].rows @ one.texts[0].rows.T) for one in texts])
        assert found.slope * np.median(true) + found.offset == pytest.approx(0.7605, abs=0.01)
        wrong = np.concatenate([(one.texts[1].rows @ other.texts[0].rows.T).max(axis=1) for one in texts for other in texts if other is not one])
        assert found.slope * np.median(wrong) + found.offset == pytest.approx(0.1612, abs=0.01)


def test_how_an_encoder_spreads_its_cosines_makes_no_difference():
    plain, squeezed = calibrated(), calibrated(2.0)
    assert squeezed.calibration.slope == pytest.approx(5 * plain.calibration.slope, rel=0.01)
    assert squeezed.calibration.weights == pytest.approx(plain.calibration.weights, abs=0.3)
    assert [(one.kind, one.count, one.flagged) for one in squeezed.tallies] == [(one.kind, one.count, one.flagged) for one in plain.tallies]


def test_neither_the_order_of_the_texts_nor_chance_makes_a_difference():
    told = []
    found = calibrating.calibrate("x", made()[::-1], lambda done, all_: told.append((done, all_)))
    assert found == calibrated()
    assert told == [(number, 24) for number in range(1, 25)]


def test_every_variation_is_tried_and_translations_come_first():
    found = calibrating.calibrate("x", made(languages=("en", "de", "fr")))
    assert {(one.kind, one.true): one.count for one in found.tallies} == {
        ("whole", True): 48, ("every second sentence", True): 48, ("whole, wrapped", True): 48, ("8 sentences", True): 96,
        ("8 sentences, wrapped", True): 144, ("5 sentences", True): 96, ("5 sentences, wrapped", True): 144,
        ("most like it", False): next(one.count for one in found.tallies if one.kind == "most like it"),
        ("another half", False): 48, ("another half, wrapped", False): 48}
    assert [one.true for one in found.tallies] == sorted((one.true for one in found.tallies), reverse=True)
    assert all(one.flagged <= one.doubtful <= one.count for one in found.tallies)


def test_texts_whose_languages_nobody_else_has_are_not_wrapped():
    """Each original has an own language, each translation another: nothing foreign can stand around it."""
    texts = [Parallel(one.name, (Text(f"o{at}", one.texts[0].rows), Text(f"t{at}", one.texts[1].rows))) for at, one in enumerate(made())]
    kinds = {one.kind for one in calibrating.calibrate("x", texts).tallies}
    assert kinds == {"whole", "every second sentence", "8 sentences", "5 sentences", "most like it", "another half"}


def test_texts_of_four_sentences_have_neither_excerpts_nor_halves():
    kinds = {one.kind for one in calibrating.calibrate("x", made(count=4)).tallies}
    assert kinds == {"whole", "every second sentence", "whole, wrapped", "most like it"}


def test_what_is_told_is_of_texts_that_the_weights_have_not_seen(monkeypatch):
    fitted, judged = [], []
    fit, tally = calibrating._fitted, calibrating._tallies
    monkeypatch.setattr(calibrating, "_fitted", lambda bare, examples: fitted.append(list(examples)) or fit(bare, examples))
    monkeypatch.setattr(calibrating, "_tallies", lambda tried: judged.extend(tried) or tally(tried))
    calibrating.calibrate("x", made())
    first, second, both = fitted
    assert both == [*first, *second]
    weights = {id(one): fit(Calibration("x", by.slope, by.offset, by.weights, 0), second if at < len(first) else first).weights
               for at, (one, by) in list(enumerate(judged))[::len(first)]}
    assert all(by.weights == weights[id(one)] for one, by in judged if id(one) in weights)


def test_a_calibration_knows_translations_of_texts_it_was_not_made_of():
    found = calibrated(2.0).calibration
    texts = made(40, common=2.0)[24:]
    own = [align(one.texts[0].rows, one.texts[1].rows, found) for one in texts]
    other = [align(one.texts[0].rows, another.texts[1].rows, found) for one in texts for another in texts if another is not one]
    assert all(found.probability(one.figures) > 0.9 for one in own)
    assert not any(found.probability(one.figures) > 0.5 for one in other)
