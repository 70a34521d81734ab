"""The JSON Schema (2020-12) of the configuration, for editors: what `load` accepts, with a word on every key."""

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from crawler.config.shown import duration, size
from crawler.settings import FeedConfig, Settings, parse_size

_DURATION = {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)? ?(ms|s|m|h|d|w)$", "examples": ["30s", "10m", "7d"]}
_SIZE = {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)? ?(B|KiB|MiB|GiB)$", "examples": ["512KiB", "16MiB"]}



def json_schema() -> dict[str, Any]:
    """The schema as plain data. `feeds` takes addresses, mappings, and references to OPML and other files."""
    found = Settings.model_json_schema(by_alias=True, schema_generator=_Generator)
    words = descriptions()
    _describe(found, found["$defs"], "", words)
    found["properties"]["feeds"] = _feeds(words["feeds"])
    found["$defs"]["FeedConfig"]["description"] = "One feed with what is known of it."
    found["required"] = ["feeds"]
    return {"$schema": GenerateJsonSchema.schema_dialect, "title": "Firsthand", **found,
            "description": "The configuration of Firsthand; every key is optional but feeds."}


def _feeds(about: str) -> dict[str, Any]:
    def file_reference(key: str, about: str) -> dict[str, Any]:
        return {"type": "object", "required": [key], "additionalProperties": False,
                "properties": {key: {"type": "string", "description": about}}}

    return {"type": "array", "description": about, "items": {"anyOf": [
        {"type": "string", "pattern": r"^[Hh][Tt][Tt][Pp][Ss]?://|\$\{", "description": "The address of a feed."},
        {"$ref": f"#/$defs/{FeedConfig.__name__}"},
        file_reference("opml", "A file of feeds as other readers export it, relative to this file."),
        file_reference("include", "Files that hold lists of feeds, such as feeds.d/*.yaml, relative to this file."),
    ]}}


def _describe(model: dict[str, Any], defs: dict[str, Any], path: str, words: dict[str, str]) -> None:
    """Put each key's words beside it."""
    for name, schema in model.get("properties", {}).items():
        at = f"{path}.{name}" if path else name
        schema.pop("title", None)
        if at in words:
            schema["description"] = words[at]
        below = _referred(schema)
        if below is not None:
            _describe(defs[below], defs, at, words)
    model.pop("title", None)


def _referred(schema: dict[str, Any]) -> str | None:
    """The section that a key holds, or lists, or names things with."""
    for place in (schema, schema.get("items", {}), schema.get("additionalProperties", {}), *schema.get("anyOf", [])):
        if isinstance(place, dict) and "$ref" in place:
            return str(place["$ref"].rpartition("/")[2])
    return None


class _Generator(GenerateJsonSchema):
    """Durations and sizes are the texts that a person writes; so are their defaults. Any setting may be a ${NAME}."""

    def timedelta_schema(self, schema: core_schema.TimedeltaSchema) -> JsonSchemaValue:  # noqa: ARG002 - pydantic
        """30s, 10m."""
        return dict(_DURATION)

    def function_before_schema(self, schema: core_schema.BeforeValidatorFunctionSchema) -> JsonSchemaValue:
        """512KiB, 16MiB."""
        if schema["function"]["function"] is parse_size:
            return dict(_SIZE)
        return super().function_before_schema(schema)

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """Defaults of sizes as text; sections explain their own."""
        found = super().default_schema(schema)
        default = schema.get("default")
        if isinstance(default, BaseModel):
            found.pop("default", None)
        elif found.get("pattern") == _SIZE["pattern"] and isinstance(default, int):
            found["default"] = size(default)
        elif found.get("pattern") == _DURATION["pattern"] and default is not None:
            found["default"] = duration(default)
        return found



