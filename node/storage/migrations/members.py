"""What members find, show and bring: facts, photos, tokens, sheets; and who of them is logged in."""

from sqlite_utils import Database


def m009_facts(db: Database) -> None:
    # What every question looks at comes first: SQLite finds a column by going over those before it.
    db.table("facts").create(
        {
            "no": int,
            "author": int,
            "kind": str,
            "visibility": str,
            "expires": int,
            "length": int,
            "opening": int,
            "starts": int,
            "ends": int,
            "starts_there": int,
            "ends_there": int,
            "x": int,
            "y": int,
            "z": int,
            "country": str,
            "type": str,
            "category": str,
            "city": str,
            "name": str,
            "facilities": str,
            "languages": str,
            "hours": str,
            "venue": bytes,
            "host": str,
        },
        pk="no",
        not_null={"author", "kind", "visibility", "length", "name"},
    )
    # By their numbers within each: from one to the next there is no way.
    db.table("facts").create_index(["kind"])
    db.execute("CREATE INDEX facts_country ON facts (country) WHERE country IS NOT NULL")
    db.execute("CREATE INDEX facts_starts ON facts (starts) WHERE starts IS NOT NULL")
    db.execute("CREATE INDEX facts_opening ON facts (author, opening) WHERE opening IS NOT NULL")
    db.execute("CREATE INDEX facts_venue ON facts (venue) WHERE venue IS NOT NULL")
    db.execute("CREATE INDEX facts_town ON facts (city, country) WHERE x IS NULL AND city IS NOT NULL")
    db.execute(
        "CREATE INDEX facts_at_home ON facts (author, kind) WHERE x IS NULL AND country IS NULL AND venue IS NULL"
    )
    db.execute("CREATE VIRTUAL TABLE words USING fts5vocab(texts_fts, row)")
    # What is held already is looked into again; until then it is in no view.
    db.execute(
        "INSERT OR IGNORE INTO backlog (no, value) "
        "SELECT no, value FROM records WHERE line IS NOT NULL AND problem IS NULL ORDER BY no"
    )


def m010_photos(db: Database) -> None:
    db.execute(
        "CREATE TABLE photos (hash TEXT PRIMARY KEY, author INTEGER NOT NULL, added INTEGER NOT NULL, "
        "used INTEGER NOT NULL, keep_until INTEGER NOT NULL, size INTEGER NOT NULL, photo BLOB NOT NULL, preview BLOB)"
    )
    # All that is asked of a photo but its bytes, which lie in between.
    db.execute("CREATE INDEX photos_by_author ON photos (author, used, added, hash, size, keep_until)")
    db.execute(
        "CREATE TABLE photo_uses (photo TEXT, author INTEGER, record INTEGER, PRIMARY KEY (photo, author, record)) "
        "WITHOUT ROWID"
    )
    db.execute("CREATE INDEX photo_uses_record ON photo_uses (record)")
    # Of many records few name any: what finds out has to cost the others nothing.
    naming = "{row}.kind IN ('venue', 'organisation') AND instr({row}.line, CAST('\"sha256:' AS BLOB))"
    pictures = (
        "json_each(CAST({row}.line AS TEXT), CASE {row}.kind WHEN 'venue' THEN '$.body.photos' ELSE '$.body.logo' END) "
        "AS picture WHERE picture.type = 'text' AND length(picture.value) = 71 AND picture.value GLOB 'sha256:*'"
    )
    db.execute(
        "INSERT OR IGNORE INTO photo_uses SELECT substr(picture.value, 8), records.author, records.no "
        f"FROM records, {pictures.format(row='records')} AND {naming.format(row='records')} "
        # A line that the disk has altered meanwhile must not keep the node from starting.
        "AND json_valid(CAST(records.line AS TEXT))"
    )
    db.execute(
        f"CREATE TRIGGER photo_uses_put AFTER INSERT ON records WHEN {naming.format(row='new')} BEGIN "
        "INSERT OR IGNORE INTO photo_uses SELECT substr(picture.value, 8), new.author, new.no "
        f"FROM {pictures.format(row='new')}; "
        "UPDATE photos SET keep_until = 0 WHERE author = new.author AND keep_until > 0 "
        "AND hash IN (SELECT photo FROM photo_uses WHERE record = new.no); END"
    )
    db.execute(
        f"CREATE TRIGGER photo_uses_gone AFTER DELETE ON records WHEN {naming.format(row='old')} BEGIN "
        "DELETE FROM photo_uses WHERE record = old.no; END"
    )


def m011_tokens(db: Database) -> None:
    db.table("tokens").create(
        {
            "id": str,
            "hash": bytes,
            "role": str,
            "label": str,
            "created": int,
            "expires": int,
            "revoked_at": int,
            "used_on": int,
            "feed": str,
        },
        pk="id",
        not_null={"hash", "role", "label", "created", "expires"},
    )


def m012_imports(db: Database) -> None:
    db.table("refs").add_column("source", str)
    db.execute("CREATE INDEX refs_source ON refs (kind, source) WHERE source IS NOT NULL")
    db.table("mappings").create(
        {"id": str, "kind": str, "headers": str, "mapping": str, "at": int},
        pk="id",
        not_null={"kind", "headers", "mapping", "at"},
    )


def m016_sessions(db: Database) -> None:
    db.table("sessions").create(
        {"hash": bytes, "caller": str, "role": str, "label": str, "created": int, "ends": int, "used_on": int},
        pk="hash",
        not_null={"caller", "role", "label", "created", "ends", "used_on"},
    )
    db.table("sessions").create_index(["caller"])


def m017_makers(db: Database) -> None:
    db.table("tokens").add_column("maker", str)


def m018_photo_uses(db: Database) -> None:
    # A trigger looked through each line byte by byte, a fifth of what storing a record takes: see `photos.note_uses`.
    for trigger in ("photo_uses_put", "photo_uses_gone"):
        db.execute(f"DROP TRIGGER {trigger}")


STEPS = (m009_facts, m010_photos, m011_tokens, m012_imports, m016_sessions, m017_makers, m018_photo_uses)
