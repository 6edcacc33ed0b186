"""Makes the whole of `protocol.json` from the code: every key, signature, root, count, hash and proof in it.

The prose and the spellings of JSON stand here as constants; every figure is computed. `tests/protocol/test_vectors.py`
compares the two, so nothing in the file is unverified. To read it as a file:

    python -m tests.vectors.generate
"""

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from node.protocol import names
from node.protocol.canonical import decode
from node.protocol.keys import PrivateKey
from node.protocol.names import node_id, parse_time
from node.protocol.record import Record, tree_key
from node.protocol.statements import NO_HASH, Beat, Card, Head, Signed
from node.protocol.tree import Tree

ABOUT = (
    "Fixed bytes of the protocol: see design/protocol.md. Ed25519 private keys are 32 raw bytes, hex, for tests alone."
)
NOON = parse_time("2026-11-21T12:00:00Z")
DAY = 86_400

ROOT = PrivateKey(bytes(range(0x20)))
SIGNING = PrivateKey(bytes(range(0x20, 0x40)))
SIGNING_EPOCH_2 = PrivateKey(bytes(range(0x40, 0x60)))
AUTHOR = node_id(ROOT.public)

VALID = [
    "{}",
    '{"a":1,"b":[true,false,"x"],"c":{"d":-9007199254740991}}',
    '{"Z":1,"_":2,"a-b":3,"en":"é \\u0001 \\n \\" \\\\ / \u2028 \U0001f600"}',
    '{"a":"\\b\\f\\n\\r\\t"}',
]
INVALID = [
    ('{"b":1,"a":2}', "keys out of order"),
    ('{"a": 1}', "white space"),
    ('{"a":1,"a":1}', "duplicate key"),
    ('{"a":1.0}', "float"),
    ('{"a":1e3}', "float"),
    ('{"a":-0}', "minus zero is not canonical"),
    ('{"a":01}', "not JSON"),
    ('{"a":9007199254740992}', "integer too large"),
    ('{"a":null}', "null"),
    ('{"é":1}', "key not ASCII"),
    ('{"a b":1}', "key outside the allowed characters"),
    ('{"":1}', "empty key"),
    ('{"a":"\\ud800"}', "lone surrogate"),
    ('{"a":"\\u00e9"}', "needless escape"),
    ('{"a":"\\/"}', "needless escape"),
    ('{"a":"\\u001F"}', "upper-case hex in an escape"),
    ('{"a":1}\n', "trailing newline"),
    ('\ufeff{"a":1}', "byte order mark"),
    ("[1,2", "not JSON"),
    ("NaN", "not JSON"),
    ('{"a":Infinity}', "not JSON"),
]

ROOM = {"name": "Sõbra meeting room", "city": "Tartu", "country": "EE"}
PUBLISHED = [
    (
        "organisation",
        "o7k2m4qa",
        1,
        "public",
        "Dkp4wf8NdHmUsNIZQMuGVw",
        {"name": "Tartu Science Park", "city": "Tartu", "country": "EE", "website": "https://example.org/"},
    ),
    (
        "venue",
        "v3n8r1tz",
        2,
        "public",
        "uMVdk13WYUuZRqmFhhkJYA",
        {
            "name": 'Visiting desk ☕ "Teaduspargi"',
            "city": "Tartu",
            "country": "EE",
            "geo": {"lat_e6": 58378000, "lon_e6": 26729000},
            "time_zone": "Europe/Tallinn",
        },
    ),
    ("venue", "v9p5w0xe", 3, "public", "ifTs0Wg-9yWHVR0gom1SLQ", {**ROOM, "capacity": 12}),
    (
        "event",
        "e1c6y2hf",
        4,
        "public",
        "R3V65EkEkPhFK9j271nWwA",
        {
            "title": {
                "en": "Cluster internationalisation – why and how?",
                "lv": "Klasteru internacionalizācija",
            },
            "start": "2027-06-02T09:00",
            "end": "2027-06-03T16:00",
            "time_zone": "Europe/Riga",
        },
    ),
    (
        "contact",
        "c0d4j8sb",
        5,
        "members",
        "kFcFoYL02WFbKAHQaqoTrA",
        {"role": "visitor desk", "phone": "+3720000000", "languages": ["et", "en"]},
    ),
    ("venue", "v9p5w0xe", 7, "public", "u-9vsDnji3Rqtw-Rr6sp6g", {**ROOM, "capacity": 16}),
]
ROOMS = (
    'record i, 0 <= i < 1000: kind venue, id "x%07d" % i, seq i+1, salt = first 16 bytes of '
    'SHA-256("venue/" + id + "/" + seq), body {"name":"Room <i>"}, other members as in the records above'
)
PROOF_FORMAT = (
    "siblings stand from the root down; end is the leaf that the path ends in, or absent where it ends in EMPTY"
)


