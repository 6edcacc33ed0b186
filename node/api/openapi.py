"""The OpenAPI 3.1 document, read off the endpoints and the kinds. Pure.

Rules:

- an endpoint with `{kind}` in its path stands in the document once for each kind, with that kind's own schema
- what a schema of pydantic's keeps in `$defs` stands among the components, so that any reader of OpenAPI finds it
- every endpoint may answer with a problem (RFC 9457); which statuses, follows from what it takes
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from node import kinds
from node.api.endpoint import PREFIX, Endpoint, Gives, query_schema
from node.api.role import Role

Schema = dict[str, Any]

_SCHEMAS = "#/components/schemas/"

PROBLEM: Schema = {
    "type": "object",
    "description": "Problem details (RFC 9457): one sentence that says what to do next.",
    "required": ["title", "status", "detail"],
    "properties": {
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "what is wrong, and what to do next"},
        "errors": {
            "type": "array",
            "description": "the fields that were wrong",
            "items": {
                "type": "object",
                "required": ["field", "detail"],
                "properties": {"field": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
}

PATH_PARAMETERS: Mapping[str, Schema] = {
    "author": {"type": "string", "pattern": "^bra1[a-z2-7]{32}$", "description": "the node id of the record's author"},
    "id": {"type": "string", "pattern": "^[a-z0-9_-]{1,64}$", "description": "the record's id"},
    "visit": {"type": "string", "pattern": "^[a-z0-9_-]{1,64}$", "description": "the visit's id"},
    "hash": {"type": "string", "pattern": "^[0-9a-f]{64}$", "description": "SHA-256 of the file, in hexadecimal"},
}

_REFUSALS = {
    400: "a parameter or the body can't be understood",
    401: "the token isn't known, has expired or was revoked",
    403: "the role isn't enough",
    404: "there is no such thing that you may see",
    405: "this address is there, but not for this method",
    409: "something has to be decided first",
    406: "there is no such format of this",
    408: "the body did not come in time",
    412: "it was changed since that version",
    413: "the body is too large",
    415: "the body's media type isn't taken",
    422: "the body is understood, but can't be published: 'errors' names each field",
    428: "say in If-Match which version is meant",
    429: "too many requests: Retry-After says when to go on",
    503: "this node can't answer now",
}


def document(
    endpoints: Iterable[Endpoint], schemas: Mapping[str, Schema], *, title: str, version: str, url: str
) -> Schema:
    """The whole document. `schemas`: components by their names; kinds and problems come to them. `url`: this node's."""
    components: dict[str, Schema] = {"Problem": PROBLEM}
    for name, schema in ({kind: kinds.schema(kind) for kind in kinds.KINDS} | dict(schemas)).items():
        components |= _hoisted(name, schema)
    paths: dict[str, Schema] = {}
    for endpoint in endpoints:
        if endpoint.takes and "$defs" in endpoint.takes.schema:
            components |= _hoisted(endpoint.name, dict(endpoint.takes.schema))
        for path, kind in _addresses(endpoint):
            paths.setdefault(path, {})[endpoint.method.lower()] = _operation(endpoint, path, kind)
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version},
        "servers": [{"url": f"{url}{PREFIX}"}],
        "tags": [{"name": tag} for tag in dict.fromkeys(_tags(endpoints))],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "a token of this node ('bra token create'), or of its organisation's own provider",
                }
            },
        },
    }


def _addresses(endpoint: Endpoint) -> Iterator[tuple[str, str]]:
    """The endpoint's paths, each with its kind ('' where it has none)."""
    for kind in kinds.KINDS if "{kind}" in endpoint.path else ("",):
        path = endpoint.path.replace("{kind}", kind)
        yield path, kind
        if endpoint.formats:
            yield f"{path}.{{format}}", kind


def _tags(endpoints: Iterable[Endpoint]) -> Iterator[str]:
    for endpoint in endpoints:
        yield from kinds.KINDS if "{kind}" in endpoint.path else [endpoint.tag]


