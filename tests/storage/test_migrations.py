"""A database that an earlier version made is brought to what this one needs, and nothing of it is lost."""

import sqlite3
from contextlib import closing
from pathlib import Path

import sqlite_utils

from node.storage.database import Database
from node.storage.migrations import migrations


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

        def look(db: sqlite3.Connection) -> None:
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

        database.read_now(look)
