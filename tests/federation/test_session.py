"""The session, driven without a network: a scripted partner answers each action; what is asked next is looked at."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from node.errors import Declined, Forged, Malformed, Unreachable
from node.federation.actions import (
    Apply,
    Greet,
    Hear,
    HeldTree,
    News,
    Pull,
    PullPart,
    Push,
    ReadFeed,
    ReadTree,
    Refuse,
    StartOver,
    Survey,
)
from node.federation.greeting import Greeting
from node.federation.hearing import Heeded, Told
from node.federation.holdings import Holdings
from node.federation.session import RoundDone, Session
from node.federation.wire import DEEPEST_LOOK, WANTS_AT_ONCE
from node.protocol.blocks import Block, Leaf, Want
from node.protocol.names import NodeId, encode_base64
from node.protocol.tree import Subtree, Tree
from node.protocol.verdicts import Accepted, Compare, Reason, Refusal, Verdict
from node.storage.partners import Heard
from tests.directory.small_node import adoption_body
from tests.protocol.builders import NETWORK, NOW, Author, judged

LUND = Author("lund")
NONCE = encode_base64(b"n" * 32)
URL = "https://node.lund.example"


def greeting(author: Author = LUND, **different: Any) -> Greeting:
    members = {"card": author.card, "hello": author.hello(NONCE, NOW, URL), "protocols": (1,)}
    return Greeting(**members | different)


@dataclass
class Partner:
    """A partner and this node's own storage, as a session sees them: every answer is in `answers` or worked out.

    An answer is a value, an exception to be raised, or a function of the action.
    """

    news: list[News | Exception] = field(default_factory=list)
    holdings: Holdings = field(default_factory=lambda: Holdings({}, {}, frozenset(), {}))
    answers: dict[type, Any] = field(default_factory=dict)
    asked: list[Any] = field(default_factory=list)
    authors: dict[NodeId, Author] = field(default_factory=dict)

    def offers(self, *authors: Author, accepted: bool = True) -> None:
        """The partner tells of these authors' newest heads."""
        for author in authors:
            self.authors[author.id] = author
            self.holdings.heard[author.id] = heard(author)
        if accepted:
            ids = {author.id for author in authors}
            self.holdings = Holdings(
                self.holdings.heard, self.holdings.held, self.holdings.accepted | ids, self.holdings.without_body
            )
        self.news.append(News(tuple(Told(author.card, author.head) for author in authors), f"x:{len(self.asked)}"))

    def told_before(self, heard: Heard) -> None:
        """What the partner said in an earlier round, and nothing new since."""
        self.holdings.heard[heard.author] = heard
        self.news = []

    def holds(self, *authors: Author) -> None:
        """This node has these authors' newest states, and accepts them."""
        for author in authors:
            self.holdings.held[author.id] = heard(author)
        self.holdings = replace(self.holdings, accepted=self.holdings.accepted | {each.id for each in authors})

    def drive(self, session: Session, wait: int = 25) -> RoundDone:
        steps = session.round(wait)
        try:
            action = next(steps)
            while True:
                self.asked.append(action)
                answer = self._answer(action)
                action = steps.throw(answer) if isinstance(answer, Exception) else steps.send(answer)
        except StopIteration as stop:
            done: RoundDone = stop.value
            return done

    def _answer(self, action: Any) -> Any:
        answer = self.answers.get(type(action))
        if answer is not None:
            return answer(action) if callable(answer) else answer
        match action:
            case Greet():
                return greeting()
            case ReadFeed():
                return self.news.pop(0) if self.news else News((), action.cursor or "x:0")
            case Survey():
                return self.holdings
            case Hear():
                return Heeded()
            case Pull():
                return [self._accept(want) for want in action.wants]
            case Push():
                return frozenset()
        return None

    def _accept(self, want: Want) -> Verdict:
        """What an honest block comes to: it is accepted, and held from then on."""
        author = self.authors[want.author]
        verdict = judged(author.block_lines(), author)
        assert isinstance(verdict, Accepted)
        self.holdings.held[author.id] = heard(author)
        return verdict

    def kinds(self) -> list[str]:
        """The actions since last asked, by name."""
        names = [type(action).__name__ for action in self.asked]
        self.asked.clear()
        return names

    def all(self, kind: type) -> list[Any]:
        return [action for action in self.asked if isinstance(action, kind)]


