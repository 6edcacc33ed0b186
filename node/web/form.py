"""A record as a form: from the schema of its kind and what it says to fields, and from what was sent back to a body.

Rules:

- what a form doesn't show, or didn't send, stays as it was; so does what comes back as it was shown, to the letter.
  What is sent empty is left out
- what was typed is read as a cell of a sheet would be (`+372 5612 3456`, `58,378° N`); what can't be read stays in the
  body as the text that it is, and is told as a fault: shown again, nothing that was typed is gone
- a field's name is its path as faults write it: `terms.price`, `field_tests[0].tester`
- of a text by language each row is a tag and a text, numbered: `wifi#0.tag`, `wifi#0.text`; the last row is for another
  language
- coordinates are degrees in the form, and microdegrees in the body

    >>> body, faults = read("farewell", {"date": ["2027-01-15"], "reason#0.tag": ["en"], "reason#0.text": ["Bye."]}, {})
    >>> body, faults
    ({'date': '2027-01-15', 'reason': {'en': 'Bye.'}}, [])
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from node import kinds
from node.api.refusals import Faults
from node.directory.importing.columns import DEGREES, DEGREES_WANTED, reader
from node.directory.importing.outcome import Unreadable
from node.kinds.sentences import resolved
from node.web.languages import N_
from node.web.words import WORDS

Schema = Mapping[str, Any]
Sent = Mapping[str, Sequence[str]]
"""What a form sent: the texts of each field, by its name."""

_CONTROLS = {
    "country": "country", "currency": "currency", "zone": "zone", "bcp47": "tag", "date": "date",
    "local-time": "datetime-local", "prose": "prose", "email": "email", "phone": "tel", "uri": "url",
}  # fmt: skip
_HINTS = {"decimal": N_("a number such as 12.50"), "language-map": ""}
"""Where what a schema says is of use to programs alone."""


@dataclass(frozen=True, slots=True)
class Input:
    """One value, or with `several` a choice of them. `control`: the sort of element that takes it."""

    name: str
    code: str
    """What it is called, in the words for fields."""
    control: str
    value: str
    hint: str
    required: bool
    faults: Sequence[str]
    options: Sequence[str] = ()
    chosen: Sequence[str] = ()
    words: str = ""
    """The group of `words` that the options are in; empty where they are shown as they are."""


@dataclass(frozen=True, slots=True)
class Texts:
    """A text in several languages: (tag, text) pairs, the last one to be filled in."""

    name: str
    code: str
    rows: Sequence[tuple[str, str]]
    lines: bool
    """Whether a text may have several lines."""
    required: bool
    faults: Sequence[str]
    control: str = "texts"


@dataclass(frozen=True, slots=True)
class Group:
    """Fields that belong together. `number`: of one of several such groups, from 1 on."""

    name: str
    code: str
    members: Sequence["Field"]
    required: bool
    faults: Sequence[str]
    number: int = 0
    control: str = "group"


Field = Input | Texts | Group


def fields(kind: str, body: Mapping[str, Any], faults: Faults = (), languages: Sequence[str] = ("en",)) -> list[Field]:
    """The fields of a form for `body`. `languages`: those that another text is probably in, the likeliest first."""
    root = kinds.schema(kind)
    return list(_Shown(kind, root, faults, languages).members(root, "", body))


def count(shown: Sequence[Field]) -> int:
    """How many values a form with these fields sends at most."""
    total = 0
    for each in shown:
        match each:
            case Group():
                total += count(each.members)
            case Texts():
                total += 2 * len(each.rows)
            case Input():
                total += 1 + len(each.options) * (each.control == "choices")
    return total


def read(kind: str, sent: Sent, base: Mapping[str, Any]) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """The body that a form says, where `base` is what it was made from; and what in it can't be read."""
    root = kinds.schema(kind)
    reading = _Read(root, sent)
    return reading.part(root, "", base), reading.faults


def _members(root: Schema, here: Schema, path: str) -> Iterator[tuple[str, str, Schema, bool]]:
    """Of each field of an object its name, path, schema, and whether it has to be there."""
    for name, declared in here["properties"].items():
        yield name, f"{path}.{name}" if path else name, resolved(root, declared), name in here.get("required", ())


