"""Answers: their versions (ETag, RFC 9110), what may keep them, and the format that the caller likes best.

Rules:

- an answer's ETag follows from its bytes; that of a single record begins with the record's own version, and only this
  part counts in If-Match: whether an organisation was heard from since is no change of the record
- an answer may be kept, but is asked for again each time: 304 costs little (see `browsers` for what a token changes)
- a format is named by the path's extension, or by Accept; the extension goes first
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import orjson
from aiohttp import web

from node.api.endpoint import JSON, Call
from node.api.refusals import Refused

_WORTH_PACKING = 1024
_MOST_LANGUAGES = 8
_ALWAYS = {"Cache-Control": "no-cache", "Vary": "Authorization, Accept, Accept-Language"}


class Form(Protocol):
    """A format, by its media type and extension."""

    @property
    def media_type(self) -> str: ...
    @property
    def extension(self) -> str: ...


F = TypeVar("F", bound=Form)


def json(
    call: Call, value: Any, *, status: int = 200, version: str = "", headers: Mapping[str, str] | None = None
) -> web.Response:
    """`value` as JSON; 304 without a body where the caller has it already. `version`: see `etag`."""
    return body(call, orjson.dumps(value), JSON, status=status, version=version, headers=headers)


def body(
    call: Call,
    data: bytes,
    media_type: str,
    *,
    status: int = 200,
    version: str = "",
    tag: str = "",
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    """The bytes of an answer; 304 where the caller says (If-None-Match) that it has these very bytes.

    `tag`: their `etag`, where it was worked out beside the event loop, as that of many megabytes has to be.
    """
    tag = tag or etag(data, version)
    told = {"ETag": f'"{tag}"', **_ALWAYS, **(headers or {})}
    if status == 200 and call.request.method in ("GET", "HEAD") and _has(call.request.if_none_match, tag):
        return web.Response(status=304, headers=told)
    form = f"{media_type}; charset=utf-8" if media_type.startswith("text/") else media_type
    answer = web.Response(status=status, body=data, headers={**told, "Content-Type": form})
    if len(data) >= _WORTH_PACKING:
        answer.enable_compression()
    return answer


def etag(data: bytes, version: str = "") -> str:
    """The version of an answer: `<version of the record>.<hash of the bytes>`, or the hash alone."""
    digest = hashlib.sha256(data).hexdigest()[:24]
    return f"{version}.{digest}" if version else digest


def expected_version(call: Call) -> str:
    """The record's version that If-Match means; Refused with 428 where there is none, 400 where it can't be one."""
    if "If-Match" not in call.request.headers:
        raise Refused("say which version you change: send its ETag in If-Match", 428)
    tags = call.request.if_match or ()
    if len(tags) != 1 or tags[0].is_weak or tags[0].value == "*":
        raise Refused('If-Match takes one ETag as it was given with the record, such as "7-0123456789ab.…"', 400)
    return tags[0].value.partition(".")[0]


def preferred(call: Call, forms: Sequence[F]) -> F:
    """The format that is asked for, of those there are; the first where nobody asks. Refused with 406 for another."""
    there = ", ".join(f".{form.extension} ({form.media_type})" for form in forms)
    if extension := call.path("format"):
        for form in forms:
            if form.extension == extension:
                return form
        raise Refused(f"there is no .{extension[:16]} of this: there is {there}", 404)
    for wanted in _by_preference(call.request.headers.getall("Accept", ())):
        for form in forms:
            if wanted in ("*/*", form.media_type) or wanted == form.media_type.partition("/")[0] + "/*":
                return form
    if not call.request.headers.get("Accept"):
        return forms[0]
    raise Refused(f"none of the formats in Accept: there is {there}", 406)


_LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8}){0,3}", re.ASCII)


def languages(request: web.Request) -> list[str]:
    """The languages of Accept-Language, the best first; English where none is asked for."""
    wanted = _by_preference(request.headers.getall("Accept-Language", ()))
    return [each for each in wanted if _LANGUAGE.fullmatch(each)][:_MOST_LANGUAGES] or ["en"]


def _by_preference(headers: Iterable[str]) -> list[str]:
    """What such a header lists (RFC 9110, 12.4.2), the most wanted first; of equals the most exact, then the first."""
    found: list[tuple[float, int, str]] = []
    for part in ",".join(headers).split(","):
        name, *parameters = (each.strip().lower() for each in part.split(";"))
        quality = 1.0
        for parameter in parameters:
            key, _, value = parameter.partition("=")
            if key.strip() == "q":
                quality = _quality(value.strip())
        if name and quality > 0:
            found.append((-quality, name.count("*"), name))
    return [name for _, _, name in sorted(found, key=lambda each: each[:2])]


def _quality(text: str) -> float:
    try:
        return min(max(float(text), 0.0), 1.0)
    except ValueError:
        return 0.0


def _has(tags: Iterable[Any] | None, tag: str) -> bool:
    return any(each.value in ("*", tag) for each in tags or ())