def heard(author: Author) -> Heard:
    return Heard(author.id, author.epoch, author.seq, author.head.hash)


def session(partner: NodeId = LUND.id, **others: Any) -> Session:
    members = {"network": NETWORK, "url": URL, "cursor": None, "nonce": NONCE, "now": lambda: NOW}
    return Session(partner, **members | others)


def author_named(name: str, records: int = 1) -> Author:
    author = Author(name)
    for number in range(records):
        author.put("adoption", adoption_body(str(number)), f"r{number}")
    author.commit()
    return author


def settled(*offered: Author) -> tuple[Session, Partner]:
    """A session whose first round is over, with everything that was offered held."""
    partner, talk = Partner(), session()
    partner.offers(*offered)
    partner.drive(talk)
    partner.asked.clear()
    return talk, partner


# The course of rounds


def test_a_first_round_greets_reads_and_looks() -> None:
    partner, talk = Partner(), session()
    done = partner.drive(talk)
    assert partner.asked[:2] == [Greet(NONCE, URL), ReadFeed(None, 0)]
    assert partner.kinds() == ["Greet", "ReadFeed", "Survey"]
    assert (done.cursor, done.news, done.applied) == ("x:0", 0, 0)


def test_an_idle_round_is_one_question_that_may_wait() -> None:
    talk, partner = settled()
    for _ in range(3):
        partner.drive(talk)
        assert partner.asked == [ReadFeed("x:0", 25)]
        partner.asked.clear()


def test_a_session_goes_on_at_the_stored_cursor() -> None:
    partner = Partner()
    partner.drive(session(cursor="x:7"))
    assert partner.all(ReadFeed) == [ReadFeed("x:7", 0)]


def test_what_was_heard_before_the_stored_cursor_and_not_pulled_is_pulled_by_the_next_session() -> None:
    partner, paris = Partner(), author_named("paris")
    partner.offers(paris)
    # The process ended when the news was kept, with its cursor, and nothing was pulled yet.
    partner.told_before(heard(paris))
    done = partner.drive(session(cursor="x:7"))
    assert partner.all(Pull) == [Pull((Want(paris.id),))]
    assert (done.news, done.applied) == (0, 1)


def test_being_told_to_look_again_looks_without_waiting() -> None:
    talk, partner = settled()
    talk.look_again()
    partner.drive(talk)
    assert partner.all(ReadFeed) == [ReadFeed("x:0", 0)]
    assert partner.kinds() == ["ReadFeed", "Survey"]
    partner.drive(talk)
    assert partner.kinds() == ["ReadFeed"]


def test_a_foreign_cursor_starts_over() -> None:
    partner = Partner(news=[Declined("another database", 410), News((), "y:1")])
    done = partner.drive(session(cursor="x:7"))
    assert partner.all(ReadFeed) == [ReadFeed("x:7", 0), ReadFeed(None, 0)]
    assert partner.kinds()[:4] == ["Greet", "ReadFeed", "StartOver", "ReadFeed"]
    assert done.cursor == "y:1"


@pytest.mark.parametrize(
    ("cursor", "error"),
    [
        pytest.param("x:7", Declined("no", 403), id="another refusal"),
        pytest.param(None, Declined("no", 410), id="a foreign cursor where none was sent"),
        pytest.param("x:7", Unreachable("gone"), id="no answer"),
    ],
)
def test_another_failure_of_the_feed_ends_the_round(cursor: str | None, error: Exception) -> None:
    partner = Partner(news=[error])
    with pytest.raises(type(error)):
        partner.drive(session(cursor=cursor))
    assert not partner.all(StartOver)


def test_a_round_that_failed_is_done_again_from_the_same_cursor() -> None:
    talk, partner = settled()
    author = author_named("paris")
    partner.offers(author)
    partner.answers[Pull] = Unreachable("cut off")
    with pytest.raises(Unreachable):
        partner.drive(talk)
    del partner.answers[Pull]
    talk.look_again()
    partner.asked.clear()
    assert partner.drive(talk).applied == 1
    assert partner.all(ReadFeed) == [ReadFeed("x:0", 0)]