def _sort(root: Schema, schema: Schema, value: object) -> str:
    """How a field is shown and read, in one word."""
    if schema.get("format") == "language-map" or ("oneOf" in schema and isinstance(value, dict)):
        return "texts"
    if "properties" in schema:
        return "part"
    if schema.get("type") == "array":
        item = resolved(root, schema["items"])
        return "parts" if "properties" in item else "choices" if "enum" in item else "lines"
    return "one"


def _texts_of(schema: Schema) -> Schema:
    """The schema of the texts in a map by language."""
    maps = [schema, *schema.get("oneOf", ())]
    found: Schema = next(each["additionalProperties"] for each in maps if "additionalProperties" in each)
    return found


def _one_of(schema: Schema) -> Schema:
    """The schema of a single value: of prose or prose by language, the prose."""
    return {**schema["oneOf"][0], **schema} if "oneOf" in schema else schema


def _written(name: str, value: object) -> str:
    """A value as it stands in its field."""
    if value is None:
        return ""
    if name in DEGREES and type(value) is int:
        return format(Decimal(value).scaleb(-6).normalize(), "f")
    return str(value)


def _as_sent(text: str) -> str:
    """A text as a browser sends it back (see `page`): with the ends of lines that all have."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


@dataclass(frozen=True, slots=True)
class _Shown:
    kind: str
    root: Schema
    faults: Faults
    languages: Sequence[str]

    def members(self, here: Schema, path: str, body: object) -> Iterator[Field]:
        """The fields of an object; what was typed as JSON in its place may be anything."""
        held = body if isinstance(body, dict) else {}
        for name, at, schema, required in _members(self.root, here, path):
            yield from self._field(name, at, schema, held.get(name), required=required)

    def _field(self, name: str, at: str, schema: Schema, value: object, *, required: bool) -> Iterator[Field]:
        several = value if isinstance(value, list) else []
        match _sort(self.root, schema, value):
            case "texts":
                texts = value if isinstance(value, dict) else {}
                another = next((tag for tag in self.languages if tag not in texts), "")
                rows = [*((tag, _written("", text)) for tag, text in texts.items()), (another, "")]
                lines = resolved(self.root, _texts_of(schema)).get("format") == "prose"
                yield Texts(at, name, rows, lines, required, self._told(at, inner=True))
            case "part":
                yield Group(at, name, list(self.members(schema, at, value)), required, self._told(at))
            case "parts":
                item = resolved(self.root, schema["items"])
                for number, each in enumerate([*several, {}]):
                    inner = f"{at}[{number}]"
                    members = list(self.members(item, inner, each))
                    yield Group(inner, name, members, False, self._told(inner), number + 1)
            case "choices":
                options = [str(each) for each in resolved(self.root, schema["items"])["enum"]]
                chosen = [str(each) for each in several]
                yield self._input(name, at, schema, "choices", "", required, options, chosen)
            case "lines":
                text = "\n".join(map(str, several))
                yield self._input(name, at, schema, "lines", text, required)
            case _:
                one = _one_of(schema)
                options = [str(each) for each in one.get("enum", ())]
                control = "choice" if options else _CONTROLS.get(str(one.get("format")), "line")
                control = "number" if one.get("type") == "integer" and not options and name not in DEGREES else control
                yield self._input(name, at, one, control, _written(name, value), required, options)

    def _input(
        self, name: str, at: str, schema: Schema, control: str, value: str, required: bool,
        options: Sequence[str] = (), chosen: Sequence[str] = (),
    ) -> Input:  # fmt: skip
        format_ = str(schema.get("format"))
        hint = _HINTS[format_] if format_ in _HINTS else DEGREES_WANTED.get(name) or schema.get("description", "")
        groups = (f"{self.kind}_{name}", name, name.removesuffix("s"))
        return Input(
            name=at,
            code=name,
            control=control,
            value=value,
            hint="" if options else hint,
            required=required,
            faults=self._told(at, inner=control in ("lines", "choices")),
            options=options,
            chosen=chosen,
            words=next((group for group in groups if group in WORDS), ""),
        )

    def _told(self, at: str, *, inner: bool = False) -> list[str]:
        """The faults of a field; with `inner`, also of what is in it."""
        begins = (f"{at}[", f"{at}.")
        return [sentence for path, sentence in self.faults if path == at or (inner and path.startswith(begins))]


class _Read:
    def __init__(self, root: Schema, sent: Sent) -> None:
        self.faults: list[tuple[str, str]] = []
        self._root = root
        self._sent = sent

    def part(self, here: Schema, path: str, base: Mapping[str, Any]) -> dict[str, Any]:
        found = dict(base)
        for name, at, schema, required in _members(self._root, here, path):
            value = self._field(name, at, schema, base.get(name))
            # An object that has to be there is there, so that each of its fields can be found missing.
            if value is None or (value == {} and not required):
                found.pop(name, None)
            else:
                found[name] = value
        return found

    def _field(self, name: str, at: str, schema: Schema, base: Any) -> Any:
        # Where prose may stand alone or by language, what was shown decides, as the record may have changed since.
        shown = {} if "oneOf" in schema and f"{at}#0.tag" in self._sent else base
        match _sort(self._root, schema, shown):
            case "texts":
                return self._texts(at, _texts_of(schema), base if isinstance(base, dict) else {})
            case "part":
                return self.part(schema, at, base if isinstance(base, dict) else {})
            case "parts":
                return self._parts(at, resolved(self._root, schema["items"]), base)
            case "choices":
                return self._choices(at, base)
            case "lines":
                return self._lines(at, resolved(self._root, schema["items"]), base)
            case _:
                return self._one(name, at, _one_of(schema), base)

    def _one(self, name: str, at: str, schema: Schema, base: Any) -> Any:
        text = self._last(at)
        if text is None or text == _as_sent(_written(name, base)):
            return base
        return self._value(at, name, schema, text)

    def _texts(self, at: str, schema: Schema, base: Mapping[str, Any]) -> dict[str, Any] | None:
        if self._last(f"{at}#0.tag") is None:
            return dict(base) or None
        found: dict[str, Any] = {}
        row = 0
        while (tag := self._last(f"{at}#{row}.tag")) is not None:
            text, tag = self._last(f"{at}#{row}.text") or "", tag.strip()
            kept = base.get(tag)
            value = kept if kept and text == _as_sent(kept) else self._value(at, "", resolved(self._root, schema), text)
            if value is not None:
                # Nothing that was typed is lost: what stands under no language is told as a fault.
                found[f"{tag} (again)" if tag in found else tag] = value
            row += 1
        return found or None

    def _parts(self, at: str, item: Schema, base: Any) -> list[Any] | None:
        held = base if isinstance(base, list) else []
        found, number = [], 0
        while number < len(held) or any(name.startswith(f"{at}[{number}]") for name in self._sent):
            each = self.part(item, f"{at}[{number}]", held[number] if number < len(held) else {})
            found += [each] if each else []
            number += 1
        return found or (base if base == [] else None)

    def _choices(self, at: str, base: Any) -> list[str] | None:
        if at not in self._sent:
            return base  # type: ignore[no-any-return]
        # In the order that they had: which comes first may mean something to their author.
        ticked = [each for each in self._sent[at] if each]
        kept = [each for each in base or () if each in ticked]
        return [*kept, *(each for each in ticked if each not in kept)] or (base if base == [] else None)

    def _lines(self, at: str, item: Schema, base: Any) -> Any:
        text = self._last(at)
        if text is None or text == _as_sent("\n".join(map(str, base or ()))):
            return base
        lines = [line for line in text.split("\n") if line.strip()]
        return [self._value(at, "", item, line) for line in lines] or None

    def _value(self, at: str, name: str, schema: Schema, text: str) -> Any:
        """What a text says; the text itself where it can't be read, None where there is none."""
        if not (text := text.strip()):
            return None
        try:
            return (DEGREES[name][1] if name in DEGREES else reader(schema))(text)
        except Unreadable as unreadable:
            self.faults.append((at, str(unreadable)))
            return text

    def _last(self, name: str) -> str | None:
        return self._sent[name][-1] if name in self._sent else None
