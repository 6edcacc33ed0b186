"""Each command, while the node serves and while it doesn't; and bad input of every sort: one sentence, the right exit.

Exit codes: 0 done, 1 it could not be done, 2 wrong usage.
"""

import base64
import fcntl
import json
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from node import key_file
from tests.nodes import Node, free_port, venue
from tests.shell import Shell
from tests.system.conftest import Make
from tests.system.inside import editing, moved, states

HEADER = "ref,name,type,address,city,country,latitude,longitude,time_zone,hours,contact,free_days,notice_hours"
SOUND = "{0},Room {0},desk,Street 1,Tartu,EE,58.378,26.729,Europe/Tallinn,Mo-Fr 09:00-17:00,desk@park.example,3,24"


@dataclass
class Ground:
    """Two nodes that don't serve, one that belongs to another network, and files of every sort."""

    node: Node
    other: Node
    foreign: Node
    files: Path
    record: str


@pytest.fixture(scope="module")
def ground(make_once: Make, tmp_path_factory: pytest.TempPathFactory) -> Ground:
    node, other, foreign = make_once("Ahti Park"), make_once("Bergen Park"), make_once("Cork Park")
    shutil.rmtree(foreign.home)
    foreign.words.unlink()
    foreign.bra(
        "init", "--name", "Cork Park", "--country", "IE", "--city", "Cork", "--url", "https://cork.example",
        "--network", "elsewhere", "--recovery-file", str(foreign.words),
    )  # fmt: skip
    foreign.id = json.loads((foreign.home / "keys" / "card.json").read_text())["statement"]["author"]
    [record] = node.publish("venue", [venue("v1")])["ids"]
    files = tmp_path_factory.mktemp("files")
    write = {
        "own.json": node.card(),
        "other.json": other.card(),
        "foreign.json": foreign.card(),
        "tampered.json": other.card().replace("Bergen", "Lisbon"),
        "record.json": node.bra("export", "venue", record),
        "broken.json": '{"card": ',
        "list.json": "[1, 2]",
        "text.json": "good morning\n",
        "deep.json": "[" * 100_000,
        "empty.csv": "",
        "blank.csv": "\n \n",
        "header.csv": "naem,city\n1,2\n",
        "sound.csv": f"{HEADER}\n{SOUND.format('s1')}\n",
        "bad.csv": f"{HEADER}\n{SOUND.format('s1')}\n{SOUND.format('s2').replace('58.378', 'north')}\n"
        f"{SOUND.format('s3').replace(',desk,', ',castle,')}\n",
    }
    for name, text in write.items():
        (files / name).write_text(text)
    (files / "binary.csv").write_bytes(bytes(range(256)) * 100)
    (files / "photo.csv").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(1000))
    (files / "book.xlsx").write_bytes(b"PK\x03\x04" + bytes(1000))
    (files / "folder").mkdir()
    return Ground(node, other, foreign, files, record)


def told(done: "subprocess.CompletedProcess[bytes]", code: int, *parts: str, lines: int = 1) -> str:
    """What went to standard error: so many lines, the last one a sentence of ours that holds these parts."""
    said = done.stderr.decode()
    assert "Traceback" not in said, said
    assert done.returncode == code, said
    assert len(said.splitlines()) == lines, said
    last = said.splitlines()[-1]
    assert last.startswith("bra: ")
    for part in parts:
        assert part in said, f"{part!r} is not in {said!r}"
    return last