# The greeting


OTHER = Author("mallory")
OTHER_NETWORK = Author("lund", network="demo")


@pytest.mark.parametrize(
    ("answer", "error", "sentence"),
    [
        pytest.param(greeting(OTHER), Declined, "answers there, not", id="another node"),
        pytest.param(greeting(OTHER_NETWORK), Declined, "belongs to the network 'demo'", id="another network"),
        pytest.param(
            greeting(hello=LUND.hello(NONCE, NOW, "https://bought.example")),
            Declined,
            "another greeting",
            id="passed on",
        ),
        pytest.param(greeting(hello=OTHER.hello(NONCE, NOW)), Forged, "the hello is of", id="another's hello"),
        pytest.param(
            greeting(hello=LUND.hello(encode_base64(b"m" * 32), NOW)), Declined, "another greeting", id="another nonce"
        ),
        pytest.param(greeting(protocols=(2, 3)), Declined, "speaks the protocols", id="newer protocols alone"),
        pytest.param(greeting(protocols=()), Declined, "speaks the protocols", id="no protocol"),
    ],
)
def test_who_is_not_the_partner_is_asked_nothing(answer: Greeting, error: type[Exception], sentence: str) -> None:
    partner, talk = Partner(answers={Greet: answer}), session()
    with pytest.raises(error, match=sentence):
        partner.drive(talk)
    assert partner.kinds() == ["Greet"]


def test_a_card_of_an_epoch_that_is_over_is_refused_though_its_key_signs() -> None:
    stolen = Author("stolen")
    old = greeting(stolen)
    talk = session(partner=stolen.id, newest_card=stolen.rotate())
    with pytest.raises(Declined, match="old key"):
        Partner(answers={Greet: old}).drive(talk)


def test_a_hello_under_a_key_of_the_last_epoch_is_refused() -> None:
    rotated = Author("lund")
    old = rotated.hello(NONCE, NOW)
    partner = Partner(answers={Greet: Greeting(rotated.rotate(), old, (1,))})
    with pytest.raises(Forged):
        partner.drive(session())


@pytest.mark.parametrize(
    ("off", "sentence"),
    [
        pytest.param(600, "", id="ahead, tolerably"),
        pytest.param(-600, "", id="behind, tolerably"),
        pytest.param(601, "ahead by 10 minutes", id="ahead"),
        pytest.param(-7200, "behind by 2 hours: it said 2026-11-21T10:00:00Z", id="behind"),
    ],
)
def test_a_clock_that_is_off_is_told_at_the_greeting(off: int, sentence: str) -> None:
    partner = Partner(answers={Greet: greeting(hello=LUND.hello(NONCE, NOW + off, URL))})
    if not sentence:
        partner.drive(session())
        return
    with pytest.raises(Declined, match=f"{sentence}.*one of the two clocks is wrong"):
        partner.drive(session())
    assert partner.kinds() == ["Greet"]


# What is pulled


def test_what_the_partner_has_newer_is_pulled_from_where_we_are() -> None:
    new, grown, same, older = (author_named(name) for name in ("new", "grown", "same", "older"))
    partner = Partner()
    partner.holds(grown, same)
    before = heard(grown)
    grown.put("adoption", adoption_body("more"))
    grown.commit()
    partner.offers(new, grown, same, older)
    older.put("adoption", adoption_body("more"))
    older.commit()
    partner.holds(older)
    done = partner.drive(session())
    [pull] = partner.all(Pull)
    assert pull.wants == (Want(new.id), Want(grown.id, 1, before.seq, before.head))
    assert done.applied == 2


def test_another_head_of_the_same_seq_is_asked_for_because_it_is_evidence() -> None:
    author = author_named("paris")
    partner = Partner()
    partner.holds(author)
    partner.offers(author)
    partner.told_before(Heard(author.id, 1, author.seq, b"?" * 32))
    partner.answers[Pull] = [Refusal(Reason.FORKED, "two histories")]
    assert partner.drive(session()).refused == 1


