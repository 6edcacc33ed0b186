"""Records, sets, authors and partners in the database: what stays, what goes, and that a tree is its rows."""

import sqlite3
from typing import Any

import pytest

from node.protocol.canonical import encode
from node.protocol.evidence import Evidence, of_heads
from node.protocol.names import NodeId
from node.protocol.record import Record
from node.protocol.statements import Beat
from node.protocol.tree import EMPTY, Tree
from node.protocol.verdicts import Reason, Refusal
from node.storage import authors, partners, records, sets
from node.storage.index import fold
from node.storage.partners import Heard
from tests.directory.small_node import adoption_body, contact_body
from tests.kinds.kind_examples import example
from tests.protocol.builders import DAY, NOW, Author, leaf_of


def put(db: sqlite3.Connection, author: Author, *changed: Record, **others: Any) -> int:
    number = authors.adopt(db, author.card)
    records.replace(db, number, records={record.key: record for record in changed}, **others)
    return number


def numbers(db: sqlite3.Connection) -> dict[bytes, int]:
    return dict(db.execute("SELECT key, no FROM records"))


def count(db: sqlite3.Connection, table: str) -> int:
    [found] = db.execute(f"SELECT count(*) FROM {table}").fetchone()
    return int(found)


def searched(db: sqlite3.Connection, words: str) -> int:
    [found] = db.execute("SELECT count(*) FROM texts_fts WHERE texts_fts MATCH ?", (words,)).fetchone()
    return int(found)


# Rows


def test_a_record_is_kept_byte_for_byte(db: sqlite3.Connection) -> None:
    author = Author()
    room = author.put("venue", example("venue"))
    number = put(db, author, room)
    stored = records.find(db, number, room.key)
    assert stored == records.Stored(room.key, room.value, room.seq, "venue", "public", room.line)


def test_an_update_keeps_the_number_and_changes_what_is_searched(db: sqlite3.Connection) -> None:
    author = Author()
    first = author.put("adoption", adoption_body("autumn"), "a")
    other = author.put("adoption", adoption_body("winter"), "b")
    put(db, author, first, other)
    before = numbers(db)
    put(db, author, author.put("adoption", adoption_body("spring"), "a"))
    assert numbers(db) == before
    assert [searched(db, word) for word in ("autumn", "winter", "spring")] == [0, 1, 1]


def test_a_removal_takes_away_texts_and_places(db: sqlite3.Connection) -> None:
    author = Author()
    room = author.put("venue", example("venue", name="Kitchen"))
    put(db, author, room)
    assert [count(db, table) for table in ("records", "texts", "places")] == [1, 1, 1]
    put(db, author, removed=[room.key])
    assert [count(db, table) for table in ("records", "texts", "places")] == [0, 0, 0]
    assert searched(db, "kitchen") == 0


def test_removing_what_is_not_there_does_nothing(db: sqlite3.Connection) -> None:
    author = Author()
    room = author.put("adoption", adoption_body("a"))
    put(db, author, room, removed=[bytes(32)])
    assert list(numbers(db)) == [room.key]


def test_a_leaf_never_takes_away_a_body_of_the_same_value(db: sqlite3.Connection) -> None:
    author = Author()
    room = author.put("contact", contact_body("desk"), visibility="members")
    number = put(db, author, room)
    put(db, author, leaves={room.key: leaf_of(room)})
    stored = records.find(db, number, room.key)
    assert stored is not None
    assert stored.line == room.line


def test_a_leaf_of_another_value_takes_the_place_of_an_old_body(db: sqlite3.Connection) -> None:
    author = Author()
    old = author.put("contact", contact_body("desk"), "a", visibility="members")
    number = put(db, author, old)
    new = author.put("contact", contact_body("director"), "a", visibility="members")
    put(db, author, leaves={new.key: leaf_of(new)})
    stored = records.find(db, number, new.key)
    assert stored == records.Stored(new.key, new.value, new.seq, None, None, None)
    assert searched(db, "desk") == 0


def test_a_body_that_comes_after_its_leaf_fills_the_same_row(db: sqlite3.Connection) -> None:
    author = Author()
    room = author.put("contact", contact_body("desk"), visibility="members")
    number = put(db, author, leaves={room.key: leaf_of(room)})
    before = numbers(db)
    assert records.without_bodies(db) == {author.id: (room.key,)}
    put(db, author, room)
    assert numbers(db) == before
    assert records.without_bodies(db) == {}
    stored = records.find(db, number, room.key)
    assert stored is not None
    assert stored.line == room.line


