"""Whether somebody still has the recovery words: asked now and then, because nobody needs them until the day they do.

Rules:

- the words are the root key, and the root key is in no running node: only three of them are ever asked, and always the
  same three, which were drawn when all were seen last. The others are on paper alone
- kept is a hash of the three. Whoever has it may find them by trying, for days; then 231 of the 264 bits are missing
- which of the three is wrong isn't told, nor is anything that was typed
- a check in a terminal takes all 24 (`bra words`), and they are gone when it ends

    sample = Sample.of(words, world.random)                      # where all words are at hand
    await database.write(partial(keep, sample=sample, now=now))
    sample.fits(["crane", "lunar", "spoon"])
"""

import hashlib
import hmac
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Self

import orjson

from node.protocol.names import decode_base64, encode_base64
from node.storage import meta

ASKED = 3
OF = 24
_SALT = 16
_N, _R, _P = 2**14, 8, 1
_SAMPLE, _CHECKED = "word_sample", "words_checked"


@dataclass(frozen=True, slots=True)
class Sample:
    """What tells whether three of the words are right. `places`: theirs among the 24, from 1 on, in order."""

    places: tuple[int, ...]
    salt: bytes = field(repr=False)
    hash: bytes = field(repr=False)

    @classmethod
    def of(cls, words: str, random: Callable[[int], bytes]) -> Self:
        """Of all 24 words. Takes 50 ms."""
        given = words.lower().split()
        # The 24 places in the order of 24 drawn numbers: the first three of a shuffle.
        places = tuple(sorted(sorted(range(1, OF + 1), key=lambda _: random(8))[:ASKED]))
        salt = random(_SALT)
        return cls(places, salt, _hash([given[place - 1] for place in places], salt))

    def fits(self, given: Sequence[str]) -> bool:
        """Whether these are the words at `places`. Takes 50 ms: not for the event loop."""
        return hmac.compare_digest(self.hash, _hash(given, self.salt))

    @classmethod
    def parse(cls, text: str) -> Self:
        value = orjson.loads(text)
        return cls(tuple(value["places"]), decode_base64(value["salt"], _SALT), decode_base64(value["hash"], 32))

    def __str__(self) -> str:
        value = {"places": self.places, "salt": encode_base64(self.salt), "hash": encode_base64(self.hash)}
        return orjson.dumps(value).decode()


def keep(db: sqlite3.Connection, sample: Sample, now: float | None = None) -> None:
    """Asks for these places from now on. `now`: when all words were typed; None where they were only shown."""
    meta.put(db, _SAMPLE, str(sample))
    if now is not None:
        note(db, now)


def kept(db: sqlite3.Connection) -> Sample | None:
    """What is asked for; None in a home that never saw its words, such as one that an older version made."""
    found = meta.get(db, _SAMPLE)
    return Sample.parse(found) if found else None


def note(db: sqlite3.Connection, now: float) -> None:
    """Somebody had the words."""
    meta.put(db, _CHECKED, str(int(now)))


def checked(db: sqlite3.Connection) -> int | None:
    """When somebody had them last, in seconds since 1970."""
    found = meta.get(db, _CHECKED)
    return int(found) if found else None


def _hash(words: Sequence[str], salt: bytes) -> bytes:
    typed = " ".join(word.strip().lower() for word in words).encode()
    return hashlib.scrypt(typed, salt=salt, n=_N, r=_R, p=_P, maxmem=64 * 1024 * 1024, dklen=32)
