"""What is read from the network has an end: of bytes, of lines, of what a URL may be."""

import gzip
import random
import tracemalloc
import zlib
from collections.abc import Sequence

import pytest

from node.errors import InputError, Malformed
from node.federation.wire import MIB, Compressor, Expander, LineReader, gzipped, parse_url
from node.protocol.blocks import LARGEST_LINE


def bomb(content: bytes, times: int) -> bytes:
    stream = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    return b"".join(stream.compress(content) for _ in range(times)) + stream.flush()


BOMB = bomb(bytes(MIB), 200)
"""200 MB in 200 KB."""


def read(data: bytes, *, chunk: int = 1 << 16, limit: int = MIB, compressed: bool = True) -> list[bytes]:
    reader = LineReader(limit=limit, compressed=compressed, lines=1000)
    fed = (reader.feed(data[start : start + chunk]) for start in range(0, len(data), chunk))
    lines = [line for batches in fed for batch in batches for line in batch]
    reader.end()
    return lines


@pytest.mark.parametrize("chunk", [1, 7, 1000])
@pytest.mark.parametrize("compressed", [True, False])
def test_lines_come_whole_however_they_are_cut(chunk: int, *, compressed: bool) -> None:
    lines = [b'{"a":1}', b"x" * 3000, "香".encode()]
    data = b"".join(line + b"\n" for line in lines)
    assert read(gzipped(data) if compressed else data, chunk=chunk, compressed=compressed) == lines


def test_a_stream_made_of_pieces_is_one_gzip() -> None:
    stream = Compressor()
    data = stream.add([b"a", b"b"]) + stream.add([]) + stream.add([b"c"]) + stream.end()
    assert gzip.decompress(data) == b"a\nb\nc\n"


@pytest.mark.parametrize("chunk", [len(BOMB), 1 << 14, 512])
def test_a_bomb_stops_at_the_cap_without_its_memory(chunk: int) -> None:
    tracemalloc.start()
    expander = Expander(limit=MIB, compressed=True)
    with pytest.raises(Malformed, match="more than 1048576 bytes"):
        for start in range(0, len(BOMB), chunk):
            list(expander.feed(BOMB[start : start + chunk]))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * MIB


def test_a_bomb_of_line_ends_stops_without_much_memory() -> None:
    data = bomb(b"\n" * MIB, 4)
    tracemalloc.start()
    reader = LineReader(limit=4 * MIB, compressed=True, lines=5 * MIB)
    with pytest.raises(Malformed, match="empty line"):
        list(reader.feed(data))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 16 * MIB


def test_many_short_lines_at_once_stop_without_much_memory() -> None:
    data = b"a\n" * (8 * MIB)
    tracemalloc.start()
    reader = LineReader(limit=64 * MIB, compressed=False, lines=1000)
    with pytest.raises(Malformed, match="more lines"):
        list(reader.feed(data))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 16 * MIB


@pytest.mark.parametrize("length", [pieces * 2**18 + more for pieces in (1, 2) for more in range(-3, 4)])
def test_what_fills_pieces_comes_whole(length: int) -> None:
    data = random.Random(length).randbytes(length)
    packed = gzipped(data)
    for cut in (0, *range(len(packed) - 12, len(packed))):
        expander = Expander(limit=length, compressed=True)
        pieces = [piece for chunk in (packed[:cut], packed[cut:]) for piece in expander.feed(chunk)]
        expander.end()
        assert b"".join(pieces) == data
    assert b"".join(Expander(limit=length, compressed=False).feed(data)) == data


def test_exactly_the_limit_is_let_through() -> None:
    assert sum(map(len, Expander(limit=1000, compressed=True).feed(gzipped(bytes(1000))))) == 1000
    assert sum(map(len, Expander(limit=1000, compressed=False).feed(bytes(1000)))) == 1000


