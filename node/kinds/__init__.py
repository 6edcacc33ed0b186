"""What a record may say: one file a kind, and this door to all of them.

Rules (the product, "Record kinds"):

- the exact bytes of a record are kept and passed on elsewhere; here they are only interpreted
- an unknown kind is nobody's fault: `interpret` gives None, and the record is carried all the same
- a body that breaks its kind's rules raises `Malformed` with one sentence; `problems` tells all of them
- what depends on the day (has this need expired?) is asked only when a `now` is handed in, at publish: a record that
  was right when it was published stays readable

    >>> interpret("farewell", {"date": "2027-01-15", "reason": {"en": "We merge."}}).heading()
    'We merge.'
    >>> interpret("dance", {}) is None
    True
    >>> problems("farewell", {"date": "2027-02-30"})[0]
    ('date', '"2027-02-30" is not in the calendar: check the day and the month')
"""

import copy
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from node.errors import Malformed
from node.kinds import sentences
from node.kinds.adoption import Adoption
from node.kinds.agreement import Agreement
from node.kinds.body import Body
from node.kinds.contact import Contact
from node.kinds.culture_guide import CultureGuide
from node.kinds.endorsement import Endorsement
from node.kinds.event import Event
from node.kinds.farewell import Farewell
from node.kinds.need import Need
from node.kinds.node_key import NodeKey
from node.kinds.offer import Offer
from node.kinds.organisation import Organisation
from node.kinds.practice import Practice
from node.kinds.receipt import Receipt
from node.kinds.status_list import StatusList
from node.kinds.venue import Venue

__all__ = ["KINDS", "PERSONAL", "Body", "default_visibility", "interpret", "problems", "schema"]

KINDS: Mapping[str, type[Body]] = MappingProxyType(
    {
        "organisation": Organisation,
        "venue": Venue,
        "event": Event,
        "offer": Offer,
        "contact": Contact,
        "culture_guide": CultureGuide,
        "practice": Practice,
        "need": Need,
        "agreement": Agreement,
        "endorsement": Endorsement,
        "node_key": NodeKey,
        "status_list": StatusList,
        "receipt": Receipt,
        "adoption": Adoption,
        "farewell": Farewell,
    }
)

PERSONAL: frozenset[str] = frozenset({"contact"})
"""The kinds that hold personal data: hidden when their author falls silent, purged after 60 days."""

_MOST_MEMBERS = 1_000
"""Members of one field; each kind allows far fewer."""


def interpret(kind: str, body: object, *, now: int | None = None) -> Body | None:
    """The body as its kind understands it; None for an unknown kind; Malformed, in one sentence, for a broken body."""
    model = KINDS.get(kind)
    if model is None:
        return None
    if type(body) is dict:
        _refuse_crowds(model, body)
    try:
        found = model.model_validate(body)
    except ValidationError as error:
        where, sentence = next(sentences.of(_schema(kind), error))
        raise Malformed(f"{where}: {sentence}") from None
    for where, sentence in found.at_publish(now) if now is not None else ():
        raise Malformed(f"{where}: {sentence}")
    return found


def _refuse_crowds(model: type[Body], body: dict[str, Any]) -> None:
    """Raises Malformed for a field of too many members: being told what is wrong with each would take long."""
    for field, value in body.items():
        if (type(value) is list or type(value) is dict) and len(value) > _MOST_MEMBERS and field in model.model_fields:
            raise Malformed(f"{field}: too many: give at most {_MOST_MEMBERS}")


def problems(kind: str, body: object, *, now: int | None = None) -> list[tuple[str, str]]:
    """Every (field path, sentence) that stands between this body and being publishable; none for an unknown kind."""
    model = KINDS.get(kind)
    if model is None:
        return []
    try:
        found = model.model_validate(body)
    except ValidationError as error:
        told = [*sentences.of(_schema(kind), error), *sentences.misfits(model, body, error)]
        return list(dict.fromkeys(told))
    return list(found.at_publish(now)) if now is not None else []


def schema(kind: str) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a kind; raises KeyError for a kind that this version doesn't know."""
    return copy.deepcopy(_schema(kind))


def default_visibility(kind: str) -> str:
    """Who sees a record of this kind where its author didn't say."""
    return KINDS[kind].VISIBILITY if kind in KINDS else Body.VISIBILITY


class _Plain(GenerateJsonSchema):
    """Pydantic's schema without its titles, and without `null` as the default of what is merely left out."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic's signature
        return False

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        inner = super().default_schema(schema)
        if inner.get("default", ...) in (None, [], ()):
            inner.pop("default", None)
        return inner


@lru_cache(len(KINDS))
def _schema(kind: str) -> dict[str, Any]:
    found = KINDS[kind].model_json_schema(schema_generator=_Plain)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"urn:bra:kind:{kind}", **found}
