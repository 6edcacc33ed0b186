"""The languages of the pages: complete catalogues, no text that isn't marked, and what CLDR writes."""

import ast
import re
from collections.abc import AsyncIterator, Iterator
from gettext import NullTranslations
from html.parser import HTMLParser
from pathlib import Path

import pytest
import pytest_asyncio
from babel.messages.catalog import Message
from jinja2 import Environment, nodes

from node.api.role import Role
from node.directory.draft import Change
from node.web import languages
from node.web.languages import SPOKEN, Language
from tests.kinds.kind_examples import example
from tests.web import catalogues
from tests.web.catalogues import TRANSLATED, WEB
from tests.web.served import NAME, Served, served

_PLACES = re.compile(r"%\(\w+\)[sd]|\{\w+\}|%%")
_WORD = re.compile(r"[A-Za-z]{2,}")
NEEDS_NO_TRANSLATION = {
    "API", "CSV", "JSON", "QR", "URL", "UTF", "MB", "km", "min", "Business Roaming Agreement",
    "UTC", "SHA-256", "OpenAPI", "WGS", "XLSX", "openapi.json", "GeoJSON", "Atom", "JSON lines",
}  # fmt: skip
"""Names, and what a program reads."""

# --- the catalogues


def forms(message: Message) -> tuple[str, ...]:
    return tuple(message.string) if message.pluralizable else (str(message.string or ""),)


@pytest.mark.parametrize("tag", TRANSLATED)
def test_a_catalogue_has_every_text_of_the_pages_and_no_other(tag: str) -> None:
    found = catalogues.catalogue(tag)
    wanted = catalogues.updated(found, tag)
    assert catalogues.path(tag).read_bytes() == catalogues.written(wanted), "run: make messages"
    assert not found.obsolete
    assert [each.id for each in found if each.id and each.fuzzy] == []


def test_the_template_of_the_catalogues_is_what_the_pages_say() -> None:
    assert catalogues.TEMPLATES.read_bytes() == catalogues.written(catalogues.extracted()), "run: make messages"


@pytest.mark.parametrize("tag", TRANSLATED)
def test_every_text_is_translated_in_each_of_its_numbers_with_the_same_places(tag: str) -> None:
    found = catalogues.catalogue(tag)
    wrong = []
    for each in found:
        if not each.id:
            continue
        english = each.id if isinstance(each.id, tuple) else (each.id,)
        said = forms(each)
        places = [set(_PLACES.findall(form)) for form in said]
        if (
            len(said) != (found.num_plurals if each.pluralizable else 1)
            or not all(form.strip() for form in said)
            or any(place != set(_PLACES.findall(english[-1])) for place in places)
            or any(set("<>") & set(form) for form in said)
            or any(form != form.strip() and english[0] == english[0].strip() for form in said)
        ):
            wrong.append(each.id)
    assert wrong == []


@pytest.mark.parametrize("tag", TRANSLATED)
def test_sentences_stay_sentences(tag: str) -> None:
    """What ends with a stop, a question, a colon or dots does so in each language, and nothing else does."""
    ends = (".", "?", ":", "…")
    wrong = []
    for each in catalogues.catalogue(tag):
        english = each.id[-1] if isinstance(each.id, tuple) else each.id
        for form in forms(each) if english else ():
            mark = next((end for end in ends if english.rstrip().endswith(end)), "")
            if mark and not form.rstrip().endswith(mark):
                wrong.append(form)
    assert wrong == []


# --- what is not marked


class Words(HTMLParser):
    """The texts of HTML that people read, and of its attributes; none where it says that they are in English."""

    SHOWN = ("title", "aria-label", "alt", "placeholder")
    SILENT = ("script", "style", "code", "pre", "bdi", "textarea")
    EMPTY = ("meta", "link", "input", "br", "img", "hr", "source", "wbr", "path", "circle", "line", "rect", "use")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._silent: list[bool] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        named = dict(attributes)
        silent = tag in self.SILENT or (tag != "html" and "lang" in named)
        if tag not in self.EMPTY:
            self._silent.append(silent)
        if not silent and not any(self._silent):
            self.texts += [str(named[name]) for name in self.SHOWN if named.get(name)]

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.EMPTY and self._silent:
            self._silent.pop()

    def handle_data(self, data: str) -> None:
        if not any(self._silent) and data.strip():
            self.texts.append(data.strip())


def unneeded(text: str) -> str:
    for each in sorted(NEEDS_NO_TRANSLATION, key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(each)}(?!\w)", "", text)
    return text


def unmarked(source: str) -> list[str]:
    """The texts of a template outside of its expressions."""
    source = re.sub(r"\{#.*?#\}", "", source, flags=re.DOTALL)
    source = re.sub(r"\{%-?\s*trans\b.*?endtrans\s*-?%\}", "", source, flags=re.DOTALL)
    source = re.sub(r"\{%-?\s*set \w+\s*%\}.*?endset\s*-?%\}", "", source, flags=re.DOTALL)  # attributes
    source = re.sub(r"\{%.*?%\}", "", source, flags=re.DOTALL)
    source = re.sub(r"\{\{.*?\}\}", "·", source, flags=re.DOTALL)
    # A macro may be the attributes of an element.
    texts = [each for each in Words(source).texts if not re.match(r'[\w-]+="', each)]
    return [each for each in texts if _WORD.search(unneeded(each))]


