"""The schema, as small named steps; each is applied once, in this order, in a transaction of its own.

What the tables hold:

- authors: one row an author: newest card, head and beat as received, what of them is asked for often, and `arrival`,
  the place of its last change in the feed (no head: known by its card alone); `news` is that of the last one which was
  more than a beat
- heads: the chain, so that a reader that was away gets all heads since its own
- records: exact canonical bytes and the columns that are looked for. `line` is absent for a leaf without its body;
  `seq` is 0 for a record that never leaves this node and so is in no tree; `problem` says why a body is in no view;
  `apart` keeps what comes after it on pages of the row's own: see `bulk`
- removals: keys that a head proved gone, for readers that still have them
- backlog: numbers and hashes of records that are not looked into yet
- texts (full text), places (R*Tree): what is searched, by records.no
- partners, heard, refusals: whom we sync with, what each says it has, and what of it we refused
- refs: the publisher's own row names, so that importing again changes what it made before
- blocks: whom the operator blocked, and why; `dropped_at` of an author: when it ceased to be reached, to be deleted
  some time after
- `damaged` of an author: its rows don't make up its root, so it is told to nobody until they do: see `scrub`
- invitations, joins: links that were handed out, without their secret; nodes that may become partners
"""

from sqlite_utils import Database, Migrations

migrations = Migrations("bra")


@migrations()
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


@migrations()
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


@migrations()
def m003_search(db: Database) -> None:
    db.table("texts").create({"no": int, "heading": str, "words": str}, pk="no")
    db.table("texts").enable_fts(["heading", "words"], create_triggers=True, tokenize="unicode61 remove_diacritics 2")
    db.execute("CREATE VIRTUAL TABLE places USING rtree_i32(no, south, north, west, east)")


@migrations()
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


@migrations()
def m005_membership(db: Database) -> None:
    db.table("blocks").create(
        {"node_id": str, "at": int, "reason": str},
        pk="node_id",
        not_null={"at", "reason"},
        defaults={"reason": ""},
    )
    db.table("authors").add_column("dropped_at", int)


@migrations()
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


@migrations()
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


@migrations()
def m008_backlog(db: Database) -> None:
    db.table("backlog").create({"no": int, "value": bytes}, pk="no", not_null={"value"})
    db.table("authors").add_column("news", int)
    db.execute("UPDATE authors SET news = arrival")
    db.table("authors").add_column("damaged", int, not_null_default=0)