def test_nobody_is_asked_for_this_nodes_own_state_or_for_strangers() -> None:
    stranger = author_named("stranger")
    me = author_named("me")
    partner = Partner()
    partner.offers(me)
    partner.offers(stranger, accepted=False)
    partner.holds(me)
    done = partner.drive(session())
    partner.drive(session())
    assert partner.all(Pull) == []
    assert done.applied == 0


def test_a_newer_state_of_this_nodes_own_is_asked_for_because_it_may_be_a_fork() -> None:
    me = author_named("me")
    partner = Partner()
    partner.holds(me)
    me.put("adoption", adoption_body("from another machine"))
    me.commit()
    partner.offers(me)
    partner.drive(session())
    assert [want.author for pull in partner.all(Pull) for want in pull.wants] == [me.id]


def test_a_refused_author_is_asked_for_again_only_when_its_head_has_changed() -> None:
    author = author_named("paris")
    partner, talk = Partner(), session()
    partner.offers(author)
    partner.answers[Pull] = lambda action: [Refusal(Reason.WRONG_SET, "no") for _ in action.wants]
    assert partner.drive(talk).refused == 1
    for _ in range(2):
        talk.look_again()
        partner.asked.clear()
        partner.drive(talk)
        assert partner.all(Pull) == []
    author.put("adoption", adoption_body("more"))
    author.commit()
    partner.offers(author)
    del partner.answers[Pull]
    assert partner.drive(talk).applied == 1


def test_a_state_that_nobody_endorses_is_asked_for_once_and_again_when_who_is_accepted_changes() -> None:
    author, other = author_named("paris"), author_named("other")
    partner, talk = Partner(), session()
    partner.offers(author)
    partner.answers[Pull] = lambda action: [Refusal(Reason.NOT_ACCEPTED, "nobody endorses it") for _ in action.wants]
    asked = []
    for again in (False, False, True, False):
        if again:
            talk.look_again()
        # News of another author, so that the round looks around; it is asked for nothing.
        partner.offers(other)
        partner.holds(other)
        partner.asked.clear()
        partner.drive(talk)
        asked.append(len(partner.all(Pull)))
    assert asked == [1, 0, 1, 0]


def test_one_refused_author_stops_no_other() -> None:
    good, bad = author_named("good"), author_named("bad")
    partner = Partner()
    partner.offers(bad, good)
    partner.answers[Pull] = lambda action: [
        Refusal(Reason.FORGED, "no") if want.author == bad.id else partner._accept(want) for want in action.wants
    ]
    done = partner.drive(session())
    assert (done.applied, done.refused) == (1, 1)


def test_whoever_is_introduced_by_what_was_just_applied_is_pulled_in_the_same_round() -> None:
    first, second = author_named("first"), author_named("second")
    partner = Partner()
    partner.offers(first)
    partner.offers(second, accepted=False)

    def pull(action: Pull) -> list[Verdict]:
        verdicts = [partner._accept(want) for want in action.wants]
        partner.holdings = Holdings(partner.holdings.heard, partner.holdings.held, frozenset((first.id, second.id)), {})
        return verdicts

    partner.answers[Pull] = pull
    done = partner.drive(session())
    assert [action.wants for action in partner.all(Pull)] == [(Want(first.id),), (Want(second.id),)]
    assert done.applied == 2


def test_many_authors_are_pulled_a_few_at_a_time() -> None:
    many = [author_named(f"a{number}") for number in range(WANTS_AT_ONCE + 3)]
    partner = Partner()
    partner.offers(*many)
    done = partner.drive(session())
    assert [len(action.wants) for action in partner.all(Pull)] == [WANTS_AT_ONCE, 3]
    assert done.applied == len(many)


def test_a_new_epoch_is_pulled_though_its_seq_is_lower_and_its_card_came_first() -> None:
    author = author_named("paris", 9)
    partner = Partner()
    # A card that introduced itself before its first head leaves the state that is held at the head's own epoch.
    partner.holdings.held[author.id] = Heard(author.id, 1, author.seq, author.head.hash)
    author.records = dict(list(author.records.items())[:3])
    author.rotate(from_seq=0)
    author.commit()
    partner.offers(author)
    partner.drive(session())
    assert len(partner.all(Pull)) == 1


