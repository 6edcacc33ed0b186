"""A pass of one real node at the desk of another: issued, printed, verified with the network cut, used, revoked."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pypdfium2
import pytest
import zxingcpp
from PIL import Image

from tests.nodes import Node, until, venue
from tests.system.conftest import Make
from tests.system.terminal import Terminal

ZONE = "Europe/Tallinn"


def today() -> str:
    return datetime.now(UTC).astimezone(ZoneInfo(ZONE)).date().isoformat()


def issue(guest: Node, host: Node, name: str = "Õnne Tamm") -> dict[str, Any]:
    """A pass of today's for the host's only venue."""
    [room] = guest.json("list", "venue")["records"]
    place = f"{host.id}/{room['id']}"
    person = ("--name", name, "--company", "Nordic Sensors")
    return guest.json("pass", "issue", "--venue", place, "--from", today(), *person)


def verdict(host: Node, token: str, command: str = "verify") -> Any:
    """What the desk's command says, whatever its exit code."""
    try:
        return host.json("desk", command, "-", stdin=token.encode())
    except AssertionError as error:
        found = next(line for line in str(error).splitlines() if line.startswith("{"))
        return json.loads(found)


def word(host: Node, token: str) -> str:
    return str(verdict(host, token)["verdict"])


@pytest.fixture
def pair(make: Make) -> tuple[Node, Node]:
    """A guest's organisation and a host's, both serving, partners, the host with a room that the guest knows of."""
    guest, host = make("Tartu Park"), make("Munich Park")
    host.publish("venue", [venue("desk", terms={"free_days": 1, "notice_hours": 0})])
    guest.publish("contact", [{"ref": "c", "role": "Desk", "languages": ["et"], "phone": "+3725551234"}])
    guest.serve()
    host.serve()
    guest.befriend(host)
    until(lambda: guest.json("list", "venue")["records"], "the host's venue never came to the guest's node")
    until(lambda: host.json("list", "contact")["records"], "the guest's contact never came to the host's node")
    return guest, host


def test_a_printed_pass_is_scanned_and_welcome_with_every_network_cut(pair: tuple[Node, Node], tmp_path: Path) -> None:
    guest, host = pair
    made = issue(guest, host)
    [room] = guest.json("list", "venue")["records"]
    tomorrow = ("--from", today(), "--until", (date.fromisoformat(today()) + timedelta(days=1)).isoformat())
    person = ("--name", "A", "--company", "B")
    refused = guest.bra("pass", "issue", "--venue", f"{host.id}/{room['id']}", *tomorrow, *person, code=1)
    assert "has to be asked for these days: ask for a visit" in refused
    guest.bra("pass", "render", "-", "--to", str(tmp_path / "pass.pdf"), stdin=made["token"].encode())
    guest.bra("pass", "render", "-", "--to", str(tmp_path / "pass.png"), stdin=made["token"].encode())
    guest.kill()
    host.kill()
    [page] = pypdfium2.PdfDocument(tmp_path / "pass.pdf")
    for picture in (page.render(scale=2).to_pil(), Image.open(tmp_path / "pass.png")):
        [scanned] = zxingcpp.read_barcodes(picture)
        assert scanned.text == made["token"]
    said = host.json("desk", "verify", scanned.text)
    assert (said["verdict"], said["pass"]["name"], said["issuer"]["phone"]) == ("OK", "Õnne Tamm", "+3725551234")
    assert datetime.fromisoformat(said["revocations_as_of"]) <= datetime.now(UTC)
    told = host.bra("desk", "arrived", "-", stdin=scanned.text.encode())
    assert told.startswith("✓ OK\nÕnne Tamm of Nordic Sensors is welcome\n")
    assert "\x1b" not in told
    again = host.bra("desk", "verify", scanned.text, code=1)
    assert verdict(host, scanned.text)["verdict"] == "EXPIRED"
    assert again == ""
    assert word(host, made["token"][:-1]) == "UNKNOWN ISSUER"