def generate() -> dict[str, Any]:
    """The whole document, as `json.load` would give it."""
    records = [
        _record(kind, id_, seq, visibility, names.decode_base64(salt, 16), body)
        for kind, id_, seq, visibility, salt, body in PUBLISHED
    ]
    organisation, desk, room, event, contact, room_revised = records
    card = Card.make(ROOT, network="test", epoch=1, signing=SIGNING.public, issued=NOON)
    card_2 = Card.make(ROOT, network="test", epoch=2, signing=SIGNING_EPOCH_2.public, issued=NOON + 10 * DAY)

    state = [organisation, desk, room_revised, event]
    first = _head(4, [organisation, desk, room, event], NO_HASH)
    second = _head(5, [organisation, desk, room, event, contact], first.hash)
    third = _head(7, state, second.hash)
    fork = _head(7, [organisation, desk, event], second.hash)
    beat = Beat.make(SIGNING, head=third, time=NOON + 3600, urls=("https://node.tartu.example/",))
    inclusion = _tree(state).prove(room_revised.key).as_value()

    return {
        "about": ABOUT,
        "keys": {
            "root_private": ROOT.raw().hex(),
            "signing_private": SIGNING.raw().hex(),
            "signing_private_epoch_2": SIGNING_EPOCH_2.raw().hex(),
            "root_public": names.encode_base64(ROOT.public),
            "signing_public": names.encode_base64(SIGNING.public),
            "node_id": AUTHOR,
        },
        "canonical": {"valid": VALID, "invalid": [{"line": line, "why": why} for line, why in INVALID]},
        "card": _plain(card.signed),
        "card_epoch_2": _plain(card_2.signed),
        "records": [
            {"canonical": record.line.decode(), "key": record.key.hex(), "value": record.value.hex()}
            for record in records
        ],
        "trees": [
            _named_tree("empty", []),
            _named_tree("one", [organisation]),
            _named_tree("first four", [organisation, desk, room, event]),
            _named_tree("one revised, one erased", state),
            {"name": "1000 rooms", "generate": ROOMS, "root": _tree(thousand_rooms()).root.hex()},
        ],
        "heads": {
            "first": _plain(first.signed),
            "second": _plain(second.signed),
            "third": _plain(third.signed),
            "forks_from_second": _plain(fork.signed),
        },
        "beat": _plain(beat.signed),
        "proofs": {
            "format": PROOF_FORMAT,
            "inclusion": _proof(state, "venue", "v9p5w0xe"),
            "absence": _proof(state, "contact", "c0d4j8sb"),
            "absence_at_another_leaf": _proof(state, "venue", "none0"),
        },
        "signed_record": {
            "card": _plain(card.signed),
            "head": _plain(third.signed),
            "record": decode(room_revised.line),
            "proof": inclusion,
        },
    }


def thousand_rooms() -> list[Record]:
    """The set that the vectors describe in words alone."""
    rooms = []
    for i in range(1000):
        id_, seq = f"x{i:07d}", i + 1
        salt = hashlib.sha256(f"venue/{id_}/{seq}".encode()).digest()[:16]
        rooms.append(_record("venue", id_, seq, "public", salt, {"name": f"Room {i}"}))
    return rooms


def _record(kind: str, id_: str, seq: int, visibility: str, salt: bytes, body: dict[str, Any]) -> Record:
    return Record.make(
        author=AUTHOR, kind=kind, id=id_, seq=seq, salt=salt, updated=NOON, visibility=visibility, body=body
    )


def _tree(records: Iterable[Record]) -> Tree:
    return Tree.of({record.key: record.value for record in records})


def _named_tree(name: str, records: list[Record]) -> dict[str, Any]:
    return {
        "name": name,
        "records": [record.line.decode() for record in records],
        "root": _tree(records).root.hex(),
    }


def _head(seq: int, records: list[Record], prev: bytes) -> Head:
    return Head.make(
        SIGNING,
        author=AUTHOR,
        epoch=1,
        seq=seq,
        count=len(records),
        size=sum(len(record.line) for record in records),
        root=_tree(records).root,
        prev=prev,
    )


def _proof(records: list[Record], kind: str, id_: str) -> dict[str, Any]:
    tree = _tree(records)
    return {"kind": kind, "id": id_, "root": tree.root.hex(), **tree.prove(tree_key(kind, id_)).as_value()}


def _plain(signed: Signed) -> dict[str, Any]:
    value: dict[str, Any] = decode(signed.line)
    return value


if __name__ == "__main__":
    print(json.dumps(generate(), indent=1, ensure_ascii=False))  # noqa: T201 - a generator prints
