"""The attacks that each have a test, and for each the smallest change of the product that takes its defence out.

`docs/attacks.md` tells them; `test_table` keeps the two together and the changes applicable; the campaign
(`make attacks`) applies each to a copy of the product, and the attack's test has to fail there.
"""

from dataclasses import dataclass
from pathlib import PurePosixPath


@dataclass(frozen=True, slots=True)
class Out:
    """One place of the product: `old` stands in `path` exactly once, and `new` is what would be there without it."""

    path: str
    old: str
    new: str

    @property
    def name(self) -> str:
        return PurePosixPath(self.path).stem


@dataclass(frozen=True, slots=True)
class Attack:
    """`test`: as pytest names it, below `tests/`. `defences`: without any one (all its places) the test fails."""

    name: str
    test: str
    defences: tuple[tuple[Out, ...], ...]


def _one(path: str, old: str, new: str) -> tuple[Out, ...]:
    return (Out(f"node/{path}", old, new),)


_VERDICTS = "protocol/verdicts.py"
_CANONICAL = "protocol/canonical.py"
_SIGNATURES = "federation/signatures.py"
_SERVER = "federation/server.py"
_RECEIVING = "federation/receiving.py"
_GREETING = "federation/greeting.py"
_CLIENT = "federation/client.py"
_WIRE = "federation/wire.py"
_TRANSACTIONS = "storage/transactions.py"

_ROOT = _one(_VERDICTS, "if tree.root != head.root or len(tree) != head.count:", "if len(tree) != head.count:")
_SET = _one(_VERDICTS, "if tree.root != head.root or len(tree) != head.count:", "if False:")
_ORDER = _one(_VERDICTS, "if newest.order < mine.order:", "if False:")
_CHAIN = _one(_VERDICTS, "if any(head.prev == mine.hash for head in heads):", "if True:")
_TOO_MUCH = 'if self._room < 0:\n                raise Malformed(f"more than'
_CAP = _one(_WIRE, _TOO_MUCH, _TOO_MUCH.replace("self._room < 0", "False"))
_WORDS = _one("joining/pairing.py", "if given != expected:", "if False:")