def test_a_leaf_in_place_of_a_body_keeps_the_number(db: sqlite3.Connection) -> None:
    author = Author()
    old = author.put("contact", contact_body("desk"), "a", visibility="members")
    other = author.put("adoption", adoption_body("else"), "b")
    put(db, author, old, other)
    before = numbers(db)
    new = author.put("contact", contact_body("director"), "a", visibility="members")
    put(db, author, leaves={new.key: leaf_of(new)})
    assert numbers(db) == before


def test_a_number_is_given_once_so_that_no_page_skips_a_new_record(db: sqlite3.Connection) -> None:
    author = Author()
    first, last = author.put("adoption", adoption_body("a")), author.put("adoption", adoption_body("b"))
    put(db, author, first, last)
    seen = max(numbers(db).values())
    put(db, author, removed=[last.key])
    new = author.put("adoption", adoption_body("c"))
    put(db, author, new)
    assert numbers(db)[new.key] > seen


def test_a_changed_row_and_a_new_one_in_one_step_have_numbers_of_their_own(db: sqlite3.Connection) -> None:
    author = Author()
    put(db, author, author.put("adoption", adoption_body("a"), "a"))
    put(db, author, author.put("adoption", adoption_body("b"), "a"), author.put("adoption", adoption_body("c"), "c"))
    assert sorted(numbers(db).values()) == [1, 2]


def test_a_malformed_body_is_kept_with_its_reason_and_is_not_searched(db: sqlite3.Connection) -> None:
    author = Author()
    broken = author.put("adoption", {**adoption_body("mystery"), "since": "2027-02-30"})
    put(db, author, broken)
    [(line, problem)] = db.execute("SELECT line, problem FROM records").fetchall()
    assert line == broken.line
    assert "calendar" in problem
    assert count(db, "texts") == 0


def test_an_unknown_kind_is_kept_and_is_not_searched(db: sqlite3.Connection) -> None:
    author = Author()
    dance = author.put("dance", {"name": "polka", "geo": "here"})
    put(db, author, dance)
    [(line, problem)] = db.execute("SELECT line, problem FROM records").fetchall()
    assert (line, problem) == (dance.line, None)
    assert count(db, "texts") == 0


def test_many_rows_at_once_are_the_same_as_few(db: sqlite3.Connection) -> None:
    author = Author()
    many = [author.put("adoption", adoption_body(f"number {n}"), f"r{n}") for n in range(600)]
    number = put(db, author, *many)
    before = numbers(db)
    again = [author.put("adoption", adoption_body(f"again {n}"), f"r{n}") for n in range(600)]
    put(db, author, *again[:550], removed=[record.key for record in again[550:]])
    assert numbers(db) == {record.key: before[record.key] for record in again[:550]}
    assert [stored.line for stored in records.since(db, number, 0)] == [record.line for record in again[:550]]


def test_rows_below_prefixes_come_by_seq_once_each(db: sqlite3.Connection) -> None:
    author = Author()
    number = put(db, author, *(author.put("adoption", adoption_body(str(n))) for n in range(20)))
    everything = [stored.seq for stored in records.below(db, number, ["0", "1", ""], 0)]
    assert everything == list(range(1, 21))
    assert [stored.seq for stored in records.below(db, number, [""], 15)] == [16, 17, 18, 19, 20]
    zero = {stored.key for stored in records.below(db, number, ["0"], 0)}
    assert zero == {key for key in author.records if key[0] < 128}


def test_local_records_are_in_no_set(db: sqlite3.Connection) -> None:
    author = Author()
    local = author.record("adoption", adoption_body("mine"), "own", 0, "local")
    number = put(db, author, local)
    assert records.leaves_of(db, number) == {}
    assert list(records.since(db, number, 0)) == []
    assert list(records.below(db, number, [""], 0)) == []


# Sets


def advance(db: sqlite3.Connection, trees: sets.Trees, author: Author, *changed: Record, **others: Any) -> None:
    head = author.commit()
    sets.advance(
        db,
        trees,
        authors.find(db, author.id),
        card=author.card,
        heads=[head],
        tree=author.tree,
        beat=author.newest_beat,
        put={record.key: record for record in changed},
        now=others.pop("now", NOW),
        **others,
    )