def _operation(endpoint: Endpoint, path: str, kind: str) -> Schema:
    found: Schema = {
        "operationId": "_".join(filter(None, (endpoint.name, kind, "feed" if path.endswith("{format}") else ""))),
        "summary": endpoint.summary.replace("{kind}", kind.replace("_", " ")),
        "tags": [kind or endpoint.tag],
        "parameters": [*_path_parameters(endpoint, path), *_query_parameters(endpoint), *_header_parameters(endpoint)],
        "responses": _responses(endpoint, kind),
        # Public ones may be asked without a token, and with one they show more.
        "security": [{"token": []}] if endpoint.role > Role.PUBLIC else [{}, {"token": []}],
    }
    if endpoint.description or endpoint.role > Role.PUBLIC:
        role = f"Needs the role {endpoint.role.name.lower()}." if endpoint.role > Role.PUBLIC else ""
        found["description"] = " ".join(filter(None, (endpoint.description, role)))
    if takes := endpoint.takes:
        kept = "$defs" in takes.schema
        schema = {"$ref": f"{_SCHEMAS}{endpoint.name}"} if kept else _of_kind(takes.schema, kind)
        found["requestBody"] = {
            "description": takes.description,
            "required": True,
            "content": {media: {"schema": schema} if schema else {} for media in takes.media},
        }
    return found


def _path_parameters(endpoint: Endpoint, path: str) -> Iterator[Schema]:
    formats = {"type": "string", "enum": list(endpoint.formats), "description": "the format, instead of Accept"}
    for name, schema in {**PATH_PARAMETERS, "format": formats}.items():
        if f"{{{name}}}" in path:
            shown = dict(schema)
            yield {
                "name": name,
                "in": "path",
                "required": True,
                "description": shown.pop("description"),
                "schema": shown,
            }


def _query_parameters(endpoint: Endpoint) -> Iterator[Schema]:
    required = query_schema(endpoint.query).get("required", ())
    for name, field in endpoint.parameters.items():
        shown = {key: value for key, value in field.items() if key not in ("title", "description")}
        yield {
            "name": name,
            "in": "query",
            "required": name in required,
            "description": field.get("description", ""),
            "schema": _without_null(_hoist(shown, endpoint.name)),
        }


def _header_parameters(endpoint: Endpoint) -> Iterator[Schema]:
    for name, description in endpoint.headers.items():
        yield {
            "name": name, "in": "header", "required": False, "description": description, "schema": {"type": "string"}
        }  # fmt: skip


def _responses(endpoint: Endpoint, kind: str) -> Schema:
    refusals = {400, 401, 403, 405, 406, 429, 503}
    if "{" in endpoint.path or endpoint.formats:
        refusals.add(404)
    if endpoint.takes:
        refusals |= {408, 413, 415, 422}
    if "If-Match" in endpoint.headers:
        refusals |= {412, 428}
    refusals |= set(endpoint.refuses)
    found = {str(status): _response(gives, kind) for status, gives in endpoint.gives.items()}
    problems = {"application/problem+json": {"schema": {"$ref": f"{_SCHEMAS}Problem"}}}
    for status in sorted(refusals):
        found[str(status)] = {"description": _REFUSALS[status], "content": problems}
    return found


def _response(gives: Gives, kind: str) -> Schema:
    found: Schema = {"description": gives.description}
    if gives.media:
        found["content"] = {media: {"schema": _of_kind(schema, kind)} for media, schema in gives.media.items()}
    if gives.headers:
        found["headers"] = {name: {"schema": {"type": "string"}} for name in gives.headers}
    return found


def _of_kind(schema: Mapping[str, Any], kind: str) -> Any:
    """The schema with this kind's where it refers to '{kind}'."""
    return _mapped(schema, lambda ref: ref.replace("{kind}", kind))


def _hoisted(name: str, schema: Schema) -> dict[str, Schema]:
    """A schema, and what it keeps in `$defs`, as components."""
    found = {name: _hoist(schema, name)}
    for inner, definition in schema.get("$defs", {}).items():
        found[f"{name}.{inner}"] = _hoist(definition, name)
    return found


def _hoist(schema: Mapping[str, Any], name: str) -> Any:
    shown = {key: value for key, value in schema.items() if key not in ("$defs", "$id", "$schema")}
    return _mapped(shown, lambda ref: ref.replace("#/$defs/", f"{_SCHEMAS}{name}."))


def _mapped(value: Any, renamed: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            key: renamed(each) if key == "$ref" and isinstance(each, str) else _mapped(each, renamed)
            for key, each in value.items()
        }
    return [_mapped(each, renamed) for each in value] if isinstance(value, list) else value


def _without_null(schema: Schema) -> Schema:
    """A parameter that may be left out is not null."""
    if "anyOf" in schema:
        choices = [each for each in schema["anyOf"] if each != {"type": "null"}]
        rest = {key: value for key, value in schema.items() if key not in ("anyOf", "default")}
        if len(choices) == 1:
            return {**rest, **choices[0]}
        return {**rest, "anyOf": choices}
    return schema