def descriptions() -> dict[str, str]:
    """Key by path (`crawl.poll.min`, `feeds.url`, `sources.kind`) -> one line."""
    return {
        "store": "sqlite:///PATH or postgresql://USER:PASSWORD@HOST/NAME.",
        "state_dir": "Where the pid file and the log of `firsthand start` are.",
        "contact": "An e-mail address or page for the User-Agent, so that a site can ask before it blocks you.",
        "crawl": "How things are fetched.",
        "crawl.concurrency": "Requests in flight.",
        "crawl.per_host": "How one host is treated.",
        "crawl.per_host.concurrency": "Requests in flight to one host.",
        "crawl.per_host.delay": "Between the starts of two requests to one host.",
        "crawl.poll": "Bounds of the interval that adapts to what a feed does.",
        "crawl.poll.min": "Never more often.",
        "crawl.poll.start": "For a feed of which nothing is known yet.",
        "crawl.poll.max": "Never more seldom.",
        "crawl.timeout": "For one request, from its start to its last byte.",
        "crawl.max_bytes": "Caps, after decompression.",
        "crawl.max_bytes.feed": "Of a feed.",
        "crawl.max_bytes.page": "Of an article page.",
        "crawl.quota": "What one feed and one host may cost on one day (UTC); the rest waits for the next.",
        "crawl.quota.entries": "New entries of one feed.",
        "crawl.quota.pages": "Pages of one host.",
        "crawl.robots": "Whether robots.txt is obeyed for article pages; feeds were asked for by a person.",
        "crawl.full_text": "Read the article's page, the feed's own content, or the feed's where it is complete.",
        "crawl.follow_attribution": "Fetch the source page that a copy names, even outside the feeds.",
        "crawl.private_networks": "Networks that may be fetched although they are not public, such as 10.0.0.0/8.",
        "crawl.proxy": "http://HOST:PORT for every request but webhooks and review.hub.",
        "extract": "Worker processes for everything that parses foreign bytes.",
        "extract.workers": "How many.",
        "extract.timeout": "After which one that hangs is ended.",
        "match": "What counts as a copy.",
        "match.containment": "Share of the shorter body found in the other that makes a copy.",
        "match.min_words": "Shorter bodies are never copies.",
        "match.window": "How far back candidates are looked for.",
        "match.translations": "Find translated copies too: true, or how; needs the extra firsthand[translations].",
        "match.translations.encoder": "use-m3, e5, model2vec:NAME or sentence-transformers:NAME.",
        "match.translations.second": "Another one, for languages that the first does not cover: e5, or null.",
        "match.translations.window": "How far apart two of them may have been seen first.",
        "match.translations.calibration": "A file that `firsthand calibrate` wrote, for an encoder without one of its own.",
        "sources": "What is known of sources, by the name that reports use.",
        "sources.kind": "An agency's text at others is syndicated, not copied by machine.",
        "sources.domains": "Pages there belong to this source.",
        "sources.timezone": "IANA zone for times that state none.",
        "sources.licensed": "Whom it may republish.",
        "sources.licensed.from": "The source that gave the licence.",
        "sources.licensed.since": "First day of the licence.",
        "sources.licensed.until": "Last day of the licence.",
        "review": "The review page.",
        "review.listen": "HOST:PORT, or null for none; an address that others reach needs tokens_file.",
        "review.public_url": "Under which others reach it, for links and WebSub callbacks.",
        "review.allowed_hosts": "Further names in the Host header, besides the address and public_url.",
        "review.tokens_file": "Who may open it: names and hashes of tokens; `firsthand token add NAME` writes it.",
        "review.hub": "WebSub hub of the output feeds; it is told when there is news.",
        "webhooks": "Where events are posted.",
        "webhooks.url": "Receives a POST with JSON.",
        "webhooks.events": "Which.",
        "webhooks.secret": "Signs each event (HMAC-SHA256): a text, or whsec_ and base64; ${NAME} takes it from the environment.",
        "webhooks.words": "Only stories that have one of these words or phrases in a headline, a source, or the original's lead.",
        "webhooks.sources": "Only stories that one of these sources is in.",
        "webhooks.role": "As what it is in them: original (its work is copied) or copy.",
        "webhooks.languages": "Only stories whose original is in one of these.",
        "webhooks.min_copies": "Only stories with so many copies.",
        "retention": "How long things are kept.",
        "retention.pages": "Raw pages; `firsthand hold` keeps those of a story longer.",
        "retention.articles": "Articles with their text; those of a story with a verdict stay.",
        "feeds": "The feeds: addresses, mappings, OPML files, included files.",
        "feeds.url": "Its address.",
        "feeds.source": "Who publishes it, as reports shall name them; the domain without it.",
        "feeds.every": "A fixed interval; adaptive without it.",
        "feeds.language": "Of its articles, such as en or ar, where they do not state it.",
        "feeds.tags": "For filters of the output feeds.",
        "feeds.headers": "Sent with each request to the feed's own origin.",
        "feeds.auth": "HTTP Basic, to the feed's own origin.",
        "feeds.auth.username": "The user's name.",
        "feeds.auth.password": "The password; ${NAME} takes it from the environment.",
        "feeds.keep": "Regular expressions on title or link: only entries that one of them finds.",
        "feeds.drop": "Regular expressions on title or link: no entry that one of them finds.",
        "feeds.validators": "false for a server whose ETag or Last-Modified lies.",
    }