# Comparing


@dataclass
class Comparison:
    """A partner whose changes don't add up: its trees are looked at, and what is asked of them is counted."""

    theirs: Author
    mine: Tree
    partner: Partner = field(default_factory=Partner)
    moved: bool = False

    def run(self, **answers: Any) -> RoundDone:
        self.partner.offers(self.theirs)
        block = Block(self.theirs.id)
        block.heads = (self.theirs.head,)
        self.partner.answers |= {
            Pull: [Compare(block)],
            HeldTree: self.mine,
            ReadTree: self._look,
            PullPart: self._part,
            Apply: Refusal(Reason.WRONG_SET, "looked at by the test"),
        } | {globals()[name]: answer for name, answer in answers.items()}
        return self.partner.drive(session())

    def _look(self, action: ReadTree) -> Any:
        return None if self.moved else self.theirs.tree.subtrees(action.prefix, action.depth)

    def _part(self, action: PullPart) -> Block:
        block = Block(self.theirs.id, heads=(self.theirs.head,))
        keys = {key for prefix in action.want.prefixes for key, _ in self.theirs.tree.items(prefix)}
        block.records = {key: self.theirs.records[key] for key in keys}
        return block

    @property
    def applied(self) -> Block:
        [apply] = self.partner.all(Apply)
        return apply.block

    @property
    def prefixes(self) -> tuple[str, ...]:
        return tuple(prefix for action in self.partner.all(PullPart) for prefix in action.want.prefixes)


def leaves(author: Author) -> dict[bytes, bytes]:
    return {key: record.value for key, record in author.records.items()}


