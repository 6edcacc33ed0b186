"""Lines of records: plain ones, some that only Python takes, and malformed ones; and how to spoil one."""

import random

import pytest

from node.protocol.names import LARGEST_INTEGER, LARGEST_RECORD
from tests.protocol.builders import Author, put_line

TARTU = Author("tartu")
LUND = Author("lund")
SALT = "A" * 22

# Lines, member by member as they are spelled: what is malformed has no value to be made from.


def line_of(**spelled: str | bytes | None) -> bytes:
    """A record's line with other members; None leaves one out."""
    members: dict[str, str | bytes | None] = {
        "author": f'"{TARTU.id}"', "body": '{"name":"Room"}', "id": '"room"', "kind": '"venue"', "salt": f'"{SALT}"',
        "seq": "7", "type": '"record"', "updated": '"2026-11-21T12:00:00Z"', "visibility": '"public"',
    }  # fmt: skip
    members |= spelled
    told = [
        b'"%b":%b' % (key.encode(), spelling if isinstance(spelling, bytes) else spelling.encode())
        for key, spelling in sorted(members.items())
        if spelling is not None
    ]
    return b'{"put":{%b}}' % b",".join(told)


def says(text: str | bytes) -> bytes:
    """A record with this as a string in its body, spelled so."""
    return line_of(body=b'{"name":"%b"}' % (text if isinstance(text, bytes) else text.encode()))


def holds(value: str) -> bytes:
    return line_of(body=f'{{"name":{value}}}')


def arrays(deep: int) -> bytes:
    """A record that with its arrays is `deep` levels deep, its line's own level among them."""
    return holds("[" * (deep - 3) + "]" * (deep - 3))


def objects(deep: int) -> bytes:
    return holds('{"a":' * (deep - 4) + "{}" + "}" * (deep - 4))


def of_size(size: int) -> bytes:
    return says("x" * (size - (len(says("")) - len(b'{"put":}'))))


PLAIN = [
    pytest.param(line_of(), id="a plain one"),
    pytest.param(line_of(body="{}"), id="an empty body"),
    pytest.param(put_line(TARTU.record("venue", {"name": "Sõbra"}, "room", 1)), id="one that an author made"),
    pytest.param(line_of(checked='"2024-02-29T00:00:00Z"', licence='"CC0-1.0"'), id="checked, licence"),
    pytest.param(line_of(expires='"2027-01-01T00:00:00Z"'), id="expires"),
    *(pytest.param(line_of(visibility=f'"{reader}"'), id=f"for {reader}") for reader in ("members", "partners")),
    pytest.param(line_of(a="[]", zz='{"deep":[{}]}'), id="unknown members"),
    pytest.param(line_of(seq=str(LARGEST_INTEGER)), id="the largest seq"),
    pytest.param(holds(str(-LARGEST_INTEGER)), id="the least integer"),
    pytest.param(holds("0"), id="zero"),
    pytest.param(holds("[true,false,[],{},-1]"), id="each sort of value"),
    pytest.param(says(r"\"\\\b\f\n\r\t"), id="escapes that are needed"),
    pytest.param(says("/\x7f"), id="a slash, and the last of ASCII"),
    pytest.param(says("\x80\u07ff\u0800\ud7ff\ue000\uffff\U00010000\U0010ffff"), id="letters of each length"),
    pytest.param(line_of(kind=f'"{"k" * 64}"', id=f'"{"_-09az".ljust(64, "i")}"'), id="names of 64 characters"),
    pytest.param(holds('{"-":1,"0":1,"A":1,"Aa":1,"_":1,"a":1}'), id="sorted keys"),
    pytest.param(line_of(updated='"2024-02-29T23:59:59Z"'), id="29 February"),
    pytest.param(line_of(updated='"2000-02-29T00:00:00Z"'), id="29 February of a century that has it"),
    pytest.param(line_of(updated='"0001-01-01T00:00:00Z"'), id="the first year"),
    pytest.param(line_of(updated='"9999-12-31T23:59:59Z"'), id="the last year"),
    *(pytest.param(arrays(deep), id=f"arrays {deep} deep") for deep in (31, 32)),
    *(pytest.param(objects(deep), id=f"objects {deep} deep") for deep in (31, 32)),
    pytest.param(of_size(LARGEST_RECORD), id="a record as large as may be"),
    *(pytest.param(line_of(salt=f'"{"-_" + "A" * 19 + last}"'), id=f"a salt that ends in {last}") for last in "AQgw"),
]