def unmarked_in_expressions(source: str) -> Iterator[str]:
    """Texts of several words, or a word that begins large, that an expression shows as they are."""
    tree = Environment(extensions=["jinja2.ext.i18n", "jinja2.ext.loopcontrols"]).parse(source)
    gettexts = {"_", "gettext", "ngettext", "pgettext", "npgettext"}
    marked = {
        id(each)
        for call in tree.find_all(nodes.Call)
        if getattr(call.node, "name", "") in gettexts or getattr(call.node, "attr", "") == "live"
        for each in call.find_all(nodes.Const)
    }
    # What is compared or looked up isn't shown.
    for other in tree.find_all((nodes.Compare, nodes.Getitem, nodes.Dict, nodes.Import, nodes.Extends, nodes.Include)):
        marked |= {id(each) for each in other.find_all(nodes.Const)}
    for each in tree.find_all(nodes.Const):
        if id(each) not in marked and isinstance(each.value, str):
            text = unneeded(each.value)
            if re.fullmatch(r"[A-Z][a-z]+[.:?]?|[A-Z]?[a-z']+( [a-z']+){2,}.*|[A-Z][a-z']+ .*", text):
                yield each.value


@pytest.mark.parametrize(
    ("template", "found"),
    {
        "a text": ("<p>Search here</p>", ["Search here"]),
        "a label": ('<nav aria-label="Main">{{ _("Yes") }}</nav>', ["Main"]),
        "a picture's words": ('<img alt="A map">', ["A map"]),
        "none": ('<p class="plain words">{{ _("Search") }} · {{ name }}</p>', []),
        "an argument": ('{{ ui.tab("/x", "Search") }}', ["Search"]),
        "a marked argument": ('{{ ui.tab("/x", _("Search")) }}', []),
    }.values(),
    ids=["a text", "a label", "a picture's words", "none", "an argument", "a marked argument"],
)
def test_a_text_that_is_not_marked_is_found(template: str, found: list[str]) -> None:
    assert [*unmarked(template), *unmarked_in_expressions(template)] == found


@pytest.mark.parametrize(
    "template", sorted((WEB / "templates").rglob("*.html")), ids=lambda path: str(path.relative_to(WEB / "templates"))
)
def test_every_text_of_a_template_is_marked(template: Path) -> None:
    source = template.read_text()
    assert [*unmarked(source), *unmarked_in_expressions(source)] == []


CLAIMS = "aud company days exp iat iss jti name nbf status venues visit"
"""The names of what is in a pass."""


@pytest.mark.parametrize("script", sorted((WEB / "static").glob("*.js")), ids=lambda path: path.name)
def test_a_script_has_its_texts_from_the_page(script: Path) -> None:
    source = re.sub(r"^\s*//[^\n]*$|/\*.*?\*/|\s// [^\n]*$", "", script.read_text(), flags=re.MULTILINE | re.DOTALL)
    quoted = [each[1] for each in re.findall(r"([\"'`])((?:(?!\1).)*)\1", source)]
    texts = [each for each in quoted if re.search(r"^[A-Z][a-z]+ [a-z]|[a-z]+ [a-z]+ [a-z]+ [a-z]+", each)]
    # A desk on its own judges by the core's sentences; the page has them in its language.
    assert {*texts} - {message.id for message in catalogues.extracted()} - {CLAIMS} == set()


NEVER_ON_A_PAGE = {"pages/login.py", "pages/crawlers.py", "live.py"}
"""What refuses a configuration, a crawler and a script."""


def unmarked_refusals(source: str) -> Iterator[str]:
    """The texts with which a module raises an error as they are, without `said`."""
    for call in ast.walk(ast.parse(source)):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.args:
            plain = isinstance(call.args[0], ast.JoinedStr | ast.Constant)
            if plain and call.func.id in ("Refused", "InputError", "ValueError"):
                yield ast.unparse(call.args[0])


def test_what_a_page_refuses_is_said_in_every_language() -> None:
    assert [*unmarked_refusals('raise Refused("no", 400)\nraise Refused(said("no"), 400)')] == ["'no'"]
    modules = {str(path.relative_to(WEB)): path.read_text() for path in WEB.rglob("*.py")}
    found = {name: [*unmarked_refusals(source)] for name, source in modules.items()}
    assert {name for name, texts in found.items() if texts} == NEVER_ON_A_PAGE


# --- as they are shown

ASKED = {
    "de": ("1. Juni 2027", "Estland", "1.234,5"), "fr": ("1 juin 2027", "Estonie", "1\u202f234,5"),
    "et": ("1. juuni 2027", "Eesti", "1\xa0234,5"), "sv": ("1 juni 2027", "Estland", "1\xa0234,5"),
    "lv": ("2027. gada 1. jūnijs", "Igaunija", "1\xa0234,5"), "lt": ("2027 m. birželio 1 d.", "Estija", "1\xa0234,5"),
    "pl": ("1 czerwca 2027", "Estonia", "1\xa0234,5"), "en": ("1 June 2027", "Estonia", "1,234.5"),
}  # fmt: skip


