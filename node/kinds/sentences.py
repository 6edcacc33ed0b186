"""From pydantic's errors to one sentence each, for a person who never heard of pydantic.

Rules:

- a path is written as in a program, `terms.price`, `photos[2]`, `directions.et`
- a sentence says what is wrong and what to write; a value is quoted short, a nested one not at all
- what to write comes from the `description` that the field, or its nearest named parent, has in the kind's JSON Schema

    >>> from node.kinds.agreement import Agreement
    >>> try:
    ...     Agreement.model_validate({"version": 1})
    ... except ValidationError as error:
    ...     next(of(Agreement.model_json_schema(), error))
    ('version', 'the number 1 is not the version of the text in quotes, such as "1"')
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from node.kinds.body import Part, quoted
from node.sentence import Sentence, said

Schema = Mapping[str, Any]
Loc = tuple[int | str, ...]

WHOLE = "record"
"""The path that stands for the body itself."""


def of(schema: Schema, error: ValidationError) -> Iterator[tuple[str, str]]:
    for fault in error.errors(include_url=False):
        loc = _loc(fault)
        if fault["type"] == "misfit":
            yield path((*loc, *filter(None, (fault["ctx"]["field"],)))), fault["ctx"]["sentence"]
        else:
            yield path(loc), _sentence(fault, _schema_at(schema, loc))


def misfits(model: type[Part], body: object, error: ValidationError) -> Iterator[tuple[str, str]]:
    """What pydantic doesn't look for once a field is wrong by itself: the fields that don't fit together."""
    wrong = {_loc(fault) for fault in error.errors(include_url=False) if fault["type"] != "misfit"}
    yield from _misfits(model, body, (), wrong)


def _misfits(model: type[Part], body: object, loc: Loc, wrong: set[Loc]) -> Iterator[tuple[str, str]]:
    if not isinstance(body, dict):
        return
    has = {name: ... if (*loc, name) in wrong else body[name] for name in model.model_fields if name in body}
    for field, sentence in model.misfits(has):
        yield path((*loc, *filter(None, (field,)))), sentence
    for name, field_info in model.model_fields.items():
        for inner in (field_info.annotation, *get_args(field_info.annotation)):
            if isinstance(inner, type) and issubclass(inner, Part) and name in body:
                yield from _misfits(inner, body[name], (*loc, name), wrong)


def _loc(fault: ErrorDetails) -> Loc:
    """Where it is in the body. Unions and keys leave marks in the way to a value that are no part of its path."""
    return tuple(step for step in fault["loc"] if step != "[key]" and not str(step).startswith("<"))


def path(loc: Loc) -> str:
    text = ""
    for step in loc:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            # A key comes from outside: it is shown like a value where it isn't a plain name.
            name = step if re.fullmatch(r"[A-Za-z0-9_-]{1,64}", step) else quoted(step)
            text += f".{name}" if text else name
    return text or WHOLE


def _sentence(fault: ErrorDetails, schema: Schema) -> str:
    if not fault["loc"] and fault["type"] == "model_type":
        return f"{_shown(fault['input'])} is not a body: give an object with the fields of its kind"
    # A description is translated where it is marked, as those are of what a member's form asks for.
    wanted = Sentence(str(schema.get("description", said("what the field's name says"))))
    choices = ", ".join(map(str, schema.get("enum", ())))
    match fault["type"]:
        case "missing":
            if choices:
                return said("missing: give {wanted}: one of {choices}", wanted=wanted, choices=choices)
            return said("missing: give {wanted}", wanted=wanted)
        case "too_short":
            return said("empty: give {wanted}", wanted=wanted)
        case "value_error":
            return str(fault["ctx"]["error"])
        case "string_too_long":
            return said("too long: write at most {most} characters", most=fault["ctx"]["max_length"])
        case "too_long":
            return said("too many: give at most {most}", most=fault["ctx"]["max_length"])
        case "string_unicode" | "invalid_key":
            return "not text: it holds half a character (a lone surrogate): write it anew"
        case "recursion_loop":
            return "nested too deep: write it flat"
        case "string_pattern_mismatch" if r"\x00" in schema.get("pattern", "") and fault["input"].strip():
            return said(
                "holds a character that is not text (a line break, a control or unseen character): write it plainly"
            )
        case _:
            value = _shown(fault["input"])
            if choices:
                return said(
                    "{value} is not {wanted}: write one of {choices}", value=value, wanted=wanted, choices=choices
                )
            return said("{value} is not {wanted}", value=value, wanted=wanted)


def _shown(value: object) -> str:
    match value:
        case str():
            return quoted(value) if value.strip() else said("empty text")
        case bool():
            return "true" if value else "false"
        case int():
            return f"the number {value}" if abs(value) < 2**53 else "a number beyond 2^53"
        case float():
            return "a number with a fraction"
        case None:
            return "null (leave an absent field out)"
        case list() | tuple():
            return "a list"
        case dict():
            return "an object"
        case _:
            return "this"


def _schema_at(root: Schema, loc: Loc) -> Schema:
    """The schema of the value at `loc`; where it has no description, its nearest parent's that has one."""
    here = resolved(root, root)
    best: Schema = {}
    for step in loc:
        if isinstance(step, int):
            inner = here.get("items", {})
        else:
            inner = here.get("properties", {}).get(step)
            if inner is None:
                inner = _values_of(root, here)
        here = resolved(root, inner if isinstance(inner, dict) else {})
        best = here if "description" in here else best
    return best


def _values_of(root: Schema, here: Schema) -> object:
    """The schema of a map's values; of a choice between prose and a map, the map's."""
    for choice in (here, *(resolved(root, one) for one in here.get("oneOf", []))):
        if isinstance(choice.get("additionalProperties"), dict):
            return choice["additionalProperties"]
    return {}


def resolved(root: Schema, schema: Schema) -> Schema:
    """The schema that a reference stands for, with what stands beside the reference."""
    if "$ref" in schema:
        target = root["$defs"][schema["$ref"].rsplit("/", 1)[1]]
        return {**target, **{name: value for name, value in schema.items() if name != "$ref"}}
    return schema
