"""Which names mislead the eye: the same as another's to it, in letters of several scripts, or another's website. Pure.

Rules (SPEC, "Who is accepted"):

- two names look alike when their skeletons are equal: letters as the eye takes them (of other scripts, digits, `rn` and
  `m`), without accents, punctuation, spaces and what isn't seen at all; the words in any order
- long ones also when they are equal after one character is left out of each or of one: it was added, left out,
  exchanged or moved
- two organisations look alike, too, when their websites are on the same host: the same one, perhaps, with a new key
- of two that look alike the one that is known for longer is never warned about
- a name with letters of different scripts in one word is warned about for that alone: no table holds all letters that
  look like another. Chinese, Japanese, Korean and Latin ones stand together normally

It is a warning for a person, and bars nobody: two honest parks may well have one name.

    >>> look_alikes([(lund, Named("Lund Park")), (other, Named("Lünd-Рark"))])
    {other: Likeness(of=lund, what="name")}
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from node.plain import without_unseen
from node.protocol.names import NodeId

_LONG = 8
"""Characters of a skeleton from which on one may differ: of shorter ones too many would look alike."""

_LONGEST = 60
"""Characters of a name's skeleton that are looked at; a name has 200 at most."""

_LETTERS = str.maketrans(
    "АВЕЗЅІЈКМНОРСТУХавезѕіјкмнорстухъьгӏһԁԛԝΑΒΕΖΗΙΚΜΝΟΡΤΥΧαβγεηικνορτυχωłŁøØđĐıħĦðÐ"
    "ɑɡɩɪʟɴʀʏʙɢʜɾʋʌɯᴀᴄᴅᴇᴊᴋᴍᴏᴘᴛᴜᴠᴡᴢꜰꜱՍՏՕԼսօոհցզյՈᎪᏴᏟᎠᎬᏀᎻᎥᎫᏦᏞᎷᏢᏒᏚᎢᏙᎳᏃᎩ",
    "ABE3SIJKMHOPCTYXabe3sijkmhopctyxbbrlhdqwABEZHIKMNOPTYXabyenikvoptuxwlLoOdDihHdD"
    "agiilnrybghrvvwacdejkmoptuvwzfsUSOLuonhgqjnABCDEGHiJKLMPRSTVWZy",
)
"""Of other scripts and of phonetics, and those that Unicode doesn't take apart."""

_STROKES = str.maketrans("013458|!i", "oleasblll")
"""What is one letter in most typefaces, in lower case."""

_TOGETHER = frozenset(("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO", "LATIN"))
"""Scripts of which one word may hold several."""

_HOST = re.compile(r"[a-z]+://([^/?#:@\[\]\\]+)", re.IGNORECASE)

_PAIRS = (("rn", "m"), ("vv", "w"), ("æ", "ae"), ("œ", "oe"))


class Named(NamedTuple):
    """What an organisation says of itself. `website`: a URL, or empty."""

    name: str
    website: str = ""


class Likeness(NamedTuple):
    """Whom one looks like, and in what: its "name" or its "website"; or itself, for the "scripts" of its name."""

    of: NodeId
    what: str


def look_alikes(organisations: Iterable[tuple[NodeId, Named]]) -> dict[NodeId, Likeness]:
    """Those that look like one before them. `organisations` are in the order in which they are trusted to be known."""
    first: dict[str, NodeId] = {}
    found: dict[NodeId, Likeness] = {}
    for node, named in organisations:
        for what, key in _keys(named):
            other = first.setdefault(key, node)
            if other != node:
                found.setdefault(node, Likeness(other, what))
        if _mixes_scripts(named.name):
            found.setdefault(node, Likeness(node, "scripts"))
    return found


def resembles(node: NodeId, named: Named, organisations: Iterable[tuple[NodeId, Named]]) -> Likeness | None:
    """Whom a node that says this of itself looks like, of organisations in the order in which they are known."""
    others = [(other, its) for other, its in organisations if other != node]
    return look_alikes([*others, (node, named)]).get(node)


def _keys(named: Named) -> Iterator[tuple[str, str]]:
    """What only look-alikes share: first what tells most."""
    if host := _host(named.website):
        yield "website", f"://{host}"
    for key in _forms(named.name):
        yield "name", key


def _host(website: str) -> str:
    found = _HOST.match(website)
    host = unicodedata.normalize("NFKC", found[1]).casefold().rstrip(".").removeprefix("www.") if found else ""
    return "" if host.endswith(".invalid") else host  # nobody's (RFC 2606): it says that none was given


def _forms(name: str) -> Iterator[str]:
    words = _words(name)
    plain, ordered = "".join(words)[:_LONGEST], "".join(sorted(words))[:_LONGEST]
    if not plain:
        return
    yield plain
    if ordered != plain:
        yield ordered
    if len(plain) >= _LONG:
        yield from (plain[:place] + plain[place + 1 :] for place in range(len(plain)))


@lru_cache(maxsize=16_384)
def _words(name: str) -> tuple[str, ...]:
    """The words of a name as the eye takes them."""
    apart = unicodedata.normalize("NFKD", without_unseen(name))
    letters = "".join(each for each in apart if not unicodedata.combining(each)).translate(_LETTERS)
    folded = letters.casefold().translate(_STROKES)
    for pair, one in _PAIRS:
        folded = folded.replace(pair, one)
    return tuple("".join(each if each.isalnum() else " " for each in folded).split())


@lru_cache(maxsize=16_384)
def _mixes_scripts(name: str) -> bool:
    if name.isascii():
        return False
    words = re.findall(r"\w+", unicodedata.normalize("NFKC", without_unseen(name)))
    return any(len(scripts) > 1 and not scripts <= _TOGETHER for scripts in map(_scripts, words))


def _scripts(word: str) -> set[str]:
    """The scripts of a word's letters, as the first word of each letter's name in Unicode."""
    letters = (each for each in word if unicodedata.category(each) in ("Lu", "Ll", "Lt", "Lo"))
    return {unicodedata.name(each, "").partition(" ")[0] for each in letters}
