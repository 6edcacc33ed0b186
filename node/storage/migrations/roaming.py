"""Visits, passes, and messages between nodes."""

from sqlite_utils import Database


def m013_passes(db: Database) -> None:
    db.table("passes").create(
        {"id": str, "place": int, "visit": str, "ends": int, "revoked_at": int},
        pk="id",
        not_null={"place", "visit", "ends"},
    )
    db.table("passes").create_index(["place"], unique=True)
    db.table("passes").create_index(["visit"])
    db.table("admissions").create(
        {"issuer": str, "pass": str, "venue": str, "day": str, "at": int, "ends": int},
        pk=("issuer", "pass", "venue", "day"),
        not_null={"at", "ends"},
    )


def m014_messages(db: Database) -> None:
    # A body is personal: it lies on pages of its own, behind a page of zeros (see `bulk`).
    db.execute(
        "CREATE TABLE outbox (no INTEGER PRIMARY KEY, recipient TEXT NOT NULL, id TEXT NOT NULL, kind TEXT NOT NULL, "
        "sent INTEGER NOT NULL, expires INTEGER NOT NULL, tries INTEGER NOT NULL DEFAULT 0, due REAL NOT NULL, "
        "problem TEXT, apart BLOB NOT NULL, body BLOB NOT NULL, UNIQUE (recipient, id))"
    )
    db.execute("CREATE INDEX outbox_due ON outbox (due)")
    db.execute(
        "CREATE TABLE inbox (sender TEXT, id TEXT, refused TEXT, at INTEGER NOT NULL, expires INTEGER NOT NULL, "
        "PRIMARY KEY (sender, id)) WITHOUT ROWID"
    )
    db.execute("CREATE INDEX inbox_at ON inbox (sender, at)")
    db.execute(
        "CREATE TABLE mailbox (no INTEGER PRIMARY KEY, recipient TEXT NOT NULL, sender TEXT NOT NULL, "
        "id TEXT NOT NULL, size INTEGER NOT NULL, at INTEGER NOT NULL, answered INTEGER NOT NULL DEFAULT 0, "
        "sealed BLOB NOT NULL, UNIQUE (recipient, sender, id))"
    )
    db.execute("CREATE INDEX mailbox_sender ON mailbox (sender)")


def m015_visits(db: Database) -> None:
    db.table("visits").create(
        {
            "no": int,
            "guest": str,
            "id": str,
            "side": str,
            "venue": str,
            "zone": str,
            "asker": bytes,
            "asked": int,
            "state": str,
            "first": str,
            "last": str,
            "ends": int,
            "problem": str,
        },
        pk="no",
        not_null={"guest", "id", "side", "venue", "zone", "asked", "state", "first", "last", "ends"},
    )
    db.table("visits").create_index(["guest", "id"], unique=True)
    db.table("visits").create_index(["id"])
    db.table("visits").create_index(["venue", "state"])
    db.table("visits").create_index(["ends"])
    db.table("visits").create_index(["asker"])
    db.table("visit_requests").create({"visit": int, "apart": bytes, "request": bytes}, pk="visit")
    db.execute(
        "CREATE TABLE visit_moves (visit INTEGER, side TEXT, number INTEGER, seen INTEGER NOT NULL, "
        "event TEXT NOT NULL, at INTEGER NOT NULL, heard INTEGER NOT NULL, first TEXT, last TEXT, "
        "apart BLOB, note TEXT, "
        "PRIMARY KEY (visit, side, number))"
    )
    db.execute(
        "CREATE TABLE visit_passes (visit INTEGER, person INTEGER, apart BLOB, token TEXT NOT NULL, "
        "PRIMARY KEY (visit, person))"
    )
    db.table("visit_links").create({"hash": bytes, "visit": int, "expires": int, "used": int}, pk="hash")
    db.table("letters").create(
        {"no": int, "visit": int, "what": str, "due": int, "tries": int, "problem": str},
        pk="no",
        not_null={"visit", "what", "due", "tries"},
    )
    db.table("letters").create_index(["due"])
    db.table("arrivals").create(
        {
            "guest": str,
            "visit": str,
            "side": str,
            "venue": str,
            "day": str,
            "days": int,
            "answer_minutes": int,
            "statement": bytes,
            "host_signature": bytes,
            "guest_signature": bytes,
        },
        pk=("guest", "visit"),
        not_null={"side", "venue", "day", "days", "statement", "host_signature"},
    )
    db.table("arrivals").create_index(["day"])


STEPS = (m013_passes, m014_messages, m015_visits)