@pytest.mark.parametrize("size", [3, 40, 2000])
@pytest.mark.parametrize(
    "change",
    [
        pytest.param("missing", id="what we lack"),
        pytest.param("other", id="what we have otherwise"),
        pytest.param("more", id="what we have too much"),
        pytest.param("all", id="all three"),
        pytest.param("nothing", id="nothing"),
    ],
)
def test_comparing_finds_exactly_what_differs(size: int, change: str) -> None:
    theirs = author_named("paris", size)
    mine = leaves(theirs)
    keys = sorted(mine)
    expected_puts: set[bytes] = set()
    expected_removed: set[bytes] = set()
    if change in ("missing", "all"):
        expected_puts.add(keys[0])
        del mine[keys[0]]
    if change in ("other", "all"):
        expected_puts.add(keys[1])
        mine[keys[1]] = b"?" * 32
    if change in ("more", "all"):
        extra = keys[2][:31] + bytes([keys[2][31] ^ 1]) if size < 3 else bytes([keys[2][0], 0x55]) + b"x" * 30
        expected_removed.add(extra)
        mine[extra] = b"?" * 32
    comparison = Comparison(theirs, Tree.of(mine))
    comparison.run()
    block = comparison.applied
    assert expected_puts <= block.records.keys()
    assert block.removed == expected_removed
    after = comparison.mine.changed({key: record.value for key, record in block.records.items()}, block.removed)
    assert after.root == theirs.head.root
    if change == "nothing":
        assert comparison.prefixes == ()
    # What is equal beside what differs is pulled too, but never much of a large set.
    assert len(block.records) <= max(100, size // 10)


def test_an_empty_set_of_ours_pulls_everything() -> None:
    comparison = Comparison(author_named("paris", 100), Tree())
    comparison.run()
    assert comparison.applied.records.keys() == comparison.theirs.records.keys()


def test_an_empty_set_of_theirs_removes_everything() -> None:
    theirs = author_named("paris", 0)
    mine = leaves(author_named("paris", 50))
    comparison = Comparison(theirs, Tree.of(mine))
    comparison.run()
    assert comparison.applied.removed == set(mine)


def test_looking_has_an_end_whatever_the_partner_claims() -> None:
    theirs = author_named("paris", 3)

    def endless(action: ReadTree) -> list[Subtree]:
        below = range(2**DEEPEST_LOOK)
        return [Subtree(f"{action.prefix}{at:0{DEEPEST_LOOK}b}", b"?" * 32, 10**9) for at in below]

    comparison = Comparison(theirs, Tree())
    comparison.run(ReadTree=endless, PullPart=Refusal(Reason.MALFORMED, "enough"))
    assert len(comparison.partner.all(ReadTree)) <= 64
    [part] = comparison.partner.all(PullPart)
    assert len(part.want.prefixes) <= 1000


def test_a_head_that_moves_meanwhile_is_asked_again_later_and_not_held_against_anybody() -> None:
    comparison = Comparison(author_named("paris", 3), Tree(), moved=True)
    done = comparison.run()
    [refuse] = comparison.partner.all(Refuse)
    assert (refuse.refusal.reason, refuse.head) == (Reason.INCOMPLETE, comparison.theirs.head.hash)
    assert comparison.partner.all(Apply) == []
    assert done.refused == 1


def test_a_head_that_moves_before_the_part_is_pulled_is_not_held_against_anybody() -> None:
    comparison = Comparison(author_named("paris", 3), Tree())
    moved = Block(comparison.theirs.id, compare=True)
    comparison.run(PullPart=moved)
    assert [action.refusal.reason for action in comparison.partner.all(Refuse)] == [Reason.INCOMPLETE]


def test_who_damaged_the_set_while_it_was_compared_is_not_said_to_have_altered_it() -> None:
    comparison = Comparison(author_named("paris", 3), Tree())
    comparison.run(PullPart=Block(comparison.theirs.id))
    assert [action.refusal.reason for action in comparison.partner.all(Refuse)] == [Reason.INCOMPLETE]
    assert comparison.partner.all(Apply) == []


def test_who_is_not_accepted_here_is_pushed_to_nobody() -> None:
    partner, talk = Partner(), session(outbound_only=True)
    known, dropped = author_named("known"), author_named("dropped")
    partner.holds(known, dropped)
    partner.holdings = replace(partner.holdings, accepted=frozenset((known.id,)), forked={dropped.id: 1})
    partner.offers()
    partner.drive(talk)
    assert [want.author for push in partner.all(Push) for want in push.wants] == [known.id]


def test_a_part_that_is_refused_is_kept_as_a_refusal() -> None:
    comparison = Comparison(author_named("paris", 3), Tree())
    done = comparison.run(PullPart=Refusal(Reason.MALFORMED, "nonsense"))
    assert [action.refusal.sentence for action in comparison.partner.all(Refuse)] == ["nonsense"]
    assert (done.applied, done.refused) == (0, 1)


@pytest.mark.parametrize(
    "subtrees",
    [
        pytest.param([Subtree("0" * 7, b"?" * 32, 1)], id="too short"),
        pytest.param([Subtree("0" * 9, b"?" * 32, 1)], id="too long"),
        pytest.param([Subtree("0" * 8, b"?" * 32, 1)] * 2, id="twice the same"),
    ],
)
def test_a_tree_that_was_not_asked_for_ends_the_round(subtrees: list[Subtree]) -> None:
    comparison = Comparison(author_named("paris", 3), Tree())
    with pytest.raises(Malformed):
        comparison.run(ReadTree=lambda _: subtrees)


# Bodies and pushes


def test_bodies_of_an_author_that_is_heard_again_are_asked_for_again_at_once() -> None:
    author = author_named("paris", 2)
    partner, talk = Partner(), session()
    partner.offers(author)
    partner.holds(author)
    partner.holdings.without_body[author.id] = tuple(author.records)
    partner.drive(talk)
    partner.offers(author)
    partner.answers[Hear] = Heeded(revived=True)
    partner.asked.clear()
    partner.drive(talk)
    assert len(partner.all(Pull)) == 1


def test_bodies_are_asked_for_once_a_head() -> None:
    author = author_named("paris", 2)
    keys = tuple(author.records)
    partner, talk = Partner(), session()
    partner.offers(author)
    partner.holds(author)
    partner.holdings.without_body[author.id] = keys
    partner.drive(talk)
    [pull] = partner.all(Pull)
    [want] = pull.wants
    assert (want.author, want.since, want.head) == (author.id, 0, author.head.hash)
    assert {len(prefix) for prefix in want.prefixes} == {256}
    assert {int(prefix, 2).to_bytes(32) for prefix in want.prefixes} == set(keys)
    partner.asked.clear()
    talk.look_again()
    partner.drive(talk)
    assert partner.all(Pull) == []


def test_more_bodies_than_are_told_at_a_time_are_asked_for_one_lot_after_the_other() -> None:
    author = author_named("paris", 5)
    missing = sorted(author.records)
    partner, talk = Partner(), session()
    partner.offers(author)
    partner.holds(author)

    def survey(_: Survey) -> Holdings:
        partner.holdings.without_body[author.id] = tuple(missing[:2])
        return partner.holdings

    def pull(action: Pull) -> list[Verdict]:
        [want] = action.wants
        for prefix in want.prefixes:
            missing.remove(int(prefix, 2).to_bytes(32))
        return [partner._accept(want)]

    partner.answers = {Survey: survey, Pull: pull}
    partner.drive(talk)
    assert missing == []
    assert [len(pull.wants[0].prefixes) for pull in partner.all(Pull)] == [2, 2, 1]


def test_bodies_that_an_answer_had_no_room_for_are_asked_for_again() -> None:
    first, second = author_named("paris"), author_named("tartu")
    partner, talk = Partner(), session()
    partner.offers(first, second)
    partner.holds(first, second)
    partner.holdings.without_body.update({author.id: tuple(author.records) for author in (first, second)})
    partner.answers[Pull] = lambda action: [partner._accept(action.wants[0])]
    partner.drive(talk)
    assert [[want.author for want in pull.wants] for pull in partner.all(Pull)] == [[first.id, second.id], [second.id]]


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda partner, author: partner.holdings.heard.pop(author.id), id="who doesn't have it"),
        pytest.param(
            lambda partner, author: partner.holdings.heard.update({author.id: Heard(author.id, 1, 1, b"?" * 32)}),
            id="who has another state",
        ),
    ],
)
def test_bodies_are_not_asked_of_a_partner(spoil: Callable[[Partner, Author], Any]) -> None:
    author = author_named("paris", 2)
    partner = Partner()
    partner.offers(author)
    partner.holds(author)
    partner.holdings.without_body[author.id] = tuple(author.records)
    partner.news = []
    spoil(partner, author)
    partner.drive(session())
    assert partner.all(Pull) == []


