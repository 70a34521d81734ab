"""The API: it is what its document says, and does what the page does."""

import asyncio
import re

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from crawler.web import application
from crawler.web.openapi import document

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_headers_conformance,
          response_schema_conformance]


def test_every_route_is_described_and_nothing_else(site):
    from types import SimpleNamespace

    room = SimpleNamespace(routes=(), desk=SimpleNamespace(clock=None))
    routes = {(route.method.lower(), route.resource.canonical) for route in application(room).router.routes()
              if route.method != "HEAD" and route.resource.canonical.startswith("/api/v1/")}
    described = {(method, path) for path, methods in document("http://x")["paths"].items() for method in methods}
    assert described == routes - {("get", "/api/v1/openapi.json")}


def operations():
    schema = schemathesis.openapi.from_dict(document("http://127.0.0.1"))
    return [result.ok() for result in schema.get_all_operations()]


@pytest.mark.parametrize("operation", operations(), ids=lambda one: one.label)
async def test_schemathesis_finds_nothing(site, operation):
    async with site() as page:
        story = page.stories["The Harbour Post"]
        known = {"id": story.id if "stories" in operation.path else story.original, "article": story.copies[0].article}

        @settings(max_examples=12, deadline=None, derandomize=True, database=None, phases=[Phase.explicit, Phase.generate],
                  suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy())
        def hold(case):
            for parameters in (case.path_parameters, {name: known[name] for name in case.path_parameters or {}}):
                case.path_parameters = parameters
                case.call_and_validate(base_url=page.base, checks=CHECKS, headers={"Host": "127.0.0.1"})

        await asyncio.to_thread(hold)


async def get(page, path, status=200):
    answer = await page.client.get(path)
    assert answer.status == status
    return await answer.json()


async def test_a_list_goes_on_where_it_ended(site):
    async with site() as page:
        found, path = [], "/api/v1/stories?limit=1"
        while path:
            part = await get(page, path)
            found += [one["id"] for one in part["stories"]]
            path = part["next"] and f"/api/v1/stories?limit=1&after={part['next']}"
        assert sorted(found) == sorted(one.id for one in page.stories.values())
        assert part["counts"] == {"undecided": 1, "decided": 2, "ruled": 0, "all": 3}
        assert (await get(page, "/api/v1/stories?after=x", 422))["detail"].startswith("cursor: ")


async def test_who_follows_the_changes_ends_with_what_is(site):
    async with site() as page:
        mine, cursor = {}, "0"

        async def follow():
            nonlocal cursor
            while True:
                part = await get(page, f"/api/v1/changes?after={cursor}&limit=1")
                for one in part["changes"]:
                    if one["event"] == "ended":
                        mine.pop(one["story"], None)
                    else:
                        mine[one["story"]] = (await get(page, f"/api/v1/stories/{one['story']}"))["version"]
                cursor = part["next"]
                if not part["more"]:
                    return

        async def now():
            return {one["id"]: (await get(page, f"/api/v1/stories/{one['id']}"))["version"]
                    for one in (await get(page, "/api/v1/stories"))["stories"]}

        await follow()
        assert mine == await now()
        ferry, apple = page.stories["The Harbour Post"], page.stories["Valley Courier"]
        for id_, body in ((apple.id, {"ruling": "reject"}), (apple.id, {"ruling": "undo"}), (ferry.id, {"ruling": "split", "articles": [ferry.copies[1].article]}),
                          (ferry.id, {"ruling": "merge", "other": page.stories["الوادي اليوم"].id})):
            assert (await page.client.post(f"/api/v1/stories/{id_}/verdict", json=body)).status == 200
            await follow()
            assert mine == await now()
        assert len(mine) == 2


@pytest.mark.parametrize(("body", "status"), [
    ({"ruling": "confirm", "unknown": 1}, 422), ({"ruling": "confirm", "articles": "x"}, 422), ({"ruling": "undo", "id": "1"}, 422),
    ({"ruling": "undo", "id": True}, 422), ({"ruling": "confirm", "note": 1}, 422), ({}, 422), ({"ruling": "confirm", "version": "old"}, 409),
    ({"ruling": "split", "articles": ["nobody"]}, 404), ({"ruling": "original"}, 422), ({"ruling": "merge", "other": "nix"}, 404),
])
async def test_a_ruling_that_cannot_be_is_refused_and_nothing_is_kept(site, body, status):
    async with site() as page:
        path = f"/api/v1/stories/{page.stories['The Harbour Post'].id}/verdict"
        answer = await page.client.post(path, json=body)
        assert answer.status == status
        assert (await answer.json())["detail"]
        assert await page.store.rulings() == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"x"', b"\xff", b"[" * 100_000])
async def test_what_is_no_json_object_is_refused(site, body):
    async with site() as page:
        answer = await page.client.post(f"/api/v1/stories/{page.stories['The Harbour Post'].id}/verdict", data=body,
                                        headers={"Content-Type": "application/json"})
        assert answer.status == 400


async def test_a_body_without_end_is_refused(site):
    async with site() as page:
        answer = await page.client.post(f"/api/v1/stories/{page.stories['The Harbour Post'].id}/verdict", data=b" " * 300_000,
                                        headers={"Content-Type": "application/json"})
        assert answer.status == 413


async def test_health_says_what_it_is_told(site):
    async with site() as page:
        for path in ("/healthz", "/readyz"):
            assert (await page.client.get(path)).status == 200
        text = await (await page.client.get("/metrics")).text()
        assert re.search(r'^firsthand_http_requests_total\{route="/healthz",status="2xx"\} [1-9]', text, re.MULTILINE)
        page.well.ok = False
        for path in ("/healthz", "/readyz"):
            assert (await page.client.get(path)).status == 503
