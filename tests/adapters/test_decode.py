"""Decompression under a cap, whatever the pieces in which it arrives."""

import gzip
import tracemalloc
import zlib

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from crawler.adapters.http.decode import ACCEPTED, Body, BodyError, decoder_for
from crawler.errors import Reason

TEXT = b"".join(b"Paragraph %d of a report on the harbour, its cranes and its debts.\n" % n for n in range(3000))
CAP = 16 * 1024**2


def raw_deflate(data):
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


CODINGS = {
    "identity": lambda data: data,
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "raw deflate": raw_deflate,
    "br": lambda data: brotli.compress(data, quality=5),
    "zstd": zstandard.compress,
}


def label(coding):
    return coding.split()[-1]


ZEROS = bytes(32 * 1024**2)


def unpack(coding, packed, size=65536, limit=CAP, **options):
    body = Body([coding], limit, **options)
    for start in range(0, len(packed), size):
        body.feed(packed[start:start + size])
        if body.full:
            break
    return body.finish()


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("size", [1, 7, 1000, 10**6])
def test_comes_out_as_it_went_in(coding, size):
    text = TEXT[:3000] if size == 1 else TEXT
    assert unpack(label(coding), CODINGS[coding](text), size) == text


@given(st.binary(max_size=3000), st.sampled_from(list(CODINGS)), st.integers(1, 500))
def test_any_bytes_in_any_pieces(data, coding, size):
    if data or coding != "identity":
        assert unpack(label(coding), CODINGS[coding](data), size) == data


@given(st.binary(min_size=1, max_size=300), st.sampled_from(["gzip", "deflate", "br", "zstd"]))
def test_foreign_bytes_fail_in_words(data, coding):
    reason = None
    try:
        unpack(coding, data)
    except BodyError as error:
        reason = error.reason
    assert reason in (None, Reason.ENCODING, Reason.TRUNCATED)


@pytest.mark.parametrize("coding", [name for name in CODINGS if name != "identity"])
def test_a_stream_that_is_cut_anywhere_is_truncated(coding):
    packed = CODINGS[coding](TEXT[:2000])
    for end in range(1, len(packed)):
        with pytest.raises(BodyError) as caught:
            unpack(label(coding), packed[:end])
        # The first bytes of raw deflate can look like anything.
        assert caught.value.reason is Reason.TRUNCATED or (coding == "raw deflate" and end < 3)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br"])
@pytest.mark.parametrize("size", [1, 10**6])
def test_bytes_after_the_end_are_an_error(coding, size):
    with pytest.raises(BodyError) as caught:
        unpack(coding, CODINGS[coding](TEXT[:500]) + b"and more", size)
    assert caught.value.reason is Reason.ENCODING


@pytest.mark.parametrize("length", [65_535, 65_536, 65_537, 150_000])
@pytest.mark.parametrize("coding", ["gzip", "deflate", "raw deflate", "br", "zstd"])
def test_what_follows_a_stream_of_more_than_one_piece_is_read_once(coding, length):
    """The end of the stream arrives together with what is unpacked a piece later."""
    data = TEXT[:length]
    packed = CODINGS[coding](data)
    if coding in ("gzip", "zstd"):
        assert unpack(coding, packed + packed) == data + data
    with pytest.raises(BodyError) as caught:
        unpack(label(coding), packed + b"and more")
    assert caught.value.reason is Reason.ENCODING


@pytest.mark.parametrize("size", [1, 10**6])
def test_zero_bytes_after_a_gzip_stream_are_padding(size):
    assert unpack("gzip", gzip.compress(TEXT[:500]) + bytes(300), size) == TEXT[:500]


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
@pytest.mark.parametrize("size", [1, 10**6])
def test_joined_streams_are_one_body(coding, size):
    pack = CODINGS[coding]
    assert unpack(coding, pack(TEXT[:500]) + pack(TEXT[500:900]), size) == TEXT[:900]


@pytest.mark.parametrize("coding", ["gzip", "deflate", "raw deflate", "br", "zstd"])
def test_a_bomb_is_found_before_it_fills_the_memory(coding):
    """32 MiB of zeros: at most a few MiB may exist at once."""
    packed = CODINGS[coding](ZEROS)
    tracemalloc.start()
    try:
        with pytest.raises(BodyError) as caught:
            unpack(label(coding), packed)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert caught.value.reason is Reason.BOMB
    assert peak < 8 * 1024**2


@pytest.mark.parametrize("coding", CODINGS)
def test_more_than_the_cap_is_too_large(coding):
    with pytest.raises(BodyError) as caught:
        unpack(label(coding), CODINGS[coding](TEXT), limit=len(TEXT) - 1)
    assert caught.value.reason is Reason.TOO_LARGE
    assert unpack(label(coding), CODINGS[coding](TEXT), limit=len(TEXT)) == TEXT


def test_text_that_packs_well_is_no_bomb():
    text = TEXT * 8
    assert 20 < len(text) / len(gzip.compress(text)) < 100
    assert unpack("gzip", gzip.compress(text)) == text


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("size", [100, 10**6])
def test_robots_are_cut_at_the_cap(coding, size):
    assert unpack(label(coding), CODINGS[coding](TEXT), size, limit=5000, cut=True) == TEXT[:5000]


@given(st.binary(max_size=300), st.sampled_from(list(CODINGS)), st.integers(1, 40), st.integers(1, 50))
def test_what_is_cut_is_cut_at_one_place_whatever_the_pieces(data, coding, size, limit):
    packed = CODINGS[coding](data)

    def result(pieces):
        try:
            return unpack(label(coding), packed, pieces, limit=limit, cut=True)
        except BodyError as error:
            return error.reason

    assert result(size) == result(1) == result(len(packed) or 1)


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd", "deflate"])
def test_an_empty_answer_is_empty_whatever_its_label(coding):
    assert Body([coding], CAP).finish() == b""


@pytest.mark.parametrize("values", [["gzip, gzip"], ["gzip", "br"], ["rot13"], ["gzip;q=1"], ["compress"], ["gzip\u017f"]])
def test_several_and_unknown_codings_are_refused(values):
    with pytest.raises(BodyError) as caught:
        decoder_for(values)
    assert caught.value.reason is Reason.ENCODING


@pytest.mark.parametrize("values", [[], [""], ["identity"], ["identity, gzip"], [" GZip "], ["x-gzip"]])
def test_harmless_spellings_are_read(values):
    assert decoder_for(values)


def test_what_is_asked_for_is_what_is_decoded():
    for coding in ACCEPTED.split(", "):
        assert decoder_for([coding])


def test_a_zstd_window_beyond_what_http_allows_is_refused():
    parameters = zstandard.ZstdCompressionParameters.from_level(3, window_log=27, enable_ldm=True)
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    with pytest.raises(BodyError) as caught:
        unpack("zstd", packer.compress(TEXT) + packer.flush())
    assert caught.value.reason is Reason.ENCODING
