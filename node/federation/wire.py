"""How bytes travel between nodes: paths, gzip and lines, with a cap on everything that is read.

reader = LineReader(limit=64 * MIB, compressed=True, lines=100_000)
for chunk in body:
    for lines in reader.feed(chunk):
        ...
reader.end()
"""

import socket
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

from isal import isal_zlib

from node.errors import InputError, Malformed
from node.protocol.blocks import LARGEST_LINE, Limits

VERSION = 1
PREFIX = f"/federation/v{VERSION}"
WELL_KNOWN = "/.well-known/bra-node"
NDJSON = "application/x-ndjson"
MAIL = "BRA-Mail"
"""The header of a feed's answer, "1" where messages are kept for its reader."""

MIB = 1024 * 1024
PAGE_BYTES = 4 * MIB
"""Bytes of lines after which a block goes on in a next page."""
WANTS_AT_ONCE = 64
"""Authors asked for in one request."""
ANSWER_BYTES = 32 * MIB
"""Bytes of lines after which the answer to a pull ends with the block that it is at."""
LONGEST_REQUEST_BODY = 32 * MIB
"""Bytes of a request's body as it is sent."""
LONGEST_BLOCK = 64 * MIB
"""Bytes of one author's block, decompressed, in one answer or push."""
LONGEST_FEED = 16 * MIB
FEED_LINES = 10_000
CHANGES_AT_MOST = 64
"""Changes of one author that a feed brings with its newest state; of more, the reader asks."""
CHANGES_BYTES = 32 * 1024
"""Bytes of their lines together."""
LONGEST_ANSWER = MIB
"""Bytes of an answer that is one JSON object."""
DEEPEST_LOOK = 8
"""Levels of a tree shown in one answer."""

_LEVEL = 2
"""gzip, by ISA-L: a sixth of the time of zlib's level 4 for 4 % more bytes, measured on records."""
_GZIP = 16 + isal_zlib.MAX_WBITS
_PIECE = 256 * 1024
_NAT64 = IPv6Network("64:ff9b::/96")


class Compressor:
    """A gzip stream made of pieces."""

    def __init__(self) -> None:
        self._stream = isal_zlib.compressobj(_LEVEL, isal_zlib.DEFLATED, _GZIP)
        self.size = 0
        """Bytes added so far, as they were before."""

    def add(self, lines: Iterable[bytes]) -> bytes:
        data = b"\n".join([*lines, b""])
        self.size += len(data)
        return self._stream.compress(data)

    def end(self) -> bytes:
        return self._stream.flush()


def gzipped(data: bytes) -> bytes:
    stream = isal_zlib.compressobj(_LEVEL, isal_zlib.DEFLATED, _GZIP)
    return stream.compress(data) + stream.flush()


class Expander:
    """Bytes as they were before gzip, never more than `limit` of them; Malformed beyond it or when damaged."""

    def __init__(self, *, limit: int, compressed: bool) -> None:
        self._room = limit
        self._limit = limit
        self._stream = isal_zlib.decompressobj(_GZIP) if compressed else None

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The bytes that `chunk` brings, in pieces of at most 256 KiB."""
        pieces = self._cut(chunk) if self._stream is None else self._expanded(chunk)
        for piece in pieces:
            self._room -= len(piece)
            if self._room < 0:
                raise Malformed(f"more than {self._limit} bytes were sent: ask for less, or send in parts")
            yield piece

    def end(self) -> None:
        if self._stream is not None and not self._stream.eof:
            raise Malformed("the compressed data breaks off")

    @staticmethod
    def _cut(chunk: bytes) -> Iterator[bytes]:
        return (chunk[begin : begin + _PIECE] for begin in range(0, len(chunk), _PIECE))

    def _expanded(self, chunk: bytes) -> Iterator[bytes]:
        stream = self._stream
        assert stream is not None
        while chunk and not stream.eof:
            try:
                piece = stream.decompress(chunk, _PIECE)
            except isal_zlib.error as error:  # type: ignore[misc]  # its stubs call the class an instance
                raise Malformed("the compressed data is damaged") from error
            chunk = stream.unconsumed_tail
            yield piece
        if chunk or stream.unused_data:
            raise Malformed("there is more after the end of the compressed data")


class LineReader:
    """Lines out of chunks, each without its end; capped like `Expander`, and each line, and their number."""

    def __init__(self, *, limit: int, compressed: bool, lines: int) -> None:
        self._expander = Expander(limit=limit, compressed=compressed)
        self._rest = b""
        self._room = lines

    def feed(self, chunk: bytes) -> Iterator[list[bytes]]:
        """The lines that end in `chunk`, in lists of at most 256 KiB beside the first line."""
        for piece in self._expander.feed(chunk):
            *lines, self._rest = (self._rest + piece).split(b"\n")
            if len(self._rest) > LARGEST_LINE:
                raise Malformed(f"a line has at most {LARGEST_LINE} bytes")
            self._room -= len(lines)
            if self._room < 0:
                raise Malformed("more lines were sent than anything that was asked for has")
            if b"" in lines:
                raise Malformed("there is an empty line")
            yield lines

    def end(self) -> None:
        self._expander.end()
        if self._rest:
            raise Malformed("the last line breaks off")


def block_lines(limits: Limits) -> int:
    """Lines of one author's block at most: its records, as many removals, its chain, and what frames them."""
    return 2 * limits.records + limits.heads + 8


def parse_url(url: str) -> str:
    """A peer's base URL without a slash at its end; InputError unless https, or http on this very machine."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise InputError(f"{url!r} is not a node's URL: write it like https://node.park.example") from error
    readable = url.isascii() and url.isprintable() and parts.scheme in ("http", "https")
    if not readable or not parts.hostname or port == 0 or parts.query or parts.fragment:
        raise InputError(f"{url!r} is not a node's URL: write it like https://node.park.example")
    if parts.username or parts.password:
        raise InputError("a node's URL holds no user name or password: nodes prove who they are with their keys")
    if parts.scheme == "http" and not is_loopback(url):
        raise InputError(f"{url} is not encrypted: nodes talk https outside their own machine")
    return url.rstrip("/")


def is_loopback(url: str) -> bool:
    """Whether a URL names this very machine."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def is_here(url: str) -> bool:
    """Whether a URL names this very machine, or a private network, by an address in any spelling of the system's.

    What any other name leads to is seen when it is called (see `outward`).
    """
    host = (urlsplit(url).hostname or "").lower().rstrip(".")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        # 127.1, 2130706433 and 0x7f.1 are addresses to the system, and names to whom it isn't asked about.
        return not is_outside(str(IPv4Address(socket.inet_aton(host))))
    except OSError:
        try:
            return not is_outside(host)
        except ValueError:
            return False


def is_outside(text: str) -> bool:
    """Whether an IP address is neither this machine nor one of a private network; ValueError where it is none."""
    address: IPv4Address | IPv6Address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv6Address):
        # What has another address inside is taken there.
        inside = IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else address.sixtofour
        address = address.ipv4_mapped or inside or address
    return address.is_global and not address.is_multicast