def test_after_every_advance_the_rows_make_the_tree_of_the_head(db: sqlite3.Connection) -> None:
    author, trees = Author(), sets.Trees()
    for number in range(1, 12):
        changed = [author.put("adoption", adoption_body(f"{number} {n}"), f"r{n}") for n in range(number)]
        removed = [author.remove("adoption", f"r{number - 1}")] if number % 3 == 0 else []
        advance(db, trees, author, *(record for record in changed if record.key not in removed), removed=removed)
        row = authors.find(db, author.id)
        assert row is not None
        assert row.root == author.head.root
        assert Tree.of(records.leaves_of(db, row.no)).root == author.head.root
        assert (row.seq, row.count, row.size) == (author.head.seq, author.head.count, author.head.size)


def test_a_removal_is_remembered_under_its_head_until_the_key_comes_back(db: sqlite3.Connection) -> None:
    author, trees = Author(), sets.Trees()
    advance(db, trees, author, author.put("adoption", adoption_body("a"), "a"))
    key = author.remove("adoption", "a")
    author.put("adoption", adoption_body("b"), "b")
    advance(db, trees, author, *author.records.values(), removed=[key])
    row = authors.find(db, author.id)
    assert row is not None
    assert records.removals_since(db, row.no, 0) == [(key, author.head.seq)]
    assert records.removals_since(db, row.no, author.head.seq) == []
    advance(db, trees, author, author.put("adoption", adoption_body("a"), "a"))
    assert records.removals_since(db, row.no, 0) == []


def test_of_removals_only_what_was_held_is_remembered(db: sqlite3.Connection) -> None:
    """Keys that nobody ever held can be made up without end; a leaf is held."""
    author, trees = Author(), sets.Trees()
    kept, shown = author.put("adoption", adoption_body("a"), "a"), author.put("adoption", adoption_body("b"), "b")
    hidden = author.put("contact", contact_body("desk"), "c", visibility="members")
    advance(db, trees, author, kept, shown, leaves={hidden.key: leaf_of(hidden)})
    gone = {author.remove("adoption", "b"), author.remove("contact", "c")}
    made_up = [bytes([number]) * 32 for number in range(200)]
    # Also where the tree isn't in memory any more.
    advance(db, sets.Trees(), author, removed=[*gone, *made_up])
    row = authors.find(db, author.id)
    assert row is not None
    assert {key for key, _ in records.removals_since(db, row.no, 0)} == gone


def test_of_one_author_the_newest_removals_are_remembered(
    db: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "REMOVALS_KEPT", 2)
    author, other = authors.adopt(db, Author("tartu").card), authors.adopt(db, Author("lund").card)
    records.remember_removals(db, other, [b"o" * 32], 1, NOW)
    # A new epoch may begin at a lower seq.
    for number, seq in enumerate((9, 1, 2)):
        records.remember_removals(db, author, [bytes([number]) * 32], seq, NOW + number)
    assert [seq for _, seq in records.removals_since(db, author, 0)] == [1, 2]
    assert count(db, "removals") == 3


def test_the_same_head_again_is_no_new_arrival(db: sqlite3.Connection) -> None:
    author, trees = Author(), sets.Trees()
    record = author.put("contact", contact_body("desk"), visibility="members")
    advance(db, trees, author, leaves={record.key: leaf_of(record)})
    before = authors.newest_arrival(db)
    advance(db, trees, author, record)
    assert authors.newest_arrival(db) == before
    assert records.without_bodies(db) == {}


def test_trees_are_right_whatever_was_forgotten(db: sqlite3.Connection) -> None:
    trees = sets.Trees(leaves_kept=25)
    everybody = [Author(name) for name in ("tartu", "lund", "munich", "paris")]
    for author in everybody:
        advance(db, trees, author, *(author.put("adoption", adoption_body(str(n))) for n in range(10)))
        assert sum(map(len, trees._kept.values())) <= 25
    for author in [*everybody, *reversed(everybody)]:
        row = authors.find(db, author.id)
        assert row is not None
        assert trees.of(db, row).root == author.head.root
        assert sum(map(len, trees._kept.values())) == trees._leaves <= 25