@pytest.mark.parametrize("tag", SPOKEN)
def test_dates_countries_and_numbers_are_written_as_in_the_language(tag: str) -> None:
    language = Language(tag, (tag,))
    assert (language.date("2027-06-01", "long"), language.country("EE"), language.number(1234.5)) == ASKED[tag]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    async with served(Path(tmp_path_factory.mktemp("languages"))) as node:
        await node.publish(Change("venue", example("venue"), id="desk"))
        yield node


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("tag", SPOKEN)
async def test_a_page_is_in_the_language_that_the_browser_asks_for(node: Served, tag: str) -> None:
    _, html = await node.get("/search", Accept_Language=f"{tag}, zz;q=0.5")
    assert f'<html lang="{tag}">' in html
    assert f"<title>{Language(tag, (tag,)).gettext('Search')}" in html


@pytest.mark.asyncio(loop_scope="module")
async def test_what_a_visitor_chose_goes_before_what_the_browser_asks_for(node: Served) -> None:
    _, html = await node.get("/search", Accept_Language="fr", Cookie=f"{languages.COOKIE}=lt")
    assert '<html lang="lt">' in html


@pytest.mark.asyncio(loop_scope="module")
async def test_an_error_that_no_catalogue_has_says_that_it_is_english_and_no_other_does(node: Served) -> None:
    language = Language("de", ("de",))
    response, html = await node.get("/host/nobody/nothing", Role.OPERATOR, Accept_Language="de")
    assert response.status == 400
    assert re.search(r'role="alert" lang="en"', html), html
    response, html = await node.get(f"/venue/{'bra1' + 'o' * 32}/nothing", Accept_Language="de")
    assert response.status == 404
    told = language.gettext("there is no {kind} {id} of {author} here that you may see")
    assert re.search(rf'role="alert">{told[:20].capitalize()}', html), html
    _, html = await node.get("/nothing/here", Accept_Language="de")
    assert language.gettext("That did not work") in html
    assert not re.search(r'role="alert" lang="en"', html)


DATA = (NAME, "BRA 1", "pass,", ": operator")
"""What was published or named here: an agreement and a key by their headings, a token by its label."""


class Pseudo(NullTranslations):
    """A language whose texts all stand in brackets."""

    def gettext(self, message: str) -> str:
        return f"⟦{message}⟧"

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return f"⟦{msgid1 if n == 1 else msgid2}⟧"

    def pgettext(self, context: str, message: str) -> str:
        del context
        return f"⟦{message}⟧"

    def npgettext(self, context: str, msgid1: str, msgid2: str, n: int) -> str:
        del context
        return f"⟦{msgid1 if n == 1 else msgid2}⟧"


def english() -> set[str]:
    """The words that the pages use, but for those that are also somebody's data here or another language's."""
    texts = " ".join(str(each.id) for each in catalogues.extracted())
    return {word.lower() for word in re.findall(r"[A-Za-z]{2,}", texts)}


def bare(html: str, words: set[str]) -> list[str]:
    """Texts outside of the brackets that are in the pages' English."""
    html = html.replace("&#39;", "'")
    found = []
    for text in Words(html).texts:
        left = text
        while re.search(r"⟦[^⟦⟧]*⟧", left):
            left = re.sub(r"⟦[^⟦⟧]*⟧", "", left)
        left = re.sub(r"https?:\S+|\S+@\S+|\d{4}-\d\d-\d\d\S*|\b[A-Z]{3}\b", "", left)
        for data in DATA:
            left = left.replace(data, "")
        left = unneeded(left)
        known = [word for word in _WORD.findall(left) if word.lower() in words]
        if known and len(known) == len(_WORD.findall(left)):
            found.append(text)
    return found


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("role", [Role.PUBLIC, Role.OPERATOR], ids=lambda role: role.label)
async def test_no_page_shows_bare_english(node: Served, role: Role, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(languages, "_catalogue", lambda _: Pseudo())
    words = english()
    paths = sorted(
        {
            route.resource.canonical
            for route in node.site.router.routes()
            if route.method == "GET" and route.resource is not None and "{" not in route.resource.canonical
            if route.handler.__module__.startswith("node.web")
        }
        - {"/operate/live"}
    )
    paths += [
        f"/venue/{node.id}/desk",
        f"/organisation/{node.id}/self",
        f"/why/{node.id}",
        f"/venue/{node.id}/desk/visit",
    ]
    if role is Role.OPERATOR:
        paths += ["/operate/records/new/venue", "/operate/records/venue/desk", "/operate/records/venue/desk/withdraw"]
    seen, wrong = 0, {}
    for path in paths:
        response, html = await node.get(path, role, Accept_Language="sv")
        if response.status == 200 and response.content_type == "text/html":
            seen += "⟦" in html
            wrong[path] = bare(html, words)
    assert seen >= (8 if role is Role.PUBLIC else 25)
    told = {path: texts for path, texts in wrong.items() if texts}
    assert not told, told
