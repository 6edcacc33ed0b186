"""The texts of the pages: reads them out of the product and puts them into its catalogues (`make messages`).

Rules:

- a text is what a template or a module of node/web marks, a label of the catalogue of services, or a sentence that any
  module makes to be translated (`said`, see `node.sentence`), but those of commands and of the demonstration
- a catalogue keeps its translations, loses what no page says any more, and has what is new without a translation;
  nothing is guessed, so nothing is fuzzy
- no dates, places in the source or widths: a catalogue changes when a text does
"""

import sys
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from node.kinds.catalogue import CATEGORIES, SERVICES
from node.web.languages import CATALOGUES, SPOKEN

WEB = CATALOGUES.parent
NODE = WEB.parent
TEMPLATES = CATALOGUES / "pages.pot"
TRANSLATED = tuple(tag for tag in SPOKEN if tag != "en")

_METHODS = [("**.py", "python"), ("templates/**.html", "jinja2")]
_CORE = [("cli/**.py", "ignore"), ("demo/**.py", "ignore"), ("**.py", "python")]
_AS_RENDERED = {
    "templates/**.html": {
        "extensions": "jinja2.ext.i18n,jinja2.ext.loopcontrols",
        "trim_blocks": "true",
        "lstrip_blocks": "true",
        "newstyle_gettext": "true",
        "silent": "false",
    }
}
_KEYWORDS = {
    "_": None, "N_": None, "gettext": None, "ngettext": (1, 2), "pgettext": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}  # fmt: skip


def sentences() -> set[str]:
    """The templates of the core's sentences."""
    return {str(text) for _, _, text, _, _ in extract_from_dir(NODE, _CORE, keywords={"said": None})}


def extracted() -> Catalog:
    """All texts of the pages, in the order of their English."""
    found = Catalog(charset="utf-8")
    texts = extract_from_dir(WEB, _METHODS, _AS_RENDERED, _KEYWORDS)
    for text in sorted(sentences()):
        found.add(text)
    for _, _, text, _, context in sorted(texts, key=lambda each: (str(each[2]), each[4] or "")):
        found.add(text, context=context)
    for label in (*CATEGORIES.values(), *SERVICES.values()):
        found.add(label)
    return found


def path(tag: str) -> Path:
    return CATALOGUES / tag / "pages.po"


def catalogue(tag: str) -> Catalog:
    """One catalogue as it stands; ValueError where it can't be read."""
    with path(tag).open("rb") as file:
        return read_po(file, locale=tag, abort_invalid=True)


def updated(old: Catalog, tag: str) -> Catalog:
    """The texts of the pages with the translations that `old` has."""
    new = Catalog(locale=tag, charset="utf-8")
    for message in extracted():
        if message.id:
            known = old.get(message.id, message.context)
            same = known is not None and known.id == message.id
            new.add(message.id, known.string if known and same else None, context=message.context)
    return new


def written(texts: Catalog) -> bytes:
    """A catalogue as its file holds it."""
    file = BytesIO()
    write_po(file, texts, width=0, no_location=True, omit_header=True, sort_output=True)
    plural = f'"Plural-Forms: {texts.plural_forms}\\n"\n' if texts.locale else ""
    head = f'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n{plural}\n'
    return head.encode() + file.getvalue()


def main() -> None:
    TEMPLATES.parent.mkdir(exist_ok=True)
    TEMPLATES.write_bytes(written(extracted()))
    for tag in TRANSLATED:
        old = catalogue(tag) if path(tag).exists() else Catalog(locale=tag)
        new = updated(old, tag)
        path(tag).parent.mkdir(exist_ok=True)
        path(tag).write_bytes(written(new))
        left = sum(not all(each.string if each.pluralizable else (each.string,)) for each in new if each.id)
        sys.stdout.write(f"{tag}: {left} texts to translate\n")


if __name__ == "__main__":
    main()
