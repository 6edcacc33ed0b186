"""What is withdrawn is gone: from the files of every node that held it, while they serve, not only from their views."""

from functools import partial

from tests.nodes import Node, until
from tests.system.conftest import Make
from tests.system.inside import reading

PROMPTLY = 20.0

FIRST = {"name": "Zephyrina Quackenbush", "email": "zquackery-first@desk.example", "phone": "+3725550142"}
SECOND = {"name": "Zephyrina Newname", "email": "zquackery-second@desk.example", "phone": "+3725550177"}
REF = "ref-of-quackenbush"
# The full text holds words on their own, in small letters.
NEEDLES = (*FIRST.values(), *SECOND.values(), REF, "zephyrina", "quackenbush", "newname")


def contact(person: dict[str, str], *, ref: str = REF, role: str = "Landing manager") -> dict[str, object]:
    return {"ref": ref, "role": role, "languages": ["en"], "consent": "2026-01-15", "visibility": "public", **person}


def in_files(node: Node, *needles: str) -> set[str]:
    """Which of these stand in any file of the node's home, or in its log, as UTF-8, in large or small letters."""
    places = [path for path in node.home.rglob("*") if path.is_file()] + [node.home.with_suffix(".log")]
    data = b"".join(path.read_bytes() for path in places if path.exists()).lower()
    return {needle for needle in needles if needle.lower().encode() in data}


def line_of_three(make: Make) -> list[Node]:
    a, b, c = make("Ahti Park"), make("Bergen Park"), make("Cork Park")
    a.befriend(b)
    b.befriend(c)
    for node in (a, b, c):
        node.serve()
    return [a, b, c]


def shows(node: Node, of: Node, person: dict[str, str]) -> bool:
    return any(each["author"] == of.id and each["body"]["email"] == person["email"] for each in node.listed("contact"))


def all_show(nodes: list[Node], of: Node, person: dict[str, str]) -> None:
    for node in nodes:
        until(partial(shows, node, of, person), f"{node.name} never shows {person['name']}")


def none_has(nodes: list[Node], *needles: str) -> None:
    """Fails unless soon no file of any of the nodes holds any of these."""
    for node in nodes:
        until(lambda node=node: not in_files(node, *needles), f"{node.name} keeps one of {needles}", PROMPTLY)


def test_a_contact_that_was_edited_and_withdrawn_is_in_no_file_of_any_node(make: Make) -> None:
    line = line_of_three(make)
    origin = line[0]
    [made] = origin.publish("contact", [contact(FIRST)])["ids"]
    all_show(line, origin, FIRST)
    for node in line:
        assert in_files(node, *NEEDLES) >= set(FIRST.values()), f"{node.name} shows what is in none of its files"
    # One who reads slowly in the middle node's database holds its log back.
    with reading(line[1]) as slow:
        slow.execute("BEGIN")
        slow.execute("SELECT count(*) FROM records").fetchone()
        origin.publish("contact", [contact(SECOND)])
        all_show(line, origin, SECOND)
        assert in_files(line[1], *NEEDLES) >= set(FIRST.values())
    none_has(line, *FIRST.values())
    for node in line:
        assert in_files(node, *NEEDLES) >= set(SECOND.values())
    origin.bra("withdraw", "contact", made)
    none_has(line, *NEEDLES)
    assert [node.listed("contact") for node in line] == [[], [], []]


def test_of_a_contact_the_role_is_found_and_the_person_is_not(make: Make) -> None:
    node = make("Ahti Park")
    node.publish("contact", [contact(FIRST, role="Landing manager")])
    assert [each["body"]["name"] for each in node.json("search", "landing")["records"]] == [FIRST["name"]]
    assert "Zephyrina Quackenbush, Landing manager" in node.bra("search", "landing manager")
    for words in ("Zephyrina", "Quackenbush", "zquackery-first", "5550142", FIRST["email"], FIRST["phone"]):
        assert node.json("search", words)["records"] == [], words
    with reading(node) as db:
        searched = " ".join(f"{heading} {words}" for heading, words in db.execute("SELECT heading, words FROM texts"))
        indexed = b"".join(block for (block,) in db.execute("SELECT block FROM texts_fts_data"))
    assert "Landing manager" in searched and b"landing" in indexed
    for word in ("Zephyrina", "Quackenbush", "zquackery", "5550142", "2026-01-15"):
        assert word not in searched and word.lower().encode() not in indexed, word


def test_what_a_killed_node_left_in_its_log_is_gone_after_it_started_again(make: Make) -> None:
    node = make("Ahti Park")
    node.serve()
    [made] = node.publish("contact", [contact(FIRST)])["ids"]
    node.bra("withdraw", "contact", made)
    node.kill()
    assert in_files(node, *NEEDLES), "the log was emptied before the node was killed: kill it sooner"
    node.serve()
    none_has([node], *NEEDLES)
