"""The soak in small: the world goes on, day after day in other words; the daemon keeps up; drift is told from noise."""

from dataclasses import replace
from datetime import timedelta

import pytest
from days import DAY, EndlessWorld, day_of
from soak import START, Sample, drift, soak

from crawler import compare
from crawler.newsworld.script import load


def texts(day):
    return {item.id.removesuffix(f"-{day}"): "\n\n".join(item.versions[0].paragraphs) for item in day_of(day)}


def test_the_first_day_is_the_worlds_own():
    assert [item.url for item in day_of(0)] == [item.url for item in load().publications]


def test_a_later_day_is_told_in_other_words_and_its_copies_are_still_copies():
    first, second = texts(0), texts(1)
    assert first.keys() == second.keys()
    copies = [item for item in load().publications if item.expected.kind in ("wrapped", "exact") and item.of][:6]
    for item in copies:
        assert compare(second[item.of], second[item.id]).copied, item.id
        assert not compare(first[item.of], second[item.of]).copied, item.id


def test_the_world_goes_on_and_forgets_its_pages_of_the_day_before_last():
    now = [START]
    world = EndlessWorld(START, lambda: now[0])
    site = world.script.sites[0]
    first = {item.url for item in world.published(site)}
    now[0] = START + timedelta(minutes=3 * DAY - 1)
    urls = [item.url for item in world.script.publications]
    assert len(urls) == len(set(urls)) == 2 * len(load().publications)
    assert not first & set(urls)


def samples(memory, **more):
    said = {"held": 0.01, "lag": 0.02, "where": "", "overdue": 0}
    rows = [Sample(60.0 * n, int(size), 0, 30, 12, said) for n, size in enumerate(memory)]
    return [replace(row, **more) if n >= 20 else row for n, row in enumerate(rows)]


@pytest.mark.parametrize(("memory", "more", "fault"), [
    ([90e6] * 30, {}, None),
    ([90e6 + 5e4 * n for n in range(30)], {}, None),                       # noise
    ([90e6 + 2e6 * n for n in range(30)], {}, "memory grew"),
    ([90e6] * 30, {"descriptors": 90}, "descriptors grew"),
    ([90e6] * 30, {"threads": 40}, "threads grew"),
    ([90e6] * 30, {"said": {"held": 0.0, "lag": 0.0, "where": "", "overdue": 9000}}, "overdue"),
])
def test_drift_is_told_from_noise(memory, more, fault):
    faults = drift(samples(memory, **more), speed=100).faults
    assert [fault in one for one in faults] == [True] if fault else faults == []


@pytest.mark.long
async def test_the_daemon_keeps_up_with_a_fast_clock(tmp_path):
    seen = await soak(3, 400, tmp_path, 1, tell=lambda line: None,
                      enough=lambda samples: samples and samples[-1].said["articles"] > 0)
    assert seen[-1].said["articles"] > 0
    assert seen[-1].descriptors < 200
