"""Who may in, and who may change what."""

import base64
import re

import pytest

from crawler import tokens
from crawler.errors import UsageError

HTML = {"Accept": "text/html"}
JSON = {"Content-Type": "application/json"}


async def form_of(page, path="/login"):
    html = await (await page.client.get(path, headers=HTML)).text()
    return re.search(r'name="form_token" value="([^"]+)"', html)[1]


@pytest.mark.parametrize(("host", "status"), [
    ("127.0.0.1", 200), ("localhost:8477", 200), ("LOCALHOST", 200), ("[::1]:8477", 200), ("news.example", 200), ("desk.example:443", 200),
    ("evil.example", 421), ("127.0.0.1.evil.example", 421), ("", 421), ("localhost.", 421), ("desk.example@evil.example", 421),
    ("[::2]", 421), ("169.254.169.254", 421), ("0.0.0.0:8477", 421),
])
async def test_only_hosts_that_mean_us(site, host, status):
    async with site(public_url="https://desk.example/", allowed_hosts=["news.example"]) as page:
        for path in ("/healthz", "/static/page.css"):
            assert (await page.client.get(path, headers={"Host": host})).status == status


async def test_under_a_name_by_which_others_come_nothing_is_shown_without_tokens(site):
    async with site(public_url="https://desk.example/", allowed_hosts=["news.example"]) as page:
        path = f"/api/v1/stories/{page.stories['The Harbour Post'].id}/verdict"
        for host in ("desk.example", "news.example:443"):
            assert (await page.client.get("/api/v1/stories", headers={"Host": host})).status == 401
            answer = await page.client.post(path, json={"ruling": "confirm"}, headers={"Host": host, "Origin": "https://desk.example"})
            assert (answer.status, await page.store.rulings()) == (401, [])
        assert (await page.client.get("/api/v1/stories", headers={"Host": "localhost"})).status == 200


@pytest.mark.parametrize(("headers", "status"), [
    ({}, 303), ({"Origin": "http://127.0.0.1:1"}, 403), ({"Origin": "null"}, 403), ({"Origin": "https://evil.example"}, 403),
    ({"Origin": "OURS"}, 303), ({"Origin": "https://desk.example"}, 303), ({"Origin": "https://desk.example.evil.example"}, 403),
    ({"Origin": "http://["}, 403), ({"Sec-Fetch-Site": "cross-site"}, 403), ({"Sec-Fetch-Site": "same-site"}, 403), ({"Sec-Fetch-Site": "same-origin"}, 303),
])
async def test_a_change_comes_from_a_page_of_ours(site, headers, status):
    async with site(public_url="https://desk.example") as page:
        story = page.stories["The Harbour Post"].id
        token = await form_of(page, f"/stories/{story}")
        sent = {name: page.base if value == "OURS" else value for name, value in headers.items()}
        answer = await page.client.post(f"/stories/{story}/rulings", headers=sent, allow_redirects=False, data={
            "form_token": token, "ruling": "confirm", "version": (await page.store.story(story)).version})
        assert answer.status == status
        assert len(await page.store.past_rulings(story)) == (status == 303)


@pytest.mark.parametrize("token", [None, "", "x" * 32, "COOKIE-LESS"])
async def test_a_change_needs_the_token_of_the_form(site, token):
    async with site() as page:
        story = page.stories["The Harbour Post"].id
        given = await form_of(page, f"/stories/{story}") if token == "COOKIE-LESS" else token
        if token == "COOKIE-LESS":
            page.client.session.cookie_jar.clear()
        answer = await page.client.post(f"/stories/{story}/rulings", data={"ruling": "confirm", **({"form_token": given} if given else {})})
        assert answer.status == 403
        assert await page.store.past_rulings(story) == []