def test_only_who_can_not_be_reached_pushes_and_each_state_once() -> None:
    mine, known, behind = author_named("mine"), author_named("known"), author_named("behind")
    partner = Partner()
    partner.offers(known, behind)
    earlier = heard(behind)
    behind.put("adoption", adoption_body("more"))
    behind.commit()
    partner.holds(mine, known, behind, LUND_WITH_HEAD)
    talk = session(outbound_only=True)
    done = partner.drive(talk)
    [push] = partner.all(Push)
    assert set(push.wants) == {Want(mine.id), Want(behind.id, 1, earlier.seq, earlier.head)}
    assert done.pushed == 2
    partner.asked.clear()
    talk.look_again()
    partner.drive(talk)
    assert partner.all(Push) == []
    mine.put("adoption", adoption_body("more"))
    mine.commit()
    partner.holds(mine)
    talk.look_again()
    partner.drive(talk)
    assert [push.wants for push in partner.all(Push)] == [(Want(mine.id),)]


LUND_WITH_HEAD = author_named("lund")


def test_what_a_partner_refused_of_somebody_whom_it_held_before_is_brought_again_with_all_that_is_tried_again() -> None:
    mine, behind, unknown = author_named("mine"), author_named("behind"), author_named("unknown")
    partner, talk = Partner(), session(outbound_only=True)
    partner.offers(mine, behind)
    behind.put("adoption", adoption_body("more"))
    behind.commit()
    partner.holds(mine, behind, unknown)
    partner.answers[Push] = lambda action: frozenset(want.author for want in action.wants)

    def brought(*, retry: bool) -> list[NodeId]:
        partner.asked.clear()
        talk.look_again(retry=retry)
        partner.drive(talk)
        return [want.author for push in partner.all(Push) for want in push.wants]

    assert brought(retry=False) == [behind.id, unknown.id]
    assert brought(retry=False) == []
    assert brought(retry=True) == [behind.id]
    partner.answers[Push] = frozenset()
    assert brought(retry=True) == [behind.id]
    assert brought(retry=True) == []