@pytest.mark.parametrize(
    ("chunks", "compressed", "sentence"),
    [
        pytest.param([bytes(1001)], False, "more than 1000 bytes", id="one byte too many"),
        pytest.param([bytes(600), bytes(600)], False, "more than 1000 bytes", id="too many in two chunks"),
        pytest.param([gzipped(bytes(1001))], True, "more than 1000 bytes", id="one byte too many, compressed"),
        pytest.param([gzipped(b"abc")[:-1]], True, "breaks off", id="truncated gzip"),
        pytest.param([gzipped(b"abc")[:5]], True, "breaks off", id="gzip cut in its header"),
        pytest.param([], True, "breaks off", id="no gzip at all"),
        pytest.param([gzipped(b"abc") + b"x"], True, "more after the end", id="trailing data"),
        pytest.param([gzipped(b"abc"), b"x"], True, "more after the end", id="trailing data in another chunk"),
        pytest.param([gzipped(b"abc") * 2], True, "more after the end", id="a second gzip member"),
        pytest.param([b"no gzip, but text"], True, "damaged", id="something else"),
        pytest.param([gzipped(b"abc" * 50)[:-8] + bytes(8)], True, "damaged", id="wrong checksum"),
    ],
)
def test_damaged_or_endless_data_is_malformed(chunks: Sequence[bytes], *, compressed: bool, sentence: str) -> None:
    expander = Expander(limit=1000, compressed=compressed)
    with pytest.raises(Malformed, match=sentence):
        _expand(expander, chunks)


def _expand(expander: Expander, chunks: Sequence[bytes]) -> None:
    for chunk in chunks:
        list(expander.feed(chunk))
    expander.end()


def test_a_line_without_an_end_is_cut_off_early() -> None:
    reader = LineReader(limit=64 * MIB, compressed=False, lines=1000)
    fed = 0
    with pytest.raises(Malformed, match="a line has at most"):
        for _ in range(1000):
            fed += len(b"x" * 4096)
            list(reader.feed(b"x" * 4096))
    assert fed <= LARGEST_LINE + 4096


def test_a_last_line_that_breaks_off_is_malformed() -> None:
    with pytest.raises(Malformed, match="breaks off"):
        read(b'{"a":1}\n{"b"', compressed=False)


@pytest.mark.parametrize(
    ("url", "base"),
    [
        pytest.param("https://node.park.example", "https://node.park.example", id="plain"),
        pytest.param("https://node.park.example/", "https://node.park.example", id="a slash at the end"),
        pytest.param("https://park.example:8443/bra/", "https://park.example:8443/bra", id="a port and a path"),
        pytest.param("HTTPS://node.park.example", "HTTPS://node.park.example", id="capitals"),
        pytest.param("http://127.0.0.1:8470", "http://127.0.0.1:8470", id="this machine"),
        pytest.param("http://localhost:8470/", "http://localhost:8470", id="this machine by name"),
        pytest.param("http://[::1]:8470", "http://[::1]:8470", id="this machine, IPv6"),
        pytest.param("https://[2001:db8::1]", "https://[2001:db8::1]", id="IPv6"),
    ],
)
def test_a_nodes_url_loses_its_last_slash(url: str, base: str) -> None:
    assert parse_url(url) == base


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        pytest.param("", "is not a node's URL", id="nothing"),
        pytest.param("node.park.example", "is not a node's URL", id="no scheme"),
        pytest.param("ftp://node.park.example", "is not a node's URL", id="another scheme"),
        pytest.param("file:///etc/passwd", "is not a node's URL", id="a file"),
        pytest.param("https://", "is not a node's URL", id="no host"),
        pytest.param("https://node.park.example/?x=1", "is not a node's URL", id="a query"),
        pytest.param("https://node.park.example/#x", "is not a node's URL", id="a fragment"),
        pytest.param("https://me:secret@node.park.example", "no user name or password", id="a password"),
        pytest.param("https://me@node.park.example", "no user name or password", id="a user"),
        pytest.param("http://node.park.example", "is not encrypted", id="unencrypted"),
        pytest.param("http://10.0.0.1", "is not encrypted", id="unencrypted in a local network"),
        pytest.param("http://localhost.evil.example", "is not encrypted", id="a name that begins like this machine's"),
        pytest.param("http://127.0.0.1.evil.example", "is not encrypted", id="a name that begins like its address"),
        pytest.param("http://0.0.0.0", "is not encrypted", id="every address"),
    ],
)
def test_what_is_no_nodes_url_is_refused(url: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        parse_url(url)


@pytest.mark.parametrize(
    "url", ["https://[::1", "https://[park]", "https://park.example:99999", "https://park.example:x"]
)
def test_what_can_not_be_parsed_is_refused_in_a_sentence(url: str) -> None:
    with pytest.raises(InputError, match="is not a node's URL"):
        parse_url(url)


def test_more_lines_than_anything_has_are_malformed_at_once() -> None:
    reader = LineReader(limit=MIB, compressed=True, lines=10)
    with pytest.raises(Malformed, match="more lines"):
        list(reader.feed(gzipped(b"x\n" * 11)))