async def test_a_form_of_another_site_cannot_send_json(site):
    async with site() as page:
        path = f"/api/v1/stories/{page.stories['The Harbour Post'].id}/verdict"
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonx"):
            answer = await page.client.post(path, data=b'{"ruling": "confirm"}', headers={"Content-Type": kind})
            assert answer.status in (403, 415)
        answer = await page.client.post(path, data=b'{"ruling": "confirm"}', headers={**JSON, "Origin": "http://evil.example"})
        assert answer.status == 403
        assert (await page.client.post(path, data=b'{"ruling": "confirm"}', headers=JSON)).status == 200


async def test_where_tokens_are_set_nothing_is_shown_without_one(site):
    async with site(names=["ada"]) as page:
        for path in ("/", "/?q=x", "/sources", "/api/v1/stories", "/api/v1/openapi.json", "/originals.atom", "/copies.atom?source=x", "/metrics",
                     "/stories/x", "/nothing"):
            bare = await page.client.get(path, allow_redirects=False)
            assert bare.status == 401
            assert "Basic" in bare.headers["WWW-Authenticate"]
            person = await page.client.get(path, headers=HTML, allow_redirects=False)
            assert person.status == 303
            assert person.headers["Location"].startswith("/login?to=/")
        for path in ("/healthz", "/readyz", "/static/page.css", "/login"):
            assert (await page.client.get(path)).status == 200


async def test_a_token_comes_as_bearer_as_password_or_by_the_cookie_of_the_login(site):
    async with site(names=["ada", "bob"]) as page:
        ada, bob = page.tokens["ada"], page.tokens["bob"]
        basic = base64.b64encode(f"anyone:{bob}".encode()).decode()
        for header in (f"Bearer {ada}", f"bearer {ada}", f"Basic {basic}"):
            assert (await page.client.get("/originals.atom", headers={"Authorization": header})).status == 200
        for header in ("Bearer x", "Bearer", "Basic x", "Basic =", f"Digest {ada}", f"Bearer {tokens.digest(ada)}"):
            assert (await page.client.get("/originals.atom", headers={"Authorization": header})).status == 401
        entered = await page.client.post("/login", allow_redirects=False, data={
            "form_token": await form_of(page), "token": f" {ada} ", "to": "/sources?period=7d"})
        assert (entered.status, entered.headers["Location"]) == (303, "/sources?period=7d")
        cookie = entered.headers["Set-Cookie"]
        assert all(part in cookie for part in ("HttpOnly", "SameSite=Strict", "Path=/"))
        html = await (await page.client.get("/", headers=HTML)).text()
        assert "<bdi>ada</bdi>" in html


async def test_the_history_says_who_it_was(site):
    async with site(names=["ada", "bob"]) as page:
        path = f"/api/v1/stories/{page.stories['The Harbour Post'].id}/verdict"
        for name, ruling in (("ada", "confirm"), ("bob", "licensed")):
            answer = await page.client.post(path, json={"ruling": ruling}, headers={"Authorization": f"Bearer {page.tokens[name]}"})
            assert (await answer.json())["verdict"]["who"] == name
        assert [one.verdict.who for one in await page.store.past_rulings(page.stories["The Harbour Post"].id)] == ["ada", "bob"]


async def test_with_the_cookie_alone_json_needs_the_token_of_a_form(site):
    async with site(names=["ada"]) as page:
        await page.client.post("/login", data={"form_token": await form_of(page), "token": page.tokens["ada"]}, allow_redirects=False)
        path = f"/api/v1/stories/{page.stories['The Harbour Post'].id}/verdict"
        assert (await page.client.post(path, json={"ruling": "confirm"})).status == 403
        form = await form_of(page, "/login")
        assert (await page.client.post(path, json={"ruling": "confirm"}, headers={"X-Form-Token": form})).status == 200