def test_a_tree_larger_than_the_cache_is_given_and_not_kept(db: sqlite3.Connection) -> None:
    author, trees = Author(), sets.Trees(leaves_kept=5)
    advance(db, trees, author, *(author.put("adoption", adoption_body(str(n))) for n in range(10)))
    row = authors.find(db, author.id)
    assert row is not None
    assert trees.of(db, row).root == author.head.root
    assert not trees._kept


def test_an_author_without_a_set_has_the_empty_tree(db: sqlite3.Connection) -> None:
    author = Author()
    authors.introduce(db, author.card)
    row = authors.find(db, author.id)
    assert row is not None
    assert sets.Trees().of(db, row).root == EMPTY


def test_a_state_that_was_left_is_not_kept_in_memory(db: sqlite3.Connection) -> None:
    author, trees = Author(), sets.Trees()
    for number in range(5):
        advance(db, trees, author, author.put("adoption", adoption_body(str(number))))
    assert list(trees._kept) == [author.head.root]


# Authors: cards, chains, beats, evidence


def chained(db: sqlite3.Connection, length: int = 4) -> tuple[Author, authors.Author]:
    """An author with a chain of heads of which each came a day after the one before."""
    author, trees = Author(), sets.Trees()
    for day in range(length):
        advance(db, trees, author, author.put("adoption", adoption_body(str(day))), now=NOW + day * DAY)
    row = authors.find(db, author.id)
    assert row is not None
    return author, row


def test_an_older_or_equal_card_changes_nothing_and_a_newer_one_is_kept(db: sqlite3.Connection) -> None:
    author = Author()
    first = author.card
    authors.introduce(db, first)
    second = author.rotate()
    for card in (second, first, second):
        authors.introduce(db, card)
    row = authors.find(db, author.id)
    assert row is not None
    assert (row.card_line, row.epoch) == (second.signed.line, 2)


def test_the_chain_since_a_head_is_all_that_came_after_it(db: sqlite3.Connection) -> None:
    author, row = chained(db)
    lines = [head.signed.line for head in author.heads]
    assert authors.chain_since(db, row, 1, author.heads[0].hash) == lines[1:]
    assert authors.chain_since(db, row, 1, author.heads[3].hash) == []


@pytest.mark.parametrize(
    ("epoch", "head"),
    [
        pytest.param(1, b"?" * 32, id="a head that nobody knows"),
        pytest.param(2, None, id="another epoch"),
        pytest.param(0, None, id="no epoch"),
    ],
)
def test_there_is_no_chain_since_what_is_not_in_it(db: sqlite3.Connection, epoch: int, head: bytes | None) -> None:
    author, row = chained(db)
    assert authors.chain_since(db, row, epoch, head or author.heads[0].hash) is None


@pytest.mark.parametrize(
    ("seq", "first"),
    [
        pytest.param(0, 0, id="before the first"),
        pytest.param(1, 0, id="at the first"),
        pytest.param(3, 2, id="in the middle"),
        pytest.param(99, 3, id="beyond the last"),
    ],
)
def test_the_chain_around_a_seq_begins_with_the_head_at_or_before_it(
    db: sqlite3.Connection, seq: int, first: int
) -> None:
    author, row = chained(db)
    assert authors.chain_around(db, row, seq) == [head.signed.line for head in author.heads[first:]]


def test_pruning_forgets_followed_heads_and_removals_and_never_the_newest(db: sqlite3.Connection) -> None:
    author, row = chained(db)
    records.remember_removals(db, row.no, [b"old" + bytes(29)], 1, NOW)
    records.remember_removals(db, row.no, [b"new" + bytes(29)], 4, NOW + 3 * DAY)
    authors.prune(db, NOW + 2 * DAY)
    assert authors.chain_around(db, row, 0) == [head.signed.line for head in author.heads[2:]]
    assert [key[:3] for key, _ in records.removals_since(db, row.no, 0)] == [b"new"]
    authors.prune(db, NOW + 1000 * DAY)
    assert authors.chain_around(db, row, 0) == [author.head.signed.line]
    assert records.removals_since(db, row.no, 0) == []


