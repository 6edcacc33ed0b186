"""Logging in as people do, at a node and a provider in processes of their own: by a token link, by one's account."""

import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from http.cookiejar import CookieJar
from urllib.error import HTTPError
from urllib.parse import urlencode, urlsplit

import pytest

from tests.api.provider import AUDIENCE, CLIENT, SECRET
from tests.nodes import Node, venue
from tests.system.conftest import Make
from tests.system.terminal import Terminal
from tests.web.forms import hidden


class Browser:
    """Keeps cookies, goes where it is sent, and says whose page a form comes from."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.cookies = CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))
        self.at = ""

    def open(self, path: str, form: dict[str, str] | None = None) -> str:
        """The page that one is at in the end."""
        data = None if form is None else urlencode(form).encode()
        headers = {} if form is None else {"Origin": self.node.url}
        try:
            answer = self._opener.open(urllib.request.Request(self.node.url + path, data, headers), timeout=20)
        except HTTPError as error:
            answer = error
        with answer:
            self.at = urlsplit(answer.url).path
            text: str = answer.read().decode()
            return text

    def press(self, page: str, path: str, **fields: str) -> str:
        """Sends the form for `path` that stands on a page."""
        return self.open(path, {**hidden(page, path), **fields})

    def sees(self) -> set[str]:
        """Which of the venues this one is shown."""
        return set(re.findall("Zebrafinch ([a-z]+)", self.open("/search?q=zebrafinch")))


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    """The issuer of a provider that lets everybody in as mari, who is in one group."""
    program = [sys.executable, "-m", "tests.api.provider", "bra-desk"]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.terminate()


@pytest.fixture(scope="module")
def node(make_once: Make, provider: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    secret = tmp_path_factory.mktemp("secret") / "client"
    secret.write_text(SECRET)
    oidc = {"issuer": provider, "audience": AUDIENCE, "client_id": CLIENT, "client_secret_file": str(secret)}
    node = make_once("Tartu Science Park", oidc=oidc)
    levels = ("public", "members", "partners", "local")
    node.publish("venue", [venue(level, name=f"Zebrafinch {level}", visibility=level) for level in levels])
    serve(node)
    yield node


def serve(node: Node) -> None:
    node.serve(BRA_OIDC__ROLES='{"bra-desk": "desk"}')


def test_a_token_link_logs_a_member_in_until_the_token_is_revoked_also_over_a_restart(node: Node) -> None:
    link = node.bra("token", "create", "--role", "member", "--label", "Mari", "--link").strip()
    page, _, token = link.partition("#")
    assert page == f"{node.url}/login"
    mari = Browser(node)
    assert mari.sees() == {"public"}
    mari.press(mari.open("/login?next=/search"), "/login", token=token)
    assert mari.at == "/search"
    assert mari.sees() == {"public", "members"}
    node.stop()
    serve(node)
    assert mari.sees() == {"public", "members"}
    [cookie] = [each for each in mari.cookies if each.name == "session"]
    _stands_nowhere(node, token.split("_")[2][:20], str(cookie.value))
    [made] = [each for each in node.json("token", "list")["tokens"] if each["label"] == "Mari"]
    assert made["sessions"] == 1
    node.bra("token", "revoke", made["id"])
    assert mari.sees() == {"public"}
    assert "Mari" not in node.bra("session", "list")


def _stands_nowhere(node: Node, *secrets: str) -> None:
    for path in (*node.home.rglob("*"), node.home.with_suffix(".log")):
        if path.is_file():
            data = path.read_bytes()
            assert not [each for each in secrets if each.encode() in data], path


def test_somebody_logs_in_by_the_organisations_account_and_is_logged_out_by_the_operator(node: Node) -> None:
    mari = Browser(node)
    page = mari.open("/login?next=/search%3Fq%3Dzebrafinch")
    way = re.search('href="(/login/oidc[^"]*)"', page)
    assert way
    page = mari.open(way[1])
    assert (mari.at, "Zebrafinch partners" in page) == ("/search", True)
    assert mari.sees() == {"public", "members", "partners"}
    [session] = node.json("session", "list")["sessions"]
    assert (session["caller"].partition("#")[2], session["role"]) == ("mari", "desk")
    assert f"{session['id']}  desk  since " in node.bra("session", "list")
    assert "(mari) is over" in node.bra("session", "end", session["id"])
    assert mari.sees() == {"public"}
    assert node.bra("session", "list") == "Nobody is logged in.\n"
    assert "'bra session list' shows" in node.bra("session", "end", session["id"], code=1)


def test_who_logs_out_is_logged_out_on_the_node_and_not_in_the_browser_alone(node: Node) -> None:
    token = node.bra("token", "create", "--role", "operator", "--label", "Jaan").strip()
    jaan, copy = Browser(node), Browser(node)
    jaan.press(jaan.open("/login"), "/login", token=token)
    for cookie in jaan.cookies:
        copy.cookies.set_cookie(cookie)
    assert jaan.sees() == copy.sees() == {"public", "members", "partners", "local"}
    jaan.press(jaan.open("/search"), "/logout")
    assert jaan.at == "/login"
    assert jaan.sees() == copy.sees() == {"public"}


def test_the_api_never_looks_at_a_cookie(node: Node) -> None:
    jaan = Browser(node)
    token = node.bra("token", "create", "--role", "operator", "--label", "Jaan").strip()
    jaan.press(jaan.open("/login"), "/login", token=token)
    assert "Zebrafinch local" in jaan.open("/search?q=zebrafinch")
    read = jaan.open("/api/v1/search?q=zebrafinch")
    assert ("Zebrafinch public" in read, "Zebrafinch local" in read) == (True, False)
    # As another site's form would be sent, whose text is JSON.
    assert "needs a token of the role operator" in jaan.open("/api/v1/venue", {})


WRONG = {
    "a link without a url": (("--link",), "no url"),
    "a link for a feed": (("--link", "--feed", "/api/v1/event.ics"), "logs nobody in"),
}


def test_a_link_that_would_lead_nowhere_is_not_made(make: Make) -> None:
    node = make("Tartu Science Park", url="")
    for arguments, sentence in WRONG.values():
        command = ("token", "create", "--role", "member", "--label", "x", *arguments)
        assert sentence in node.bra(*command, code=1)
    assert node.bra("token", "list") == "There are no tokens.\n"


def test_on_a_terminal_the_link_is_also_a_code_to_scan(node: Node) -> None:
    home = ("--home", str(node.home))
    terminal = Terminal("token", "create", "--role", "desk", "--label", "Tablet", "--link", *home)
    assert terminal.ended() == 0, terminal.shown
    assert "█" in terminal.shown
    assert f"{node.url}/login#bra_" in terminal.shown