LEFT = [
    pytest.param(says(r"\u001f\u0000"), id="control characters, escaped"),
    pytest.param(line_of(seq="0", visibility='"local"'), id="for its own node alone"),
    pytest.param(line_of(author=f'"{LUND.id}"'), id="another author's"),
]

WRONG_VALUES = [
    "", "null", "1.0", "1e2", "1E2", "-0", "-", "+1", "00", "01", "-01", "0x1", "9007199254740992", "-9007199254740992",
    "12345678901234567", "9" * 30, "NaN", "Infinity", "tru", "truth", "True", "fals", "'a'", "[1,]", "[,1]", "[1 2]",
    "[1", "1]", "[ ]", "{", '{"a"}', '{"a":}', '{"a":1,}', '{"a" :1}', "[}", '"', '"\\', '"\\"',
]  # fmt: skip
WRONG_ESCAPES = [
    r"\/", r"\u0061", r"\u001F", r"\u0008", r"\u000a", r"\u0022", r"\u00e9", r"\u007f", r"\ud800", r"\udc00",
    r"\ud83d\ude00", r"\u12", r"\x41", r"\a", r"\'", r"\0",
]  # fmt: skip
WRONG_LETTERS = [
    b"\x80", b"\xbf", b"\xc0\x80", b"\xc1\xbf", b"\xe0\x80\x80", b"\xe0\x9f\xbf", b"\xf0\x80\x80\x80", b"\xed\xa0\x80",
    b"\xed\xbf\xbf", b"\xf0\x8f\xbf\xbf", b"\xf4\x90\x80\x80", b"\xf5\x80\x80\x80", b"\xfe", b"\xff", b"\xc3",
    b"\xe2\x82", b"\xf0\x9f\x98", b"\xc3\xc3\xa9", b"\xe2\x28\xa1", b"\xf0\x9f\x28\x80",
]  # fmt: skip
BREAKS = [b"", b"\\", b"\\u", b"\xc3", b"\xe2", b"\xe2\x82", b"\xf0", b"\xf0\x9f", b"\xf0\x9f\x98"]
WRONG_NAMES = ['""', f'"{"a" * 65}"', '"A"', '"a.b"', '"é"', '"a\\n"', "1", '["a"]']
WRONG_TIMES = [
    '"2026-02-29T12:00:00Z"', '"1900-02-29T12:00:00Z"', '"2026-04-31T12:00:00Z"', '"2024-04-31T12:00:00Z"', '""',
    '"2024-01-32T12:00:00Z"', '"2026-11-21T24:00:00Z"', '"2026-11-21T12:60:00Z"', '"2026-11-21T12:00:60Z"',
    '"2026-13-01T12:00:00Z"', '"2026-00-01T12:00:00Z"', '"2026-11-00T12:00:00Z"', '"0000-01-01T12:00:00Z"',
    '"2026-11-21T12:00:00"', '"2026-11-21t12:00:00z"', '"2026-11-21 12:00:00Z"', '"2026-11-21T12:00:00+00:00"',
    '"2026-11-21T12:00:00.0Z"', '"٢026-11-21T12:00:0Z"', '"12026-11-21T12:00:00Z"', "1795262400",
]  # fmt: skip
WRONG_MEMBERS: dict[str, list[str]] = {
    "author": ['"lund"', f'"{TARTU.id}a"', f'"{TARTU.id[:-1]}"', '""', "1"],
    "body": ["[]", '"{}"', "true", "1"],
    "id": WRONG_NAMES,
    "kind": WRONG_NAMES,
    "licence": ["1", "{}", "null", "true"],
    "salt": [
        "1",
        *(f'"{salt}"' for salt in ("", SALT[1:], f"{SALT}A", f"{SALT[1:]}B", f"{SALT[1:]}=", f"+{SALT[1:]}")),
    ],
    "seq": ["0", "-1", '"7"', "7.0", "true", "9007199254740992"],
    "type": ['"records"', '"head"', "1", r'"recor\u0064"'],
    "visibility": ['"secret"', '""', '"publi"', '"publicc"', '"local"', "1"],
    "updated": WRONG_TIMES,
    "checked": WRONG_TIMES,
    "expires": WRONG_TIMES,
}
OPTIONAL = {"licence", "checked", "expires"}