def test_who_can_be_reached_pushes_nothing() -> None:
    partner = Partner()
    partner.holds(author_named("mine"))
    assert partner.drive(session()).pushed == 0
    assert partner.all(Push) == []


def test_what_an_answer_left_out_is_asked_for_again() -> None:
    authors = [author_named(name) for name in ("oslo", "paris", "riga")]
    partner = Partner()
    partner.offers(*authors)
    partner.answers[Pull] = lambda action: [partner._accept(action.wants[0])]
    assert partner.drive(session()).applied == 3
    assert [len(pull.wants) for pull in partner.all(Pull)] == [3, 2, 1]


def test_what_the_feed_says_is_stored_before_more_is_asked_for() -> None:
    partner = Partner()
    partner.offers(author_named("paris"))
    partner.drive(session())
    [hear] = partner.all(Hear)
    assert len(hear.news.told) == 1
    assert partner.kinds() == ["Greet", "ReadFeed", "Hear", "Survey", "Pull", "Survey"]


def test_what_came_with_the_feed_is_not_pulled_and_only_its_authors_are_looked_at() -> None:
    quiet, busy = author_named("oslo"), author_named("paris")
    talk, partner = settled(quiet, busy)
    busy.put("adoption", adoption_body("news"), "r9")
    busy.commit()
    partner.offers(busy)
    accepted = judged(busy.block_lines(), busy)

    def hear(action: Hear) -> Heeded:
        partner.holds(busy)
        return Heeded(verdicts=(accepted,))

    partner.answers[Hear] = hear
    done = partner.drive(talk)
    assert done.applied == 1
    assert [survey.of for survey in partner.all(Survey)] == [frozenset((busy.id,))]
    assert partner.kinds() == ["ReadFeed", "Hear", "Survey"]


def test_where_who_is_accepted_changed_everybody_is_looked_at() -> None:
    known, new = author_named("oslo"), author_named("paris")
    talk, partner = settled(known)
    partner.offers(new, accepted=False)
    partner.drive(talk)
    partner.asked.clear()
    known.put("adoption", adoption_body("news"), "r9")
    known.commit()

    def hear(action: Hear) -> Heeded:
        partner.holds(known)
        partner.holdings = replace(partner.holdings, accepted=frozenset((known.id, new.id)))
        return Heeded()

    partner.answers[Hear] = hear
    partner.offers(known)
    partner.drive(talk)
    assert [want.author for pull in partner.all(Pull) for want in pull.wants] == [new.id]


def test_leaves_that_the_partner_shows_count_like_records() -> None:
    theirs = author_named("paris", 3)

    def part(action: PullPart) -> Block:
        block = Block(theirs.id, heads=(theirs.head,))
        block.leaves = {key: Leaf(key, record.value, record.seq) for key, record in theirs.records.items()}
        return block

    comparison = Comparison(theirs, Tree.of(dict.fromkeys(theirs.records, b"?" * 32)))
    comparison.run(PullPart=part)
    assert comparison.applied.removed == set()
    assert len(comparison.applied.leaves) == 3


def test_a_node_that_can_not_be_reached_brings_its_own_newest_beat() -> None:
    mine, other = author_named("mine"), author_named("other")
    partner, talk = Partner(), session(outbound_only=True)
    partner.offers(mine, other)
    partner.holds(mine, other)

    def beat(at: int) -> list[Want]:
        partner.holdings = replace(partner.holdings, me=mine.id, own_beat=at)
        partner.asked.clear()
        talk.look_again()
        partner.drive(talk)
        return [want for push in partner.all(Push) for want in push.wants]

    here = Want(mine.id, mine.epoch, mine.seq, mine.head.hash)
    assert beat(NOW) == [here]
    assert beat(NOW) == []
    assert beat(NOW + 1) == [here]
