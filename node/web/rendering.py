"""Rendering: templates and values become a page in the visitor's language.

Rules:

- everything is escaped, a name that a template misspells is an error, and no template holds a script or a style
- what all templates have: `asked`, `visitor`, `language`, `owner` (this node's organisation), `_` and its like, and the
  filters and functions below
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context

from node.api.role import Role
from node.exports.collection import uri
from node.roaming.visit import TABLE
from node.web import assets
from node.web.languages import SPOKEN, Language, Said
from node.web.words import called

if TYPE_CHECKING:
    from node.web.page import Asked

TEMPLATES = Path(__file__).parent / "templates"


class Rendering:
    """Makes pages."""

    def __init__(self) -> None:
        self._templates = Environment(
            loader=FileSystemLoader(TEMPLATES),
            extensions=["jinja2.ext.i18n", "jinja2.ext.loopcontrols"],
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._templates.install_gettext_callables(  # type: ignore[attr-defined] # the extension's
            _by("gettext"), _by("ngettext"), newstyle=True, pgettext=_by("pgettext"), npgettext=_by("npgettext")
        )
        self._templates.globals |= {
            "asset": assets.url, "may": may, "Role": Role, "SPOKEN": SPOKEN, "with_query": with_query,
        }  # fmt: skip
        self._templates.filters |= {
            name: _by(name)
            for name in (
                "said", "country", "language", "languages", "number", "money", "date", "month", "moment",
                "clock", "since", "lasting", "size", "zone", "told",
            )
        }  # fmt: skip
        self._templates.filters |= {
            "sentence": sentence, "called": _called, "heading": _heading, "fields": fields, "uri": uri, "mail": _mail,
        }  # fmt: skip

    def render(self, asked: "Asked", name: str, values: Mapping[str, Any], part: str = "") -> str:
        """The HTML of a page, or of one block of it."""
        template = self._templates.get_template(name)
        known = {
            "asked": asked, "visitor": asked.visitor, "language": asked.language,
            "role": asked.visitor.caller.role, **values,
        }  # fmt: skip
        if not part:
            return template.render(known)
        # A block alone doesn't have what the template around it imports.
        known["ui"] = self._templates.get_template("macros.html").make_module(known)
        return "".join(template.blocks[part](template.new_context(known)))


def _by(name: str) -> Callable[..., Any]:
    """A filter or function that is the visitor's language's own."""

    @pass_context
    def call(context: Context, *arguments: Any, **named: Any) -> Any:
        language: Language = context["language"]
        return getattr(language, name)(*arguments, **named)

    return call


@pass_context
def _called(context: Context, code: str, group: str) -> str:
    return called(context["language"], code, group)


class Fields(dict[str, Any]):
    """What a record says; a field that it leaves out is None, so that a template can ask for it."""

    def __missing__(self, name: str) -> None:
        return None


def fields(value: Any) -> Any:
    """The same with all objects in it as `Fields`."""
    if isinstance(value, Mapping):
        return Fields((name, fields(each)) for name, each in value.items())
    return [fields(each) for each in value] if isinstance(value, list) else value


@pass_context
def _heading(context: Context, record: Mapping[str, Any]) -> Said:
    language: Language = context["language"]
    return language.heading(_plain(record))


def _plain(value: Any) -> Any:
    """The same without `Fields`: what a newer node says in a record is passed on as JSON has it, or not at all."""
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list) else value


def _mail(address: str) -> str:
    """What stands in a link after `mailto:` (RFC 6068): an address may hold what would begin something else there."""
    return quote(address, safe="@")


def sentence(text: str) -> str:
    """An error as it stands on a page: it begins large and ends with a stop."""
    return f"{text[:1].upper()}{text[1:]}" + ("" if text.endswith((".", "?", "…")) else ".")


def may(state: str, event: str) -> bool:
    """Whether that may be said of a visit in this state."""
    return (state, event) in TABLE


@pass_context
def with_query(context: Context, **changes: Any) -> str:
    """The address of this page with other values in its query; None takes a name out of it."""
    asked: Asked = context["asked"]
    pairs = [(name, value) for name, value in asked.request.query.items() if name not in changes]
    for name, value in changes.items():
        values = value if isinstance(value, list | tuple) else [value]
        pairs += [(name, str(each)) for each in values if each is not None]
    return f"{asked.request.path}?{urlencode(pairs)}" if pairs else asked.request.path
