"""The OpenAPI 3.1 document of /api/v1/: what `api.py` takes and gives."""

from typing import Any

from crawler import __version__
from crawler.core.types import Kind
from crawler.desk import LONGEST_NOTE, RULINGS
from crawler.web.asked import STATES

Schema = dict[str, Any]

_TIME: Schema = {"type": "string", "format": "date-time"}
_SHARE: Schema = {"type": "number", "minimum": 0, "maximum": 1}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_TEXT: Schema = {"type": "string"}
_MOST_COPIES = 1_000_000


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _object(required: Schema, optional: Schema | None = None, about: str = "") -> Schema:
    """Keys may be added to an answer, never taken away: further ones are allowed."""
    found: Schema = {"type": "object", "required": sorted(required), "properties": {**required, **(optional or {})}}
    return {**found, "description": about} if about else found


def _list(item: Schema) -> Schema:
    return {"type": "array", "items": item}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


_KIND: Schema = {"type": "string", "enum": [kind.value for kind in Kind]}
_KINDS: Schema = {"type": "object", "additionalProperties": _COUNT}
_ARTICLE: Schema = {
    "article": _TEXT, "url": _TEXT, "source": _TEXT, "title": _TEXT, "language": _or_null(_TEXT),
    "published": _or_null(_TIME), "published_from": _or_null(_TEXT), "first_seen": _TIME,
    "appeared_between": _or_null({"type": "array", "prefixItems": [_or_null(_TIME), _TIME], "minItems": 2, "maxItems": 2}),
}
_COPY: Schema = {
    "kind": _KIND, "lag_seconds": {"type": "integer"}, "similarity": _SHARE, "of_original": _SHARE, "of_copy": _SHARE,
    "matched": _TEXT, "evidence": _list(_ref("Evidence")), "verdict": _or_null(_TEXT)}
_STORY: Schema = {
    "id": _TEXT, "verdict": _or_null(_TEXT), "confidence": _SHARE, "decided": {"type": "boolean"},
    "outside": _or_null(_TEXT), "undecided_between": _list(_TEXT), "original": _ref("Article"),
    "why": _list(_ref("Evidence")), "copies": _list(_ref("Copy")), "carried_by": _list(_object({}))}
_VERSION: Schema = {**_TEXT, "description": "Give it back with a ruling: one on a story that has changed since is refused."}
_FIGURES: Schema = {
    "source": _TEXT, "articles": _COUNT, "originals": _COUNT, "copies": _COUNT, "copied": _COUNT, "kinds": _KINDS,
    "stories": _COUNT, "median_lag_seconds": _or_null({"type": "integer"}), "first_share": _or_null(_SHARE),
    "copied_share": _or_null({"type": "number", "minimum": 0})}
_RULING: Schema = {
    "id": {"type": "integer"}, "ruling": _TEXT, "story": _TEXT, "anchor": _TEXT, "articles": _list(_TEXT),
    "whole": {"type": "boolean"}, "who": _TEXT, "at": _TIME, "note": _TEXT}

