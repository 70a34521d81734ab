"""A copy shares keys with its original, whole or in part; what is unrelated does not."""

from types import SimpleNamespace

import pytest

from crawler.core import boilerplate, fingerprint

SUM = 8159047304210055027


def keys(text: str) -> set[int]:
    return set(fingerprint.keys(boilerplate.strip("a", "s", text, "", set())))


def test_an_excerpt_is_found_where_minhash_loses_it(prose: SimpleNamespace) -> None:
    excerpt = "\n".join(prose.harbour.split("\n")[:3])
    assert len(keys(excerpt) & keys(prose.harbour + "\n" + prose.market)) >= 2


@pytest.mark.parametrize("name", ["harbour", "dam"])
def test_a_lightly_edited_copy_shares_many_keys(prose: SimpleNamespace, name: str) -> None:
    text = getattr(prose, name)
    words = text.split(" ")
    words[20], words[60] = "changed", "altered"
    assert len(keys(" ".join(words)) & keys(text)) >= 10


def test_unrelated_articles_share_none(prose: SimpleNamespace) -> None:
    assert not keys(prose.harbour) & keys(prose.market)


def test_chinese_is_read_by_characters() -> None:
    story = "港口委员会周二晚间投票决定关闭旧粮食码头并将土地出售给铁路公司。十五名成员中有十一人支持这项出售计划。"
    assert len(keys(story) & keys("读者您好。" + story + "谢谢阅读。")) >= 5


def test_keys_are_unsigned_64_bit_sorted_and_bounded(prose: SimpleNamespace) -> None:
    found = fingerprint.keys(boilerplate.strip("a", "s", prose.harbour * 200, "", set()))
    assert list(found) == sorted(set(found))
    assert all(0 <= key < 2**64 for key in found)
    assert len(found) <= 64 + 256
    assert fingerprint.keys(boilerplate.strip("a", "s", "", "", set())) == ()


def test_keys_never_change(prose: SimpleNamespace) -> None:
    """They are stored: other values would lose every stored copy, and need a migration that makes them anew."""
    found = fingerprint.keys(boilerplate.strip("a", "s", prose.market, "", set()))
    assert found[:2] == (61657163329307636, 265026136477933626)
    assert sum(found) % 2**64 == SUM