def test_a_pass_that_is_revoked_or_of_a_key_that_was_replaced_is_refused_when_the_host_hears_of_it(
    pair: tuple[Node, Node],
) -> None:
    guest, host = pair
    one, other = issue(guest, host), issue(guest, host, "Somebody Else")
    assert [word(host, each["token"]) for each in (one, other)] == ["OK", "OK"]
    guest.bra("pass", "revoke", one["id"])
    until(lambda: word(host, one["token"]) == "REVOKED", "the revocation never came to the host")
    assert word(host, other["token"]) == "OK"
    guest.stop()
    guest.bra("rotate", "--words-file", str(guest.words))
    assert word(host, other["token"]) == "UNKNOWN ISSUER", "the host was told of the new card at once"
    guest.serve()
    until(lambda: keys(guest) == {"pass-2", "sealing-2"}, "the new epoch's keys were never published")
    files = {path.name for path in (guest.home / "keys").glob("*-*.key")}
    assert files == {"pass-2.key", "sealing-1.key", "sealing-2.key"}
    newer = issue(guest, host)
    until(lambda: word(host, newer["token"]) == "OK", "the host never came to know the new pass key")


def keys(node: Node) -> set[str]:
    return {each["id"] for each in node.json("list", "node_key")["records"] if each["author"] == node.id}


def test_a_home_from_before_there_were_such_keys_has_them_after_its_next_start(make: Make) -> None:
    node = make("Ahti Park")
    for kind, id_ in (("node_key", "pass-1"), ("node_key", "sealing-1"), ("status_list", "passes")):
        node.bra("withdraw", kind, id_)
    for name in ("pass-1", "sealing-1"):
        (node.home / "keys" / f"{name}.key").unlink()
    node.serve()
    until(lambda: keys(node) == {"pass-1", "sealing-1"}, "the keys were never published")
    assert [each["id"] for each in node.json("list", "status_list")["records"]] == ["passes"]
    for name in ("pass-1", "sealing-1"):
        assert (node.home / "keys" / f"{name}.key").stat().st_mode & 0o777 == 0o600


def test_a_node_with_a_passphrase_issues_passes_too(make: Make, tmp_path: Path) -> None:
    node, file = make("Ahti Park"), tmp_path / "secret"
    file.write_text("correct horse\n")
    file.chmod(0o600)
    node.publish("venue", [venue("desk")])
    node.bra("passphrase", "--new-file", str(file))
    for name in ("signing", "pass-1", "sealing-1"):
        assert b"OPENSSH" in (node.home / "keys" / f"{name}.key").read_bytes(), name
    node.serve(BRA_PASSPHRASE_FILE=str(file))
    assert word(node, issue(node, node)["token"]) == "OK"


def test_a_verdict_is_a_colour_a_word_and_an_icon_on_a_terminal(make: Make) -> None:
    node = make("Ahti Park")
    node.publish("venue", [venue("desk")])
    token = issue(node, node)["token"]
    for shown, line, code in ((token, "\x1b[1;32m✓ OK\x1b[0m", 0), (token[1:], "\x1b[1;31m? UNKNOWN ISSUER\x1b[0m", 1)):
        terminal = Terminal("desk", "verify", shown, "--home", str(node.home))
        assert terminal.ended() == code
        assert terminal.shown.startswith(line)


def test_what_a_person_types_wrong_is_told_in_a_sentence(make: Make, tmp_path: Path) -> None:
    node = make("Ahti Park")
    node.publish("venue", [venue("desk")])
    token = issue(node, node)["token"]
    taken = tmp_path / "pass.pdf"
    taken.touch()
    for arguments, sentence, code in (
        (("pass", "render", token, "--to", str(taken)), "name a new file", 2),
        (("pass", "render", token, "--to", str(tmp_path / "pass.doc")), "a pass is made as pdf, png, svg", 1),
        (("pass", "render", "x.y.z", "--to", str(tmp_path / "x.pdf")), "this is no pass", 1),
        (("pass", "revoke", "nobody"), "look with 'bra pass list'", 1),
        (("desk", "verify", token, "--venue", "bar"), "there is no own venue 'bar'", 1),
        (("pass", "issue", "--venue", "here", "--from", today(), "--name", "A", "--company", "B"), "a node id is", 1),
    ):
        assert sentence in node.bra(*arguments, code=code)
