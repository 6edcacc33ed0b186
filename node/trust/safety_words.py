"""Safety words: eight words that two operators read to each other, so that nobody can be in between. Pure.

Rules (SPEC, "Safety words"):

- made from both node ids in sorted order, so that both sides get the same
- eight words of the BIP 39 list: 88 bits of scrypt, which costs a tenth of a second a try and 32 MiB. Whoever wants
  keys whose words look like another's has to pay that for every try

    >>> safety_words(tartu, lund)
    ('garage', 'vicious', 'tide', 'early', 'knee', 'fetch', 'bronze', 'oxygen')
"""

import hashlib
import re
from functools import lru_cache

from mnemonic import Mnemonic

from node.protocol.names import NodeId

WORDS = 8
SALT = b"bra-safety-words-1"
N, R, P = 2**15, 8, 1
_BITS = 11
"""Bits of a word: the list has 2048."""
_MEMORY = 64 * 1024 * 1024


def safety_words(one: NodeId, other: NodeId) -> tuple[str, ...]:
    """The eight words of two nodes, whichever is named first. The first call takes 100 ms: make it in a thread."""
    return _words("\n".join(sorted((one, other))))


@lru_cache(maxsize=1024)
def _words(ids: str) -> tuple[str, ...]:
    digest = hashlib.scrypt(ids.encode(), salt=SALT, n=N, r=R, p=P, maxmem=_MEMORY, dklen=WORDS * _BITS // 8)
    number = int.from_bytes(digest)
    book = _book()
    return tuple(book[number >> place & 0x7FF] for place in range((WORDS - 1) * _BITS, -1, -_BITS))


def read_words(text: str) -> tuple[str, ...]:
    """Words as somebody typed them: in any case, parted by anything that is no letter."""
    return tuple(re.findall(r"[a-z]+", text.lower()))


@lru_cache(maxsize=1)
def _book() -> tuple[str, ...]:
    return tuple(Mnemonic("english").wordlist)
