"""A private key as a file: PKCS #8 in PEM (RFC 5958), or with a passphrase OpenSSH's format, which bcrypt slows down.

PKCS #8 can be encrypted, too, but the library counts only 2,048 rounds of PBKDF2 then, which a thief of the file tries
a million times a second.

    >>> key = PrivateKey(bytes(32))
    >>> decode(encode(key, b"correct horse"), b"correct horse").public == key.public
    True
"""

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from node.errors import HomeError
from node.protocol.keys import PrivateKey

LONGEST_PASSPHRASE = 1023
"""Bytes."""

_ROUNDS = 32
"""Of bcrypt: a quarter of a second."""
_OPENSSH = b"-----BEGIN OPENSSH PRIVATE KEY-----"


class NoPassphrase(HomeError):
    """The key is encrypted, and nobody said with what."""


class WrongPassphrase(HomeError):
    """The passphrase doesn't open the key."""


def encode(key: PrivateKey, passphrase: bytes | None) -> bytes:
    """The file's bytes. Without a passphrase whoever reads them has the key."""
    if passphrase is None:
        return key.ed25519().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    encryption = PrivateFormat.OpenSSH.encryption_builder().kdf_rounds(_ROUNDS).build(passphrase)
    return key.ed25519().private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, encryption)


def decode(pem: bytes, passphrase: bytes | None) -> PrivateKey:
    """The key in the file; ValueError where it holds none, NoPassphrase or WrongPassphrase where it can't be opened.

    One that isn't encrypted needs no passphrase, and minds none. No error holds anything of the key.
    """
    encrypted = is_encrypted(pem)
    if encrypted and passphrase is None:
        raise NoPassphrase(
            "this node's signing key has a passphrase: run the command on a terminal, or name a file with it in "
            "BRA_PASSPHRASE_FILE"
        )
    try:
        if encrypted:
            key: object = serialization.load_ssh_private_key(pem, passphrase)
        else:
            key = serialization.load_pem_private_key(pem, None)
    except (ValueError, TypeError):
        if encrypted:
            # A damaged file and a wrong passphrase can't be told apart.
            raise WrongPassphrase(
                "the passphrase does not open this node's signing key: try again, or restore the key from your backup"
            ) from None
        raise ValueError("not a private key") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError("not an Ed25519 key")  # noqa: TRY004 - a file's content, not an argument's type
    return PrivateKey(key.private_bytes_raw())


def is_encrypted(pem: bytes) -> bool:
    """Whether it takes a passphrase to read the key."""
    return _OPENSSH in pem
