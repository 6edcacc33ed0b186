"""What nodes hold of each other, and of whom they take it."""

from sqlite_utils import Database


def m001_authors(db: Database) -> None:
    db.table("meta").create({"name": str, "value": str}, pk="name", not_null={"value"})
    db.table("authors").create(
        {
            "no": int,
            "node_id": str,
            "card": bytes,
            "epoch": int,
            "head": bytes,
            "head_hash": bytes,
            "head_at": int,
            "seq": int,
            "count": int,
            "size": int,
            "root": bytes,
            "beat": bytes,
            "beat_time": int,
            "beat_expires": int,
            "arrival": int,
            "standing": int,
            "forked_epoch": int,
            "continuous": int,
            "held": int,
            "next_card": bytes,
        },
        pk="no",
        not_null={"node_id", "card", "epoch", "seq", "standing", "continuous", "held"},
        defaults={"seq": 0, "standing": 0, "continuous": 1, "held": 0},
    )
    db.table("authors").create_index(["node_id"], unique=True)
    db.table("authors").create_index(["arrival"], unique=True)
    db.table("evidence").create({"author": int, "epoch": int, "line": bytes}, pk="author")
    db.table("heads").create(
        {"author": int, "epoch": int, "seq": int, "hash": bytes, "line": bytes, "at": int},
        pk=("author", "epoch", "seq"),
    )


def m002_records(db: Database) -> None:
    db.table("records").create(
        {
            "no": int,
            "author": int,
            "key": bytes,
            "value": bytes,
            "seq": int,
            "kind": str,
            "id": str,
            "visibility": str,
            "expires": int,
            "line": bytes,
            "problem": str,
        },
        pk="no",
        not_null={"author", "key", "value", "seq"},
    )
    db.table("records").create_index(["author", "key"], unique=True)
    db.table("records").create_index(["author", "seq"])
    db.table("records").create_index(["kind"])
    db.execute("CREATE INDEX records_without_body ON records (author, key) WHERE line IS NULL")
    db.table("removals").create({"author": int, "key": bytes, "seq": int, "at": int}, pk=("author", "key"))
    db.table("removals").create_index(["author", "seq"])


def m003_search(db: Database) -> None:
    db.table("texts").create({"no": int, "heading": str, "words": str}, pk="no")
    db.table("texts").enable_fts(["heading", "words"], create_triggers=True, tokenize="unicode61 remove_diacritics 2")
    db.execute("CREATE VIRTUAL TABLE places USING rtree_i32(no, south, north, west, east)")


def m004_federation(db: Database) -> None:
    db.table("partners").create(
        {
            "node_id": str,
            "url": str,
            "added": int,
            "cursor": str,
            "last_sync": int,
            "failures": int,
            "problem": str,
        },
        pk="node_id",
        not_null={"added", "failures"},
        defaults={"failures": 0},
    )
    db.table("heard").create(
        {"partner": str, "author": str, "epoch": int, "seq": int, "head": bytes}, pk=("partner", "author")
    )
    db.table("heard").create_index(["author"])
    db.table("refusals").create(
        {"partner": str, "author": str, "reason": str, "sentence": str, "head": bytes, "at": int},
        pk=("partner", "author"),
    )
    db.table("refs").create({"kind": str, "ref": str, "id": str}, pk=("kind", "ref"))


def m005_membership(db: Database) -> None:
    db.table("blocks").create(
        {"node_id": str, "at": int, "reason": str},
        pk="node_id",
        not_null={"at", "reason"},
        defaults={"reason": ""},
    )
    db.table("authors").add_column("dropped_at", int)


def m006_joining(db: Database) -> None:
    db.table("invitations").create(
        {
            "id": str,
            "key": bytes,
            "label": str,
            "created": int,
            "expires": int,
            "used_by": str,
            "used_at": int,
            "cancelled_at": int,
        },
        pk="id",
        not_null={"key", "label", "created", "expires"},
    )
    db.table("joins").create(
        {
            "node_id": str,
            "side": str,
            "invitation": str,
            "key": bytes,
            "organisation": str,
            "website": str,
            "url": str,
            "key_card": bytes,
            "confirmed_here": int,
            "confirmed_there": int,
            "at": int,
            "problem": str,
        },
        pk="node_id",
        not_null={"side", "invitation", "organisation", "website", "url", "key_card", "at"},
    )


def m007_personal_lines_apart(db: Database) -> None:
    db.table("records").add_column("apart", bytes)
    # It has to stand before the line that it keeps apart.
    last = ("apart", "line", "problem")
    first = [column.name for column in db.table("records").columns if column.name not in last]
    db.table("records").transform(column_order=[*first, *last])
    db.execute("UPDATE records SET apart = zeroblob(4096) WHERE kind = 'contact' AND line IS NOT NULL")
    # Names, addresses and numbers were searched until now; the words that still are come with the next change.
    db.execute("DELETE FROM texts WHERE no IN (SELECT no FROM records WHERE kind = 'contact')")
    db.execute("INSERT INTO texts_fts (texts_fts) VALUES ('rebuild')")


def m008_backlog(db: Database) -> None:
    db.table("backlog").create({"no": int, "value": bytes}, pk="no", not_null={"value"})
    db.table("authors").add_column("news", int)
    db.execute("UPDATE authors SET news = arrival")
    db.table("authors").add_column("damaged", int, not_null_default=0)


STEPS = (
    m001_authors,
    m002_records,
    m003_search,
    m004_federation,
    m005_membership,
    m006_joining,
    m007_personal_lines_apart,
    m008_backlog,
)
