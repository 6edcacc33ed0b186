"""The OpenAPI document: it is what is served, whole, and a validator not written here finds nothing wrong with it."""

import re
from typing import Any

import jsonschema_rs
import pytest

from node.api.endpoint import PREFIX
from node.kinds import KINDS
from tests.api.conftest import Asked
from tests.kinds.kind_examples import example


async def document(asked: Asked) -> Any:
    return await asked.found("/api/v1/openapi.json")


async def test_every_schema_is_one_and_every_reference_leads_somewhere(asked: Asked) -> None:
    described = await document(asked)
    for name, schema in described["components"]["schemas"].items():
        jsonschema_rs.meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema})
        assert re.fullmatch(r"[A-Za-z0-9._-]+", name), name
    for reference in references(described):
        assert reference.startswith("#/components/schemas/")
        assert reference.removeprefix("#/components/schemas/") in described["components"]["schemas"], reference


def references(value: Any) -> list[str]:
    if isinstance(value, dict):
        found = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return found + [each for member in value.values() for each in references(member)]
    return [each for member in value for each in references(member)] if isinstance(value, list) else []


async def test_every_route_that_is_served_is_described_and_no_other(asked: Asked) -> None:
    described = {
        (method, PREFIX + path) for path, methods in (await document(asked))["paths"].items() for method in methods
    }
    served = set()
    for endpoint in asked.api.endpoints:
        for kind in KINDS if "{kind}" in endpoint.path else [""]:
            path = PREFIX + endpoint.path.replace("{kind}", kind)
            served.add((endpoint.method.lower(), path))
            if endpoint.formats:
                served.add((endpoint.method.lower(), f"{path}.{{format}}"))
    assert described == served


@pytest.mark.parametrize("kind", sorted(KINDS))
async def test_what_is_shown_of_a_kind_fits_what_is_described(asked: Asked, kind: str) -> None:
    described = await document(asked)
    schema = {**described["components"]["schemas"][kind], "components": described["components"]}
    jsonschema_rs.validate(schema, example(kind))
    assert f"/{kind}" in described["paths"]


async def test_records_and_pages_fit_what_is_described(asked: Asked) -> None:
    described = await document(asked)
    for name, path in (
        ("Page", "/api/v1/search?q=tartu&explain=true&facets=true"),
        (
            "Record",
            f"/api/v1/organisation/{asked.node.id}/self",
        ),
    ):
        schema = {"$ref": f"#/components/schemas/{name}", "components": described["components"]}
        jsonschema_rs.validate(schema, await asked.found(path))


async def test_an_operation_that_changes_something_says_which_role_it_needs(asked: Asked) -> None:
    for path, methods in (await document(asked))["paths"].items():
        for method, operation in methods.items():
            if method != "get":
                assert operation["security"] == [{"token": []}], path
                assert re.search("Needs the role (operator|desk|member).", operation["description"]), path