# What is asked of the command line, the exit code, and what the one sentence holds. {files}: the folder of files.
BAD = {
    "no such command": (("fly",), 2, "fly"),
    "an unknown option": (("status", "--verbose"), 2, "--verbose"),
    "an option without its value": (("publish", "{files}/sound.csv", "--kind"), 2, "--kind"),
    "a required option left out": (("publish", "{files}/sound.csv"), 2, "--kind"),
    "a file left out": (("verify",), 2, "FILE"),
    "one argument too many": (("list", "venue", "desk"), 2, "desk"),
    "a port that is no number": (("serve", "--port", "many"), 2, "port"),
    "a port that is none": (("serve", "--port", "70000"), 2, "0 to 65535"),
    "search without words": (("search", "  "), 1, "at least one word"),
    "search with signs alone": (("search", '"*:('), 1, "at least one word"),
    "search for too much": (("search", "x" * 1000), 1, "200 characters"),
    "search for no results": (("search", "room", "--limit", "0"), 1, "1 to 1000"),
    "list of a wrong kind": (("list", "castle"), 2, "there is no kind 'castle'"),
    "schema of a wrong kind": (("schema", "castle"), 2, "there is no kind 'castle'"),
    "publish of a wrong kind": (("publish", "{files}/sound.csv", "--kind", "castle"), 2, "there is no kind 'castle'"),
    "publish of a missing file": (("publish", "{files}/none.csv", "--kind", "venue"), 2, "no such file"),
    "publish of a folder": (("publish", "{files}/folder", "--kind", "venue"), 2, "is a directory"),
    "publish of an empty file": (("publish", "{files}/empty.csv", "--kind", "venue"), 1, "is empty"),
    "publish of a blank file": (("publish", "{files}/blank.csv", "--kind", "venue"), 1, "is empty"),
    "publish of a binary file": (("publish", "{files}/binary.csv", "--kind", "venue"), 1, "is not text"),
    "publish of a photo": (("publish", "{files}/photo.csv", "--kind", "venue"), 1, "is not text"),
    "publish of a workbook": (("publish", "{files}/book.xlsx", "--kind", "venue"), 1, "save it as .xlsx or as CSV"),
    "publish of a JSON list": (("publish", "{files}/list.json", "--kind", "venue"), 1, "one object a line"),
    "withdraw of an unknown id": (("withdraw", "venue", "nothing"), 1, "there is no venue nothing"),
    "withdraw of a wrong kind": (("withdraw", "castle", "x"), 2, "there is no kind 'castle'"),
    "withdraw of an id that is none": (("withdraw", "venue", "No Id"), 2, "'No Id'"),
    "export of an unknown id": (("export", "venue", "nothing"), 1, "there is no venue nothing"),
    "export of a wrong author": (("export", "venue", "x", "--author", "bra1short"), 2, "'bra1short'"),
    "export of an unknown author": (("export", "venue", "x", "--author", "bra1" + "a" * 32), 1, "there is no venue x"),
    "verify of a missing file": (("verify", "{files}/none.json"), 2, "no such file"),
    "verify of what is not JSON": (("verify", "{files}/broken.json"), 1, "does not hold"),
    "verify of a list": (("verify", "{files}/list.json"), 1, "does not hold"),
    "verify of text": (("verify", "{files}/text.json"), 1, "does not hold"),
    "verify of a tampered card": (("verify", "{files}/tampered.json"), 1, "does not hold"),
    "verify of a binary file": (("verify", "{files}/binary.csv"), 1, "does not hold"),
    "verify of what is nested without end": (("verify", "{files}/deep.json"), 1, "does not hold"),
    "partner whose file is missing": (("partner", "add", "{files}/none.json"), 2, "no such file"),
    "partner whose card is not JSON": (("partner", "add", "{files}/broken.json"), 2, "is not a key card"),
    "partner whose card is a list": (("partner", "add", "{files}/list.json"), 1, "not a key card"),
    "partner whose card was tampered with": (("partner", "add", "{files}/tampered.json"), 1, "changed on the way"),
    "partner by a venue": (("partner", "add", "{files}/record.json"), 1, "not a key card"),
    "partner by the own card": (("partner", "add", "{files}/own.json"), 1, "own card"),
    "partner of another network": (("partner", "add", "{files}/foreign.json"), 1, "'elsewhere'"),
    "partner without encryption": (
        ("partner", "add", "{files}/other.json", "--url", "http://park.example"), 2, "is not encrypted",
    ),
    "partner at what is no URL": (("partner", "add", "{files}/other.json", "--url", "park"), 2, "is not a node's URL"),
    "partner at a URL with a password": (
        ("partner", "add", "{files}/other.json", "--url", "https://me:secret@park.example"), 2, "no user name",
    ),
    "join by what is no link": (("join", "good morning"), 1, "not an invitation's link"),
    "confirm where nobody waits": (("partner", "confirm"), 1, "nobody waits"),
    "invite as two commands": (("invite", "--list", "--cancel", "x"), 2, "two commands"),
    "cancel of what was never made": (("invite", "--cancel", "x"), 1, "no such invitation"),
    "init where a node is": (
        ("init", "--name", "X", "--country", "EE", "--city", "Y", "--url", "https://x.example"), 1, "never overwritten",
    ),
    "init with --json and nowhere for the words": (
        ("init", "--name", "X", "--country", "EE", "--city", "Y", "--url", "https://x.example", "--json"), 2,
        "--recovery-file",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD)
def test_one_sentence_and_the_exit_code_for(what, ground: Ground, shell: Shell) -> None:
    arguments, code, part = BAD[what]
    home = () if arguments[0] in ("verify", "schema", "fly") else ("--home", str(ground.node.home))
    before = states(ground.node)
    done = shell.run(*(each.format(files=ground.files) for each in arguments), *home)
    told(done, code, part)
    assert done.stdout == b""
    assert states(ground.node) == before


def test_bad_rows_are_told_by_row_and_column_and_nothing_is_published(ground: Ground, shell: Shell) -> None:
    arguments = ("publish", str(ground.files / "bad.csv"), "--kind", "venue", "--home", str(ground.node.home))
    before = ground.node.status()
    told(shell.run(*arguments), 1, "row 3, latitude: ", "row 4, type: ", "nothing was published: 2 problems", lines=3)
    done = shell.run(*arguments, "--json")
    told(done, 1, "nothing was published", lines=3)
    assert [(each["row"], each["column"]) for each in json.loads(done.stdout)["problems"]] == [
        (3, "latitude"),
        (4, "type"),
    ]
    assert ground.node.status() == before


def test_a_misspelt_column_is_one_problem_of_the_header(ground: Ground, shell: Shell) -> None:
    file = str(ground.files / "header.csv")
    done = shell.run("publish", file, "--kind", "venue", "--home", str(ground.node.home))
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
    assert b"row 1, naem: " in done.stderr


WITH_A_HOME = [
    ("status",), ("card",), ("sync",), ("serve",), ("list", "venue"), ("search", "x"), ("withdraw", "venue", "x"),
    ("export", "venue", "x"), ("partner", "list"), ("partner", "add", "{files}/other.json"),
    ("invite",), ("join", "https://node.park.example/join#x.y"), ("partner", "confirm"), ("partner", "refuse", "x"),
    ("publish", "{files}/sound.csv", "--kind", "venue"),
    ("agreement", "show"), ("agreement", "sign", "--role", "Director"), ("block", "--list"), ("unblock", "x"),
    ("block", "x"), ("expel", "x", "--reason", "x"), ("partner", "remove", "x"), ("endorse", "x", "--method", "phone"),
    ("leave", "--reason", "x"),
]  # fmt: skip


@pytest.mark.parametrize("arguments", WITH_A_HOME, ids=" ".join)
def test_without_a_home_every_command_says_how_to_make_one(arguments, ground, shell: Shell, tmp_path) -> None:
    done = shell.run(*(each.format(files=ground.files) for each in arguments), folder=tmp_path)
    told(done, 1, "there is no node in .", "bra init")
    assert list(tmp_path.iterdir()) == []


def bad_init(**changes: str) -> tuple[str, ...]:
    given = {"name": "X", "country": "EE", "city": "Y", "url": "https://x.example"} | changes
    return ("init", *(part for name, value in given.items() for part in (f"--{name}", value)))


BAD_INIT = {
    "a URL that is not encrypted": (bad_init(url="http://park.example"), "is not encrypted"),
    "a URL that is none": (bad_init(url="park"), "is not a node's URL"),
    "a country that is none": (bad_init(country="Estonia"), "country"),
    "a language that is none": (bad_init(language="Estonian!"), "language"),
    "a role that is none": (bad_init(role="king"), "role"),
    "no name": (bad_init(name=""), "name"),
    "a website that is none": (bad_init(website="park"), "website"),
    "a network that is none": (bad_init(network="Not A Network"), "network"),
    "a name with a line break": (bad_init(name="X\nY"), "name"),
    "a name that is endless": (bad_init(name="x" * 100_000), "name"),
}


@pytest.mark.parametrize("what", BAD_INIT)
def test_init_refuses_and_leaves_nothing_behind_with(what, shell: Shell, tmp_path) -> None:
    arguments, part = BAD_INIT[what]
    done = shell.run(*arguments, "--home", str(tmp_path / "home"), "--recovery-file", str(tmp_path / "words"))
    assert done.returncode in (1, 2)
    told(done, done.returncode, part)
    assert list(tmp_path.iterdir()) == []
    assert done.stdout == b""


def test_init_never_overwrites_words_or_a_key(shell: Shell, tmp_path) -> None:
    (tmp_path / "words").write_text("precious")
    arguments = (*bad_init(), "--home", str(tmp_path / "home"), "--recovery-file", str(tmp_path / "words"))
    told(shell.run(*arguments), 1, "is there already")
    assert (tmp_path / "words").read_text() == "precious"
    assert not (tmp_path / "home").exists()


@pytest.fixture
def twin(ground: Ground, tmp_path: Path) -> Iterator[Node]:
    """A copy of the node, to be damaged or served."""
    made = moved(ground.node, tmp_path)
    # It is known to be the newest.
    made.bra("resume")
    yield made
    made.kill()


def settings(node: Node, text: str) -> None:
    (node.home / "config" / "node.toml").write_text(text)


def damage(node: Node, path: str, data: bytes) -> None:
    (node.home / path).write_bytes(data)


DAMAGE = {
    "a key that others may read": (lambda node: (node.home / "keys/signing.key").chmod(0o644), "chmod 600"),
    "a key that is none": (lambda node: damage(node, "keys/signing.key", b"nothing"), "restore it from your backup"),
    "a card that is none": (lambda node: damage(node, "keys/card.json", b"{}"), "restore it from your backup"),
    "no card": (lambda node: (node.home / "keys/card.json").unlink(), "restore it from your backup"),
    "a database that is none": (lambda node: damage(node, "var/node.db", b"morning\n" * 500), "node.db is damaged"),
    "a database cut short": (
        lambda node: damage(node, "var/node.db", (node.home / "var/node.db").read_bytes()[:40_000]), "node.db",
    ),
    "an unknown setting": (lambda node: settings(node, "[limits]\nrecord_limit = 1\n"), "limits.record_limit"),
    "settings that are not TOML": (lambda node: settings(node, "[node\n"), "is not TOML"),
    "settings that are not text": (lambda node: damage(node, "config/node.toml", b"\xff\xfe\x00"), "node.toml"),
    "another network in the settings": (lambda node: settings(node, '[node]\nnetwork = "bra"\n'), "network"),
}  # fmt: skip


@pytest.mark.parametrize("command", ["status", "serve"])
@pytest.mark.parametrize("what", DAMAGE)
def test_one_sentence_for_a_home_with(what, command, twin: Node, shell: Shell) -> None:
    change, part = DAMAGE[what]
    change(twin)
    told(shell.run(command, "--home", str(twin.home)), 1, part)


def test_a_home_that_another_process_holds_is_waited_for_and_then_told(twin: Node) -> None:
    with (twin.home / "var" / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        waiting = start("status", "--home", str(twin.home))
        told(ended(start("serve", "--home", str(twin.home))), 1, "another bra command works in")
        assert waiting.poll() is None
    assert ended(waiting).returncode == 0


def test_a_second_serve_and_a_port_in_use_are_told_and_the_first_goes_on(twin: Node, ground: Ground, shell) -> None:
    twin.serve()
    told(shell.run("serve", "--home", str(twin.home), "--port", "0"), 1, "another bra command works in")
    told(shell.run("serve", "--home", str(ground.other.home), "--port", str(twin.port)), 1, "try another --port")
    assert twin.healthy()
    assert twin.status()["serving"]


def test_serve_with_json_prints_where_and_ends_cleanly_on_a_signal(twin: Node) -> None:
    process = start("serve", "--home", str(twin.home), "--port", "0", "--json")
    said = json.loads(process.stdout.readline())
    assert said["node_id"] == twin.id
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", said["url"])
    process.send_signal(signal.SIGTERM)
    done = ended(process)
    assert (done.returncode, done.stderr) == (0, b"")
    assert not (twin.home / "var" / "bra.sock").exists()


def start(*arguments: str) -> "subprocess.Popen[bytes]":
    """The program itself, on its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "node", *arguments],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def ended(process: "subprocess.Popen[bytes]", patience: float = 30) -> "subprocess.CompletedProcess[bytes]":
    try:
        out, err = process.communicate(timeout=patience)
    finally:
        process.kill()
        process.communicate()
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


@pytest.mark.parametrize("serving", [False, True], ids=["not serving", "serving"])
def test_every_command_does_its_work_while_the_node_is(serving, twin: Node, ground, shell, tmp_path) -> None:
    if serving:
        twin.serve()
    ground.other.kill()
    home = ("--home", str(twin.home))
    files = ground.files

    card = json.loads(twin.bra("card"))
    assert card["record"]["body"]["name"] == "Ahti Park"
    assert card["beat"]["statement"]["urls"] == [twin.url]

    assert "is a partner now" in twin.bra("partner", "add", str(files / "other.json"), stdin=b"yes\n")
    again = twin.json("partner", "add", str(files / "other.json"), "--url", f"http://127.0.0.1:{free_port()}/")
    assert (again["node_id"], again["new"]) == (ground.other.id, False)
    [partner] = twin.json("partner", "list")["partners"]
    assert (partner["node_id"], partner["url"]) == (ground.other.id, again["url"])
    assert ground.other.id in twin.bra("partner", "list")
    assert (twin.home / "keys" / "partners" / f"{ground.other.id}.json").exists()

    assert "1 new, 0 changed, 0 unchanged" in twin.bra("publish", str(files / "sound.csv"), "--kind", "venue")
    published = twin.json("publish", str(files / "sound.csv"), "--kind", "venue")
    assert (published["created"], published["unchanged"]) == (0, 1)
    [id_] = published["ids"]
    listed = twin.json("list", "venue")["records"]
    assert {each["id"] for each in listed} == {ground.record, id_}
    assert f"venue {id_}  Room s1, Tartu  (Ahti Park)" in twin.bra("list", "venue")
    assert [each["id"] for each in twin.json("search", "s1 tar")["records"]] == [id_]
    assert "Room s1" in twin.bra("search", "tartu room", "--limit", "5")

    (tmp_path / "record.json").write_text(twin.bra("export", "venue", id_))
    assert f"It holds: venue {id_}" in shell.run("verify", str(tmp_path / "record.json")).stdout.decode()

    # Its one partner doesn't run: that is told, and is a failure.
    done = shell.run("sync", "--json", *home)
    assert done.returncode == 1
    assert "can't be reached" in json.loads(done.stdout)["partners"][0]["problem"]
    status = twin.json("status")
    assert (status["node_id"], status["serving"], status["network"]) == (twin.id, serving, "test")
    assert status["partners"][0]["problem"]
    assert ("serving" if serving else "not serving") in twin.bra("status").splitlines()[0]

    assert twin.json("withdraw", "venue", id_)["withdrawn"] == 1
    assert [each["id"] for each in twin.json("list", "venue")["records"]] == [ground.record]
    told(shell.run("withdraw", "venue", id_, *home), 1, "there is no venue")


def test_an_error_that_nobody_foresaw_ends_a_publish_instead_of_hanging_it(twin: Node, ground: Ground) -> None:
    with editing(twin) as db:
        db.execute("CREATE TRIGGER odd BEFORE INSERT ON records BEGIN SELECT RAISE(ABORT, 'nobody foresaw this'); END")
    process = start("publish", str(ground.files / "sound.csv"), "--kind", "venue", "--home", str(twin.home))
    assert ended(process, patience=6).returncode == 1


BAD_URLS = ["https://park.example:port", "https://park.example:99999", "https://[park.example"]


@pytest.mark.parametrize("url", BAD_URLS)
def test_a_partner_at_a_url_that_nobody_can_reach_is_refused_with_a_sentence(url, twin: Node, ground, shell) -> None:
    card = str(ground.files / "other.json")
    told(shell.run("partner", "add", card, "--url", url, "--home", str(twin.home)), 2, "is not a node's URL")


@pytest.mark.parametrize("url", BAD_URLS)
def test_init_at_a_url_that_nobody_can_reach_is_refused_with_a_sentence(url, shell: Shell, tmp_path) -> None:
    told(shell.run(*bad_init(url=url), "--home", str(tmp_path / "new")), 2, "is not a node's URL")


@pytest.mark.parametrize("kind", ["venue", "contact", "organisation"])
def test_the_schema_of_a_kind_is_json(kind, shell: Shell) -> None:
    done = shell.run("schema", kind)
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout)["type"] == "object"


def test_help_and_version_are_printed_and_are_no_error(shell: Shell) -> None:
    for arguments in (("--help",), ("partner", "--help"), ("publish", "--help"), ("--version",)):
        done = shell.run(*arguments)
        assert (done.returncode, done.stderr) == (0, b""), arguments
        assert done.stdout.strip()


def test_a_node_of_another_id_at_a_partners_url_is_told_and_nothing_is_taken(twin: Node, ground: Ground, shell) -> None:
    ground.foreign.serve(BRA_NODE__URL=ground.foreign.url)
    try:
        url = ground.foreign.url
        twin.bra("partner", "add", str(ground.files / "other.json"), "--url", url, stdin=b"yes\n")
        done = shell.run("sync", "--home", str(twin.home), "--json")
        assert done.returncode == 1
        [partner] = json.loads(done.stdout)["partners"]
        assert f"{ground.foreign.id} answers there, not {ground.other.id}" in partner["problem"]
        assert done.stderr == b""
    finally:
        ground.foreign.kill()


def test_neither_the_key_nor_the_words_are_ever_printed_logged_or_stored(shell: Shell, tmp_path) -> None:
    said: list[bytes] = []

    def run(*arguments: str, stdin: bytes = b"") -> bytes:
        done = shell.run(*arguments, "--home", str(home), stdin=stdin, environment={"BRA_LOG__LEVEL": "debug"})
        assert done.returncode in (0, 1), done.stderr
        said.extend((done.stdout, done.stderr))
        return done.stdout

    home, words_file = tmp_path / "home", tmp_path / "words"
    port = free_port()
    run(*bad_init(url=f"http://127.0.0.1:{port}"), "--json", "--recovery-file", str(words_file))
    assert words_file.stat().st_mode & 0o777 == 0o600
    assert (home / "keys" / "signing.key").stat().st_mode & 0o777 == 0o600
    node = Node.__new__(Node)
    node.home, node.name, node.port, node.url, node.process = home, "X", port, f"http://127.0.0.1:{port}", None
    for serving in (False, True):
        if serving:
            node.serve(BRA_LOG__LEVEL="debug")
        for arguments in (("status",), ("status", "--json"), ("partner", "list"), ("sync",), ("list", "organisation")):
            run(*arguments)
        run("partner", "add", "-", stdin=run("card"))
        run("publish", "-", "--kind", "venue", stdin=json.dumps(venue("v1")).encode())
    node.kill()
    said.append(home.with_suffix(".log").read_bytes())
    keys = [home / "keys" / name for name in ("pass-1.key", "sealing-1.key", "signing.key")]
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in keys)
    seeds = {path.stem: key_file.decode(path.read_bytes(), None).raw() for path in keys}
    words = words_file.read_text().splitlines()[1].split()
    assert len(words) == 24
    needles = {
        **{
            f"{name} {form}": spelt
            for name, seed in seeds.items()
            for form, spelt in (
                ("raw", seed),
                ("in hex", seed.hex().encode()),
                ("in HEX", seed.hex().upper().encode()),
                ("in base64", base64.b64encode(seed).rstrip(b"=")),
                ("in base64url", base64.urlsafe_b64encode(seed).rstrip(b"=")),
            )
        },
        **{f"the PEM of {path.stem}": path.read_bytes().splitlines()[1] for path in keys},
        "a PEM": b"PRIVATE KEY",
        **{f"words {place} to {place + 2}": " ".join(words[place : place + 3]).encode() for place in range(22)},
    }
    places = {str(path): path.read_bytes() for path in home.rglob("*") if path.is_file() and path not in keys}
    assert any(name.endswith("node.db") for name in places)
    for name, data in [*places.items(), *((f"output {number}", data) for number, data in enumerate(said))]:
        for what, needle in needles.items():
            assert needle not in data, f"{what} in {name}"


def test_without_a_file_the_words_are_shown_once_on_the_terminal(shell: Shell, tmp_path) -> None:
    done = shell.run(*bad_init(), "--home", str(tmp_path / "home"))
    assert done.returncode == 0
    rows = re.findall(r"^  (?: ?\d+ [a-z]+ *){6}$", done.stdout.decode(), re.MULTILINE)
    assert len(" ".join(rows).split()) == 48
    assert "never again" in done.stdout.decode()