_SCHEMAS: Schema = {
    "Evidence": _object({"evidence": _TEXT}, {"detail": _TEXT, "quote": _TEXT, "href": _TEXT}),
    "Article": _object(_ARTICLE),
    "Copy": _object({**_ARTICLE, **_COPY}),
    "Story": _object(_STORY, {"copy_count": _or_null(_COUNT), "updated": _TIME, "version": _VERSION},
                     "A row of the report. In a list the first copies only; `copy_count` is how many there are, without revisions."),
    "Ruling": _object(_RULING, {"undone_by": _or_null(_TEXT), "undone_at": _or_null(_TIME)}),
    "WholeStory": _object({**_STORY, "version": _VERSION, "updated": _TIME, "articles": _list(_object({})), "rulings": _list(_ref("Ruling")),
                           "history": _list(_object({"at": _TIME, "event": _TEXT})), "possible_rewordings": _list(_object({})),
                           "possible_translations": _list(_object({}))}),
    "Source": _object(_FIGURES),
    "Flow": _object({"copier": _TEXT, "origin": _TEXT, "copies": _COUNT, "kinds": _KINDS, "mean_share": _SHARE,
                     "median_lag_seconds": _or_null({"type": "integer"})}),
    "Piece": _object({"mark": {"type": "string", "enum": ["shared", "own", "site", "plain"]}, "text": _TEXT,
                      "passage": _or_null(_COUNT)}),
    "Side": _object({"article": _TEXT, "source": _TEXT, "paragraphs": _list(_list(_ref("Piece")))}),
    "Translation": _object(
        {"probability": _SHARE, "order": _SHARE, "encoder": _TEXT, "coverage": {"type": "array", "items": _SHARE, "minItems": 2, "maxItems": 2},
         "pairs": _list(_object({"left": _TEXT, "right": _TEXT, "score": _SHARE})),
         "anchors": _list({"type": "array", "items": _TEXT, "minItems": 2, "maxItems": 2})},
        about="How two texts of two languages agree: the shares of both that stand in pairs of sentences, how many of the pairs stand "
              "in one order, the pairs in the order of the left text, numbers and names as each of them writes those."),
    "Problem": _object({"title": _TEXT, "status": {"type": "integer"}, "detail": _TEXT}, {"type": _TEXT}, "RFC 9457."),
    "Verdict": {
        "type": "object", "required": ["ruling"], "additionalProperties": False,
        "description": "confirm, reject, licensed: on one `article`, else on the whole story. original: one `article`. split: "
                       "`article` or `articles`. merge: `other`, a story. undo: the ruling with this `id`, else the newest.",
        "properties": {
            "ruling": {"type": "string", "enum": list(RULINGS)}, "article": _or_null(_TEXT), "articles": _list({"type": "string", "minLength": 1}),
            "other": _or_null(_TEXT), "note": _or_null({"type": "string", "maxLength": LONGEST_NOTE}), "version": _or_null(_TEXT),
            "id": _or_null({"type": "integer", "minimum": 1, "maximum": (1 << 63) - 1})}},
}


def _query(name: str, about: str, schema: Schema | None = None, *, required: bool = False) -> Schema:
    return {"name": name, "in": "query", "required": required, "description": about,
            "schema": schema or {"type": "string", "maxLength": 300}}


def _path(name: str) -> Schema:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}


def _limit(default: int, most: int) -> Schema:
    return _query("limit", "How many at most.", {"type": "integer", "minimum": 1, "maximum": most, "default": default})


_SINCE = _query("since", "A day or RFC 3339.", {"anyOf": [{"type": "string", "format": "date"}, _TIME]})
_FILTERS: list[Schema] = [
    _query("q", "Words in headlines, sources and first paragraphs, by how they begin; all of them."),
    _query("source", "Stories in which it has a part."),
    _query("role", "With source.", {"type": "string", "enum": ["original", "copy"]}),
    _query("kind", "Stories with a copy of one of these kinds, with commas between them."),
    _query("without", "No copies of these kinds."), _query("language", "Of the original."),
    _SINCE, _query("until", "As since; a day counts whole.", _SINCE["schema"]),
    _query("min_copies", "", {"type": "integer", "minimum": 1, "maximum": _MOST_COPIES}),
    _query("max_copies", "", {"type": "integer", "minimum": 1, "maximum": _MOST_COPIES}),
    _query("state", "", {"type": "string", "enum": list(STATES)}),
]


def _answer(schema: Schema, about: str = "Found.") -> Schema:
    return {"description": about, "content": {"application/json": {"schema": schema}}}


def _problem(about: str) -> Schema:
    return {"description": about, "content": {"application/problem+json": {"schema": _ref("Problem")}}}


_REFUSALS: Schema = {
    "401": _problem("A token is needed."), "403": _problem("A change from a page of another site."),
    "421": _problem("Not a host of ours."), "422": _problem("What was asked makes no sense; the detail says what would."),
    "429": _problem("Too many wrong tokens."), "503": _problem("The store is out of reach.")}


def _get(about: str, schema: Schema, parameters: list[Schema] | None = None, **further: Schema) -> Schema:
    answers = {"200": _answer(schema), "304": {"description": "Not changed since the ETag."},
               **{name.lstrip("_"): answer for name, answer in further.items()}, **_REFUSALS}
    return {"get": {"summary": about, "parameters": parameters or [], "responses": answers}}


_GONE = {"_404": _problem("Nothing is stored under this id, or it was dissolved.")}
_MOVED = {"_308": {"description": "The story went into another one.", "headers": {"Location": {"schema": _TEXT}}}}

