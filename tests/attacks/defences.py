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
_NEWS = "federation/news.py"
_WIRE = "federation/wire.py"
_TRANSACTIONS = "storage/transactions.py"

_ROOT = _one(_VERDICTS, "if tree.root != head.root or len(tree) != head.count:", "if len(tree) != head.count:")
_SET = _one(_VERDICTS, "if tree.root != head.root or len(tree) != head.count:", "if False:")
_ORDER = _one(_VERDICTS, "if newest.order < mine.order:", "if False:")
_CHAIN = _one(_VERDICTS, "if any(head.prev == mine.hash for head in heads):", "if True:")
_TOO_MUCH = 'if self._room < 0:\n                raise Malformed(f"more than'
_CAP = _one(_WIRE, _TOO_MUCH, _TOO_MUCH.replace("self._room < 0", "False"))
_ACCESS = "api/access.py"
_JWT = "api/jwt.py"
_TOKENS = "storage/tokens.py"
_SESSIONS = "web/sessions.py"
_FORMULAS = "directory/importing/formulas.py"
_NO = "if False:"
_DESK = "roaming/verdicts.py"
_LINKS = "roaming/links.py"
_PASS_SIGNED = _one(_DESK, "        token.check(public)\n", "        pass\n")
_GOOD = "return self.revoked_at is None and now < self.expires"
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
            _one("directory/reader.py", "coalesce(authors.beat_expires, 0) > :now", ":now"),
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
        (_one(_NEWS, "sum(map(len, (*current.changes, line))) > bytes_", "False"),),
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
            + _one("storage/sets.py", "if authors.hold(db, author, grown) <= head.size:", "if True:"),
        ),
    ),
    Attack(
        "non-public bodies asked for by the merely listed",
        "attacks/test_trust.py::test_who_is_merely_listed_gets_no_body_that_is_not_public_however_it_asks",
        (
            _one(_RECEIVING, "return self._acceptance.standing(node) is Standing.HONOURED", "return True"),
            _one(_SERVER, "if (honoured or pushes) and", "if False and"),
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
        (_one(_TRANSACTIONS, 'if "full" in problem:', "if False:"),),
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
    Attack(
        "records asked for by another role",
        "attacks/test_api.py::test_no_role_is_shown_what_is_for_another",
        (_one("directory/reader.py", '"AND {table}.visibility IN ({visibilities}) AND', '"AND'),),
    ),
    Attack(
        "token guessed, expired or revoked",
        "attacks/test_api.py::test_a_token_opens_nothing_with_another_secret_nor_when_it_is_over",
        (
            _one("api/tokens.py", " or not hmac.compare_digest(_hash(text), held.hash)", ""),
            _one(_TOKENS, _GOOD, "return now < self.expires"),
            _one(_TOKENS, _GOOD, "return self.revoked_at is None"),
        ),
    ),
    Attack(
        "provider's token forged, or for another service",
        "attacks/test_api.py::test_a_token_of_a_provider_counts_as_it_was_signed_for_this_node_and_now",
        (
            _one(_JWT, "if key.key_type != model.key_type or not model.verify(self.signed, self.signature, key):", _NO),
            _one(_JWT, "if audience not in (meant if isinstance(meant, list) else [meant]):", _NO),
            _one(_JWT, 'if claims.get("iss") != issuer:', _NO),
            _one(_JWT, "if now >= expires + LEEWAY:", _NO),
        ),
    ),
    Attack(
        "photo exchanged for another",
        "attacks/test_api.py::test_a_photo_is_the_one_that_its_record_names_or_none",
        (_one(_CLIENT, "if (await asyncio.to_thread(hashlib.sha256, data)).hexdigest() != hash_:", _NO),),
    ),
    Attack(
        "photo bomb",
        "attacks/test_api.py::test_a_picture_of_more_pixels_than_any_camera_makes_is_not_decoded",
        (_one("photos/decoder.py", "Image.MAX_IMAGE_PIXELS = MOST_PIXELS", "Image.MAX_IMAGE_PIXELS = None"),),
    ),
    Attack(
        "formula in a table",
        "attacks/test_api.py::test_no_cell_of_a_table_is_evaluated",
        (_one(_FORMULAS, "return cell if _NUMBER.fullmatch(cell) else", "return cell if cell else"),),
    ),
    Attack(
        "text that a table's writer never gets through",
        "attacks/test_api.py::test_a_text_of_line_ends_alone_does_not_stop_the_node_when_it_is_exported",
        (_one(_FORMULAS, r'(?:[^\S\t\r\n]|\")*+)"', r'[\s\"]*)"'),),
    ),
    Attack(
        "workbook bomb",
        "attacks/test_api.py::test_a_workbook_that_asks_for_a_million_zeros_in_each_cell_gets_none",
        (
            _one("directory/importing/workbook.py", "(?P<digits>[#0 ]{0,31}0|@)", "(?P<digits>[#0 ]*0|@)")
            + _one(
                "directory/importing/workbook.py",
                'cell.number_format or "")[:LONGEST_FORMAT]',
                'cell.number_format or "")',
            ),
        ),
    ),
    Attack(
        "hidden words found out by what is corrected",
        "attacks/test_api.py::test_whether_a_word_is_corrected_says_nothing_of_hidden_records",
        (
            _one(
                "directory/search/words.py",
                "MATCH :query AND {reader.may_see('facts')} LIMIT 1",
                "MATCH :query LIMIT 1",
            ),
        ),
    ),
    Attack(
        "more questions than the budget",
        "attacks/test_api.py::test_nobody_asks_more_than_the_budget_by_another_path_or_a_made_up_address",
        (
            _one(
                _ACCESS,
                "if not spent.allowed:\n            raise Refused(",
                "if False:\n            raise Refused(",
            ),
            _one("api/address.py", "while hops and any(found in network for network in trusted):", "while hops:"),
        ),
    ),
    Attack(
        "page of another site",
        "attacks/test_api.py::test_a_page_of_another_site_reads_nothing",
        (
            _one(
                "api/browsers.py",
                'if (origin := request.headers.get("Origin")) in self._origins:',
                'if (origin := request.headers.get("Origin")) is not None:',
            ),
        ),
    ),
    Attack(
        "feed's token used elsewhere",
        "attacks/test_api.py::test_a_feeds_token_reads_that_feed_alone",
        (
            _one(_ACCESS, 'if held.feed != request.path or request.method not in ("GET", "HEAD"):', _NO),
            _one(_ACCESS, "if held.feed is not None:", _NO),
        ),
    ),
    Attack(
        "form of another site",
        "attacks/test_pages.py::test_another_sites_page_does_nothing_in_a_visitors_name",
        (
            _one(_SESSIONS, 'own = site == "same-origin"', "own = True"),
            _one(_SESSIONS, 'own = _host(origin) == request.headers.get("Host", "").lower()', "own = True"),
        ),
    ),
    Attack(
        "form that doesn't say where it comes from",
        "attacks/test_pages.py::"
        "test_what_a_browser_sends_that_does_not_say_where_a_form_comes_from_is_the_pages_own_or_nothing",
        (_one(_SESSIONS, "if visitor.logged_in and not self._is_signed(", "if False and not self._is_signed("),),
    ),
    Attack(
        "login as somebody else",
        "attacks/test_pages.py::test_nobody_is_logged_in_as_somebody_else_by_a_form_from_nowhere",
        (_one(_SESSIONS, "own = visitor.logged_in", "own = True"),),
    ),
    Attack(
        "session planted in a browser",
        "attacks/test_pages.py::test_a_session_that_was_planted_in_a_browser_is_not_the_one_of_who_logs_in_there",
        (
            _one(
                _SESSIONS,
                'before, secret = self.kept(request, _NAME) or "", encode_base64(self._world.random(32))',
                "before = secret = self.kept(request, _NAME) or encode_base64(self._world.random(32))",
            ),
        ),
    ),
    Attack(
        "session of a revoked token",
        "attacks/test_pages.py::test_a_session_is_over_when_its_token_is",
        (
            _one(_ACCESS, "return _bearer_of(await self._tokens.known(caller.id))", "return caller")
            + _one("api/tokens.py", "sessions.end_of(db, id_)", "pass"),
        ),
    ),
    Attack(
        "session read off the disk",
        "attacks/test_pages.py::test_who_reads_the_database_is_logged_in_as_nobody",
        (_one(_SESSIONS, "return hashlib.sha256(secret.encode()).digest()", "return secret.encode()"),),
    ),
    Attack(
        "login that leads elsewhere",
        "attacks/test_pages.py::test_a_link_to_the_login_leads_to_no_other_site",
        (_one(_SESSIONS, 'if text is not None and _OWN_PATH.fullmatch(text) else "/"', 'if text else "/"'),),
    ),
    Attack(
        "tokens guessed at the login",
        "attacks/test_pages.py::test_tokens_are_guessed_no_faster_at_the_pages_than_at_the_api",
        (
            _one(
                _ACCESS,
                "held = await self._own(text)\n        except InputError as error:\n"
                "            raise self.refused(request, str(error)) from error",
                "held = await self._own(text)\n        except InputError as error:\n"
                "            raise Refused(str(error), 401) from error",
            ),
        ),
    ),
    Attack(
        "form that trickles",
        "attacks/test_pages.py::test_a_form_that_trickles_is_given_up",
        (_one("web/page.py", "async with in_time(FORM_SECONDS):", "async with in_time(None):"),),
    ),
    Attack(
        "login at the provider that another began",
        "attacks/test_pages.py::test_nobody_is_logged_in_at_the_provider_by_what_another_began",
        (
            _one("api/code_flow.py", 'or not hmac.compare_digest(came.get("state", "").encode(),', "or not bool("),
            _one("api/code_flow.py", "if not isinstance(nonce, str) or not hmac.compare_digest(", "if nonce == ("),
        ),
    ),
    Attack(
        "login at the provider that no browser began",
        "attacks/test_pages.py::test_a_link_that_comes_back_from_the_provider_logs_nobody_in_who_did_not_set_out",
        (_one("api/code_flow.py", "if not secret or not hmac.compare_digest(", "if not hmac.compare_digest("),),
    ),
    Attack(
        "pass of another issuer",
        "attacks/test_roaming.py::test_a_pass_that_another_organisation_signed_in_its_name_lets_nobody_in",
        (_PASS_SIGNED,),
    ),
    Attack(
        "pass without a signature",
        "attacks/test_roaming.py::test_a_pass_without_a_signature_lets_nobody_in",
        (_one("roaming/passes.py", 'if header["alg"] != ALGORITHM or header["typ"] != TYPE:', _NO) + _PASS_SIGNED,),
    ),
    Attack(
        "revoked pass",
        "attacks/test_roaming.py::test_a_revoked_pass_lets_nobody_in",
        (_one(_DESK, "if revocations is not None and revocations.revoked(claims.index):", _NO),),
    ),
    Attack(
        "copied pass",
        "attacks/test_roaming.py::test_a_copy_of_one_days_pass_lets_nobody_in_again",
        (_one(_DESK, 'if then and rules.replay == "refuse":', _NO),),
    ),
    Attack(
        "pass of a visit that was called off",
        "attacks/test_visits.py::test_a_host_that_took_its_word_back_lets_nobody_in_whoever_vouches_for_them",
        (_one(_DESK, "if visit.state not in EXPECTED:", _NO),),
    ),
    Attack(
        "pass without a visit",
        "attacks/test_visits.py::test_a_pass_lets_nobody_in_who_has_not_asked_where_that_is_wanted",
        (_one(_DESK, "if issuer.node_id == place.host or days <= place.unasked_days:", "if True:"),),
    ),
    Attack(
        "pass for more than was agreed",
        "attacks/test_visits.py::test_a_pass_lets_nobody_in_where_or_when_nothing_was_agreed",
        (
            _one(_DESK, "if visit.venue != place.id:", _NO),
            _one(_DESK, "if place.today(now) > visit.days.last:", _NO),
        ),
    ),
    Attack(
        "message replayed",
        "attacks/test_roaming.py::test_a_message_that_is_brought_again_takes_effect_once",
        (
            _one(
                "roaming/messages.py",
                "if known := stored.received(db, message.sender, message.id):",
                "if known := None:",
            ),
        ),
    ),
    Attack(
        "message passed on",
        "attacks/test_roaming.py::test_a_message_to_one_node_is_nothing_that_was_said_to_another",
        (
            _one(
                "roaming/sealing.py",
                "if (said.sender, said.to, said.id) != (sealed.sender, sealed.to, sealed.id):",
                _NO,
            ),
            _one("roaming/post_office.py", "if sealed.sender != node:", _NO),
        ),
    ),
    Attack(
        "mailbox read by another",
        "attacks/test_roaming.py::test_a_mailbox_gives_what_it_keeps_to_nobody_else",
        (
            _one(
                "storage/mailbox.py",
                'WHERE recipient = ? AND NOT answered ORDER BY no LIMIT ?", (recipient, most)',
                'WHERE NOT answered ORDER BY no LIMIT ?", (most,)',
            ),
        ),
    ),
    Attack(
        "mailbox filled under many names",
        "attacks/test_roaming.py::test_under_many_names_nobody_fills_a_mailbox_for_the_others",
        (_one("directory/acceptance.py", "if hop and one.path[:1] == hop", "if False"),),
    ),
    Attack(
        "inbox filled under many names",
        "attacks/test_roaming.py::test_under_many_names_nobody_fills_the_inbox_for_the_others",
        (_one("directory/acceptance.py", "if hop and one.path[:1] == hop", "if False"),),
    ),
    Attack(
        "link used twice",
        "attacks/test_roaming.py::test_a_link_decides_once",
        (_one(_LINKS, "if link.used is not None:", _NO),),
    ),
    Attack(
        "link of an old letter",
        "attacks/test_roaming.py::test_the_link_of_another_letter_does_not_undo_what_was_decided",
        (_one(_LINKS, "if visit.state not in OPEN:", _NO),),
    ),
    Attack(
        "letter opened by a mail scanner",
        "attacks/test_roaming.py::test_to_open_a_link_decides_nothing",
        (
            _one(
                "web/visit.py",
                "return await self._page(_asked(request))",
                'await self._links.decide(request.match_info["secret"], Event.ACCEPT)\n'
                "        return await self._page(_asked(request))",
            ),
        ),
    ),
    Attack(
        "calendar of a host on loopback",
        "attacks/test_roaming.py::test_a_venues_calendar_is_not_looked_for_on_this_machine",
        (_one("roaming/venue_calendar.py", "if is_here(address):", _NO),),
    ),
    Attack(
        "name that leads into the network",
        "attacks/test_roaming.py::test_a_name_that_leads_into_the_nodes_own_network_is_not_called",
        (_one("federation/outward.py", 'if is_outside(each["host"])]', "]"),),
    ),
    Attack(
        "calendar that takes for ever",
        "attacks/test_roaming.py::test_a_calendar_that_takes_for_ever_to_read_is_given_up",
        (_one("apart.py", "async with asyncio.timeout(seconds):", "async with asyncio.timeout(None):"),),
    ),
    Attack(
        "guessed links",
        "attacks/test_roaming.py::test_who_guesses_links_is_told_less_and_less_and_a_good_one_works_beside_them",
        (_one("web/visit.py", "known = refused.status != HTTPStatus.TOO_MANY_REQUESTS", "known = True"),),
    ),
    Attack(
        "flood of links",
        "attacks/test_roaming.py::test_an_address_looks_at_links_so_often_in_a_minute",
        (_one("web/visit.py", "self._access.spend(Caller(Role.PUBLIC), request, Budget.READ)", "pass"),),
    ),
    Attack(
        "many links at the same time",
        "attacks/test_roaming.py::test_only_so_many_links_are_looked_up_at_the_same_time",
        (_one(_LINKS, "if self._room.locked():", _NO),),
    ),
    Attack(
        "receipt for guests who never came",
        "attacks/test_visits.py::test_a_host_that_was_shown_no_pass_gets_no_signature_by_its_own_word",
        (
            _one(
                "roaming/arrivals.py",
                'if "pass" not in value or not self._was_shown(db, visit, parse_record_id(value["pass"])):',
                _NO,
            ),
            _one(
                "roaming/arrivals.py",
                'if "pass" not in value or not self._was_shown(db, visit, parse_record_id(value["pass"])):',
                'if "pass" not in value:',
            ),
        ),
    ),
    Attack(
        "receipt for guests who cancelled",
        "attacks/test_visits.py::test_who_has_cancelled_signs_for_no_arrival_whatever_the_host_says_it_had_seen",
        (
            _one(
                "roaming/arrivals.py",
                "if any(said.event == Event.CANCEL for said in visits.moves(db, visit.no)):",
                _NO,
            ),
        ),
    ),
    Attack(
        "answer sent ahead",
        "attacks/test_visits.py::test_a_word_that_does_not_count_is_no_early_answer",
        (_one("roaming/journal.py", "if (each.side, each.number) in counting]", "if counting]"),),
    ),
    Attack(
        "visit that is kept for ever",
        "attacks/test_visits.py::test_no_days_that_are_over_or_far_away_make_a_host_keep_what_it_is_sent",
        (
            _one(
                "roaming/visits.py",
                "availability.ends(zone, request.period) <= now or availability.too_far(zone, request.period, now)",
                "availability.ends(zone, request.period) <= now",
            ),
            _one(
                "roaming/visits.py",
                "availability.ends(zone, request.period) <= now or availability.too_far(zone, request.period, now)",
                "availability.too_far(zone, request.period, now)",
            ),
        ),
    ),
)