async def test_a_name_that_is_taken_out_is_out_at_once_and_a_broken_file_lets_nobody_new_in(site):
    async with site(names=["ada", "bob"]) as page:
        async def status(name):
            return (await page.client.get("/api/v1/stories", headers={"Authorization": f"Bearer {page.tokens[name]}"})).status

        assert [await status("ada"), await status("bob")] == [200, 200]
        tokens.remove(page.path, "ada")
        assert [await status("ada"), await status("bob")] == [401, 200]
        page.path.write_text("not a line\n")
        assert [await status("ada"), await status("bob")] == [401, 200]
        page.path.unlink()
        assert await status("bob") == 401


async def test_wrong_tokens_are_counted_and_right_ones_still_pass(site):
    async with site(names=["ada"]) as page:
        found = [(await page.client.get("/", headers={"Authorization": f"Bearer {at}"})) for at in range(12)]
        assert [one.status for one in found] == [401] * 10 + [429] * 2
        assert 0 < int(found[-1].headers["Retry-After"]) <= 300
        wrong = await page.client.post("/login", data={"form_token": await form_of(page), "token": "nobody's"}, headers=HTML)
        assert wrong.status == 429
        assert (await page.client.get("/", headers={"Authorization": f"Bearer {page.tokens['ada']}"})).status == 200


async def test_a_wrong_token_is_not_said_again(site):
    async with site(names=["ada"]) as page:
        answer = await page.client.post("/login", data={"form_token": await form_of(page), "token": "nobodys-token"}, headers=HTML)
        assert answer.status == 401
        assert "nobodys-token" not in await answer.text()


@pytest.mark.parametrize("to", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "", "/\n/evil.example"])
async def test_the_login_leads_nowhere_else(site, to):
    async with site(names=["ada"]) as page:
        answer = await page.client.post("/login", allow_redirects=False, data={
            "form_token": await form_of(page), "token": page.tokens["ada"], "to": to})
        assert answer.headers["Location"] == "/"


@pytest.mark.parametrize("path", ["/%3Cscript%3Ealert(1)%3C/script%3E", "/stories/%3Cscript%3E", "/source?name=%3Cimg%20onerror%3D1%3E",
                                  "/?state=%3Cscript%3E", "/?since=%3Cscript%3E", "/?q=%3Cscript%3E", "/articles/%00", "/stories/%00", "/?q=%ff%fe", "/?after=%27"])
async def test_error_pages_show_what_was_asked_as_text(site, path):
    async with site() as page:
        answer = await page.client.get(path, headers=HTML)
        assert answer.status in (200, 404, 422)
        html = await answer.text()
        assert not re.search(r"<script>|<img", html)
        problem = await page.client.get(path)
        if problem.status != 200:
            assert problem.headers["Content-Type"].startswith("application/problem+json")
            assert (await problem.json())["status"] == problem.status


@pytest.mark.parametrize("line", ["ada", "ada secret", "ada sha256:zz", "a b sha256:" + "0" * 64, f"ada sha256:{'0' * 64} x",
                                  f"ada sha256:{'0' * 64}\nada sha256:{'1' * 64}"])
def test_a_bad_line_is_named_without_what_it_says(line):
    with pytest.raises(UsageError, match=r"^tokens:\d: ") as caught:
        tokens.parse(line, "tokens")
    assert "secret" not in str(caught.value)
    assert "0000" not in str(caught.value)


def test_the_file_keeps_hashes_for_its_owner_alone(tmp_path):
    path = tmp_path / "below" / "tokens"
    made = tokens.add(path, "ada@desk.example")
    assert made not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    assert tokens.Tokens(path).name_of(made) == "ada@desk.example"
    with pytest.raises(UsageError, match="has a token already"):
        tokens.add(path, "ada@desk.example")
    with pytest.raises(UsageError, match="a name is up to 64"):
        tokens.add(path, "two words")
    tokens.add(path, "bob")
    tokens.remove(path, "ada@desk.example")
    assert list(tokens.read(path)) == ["bob"]
    assert path.read_text().startswith("# Who may review")
    with pytest.raises(UsageError, match="no token of this name"):
        tokens.remove(path, "ada@desk.example")