ATTACKS = (
    Attack(
        "forged",
        "attacks/test_passing_on.py::test_a_state_that_its_author_did_not_sign_is_refused",
        (
            _one(
                "protocol/statements.py",
                "keys.verify(card.signing, signed.signature, signed.statement)",
                "del signed",
            ),
        ),
    ),
    Attack(
        "altered",
        "attacks/test_passing_on.py::test_a_record_that_was_altered_on_the_way_is_refused",
        (_ROOT,),
    ),
    Attack(
        "replayed",
        "attacks/test_passing_on.py::test_an_old_version_of_a_record_is_refused_under_the_newest_head",
        (_ROOT,),
    ),
    Attack(
        "rolled back",
        "attacks/test_passing_on.py::test_an_older_state_is_refused_though_its_author_signed_it",
        (_ORDER + _CHAIN,),
    ),
    Attack(
        "rolled back to an epoch that is over",
        "attacks/test_passing_on.py::test_a_card_of_an_epoch_that_is_over_is_refused",
        (_one(_VERDICTS, "if given.epoch < held.card.epoch:", "if False:") + _ORDER + _CHAIN,),
    ),
    Attack("hidden", "attacks/test_passing_on.py::test_a_record_that_is_hidden_is_missed", (_SET,)),
    Attack(
        "frozen",
        "attacks/test_passing_on.py::test_an_author_that_is_frozen_shows_as_not_heard_from_and_its_people_are_hidden",
        (
            _one(_VERDICTS, "        beat.verify(card)\n", "        pass\n"),
            _one("directory/views.py", '"stale": not beat_expires or beat_expires <= reader.now', '"stale": False'),
            _one("directory/views.py", "coalesce(authors.beat_expires, 0) > {now}", "{now}"),
        ),
    ),
    Attack(
        "mixed and matched",
        "attacks/test_passing_on.py::test_what_is_one_authors_is_not_taken_as_anothers",
        (
            _one("protocol/blocks.py", "if record.author != self.block.author:", "if False:"),
            _one("protocol/blocks.py", "if statement.author != self.block.author:", "if False:"),
        ),
    ),
    Attack(
        "fast-forwarded",
        "attacks/test_passing_on.py::test_a_thief_that_counts_to_the_end_bricks_nobody",
        (_one(_VERDICTS, "if newest.order < mine.order:", "if newest.seq < mine.seq:"),),
    ),
    Attack(
        "endless data",
        "attacks/test_bytes.py::test_an_answer_without_an_end_is_cut_off",
        (
            _CAP,
            _one(
                _WIRE,
                'if self._room < 0:\n                raise Malformed("more lines',
                'if False:\n                raise Malformed("more lines',
            ),
            _one(_WIRE, "if len(self._rest) > LARGEST_LINE:", "if False:"),
        ),
    ),
    Attack(
        "flood with the news",
        "attacks/test_bytes.py::test_more_changes_than_the_news_may_bring_are_not_judged_in_the_writers_time",
        (_one(_CLIENT, "sum(map(len, (*current.changes, line))) > bytes_", "False"),),
    ),
    Attack(
        "slow data",
        "attacks/test_bytes.py::test_an_answer_or_a_request_that_trickles_is_given_up_and_keeps_nobody_waiting",
        (
            _one(_CLIENT, "total=seconds or self._seconds", "total=None"),
            _one("federation/answers.py", "asyncio.timeout(seconds)", "asyncio.timeout(None)"),
        ),
    ),
    Attack(
        "decompression bomb",
        "attacks/test_bytes.py::test_a_decompression_bomb_is_stopped_before_it_fills_the_memory",
        (_CAP,),
    ),
    Attack(
        "deep nesting",
        "attacks/test_bytes.py::test_a_record_is_refused_though_its_author_signed_it_with[deep nesting]",
        (_one(_CANONICAL, "if depth == 0:", "if False:"),),
    ),
    Attack(
        "huge numbers",
        "attacks/test_bytes.py::test_a_record_is_refused_though_its_author_signed_it_with[a huge number]",
        (
            _one(
                _CANONICAL,
                "_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER",
                "_OPTIONS = orjson.OPT_SORT_KEYS",
            ),
        ),
    ),
    Attack(
        "duplicate keys",
        "attacks/test_bytes.py::test_a_record_is_refused_though_its_author_signed_it_with[a doubled key]",
        (_one(_CANONICAL, "if _dumps(value) != line:", "if False:"),),
    ),
    Attack(
        "lone surrogates",
        "attacks/test_bytes.py::test_a_record_is_refused_though_its_author_signed_it_with[a lone surrogate]",
        (
            _one(_CANONICAL, "value = orjson.loads(line)", "value = json.loads(line)")
            + _one(_CANONICAL, "if _dumps(value) != line:", "if False:"),
        ),
    ),
    Attack(
        "unknown types",
        "attacks/test_bytes.py::test_a_statement_of_another_type_is_not_taken_for_a_head",
        (_one("protocol/statements.py", 'or members.get("type") != type_:', "or not type_:"),),
    ),
    Attack(
        "equivocation seen at once",
        "attacks/test_forks.py::test_two_heads_of_one_place_are_a_fork_at_once",
        (_one("protocol/evidence.py", "return first.prev == second.prev or first.seq == second.seq", "return False"),),
    ),
    Attack(
        "equivocation with skipped heads",
        "attacks/test_forks.py::test_a_chain_that_steps_over_a_head_is_a_fork",
        (
            _one(
                "protocol/evidence.py",
                "return second.prev == first.hash and first.seq < missed.seq < second.seq",
                "return False",
            ),
        ),
    ),
    Attack(
        "two cards of one epoch",
        "attacks/test_forks.py::test_two_cards_of_one_epoch_are_a_fork",
        (
            _one(
                "protocol/evidence.py",
                "return Evidence((held, given), ()) if _two_cards((held, given)) else None",
                "return None",
            ),
        ),
    ),
    Attack(
        "replayed request signature",
        "attacks/test_requests.py::test_a_signed_request_counts_once_and_not_after_a_restart",
        (
            _one(_SIGNATURES, "if nonce in used:", "if False:"),
            _one(_SIGNATURES, "if created < int(self._started()):", "if False:"),
        ),
    ),
    Attack(
        "request meant for another node",
        "attacks/test_requests.py::test_a_request_that_is_meant_for_another_node_is_not_answered",
        (_one(_SIGNATURES, "if headers.get(RECIPIENT) != self._me:", "if False:"),),
    ),
    Attack(
        "server with a bought domain",
        "attacks/test_requests.py::test_whoever_bought_a_partners_domain_is_asked_nothing_though_it_has",
        (
            _one(_GREETING, "if card.author != partner:", "if False:"),
            _one(_GREETING, "        hello.verify(card)\n", ""),
            _one(_GREETING, "if hello.nonce != nonce or hello.url != url:", "if hello.url != url:"),
            _one(_GREETING, "if hello.nonce != nonce or hello.url != url:", "if hello.nonce != nonce:"),
        ),
    ),
    Attack(
        "greeting passed on",
        "attacks/test_requests.py::test_a_node_does_not_sign_a_greeting_for_another_address",
        (_one(_SERVER, "if self._identity.url and called != self._identity.url:", "if False:"),),
    ),
    Attack(
        "foreign cursor",
        "attacks/test_requests.py::test_a_cursor_of_another_database_is_refused_rather_than_answered_with_no_news",
        (_one(_SERVER, "if last is None or not place.isdecimal() or (after :=", "if 0 > (after :="),),
    ),
    Attack(
        "foreign network",
        "attacks/test_requests.py::test_an_author_of_another_network_is_not_taken",
        (_one(_VERDICTS, "if each.network != network:", "if False:"),),
    ),
    Attack(
        "clock far off",
        "attacks/test_requests.py::test_a_request_of_another_day_is_refused_with_what_to_do",
        (_one(_SIGNATURES, "if abs(created - now) > LASTS:", "if False:"),),
    ),
    Attack(
        "beat from the future",
        "attacks/test_requests.py::test_a_beat_from_the_future_makes_nobody_fresh",
        (_one(_VERDICTS, "return beat.time <= now + CLOCK_TOLERANCE", "return True"),),
    ),
    Attack(
        "vouching ring",
        "attacks/test_trust.py::test_a_ring_that_vouches_for_itself_is_listed_and_never_honoured",
        (
            _one("trust/first_hops.py", "speaking = list(trusted)", "speaking = [*trusted, *strangers]")
            + _one("trust/first_hops.py", "found = set(speaking)", "found = set(trusted)")
            + _one(
                "trust/first_hops.py",
                "matchings[node].give(hops[voucher]) >= needed",
                "sum(each in speaking for each in vouches.of(node)) >= needed",
            ),
        ),
    ),
    Attack(
        "endorsement flood",
        "attacks/test_trust.py::test_a_flood_of_introductions_drowns_its_own_source_alone",
        (_one("trust/reach.py", "if through[way[0]] >= rules.introductions:", "if False:"),),
    ),
    Attack(
        "author over quota",
        "attacks/test_trust.py::test_an_author_with_more_records_than_the_victim_takes_keeps_its_last_state",
        (
            _one(_VERDICTS, "if head.count > limits.records or head.size > limits.size:", "if False:")
            + _one(
                "protocol/blocks.py", "if count > self.limits.records or self.size > self.limits.size:", "if False:"
            ),
        ),
    ),
    Attack(
        "author that understates its size",
        "attacks/test_trust.py::test_an_author_that_understates_its_bytes_is_refused",
        (
            _one(
                "protocol/blocks.py",
                "if (whole or self.first_page) and (count > head.count or self.size > head.size):",
                "if False:",
            )
            + _one("storage/sets.py", "if authors.hold(db, number, grown) > head.size:", "if False:"),
        ),
    ),
    Attack(
        "non-public bodies asked for by the merely listed",
        "attacks/test_trust.py::test_who_is_merely_listed_gets_no_body_that_is_not_public_however_it_asks",
        (
            _one(_RECEIVING, "return self._acceptance.standing(node) is Standing.HONOURED", "return True"),
            _one(_SERVER, "if self._acceptance.standing(node) is not Standing.HONOURED:", "if False:"),
        ),
    ),
    Attack(
        "erased data coming back from an old replica",
        "attacks/test_passing_on.py::test_what_was_erased_does_not_come_back_from_an_old_replica",
        (_ORDER + _CHAIN, _SET),
    ),
    Attack(
        "disk full",
        "attacks/test_disk.py::test_a_full_disk_is_told_harms_no_set_and_is_over_when_there_is_room_again",
        (_one(_TRANSACTIONS, 'if "full" in said:', "if False:"),),
    ),
    Attack(
        "kill at every write",
        "attacks/test_disk.py::test_killed_before_any_statement_of_a_sync_a_node_holds_whole_sets_and_goes_on",
        (
            _one(_TRANSACTIONS, 'connection.execute("BEGIN IMMEDIATE")', "pass")
            + _one(_TRANSACTIONS, 'connection.execute("COMMIT")', "pass")
            + _one(_TRANSACTIONS, 'connection.execute("SAVEPOINT job")', "pass")
            + _one(_TRANSACTIONS, '    else:\n        connection.execute("RELEASE job")', "    else:"),
        ),
    ),
    Attack(
        "key substitution at join",
        "attacks/test_joining.py::test_a_key_put_in_between_shows_other_words_to_both_sides",
        (_WORDS,),
    ),
    Attack(
        "safety words",
        "attacks/test_joining.py::test_wrong_words_make_nobody_a_partner",
        (_WORDS, _one("trust/safety_words.py", "N, R, P = 2**15, 8, 1", "N, R, P = 2**4, 8, 1")),
    ),
    Attack(
        "replayed or expired invitation",
        "attacks/test_joining.py::test_an_invitation_counts_once_and_for_a_day",
        (
            _one("joining/reception.py", "if held.used_by is not None:", "if False:")
            + _one("joining/reception.py", "if held.used_by and not waits:", "if False:"),
            _one("joining/reception.py", "if held.expires <= now:", "if False:"),
        ),
    ),
    Attack(
        "invitations guessed to keep newcomers out",
        "attacks/test_joining.py::test_strangers_that_guess_invitations_keep_no_newcomer_out",
        (
            _one(
                "joining/reception.py",
                "        if held is None or not proven:\n            self._failures.count(",
                "        if self._failures.count(request.remote or '') or held is None or not proven:\n            (",
            ),
        ),
    ),
    Attack(
        "link opened by a mail scanner",
        "attacks/test_joining.py::test_opening_an_invitation_does_nothing",
        (_one("joining/invitation.py", "{PAGE}#{self.node_id}", "{PAGE}?{self.node_id}"),),
    ),
    Attack(
        "look-alike organisation",
        "attacks/test_joining.py::test_an_organisation_that_looks_like_a_known_one_is_pointed_out",
        (_one("trust/look_alikes.py", "found.setdefault(node, Likeness(other, what))", "pass"),),
    ),
    Attack(
        "introduced-then-removed node coming back",
        "attacks/test_membership.py::test_a_node_that_was_blocked_does_not_come_back_by_another_introduction",
        (_one("trust/reach.py", "{*walk.paths, *blocked}", "{*walk.paths}"),),
    ),
    Attack(
        "erased data coming back from a healed fork",
        "attacks/test_membership.py::test_what_was_erased_does_not_come_back_when_a_fork_is_healed",
        (_one("protocol/merge.py", "if key in mine.removed:", "if False:"),),
    ),
)