def fork(author: Author) -> Evidence:
    twin = author.twin()
    author.put("adoption", adoption_body("one"))
    twin.put("adoption", adoption_body("other"))
    found = of_heads(author.card, author.commit(), [twin.commit()])
    assert found is not None
    return found


def test_evidence_is_kept_once_and_freezes_its_epoch(db: sqlite3.Connection) -> None:
    author, row = chained(db)
    first, second = fork(author), fork(author)
    assert authors.keep_evidence(db, row.no, first)
    arrived = authors.newest_arrival(db)
    assert not authors.keep_evidence(db, row.no, first)
    assert not authors.keep_evidence(db, row.no, second)
    assert authors.newest_arrival(db) == arrived
    forked = authors.find(db, author.id)
    assert forked is not None
    assert forked.forked_epoch == 1
    assert authors.evidence_line(db, forked) == encode({"evidence": first.as_value()})


def test_evidence_of_an_epoch_that_is_over_is_not_passed_on(db: sqlite3.Connection) -> None:
    author, row = chained(db)
    authors.keep_evidence(db, row.no, fork(author))
    authors.adopt(db, author.rotate())
    healed = authors.find(db, author.id)
    assert healed is not None
    assert authors.evidence_line(db, healed) is None


def beat_of(author: Author, time: int) -> Beat:
    return Beat.make(author.signing_key, head=author.head, time=time, urls=())


def test_of_beats_the_newest_of_the_newest_head_is_kept(db: sqlite3.Connection) -> None:
    author, row = chained(db)
    assert authors.hear_beat(db, row, beat_of(author, NOW))
    row = authors.find(db, author.id) or row
    assert not authors.hear_beat(db, row, beat_of(author, NOW - 1))
    assert authors.hear_beat(db, row, beat_of(author, NOW + 1))
    older = Beat.make(author.signing_key, head=author.heads[0], time=NOW + 2, urls=())
    assert not authors.hear_beat(db, row, older)
    found = authors.find(db, author.id)
    assert found is not None
    assert found.beat_time == NOW + 1


def test_a_new_head_keeps_its_first_beat_even_in_the_second_of_the_one_before(db: sqlite3.Connection) -> None:
    author, row = chained(db)
    authors.hear_beat(db, row, beat_of(author, NOW))
    record = author.put("adoption", adoption_body("more"))
    author.commit()
    author.beat(NOW)
    advance(db, sets.Trees(), author, record)
    found = authors.find(db, author.id)
    assert found is not None
    assert found.beat == author.newest_beat


def test_the_feed_tells_authors_in_the_order_of_their_last_news(db: sqlite3.Connection) -> None:
    trees = sets.Trees()
    tartu, lund = Author("tartu"), Author("lund")
    for author in (tartu, lund, tartu):
        advance(db, trees, author, author.put("adoption", adoption_body("news")))
    authors.introduce(db, Author("a card alone").card)
    assert [each.node_id for each in authors.arrived_since(db, 0, 10)] == [lund.id, tartu.id]
    assert [each.node_id for each in authors.arrived_since(db, 0, 1)] == [lund.id]
    assert authors.arrived_since(db, authors.newest_arrival(db), 10) == []


# Partners


def heard(name: str, seq: int = 1) -> Heard:
    return Heard(NodeId(name), 1, seq, bytes(32))


def test_a_partner_may_tell_of_a_bounded_number_of_authors(
    db: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partners, "LONGEST_LIST", 3)
    partners.hear(db, "p", [heard(name) for name in "abcde"])
    partners.hear(db, "q", [heard(name) for name in "xy"])
    assert set(partners.heard(db, "p")) == set("abc")
    partners.hear(db, "p", [heard("f"), heard("a", 2)])
    assert {name: each.seq for name, each in partners.heard(db, "p").items()} == {"a": 2, "b": 1, "c": 1}
    assert set(partners.heard(db, "q")) == set("xy")


def test_a_partner_is_ahead_with_those_accepted_authors_of_whom_it_has_something_newer(db: sqlite3.Connection) -> None:
    accepted, other = Author("accepted"), Author("nobody vouches for it")
    for author in (accepted, other):
        authors.introduce(db, author.card)
    db.execute("UPDATE authors SET standing = 2 WHERE node_id = ?", (accepted.id,))
    partners.hear(db, "p", [heard(accepted.id), heard(other.id), heard("never met")])
    assert partners.ahead(db) == {"p": 1}
    db.execute("UPDATE authors SET epoch = 1, seq = 1, head = x'00'")
    assert partners.ahead(db) == {}
    partners.hear(db, "p", [heard(accepted.id, 2)])
    assert partners.ahead(db) == {"p": 1}