MALFORMED = [
    pytest.param(b"", id="nothing"),
    pytest.param(b'{"put":{}}', id="an empty record"),
    pytest.param(b'{"next":{}}', id="another line"),
    pytest.param(line_of().replace(b"put", b"pot"), id="another tag"),
    pytest.param(line_of().replace(b'{"put":{', b'{"put": {'), id="space before the record"),
    pytest.param(line_of().replace(b",", b", ", 1), id="space between members"),
    pytest.param(line_of() + b"\n", id="an end of line"),
    pytest.param(line_of() + b"}", id="one brace more"),
    pytest.param(line_of()[:-1], id="one brace fewer"),
    pytest.param(line_of()[:-1] + b',"zz":1}', id="a second member of the line"),
    pytest.param(line_of() + b"\0", id="a zero behind it"),
    pytest.param(line_of() + b"\0" + line_of(), id="a zero and another behind it"),
    pytest.param(says("a\0b"), id="a zero in a string"),
    pytest.param(line_of()[:-2] + b"\0}", id="a zero in place of the brace"),
    pytest.param(line_of().replace(b'"id":', b'"type":'), id="unsorted keys"),
    pytest.param(holds('{"b":1,"a":1}'), id="unsorted keys in the body"),
    pytest.param(holds('{"ab":1,"a":1}'), id="the longer key first"),
    pytest.param(holds('{"a":1,"a":1}'), id="a key twice in the body"),
    pytest.param(line_of().replace(b'"seq":7', b'"seq":7,"seq":7'), id="a member twice"),
    pytest.param(holds('{"":1}'), id="an empty key"),
    pytest.param(holds('{"é":1}'), id="a key beyond ASCII"),
    pytest.param(holds('{"a b":1}'), id="a key with a space"),
    pytest.param(holds(r'{"\u0061":1}'), id="an escape in a key"),
    pytest.param(holds("{1:1}"), id="a number as a key"),
    *(pytest.param(holds(value), id=f"{value or 'nothing'} as a value") for value in WRONG_VALUES),
    *(pytest.param(says(escape), id=f"{escape} in a string") for escape in WRONG_ESCAPES),
    *(pytest.param(says(chr(code)), id=f"the control character {code}, raw") for code in (1, 8, 9, 10, 13, 31)),
    *(pytest.param(says(letter), id=f"{letter.hex(' ')} in a string") for letter in WRONG_LETTERS),
    *(pytest.param(says("").split(b'""')[0] + b'"' + end, id=f"it ends behind '{end.hex(' ')}'") for end in BREAKS),
    pytest.param(arrays(33), id="arrays 33 deep"),
    pytest.param(objects(33), id="objects 33 deep"),
    pytest.param(arrays(3_000), id="arrays 3,000 deep"),
    pytest.param(line_of(zz="[" * 31 + "]" * 31), id="an unknown member 33 deep"),
    pytest.param(of_size(LARGEST_RECORD + 1), id="a record of one byte more"),
    *(pytest.param(line_of(**{each: None}), id=f"without {each}") for each in WRONG_MEMBERS if each not in OPTIONAL),
    *(
        pytest.param(line_of(**{member: spelling}), id=f"{spelling} as {member}")
        for member, wrong in WRONG_MEMBERS.items()
        for spelling in wrong
    ),
]

SPLICES = [b"", *(bytes([each]) for each in b'\0"\\{},:[]0- '), b"\\u", b"\xed\xa0\x80", b"\xc3"]


def spoiled(line: bytes, chance: random.Random) -> bytes:
    """The line with one to three places flipped, cut out, doubled or put in."""
    for _ in range(chance.randint(1, 3)):
        at, far = chance.randrange(len(line) + 1), chance.choice((0, 1, 1, 2, 9))
        put = chance.choice([bytes([chance.randrange(256)]), chance.choice(SPLICES), line[at : at + far] * 2])
        line = line[:at] + put + line[at + far :]
    return line