_PATHS: Schema = {
    "/api/v1/stories": _get(
        "Stories, undecided first, then the newest", _object({"stories": _list(_ref("Story")), "next": _or_null(_TEXT),
        "counts": _object(dict.fromkeys(("undecided", "decided", "ruled", "all"), _COUNT))}),
        [*_FILTERS, _query("order", "", {"type": "string", "enum": ["queue", "founded", "changed"], "default": "queue"}),
         _query("after", "The `next` of an earlier answer in the same order."), _limit(25, 100)]),
    "/api/v1/stories/{id}": _get("One story whole", _ref("WholeStory"), [_path("id")], **_GONE, **_MOVED),
    "/api/v1/stories/{id}/copies/{article}": _get(
        "A copy beside the text it was taken from, with what both share marked",
        _object({"left": _ref("Side"), "right": _ref("Side"), "passages": _COUNT, "words": _COUNT,
                 "translation": _or_null(_ref("Translation"))}),
        [_path("id"), _path("article")], **_GONE),
    "/api/v1/stories/{id}/verdict": {"post": {
        "summary": "Rule on a story, or on one copy", "parameters": [_path("id")],
        "requestBody": {"required": True, "content": {"application/json": {"schema": _ref("Verdict")}}},
        "responses": {
            "200": _answer(_object({"verdict": _ref("Ruling"), "undone": {"type": "boolean"}, "stories": _list(_ref("Story")),
                                    "single": _list(_object({"article": _TEXT}))}), "Kept; where the articles stand now."),
            "400": _problem("No JSON object."), "404": _GONE["_404"], "409": _problem("The story has changed since `version`."),
            "413": _problem("Too long."), "415": _problem("Not application/json."), **_REFUSALS}}},
    "/api/v1/articles/{id}": _get("One article whole", _object({"article": _TEXT, "text": _TEXT, "story": _or_null(_TEXT), "role": _TEXT}),
                                  [_path("id")], **_GONE),
    "/api/v1/changes": _get(
        "What changed after a cursor, oldest first; each story once, as of its last change; the ends of stories",
        _object({"changes": _list(_object({"story": _TEXT, "at": _TIME, "successor": _or_null(_TEXT),
                                           "event": {"type": "string", "enum": ["changed", "ended"]}})),
                 "next": _TEXT, "more": {"type": "boolean"}}),
        [_query("after", "The `next` of an earlier answer; 0 to begin.", {"type": "string", "pattern": "^[0-9]{1,18}$"}), _limit(100, 1000)]),
    "/api/v1/sources": _get("Every source with a part in a story", _object({"sources": _list(_ref("Source"))}), [_SINCE]),
    "/api/v1/source": _get(
        "One source, who copies it, whom it copies",
        _object({**_FIGURES, "lag_bounds_seconds": _list(_COUNT), "copied_by": _list(_ref("Flow")), "copies_from": _list(_ref("Flow")),
                 "copied_lags": _list(_COUNT), "copying_lags": _list(_COUNT)}),
        [_query("name", "The name that reports use.", _TEXT, required=True)], **_GONE),
    "/api/v1/flows": _get("Who copied whom, most copies first", _object({"flows": _list(_ref("Flow"))}),
                          [_query("copier", ""), _query("origin", ""), _SINCE, _limit(100, 1000)]),
    "/api/v1/rewordings": _get("Pairs of which one may retell the other: for a person to say",
                               _object({"rewordings": _list(_object({}))}), [_query("source", ""), _query("language", "")]),
    "/api/v1/translations": _get("Pairs of which one may be the other translated: for a person to say",
                                 _object({"translations": _list(_object({}))}), [_query("source", ""), _query("language", "")]),
    "/api/v1/status": _get("How well the daemon is, and what is stored", _object({})),
}


def document(base: str) -> Schema:
    """The document, for who reaches us under `base`."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Firsthand", "version": __version__, "license": {"name": "MIT", "identifier": "MIT"},
                 "description": "Machine-made copies of news, and who was first. Keys may be added, never changed. Times are UTC."},
        "servers": [{"url": base}],
        "security": [{}, {"token": []}, {"reader": []}],
        "paths": _PATHS,
        "components": {"schemas": _SCHEMAS, "securitySchemes": {
            "token": {"type": "http", "scheme": "bearer"}, "reader": {"type": "http", "scheme": "basic"}}},
    }
