"""Ed25519 keys (RFC 8032) and the two things a node does with them: sign a statement, check a signature.

- a statement is signed as `b"BRA1\\n"` + its canonical bytes, so that no signature made here means anything elsewhere
- private and public keys are 32 raw bytes; a signature is 64
- the root key is its 24 recovery words (BIP 39 word list, 256 bits and 8 of checksum) and is kept on paper
"""

from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from mnemonic import Mnemonic

from node.errors import Forged, InputError, Malformed

DOMAIN = b"BRA1\n"


class PrivateKey:
    """A signing or root key; it has no representation that shows the secret."""

    __slots__ = ("_key", "public")

    def __init__(self, raw: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(raw)
        self.public: bytes = self._key.public_key().public_bytes_raw()

    def sign(self, statement: bytes) -> bytes:
        """The 64-byte signature of a canonical statement."""
        return self._key.sign(DOMAIN + statement)

    def raw(self) -> bytes:
        """The 32 secret bytes: for key files and the recovery words alone."""
        return self._key.private_bytes_raw()

    def ed25519(self) -> Ed25519PrivateKey:
        """The key in the form that RFC 9421 request signing takes."""
        return self._key


@lru_cache(maxsize=512)
def verify(public: bytes, signature: bytes, statement: bytes) -> None:
    """Raises Forged unless `signature` is the one that `public`'s owner made of `statement`.

    The last ones that held are remembered: a statement is checked where it comes in, and again where it counts.
    """
    try:
        public_key(public).verify(signature, DOMAIN + statement)
    except InvalidSignature as error:
        raise Forged("the signature does not belong to this statement and key") from error


@lru_cache(maxsize=4096)
def public_key(raw: bytes) -> Ed25519PublicKey:
    """The parsed key; raises Malformed where 32 bytes are not a public key."""
    try:
        return Ed25519PublicKey.from_public_bytes(raw)
    except ValueError as error:
        raise Malformed("a public key is 32 bytes") from error


def recovery_words(root: PrivateKey) -> str:
    """The root key as 24 English words, to be shown once and written on paper."""
    return str(Mnemonic("english").to_mnemonic(root.raw()))


def root_from_words(words: str) -> PrivateKey:
    """The root key that the 24 words are; raises InputError naming what is wrong with them."""
    given = words.lower().split()
    if len(given) != 24:
        raise InputError(f"the recovery phrase has 24 words, not {len(given)}: type all of them, in order")
    book = Mnemonic("english")
    known = set(book.wordlist)
    if strange := [place for place, word in enumerate(given, 1) if word not in known]:
        # The position only: a word shown here would end in a log.
        raise InputError(f"word {strange[0]} of the recovery phrase is not in the word list: check its spelling")
    try:
        return PrivateKey(bytes(book.to_entropy(given)))
    except ValueError as error:
        raise InputError("the recovery words don't fit together: one is wrong or two are swapped") from error