def test_refusals_are_told_of_one_node_and_counted_since_a_time(db: sqlite3.Connection) -> None:
    for number, author in enumerate("abc"):
        partners.refuse(db, "p", author, Refusal(Reason.FORKED, "two"), None, NOW + number)
    partners.refuse(db, "q", "p", Refusal(Reason.CLOCK, "late"), None, NOW + 9)
    assert {each.author for each in partners.refusals(db, "a")} == {"a"}
    assert [(each.partner, each.author) for each in partners.refusals(db, "p")] == [
        ("q", "p"), ("p", "c"), ("p", "b"), ("p", "a"),
    ]  # fmt: skip
    assert partners.refusals_since(db, NOW + 1) == {"forked": 2, "clock": 1}


def test_starting_over_forgets_what_that_partner_said_and_nothing_else(db: sqlite3.Connection) -> None:
    for name in ("p", "q"):
        partners.add(db, NodeId(name), None, NOW)
        partners.hear(db, name, [heard("a")])
        partners.succeeded(db, name, "x:7", NOW)
    partners.start_over(db, "p")
    p, q = partners.find(db, "p"), partners.find(db, "q")
    assert p is not None
    assert q is not None
    assert (p.cursor, q.cursor) == (None, "x:7")
    assert (partners.heard(db, "p"), set(partners.heard(db, "q"))) == ({}, {"a"})


def test_failures_count_until_a_round_goes_through(db: sqlite3.Connection) -> None:
    assert partners.add(db, NodeId("p"), "https://p.example", NOW)
    assert not partners.add(db, NodeId("p"), None, NOW)
    partners.failed(db, "p", "no answer")
    partners.failed(db, "p", "still none")
    found = partners.find(db, "p")
    assert found is not None
    assert (found.url, found.failures, found.problem) == ("https://p.example", 2, "still none")
    partners.succeeded(db, "p", "x:1", NOW)
    found = partners.find(db, "p")
    assert found is not None
    assert (found.failures, found.problem, found.cursor) == (0, None, "x:1")


def test_the_newest_refusal_is_shown_until_it_is_forgiven(db: sqlite3.Connection) -> None:
    for sentence in ("first", "second"):
        partners.refuse(db, "p", "a", Refusal(Reason.WRONG_SET, sentence), None, NOW)
    assert [each.sentence for each in partners.refusals(db)] == ["second"]
    partners.forgive(db, "p", "b")
    assert len(partners.refusals(db)) == 1
    partners.forgive(db, "p", "a")
    assert partners.refusals(db) == []


# What is searched


@pytest.mark.parametrize(
    ("text", "query"),
    [
        pytest.param("Łódź", "lodz", id="Polish as one types it elsewhere"),
        pytest.param("Lodz", "Łódź", id="Polish asked properly"),
        pytest.param("Große Straße", "strasse", id="German sharp s"),
        pytest.param("Grosse Strasse", "straße", id="German sharp s asked properly"),
        pytest.param("Ærø", "aero", id="Danish"),
        pytest.param("香港科技園", "香港", id="Chinese without spaces"),
        pytest.param("ようこそ東京へ", "東京", id="Japanese within a sentence"),
        pytest.param("مدينة العلوم", "العلوم", id="Arabic"),
        pytest.param("Tõravere", "toravere", id="Estonian"),
        pytest.param("ΑΘΗΝΑ", "αθηνα", id="Greek capitals"),
        pytest.param("İstanbul", "istanbul", id="Turkish dotted capital"),
    ],
)
def test_letters_are_found_however_they_are_typed(db: sqlite3.Connection, text: str, query: str) -> None:
    author = Author()
    put(db, author, author.put("adoption", adoption_body(text)), author.put("adoption", adoption_body("else")))
    quoted = " ".join(f'"{word}"' for word in fold(query).split())
    assert searched(db, quoted) == 1


def test_plain_text_is_folded_to_itself() -> None:
    assert fold("Tartu Science Park") == "Tartu Science Park"
