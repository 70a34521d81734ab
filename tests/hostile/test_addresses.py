"""No address that is not public is ever connected to: proved on a machine of its own where every address answers.

`namespace.py` is that machine: whatever is connected to stands in its ledger, and what the kernel began and the ledger
did not see is counted. Each form of a URL is tried directly, behind redirects, as the second answer for a name, and with
proxies in the environment; then through each command that fetches. Controls show that public addresses are reached.
"""

from ipaddress import ip_address
from urllib.parse import quote

import pytest
from address_forms import BROKEN, CONTROLS, FORMS, LITERALS, NAMES, PROXIES, PUBLIC_4, PUBLIC_6, STATUSES
from inside import machine


@pytest.fixture(scope="module")
async def inside():
    async with machine() as inside:
        yield inside


def each(forms):
    return pytest.mark.parametrize("form", forms, ids=[form.what for form in forms])


def one_of(choices, form):
    """Every choice has its turn, and each form always the same."""
    return choices[FORMS.index(form) % len(choices)]


# --- the machine shows what is reached --------------------------------------------------------------------------------

@pytest.mark.parametrize("url", CONTROLS)
async def test_a_public_address_is_reached(inside, url):
    for environment in ({}, PROXIES):
        seen = await inside.get(url, environment=environment)
        assert (seen.reason, len(seen.reached)) == (None, 1)
        seen.assert_public()


@each([form for form in LITERALS if form.answers])
async def test_the_ledger_would_show_a_private_address(inside, form):
    networks = ["0.0.0.0/0", "::/0"]
    seen = await inside.get(form.url, private_networks=networks)
    assert len(seen.reached) == 1
    assert seen.unseen == 0


# --- one URL ----------------------------------------------------------------------------------------------------------

@each(FORMS)
async def test_directly(inside, form):
    seen = await inside.get(form.url, kind=one_of(("feed", "page", "robots"), form))
    assert (seen.reason, seen.reached, seen.unseen) == (form.direct, [], 0)


@each(FORMS)
async def test_behind_a_redirect(inside, form):
    seen = await inside.get(f"http://{PUBLIC_4}/to/{one_of(STATUSES, form)}?{quote(form.url)}")
    assert (seen.reason, seen.addresses, seen.unseen) == (form.redirect, [PUBLIC_4], 0)


@pytest.mark.parametrize("status", STATUSES)
async def test_behind_a_redirect_of_every_kind(inside, status):
    for url in ("http://127.0.0.1/", "http://[::ffff:a9fe:a9fe]/", "http://inside.example/"):
        seen = await inside.get(f"http://{PUBLIC_4}/to/{status}?{quote(url)}")
        assert (seen.reason, seen.addresses, seen.unseen) == ("private", [PUBLIC_4], 0)


@each([*LITERALS[::3], *NAMES])
async def test_behind_redirects_from_name_to_name_and_without_a_scheme(inside, form):
    _, _, rest = form.url.strip().partition(":")
    second = f"http://{PUBLIC_4}/to/307?{quote(rest)}"
    seen = await inside.get(f"http://news.example/to/302?{quote(second)}")
    assert seen.reason == "private"
    assert len(seen.reached) == 2
    seen.assert_public()


@each(FORMS)
async def test_with_proxies_in_the_environment(inside, form):
    seen = await inside.get(form.url, environment=PROXIES)
    assert (seen.reason, seen.reached, seen.unseen) == (form.direct, [], 0)
    seen = await inside.get(f"http://{PUBLIC_4}/to/302?{quote(form.url)}", environment=PROXIES)
    assert (seen.reason, seen.addresses, seen.unseen) == (form.redirect, [PUBLIC_4], 0)


LEADS = sorted({form.leads for form in FORMS})


@pytest.mark.parametrize("leads", LEADS)
async def test_a_name_that_is_public_only_at_first(inside, leads):
    """Each request looks the name up anew; then once within a chain of redirects; then both addresses in one answer."""
    kind, public = ("A", PUBLIC_4) if ip_address(leads).version == 4 else ("AAAA", PUBLIC_6)
    label = f"n{LEADS.index(leads)}"
    await inside.name(f"{label}.rebind.example", **{kind: [[public], [leads]]})
    await inside.name(f"{label}.mixed.example", **{kind: [[leads, public], [public, leads]]})
    reasons = []
    for _ in range(4):
        seen = await inside.get(f"http://{label}.rebind.example/")
        seen.assert_public()
        reasons.append((seen.reason, seen.addresses))
    assert sorted(reasons, key=str) == [("private", []), ("private", []), (None, [public]), (None, [public])]
    itself = f"http://{label}.rebind.example/to/302?" + quote(f"http://{label}.rebind.example/")
    for url in (itself, itself, f"http://{label}.mixed.example/", f"http://{label}.mixed.example/"):
        seen = await inside.get(url)
        assert set(seen.addresses) <= {public}
        seen.assert_public()


# --- a configured proxy -----------------------------------------------------------------------------------------------

@each([*LITERALS, *BROKEN])
async def test_a_configured_proxy_is_not_asked_for_a_private_address(inside, form):
    seen = await inside.get(form.url, proxy="http://10.9.9.9:8080")
    assert (seen.reason, seen.reached, seen.unseen) == (form.direct, [], 0)


@pytest.mark.parametrize("name", ["localhost", "LOCALHOST.", "x.localhost", "ｌｏｃａｌｈｏｓｔ", "wiki.internal", "metadata.google.internal",
                                  "printer.local", "nas.home.arpa"])
async def test_a_configured_proxy_is_not_asked_for_a_name_that_is_private_by_its_end(inside, name):
    seen = await inside.get(f"http://{name}/", proxy="http://10.9.9.9:8080")
    assert (seen.reason, seen.reached, seen.unseen) == ("private", [], 0)


async def test_a_configured_proxy_is_asked_for_everything_else(inside):
    seen = await inside.get("http://news.example/x", proxy="http://10.9.9.9:8080", environment={"http_proxy": "http://10.7.7.7"})
    assert seen.reached == [["10.9.9.9", 8080, "GET http://news.example/x HTTP/1.1"]]


# --- silence ----------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("url", ["http://45.33.32.1/", "https://45.33.32.1/", "http://[2600:3c01::1]/", "http://45.33.32.1:81/"])
async def test_an_address_that_swallows_everything_runs_into_the_time_limit(inside, url):
    seen = await inside.get(url, seconds=0.3)
    assert (seen.reason, seen.detail) == ("timeout", "no connection in time")
    assert seen.unseen == 1   # one attempt, and the kernel's own repetitions


async def test_an_address_that_swallows_everything_beside_one_that_answers(inside):
    await inside.name("half.example", A=[["45.33.32.1", "45.33.32.2", PUBLIC_4]])
    seen = await inside.get("http://half.example/")
    assert (seen.reason, seen.addresses) == (None, [PUBLIC_4])
