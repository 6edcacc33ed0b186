"""A database that an earlier version made is brought to what this one needs, and nothing of it is lost."""

import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path

import sqlite_utils

from node.protocol.verdicts import Accepted
from node.storage import backlog
from node.storage.database import Database
from node.storage.migrations import migrations
from node.storage.scrub import look
from node.trust.reach import Standing
from tests.directory.small_node import SmallNode, signatory, tags
from tests.kinds.kind_examples import example
from tests.search.asking import ask, ids


def test_records_from_before_personal_lines_had_pages_of_their_own_stay_and_names_leave_the_search(
    tmp_path: Path,
) -> None:
    path = tmp_path / "node.db"
    with closing(sqlite3.connect(path)) as db:
        migrations.apply(sqlite_utils.Database(db), stop_before="m007_personal_lines_apart")
        for no, kind, line in ((1, "venue", b"a room"), (2, "contact", b"a person")):
            db.execute(
                "INSERT INTO records (no, author, key, value, seq, kind, line) VALUES (?, 1, ?, ?, ?, ?, ?)",
                (no, bytes([no]) * 32, bytes(32), no, kind, line),
            )
            db.execute("INSERT INTO texts (no, heading, words) VALUES (?, ?, ?)", (no, kind, line.decode()))
        db.commit()
    with closing(Database(path)) as database:

        def check(db: sqlite3.Connection) -> None:
            assert list(db.execute("SELECT no, length(apart), line FROM records ORDER BY no")) == [
                (1, None, b"a room"),
                (2, 4096, b"a person"),
            ]
            columns = [row[1] for row in db.execute("PRAGMA table_info(records)")]
            assert columns.index("apart") < columns.index("line")
            for word, found in (("room", [(1,)]), ("person", [])):
                assert list(db.execute("SELECT rowid FROM texts_fts WHERE texts_fts MATCH ?", (word,))) == found
            indexes = {row[1] for row in db.execute("PRAGMA index_list(records)")}
            assert {"records_without_body", "idx_records_author_key", "idx_records_author_seq"} <= indexes

        database.read_now(check)


async def test_a_database_from_before_the_backlog_goes_on_with_all_that_it_held(tmp_path: Path) -> None:
    paris, path = signatory("paris"), tmp_path / "tartu.db"
    with closing(SmallNode(tmp_path)) as before:
        before.befriend(paris)
        assert isinstance(await before.take(paris.block_lines(), paris), Accepted)
    as_if_made_before(path, "m008_backlog")
    with closing(SmallNode(tmp_path)) as node:
        node.accept(paris, Standing.HONOURED)
        held = node.author(paris.id)
        assert held is not None
        assert (held.news, held.damaged) == (held.arrival, 0), "its newest state is news to whoever hasn't seen it"
        assert tags(node.feed())[:2] == ["card", "head"]
        assert node.database.read_now(partial(look, author_id=paris.id)) is None, "nothing counts as damaged"
        async with node.indexer.running() as indexer:
            await indexer.done()
        paris.put("practice", example("practice"), "p")
        want = node.want(paris)
        paris.commit()
        assert isinstance(await node.take(paris.block_lines(want), paris), Accepted)
        assert len(node.rows(paris.id)) == 3


def as_if_made_before(path: Path, step: str) -> None:
    """Brings a database back to what the version before a step would have left, with all that its tables hold."""
    with closing(sqlite3.connect(path)) as now, closing(sqlite3.connect(path.with_suffix(".before"))) as before:
        migrations.apply(sqlite_utils.Database(before), stop_before=step)
        tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE '%VIRTUAL%'"
        for (table,) in before.execute(tables).fetchall():
            if table.startswith(("texts_", "places_", "_sqlite", "sqlite")):
                # Made from the others.
                continue
            columns = [row[1] for row in before.execute(f"PRAGMA table_info({table})")]
            rows = now.execute(f"SELECT {', '.join(columns)} FROM {table}").fetchall()
            marks = ", ".join("?" * len(columns))
            # What triggers of that time made of the other tables is there, too.
            before.execute(f"DELETE FROM {table}")
            before.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", rows)
        before.commit()
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    path.with_suffix(".before").rename(path)


async def test_what_was_held_before_facts_were_kept_is_looked_into_again_and_found_by_them(tmp_path: Path) -> None:
    paris, path = signatory("paris"), tmp_path / "tartu.db"
    with closing(SmallNode(tmp_path)) as before:
        before.befriend(paris)
        assert isinstance(await before.take(paris.block_lines(), paris), Accepted)
    as_if_made_before(path, "m009_facts")
    with closing(SmallNode(tmp_path)) as node:
        node.accept(paris, Standing.HONOURED)
        assert ask(node, country="EE").total == 0
        async with node.indexer.running() as indexer:
            await indexer.done()
        assert ids(ask(node, country="EE", q="paris")) == ["self"]
        assert node.database.read_now(backlog.size) == 0
