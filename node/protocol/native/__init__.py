"""What is done in C, where a compiler was when the package was installed: lines looked at, and roots of whole sets.

Both run beside whatever else the interpreter does. Rules:

- what a function doesn't answer, `scanner` and `tree` do in Python, as they do all where `functions` is None
- a library that was made of other sources isn't taken
- SHA-256 is that of the OpenSSL which Python's hashlib uses, or else the system's; what else has its functions' names
  (LibreSSL, BoringSSL) may take other arguments

hatch_build.py compiles it.
"""

import ctypes
import sys
from collections.abc import Iterable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

_HERE = Path(__file__).parent
LIBRARY = _HERE / "libprotocol.so"
SOURCES = tuple(sorted(_HERE.glob("*.[ch]")))

_OPENSSL = (
    "EVP_MD_CTX_new", "EVP_MD_CTX_free", "EVP_sha256", "EVP_DigestInit_ex", "EVP_DigestUpdate", "EVP_DigestFinal_ex"
)  # fmt: skip
"""The struct `openssl` of sha256.h."""


class Functions(NamedTuple):
    """What the library has, and what it needs: `scan(openssl, …)` of scanner.c, `root(openssl, …)` of tree.c."""

    scan: "ctypes._NamedFuncPointer"
    root: "ctypes._NamedFuncPointer"
    openssl: "ctypes.Array[ctypes.c_void_p]"


def load(library: Path = LIBRARY, sources: Iterable[Path] = SOURCES) -> Functions | None:
    """The library's functions; None where it wasn't built, or of other sources, or there is no OpenSSL to be found."""
    openssl = _openssl()
    if openssl is None:
        return None
    try:
        loaded = ctypes.CDLL(str(library))
        made_of = (ctypes.c_char * 65).in_dll(loaded, "made_of").value
        if made_of != sha256(b"".join(source.read_bytes() for source in sources)).hexdigest().encode():
            return None
        scan, root = loaded.scan, loaded.root
    except (OSError, AttributeError, ValueError):
        return None
    scan.argtypes = (
        ctypes.c_void_p,
        ctypes.c_char_p,
        ctypes.c_void_p,
        ctypes.c_size_t,
        ctypes.c_char_p,
        ctypes.c_void_p,
    )
    scan.restype = None
    root.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p)
    root.restype = ctypes.c_int
    functions = Functions(scan, root, openssl)
    return functions if _hashes(functions) else None


def _hashes(functions: Functions) -> bool:
    """Whether what was found by the names of OpenSSL's functions does what they do."""
    leaf, found = bytes(range(64)), ctypes.create_string_buffer(32)
    done = functions.root(functions.openssl, leaf, 1, found)
    return bool(done) and found.raw == sha256(b"\x00" + leaf).digest()


def _openssl() -> "ctypes.Array[ctypes.c_void_p] | None":
    """Its functions' addresses, from the library that Python loaded already where that can be told."""
    # Where hashlib's part is within the interpreter, so may be OpenSSL: None is all that is loaded.
    within: str | None = getattr(sys.modules.get("_hashlib"), "__file__", None)
    for name in (within, "libcrypto.so.3"):
        with suppress(OSError, AttributeError):
            loaded = ctypes.CDLL(name)
            loaded.OpenSSL_version.restype = ctypes.c_char_p
            if not loaded.OpenSSL_version(0).startswith(b"OpenSSL "):
                continue
            found = [ctypes.cast(getattr(loaded, each), ctypes.c_void_p) for each in _OPENSSL]
            return (ctypes.c_void_p * len(found))(*found)
    return None


functions = load()
