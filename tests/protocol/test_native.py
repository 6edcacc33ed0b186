"""What is compiled: taken only where it belongs to its sources, and a root in C is the one that the nodes make up."""

import ctypes
import random
import struct
import subprocess
from pathlib import Path

import pytest

from node.errors import Malformed
from node.protocol import native, scanner
from node.protocol.tree import EMPTY, Tree
from tests.protocol.record_lines import TARTU, line_of
from tests.protocol.sanitizing import built, sanitized, with_compiler

# The library


@built
def test_a_library_is_not_taken_that_was_made_of_other_sources_or_is_none(tmp_path: Path) -> None:
    other, text = tmp_path / "tree.c", tmp_path / "libprotocol.so"
    other.write_bytes(native.SOURCES[-1].read_bytes() + b"\n")
    text.write_text("no library")
    assert native.load() is not None
    assert native.load(sources=[*native.SOURCES[:-1], other]) is None
    assert native.load(sources=native.SOURCES[:-1]) is None
    assert native.load(text) is None
    assert native.load(tmp_path / "missing.so") is None


def test_without_an_openssl_to_hash_by_there_is_no_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "_OPENSSL", (*native._OPENSSL, "EVP_no_such_function"))
    assert native.load() is None


@with_compiler
def test_it_is_built_where_there_is_a_compiler() -> None:
    assert native.functions is not None, "make install compiles it, and says why it couldn't"


# Roots

CHANCE = random.Random(2026)


def keys(count: int, shared: int = 0) -> list[bytes]:
    """Keys that share so many bytes."""
    return [bytes(shared) + CHANCE.randbytes(32 - shared) for _ in range(count)]


SETS = [
    pytest.param([], id="none"),
    pytest.param(keys(1), id="one"),
    pytest.param(keys(2), id="two"),
    pytest.param(keys(1_000), id="a thousand"),
    pytest.param(keys(300, shared=1), id="of one kind"),
    pytest.param(keys(20, shared=5), id="20 deep below one path"),
    pytest.param([bytes(32), bytes(7) + b"\x01" + bytes(24)], id="two that part in bit 63"),
    pytest.param([b"\xff" * 32, b"\xff" * 7 + b"\xfe" * 25], id="on the right side"),
]


@built
@pytest.mark.parametrize("chosen", SETS)
def test_a_root_in_c_is_that_of_the_nodes(chosen: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    leaves = {key: CHANCE.randbytes(32) for key in chosen}
    in_c = Tree.of(leaves)
    assert isinstance(in_c._made, bytes) is bool(leaves), "the root was not worked out in C"
    monkeypatch.setattr(native, "functions", None)
    in_python = Tree.of(leaves)
    assert in_c.root == in_python.root
    assert len(in_c) == len(in_python) == len(leaves)
    assert list(in_c.items()) == list(in_python.items()) == sorted(leaves.items())
    # Its nodes are made by now, or by the first question for one.
    assert [in_c.get(key) for key in (*leaves, b"?" * 32)] == [*leaves.values(), None]
    assert in_c.subtrees("", 3) == in_python.subtrees("", 3)
    assert list(in_c.items()) == sorted(leaves.items())
    assert len(in_c) == len(leaves)


@pytest.mark.parametrize("compiled", [pytest.param(True, marks=built, id="in C"), pytest.param(False, id="in Python")])
def test_a_set_that_is_deeper_than_64_is_refused(compiled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not compiled:
        monkeypatch.setattr(native, "functions", None)
    leaves = dict.fromkeys([*keys(100), b"x" * 32, b"x" * 8 + b"y" * 24], bytes(32))
    with pytest.raises(Malformed, match="deeper than 64"):
        Tree.of(leaves)


NOTHING = ctypes.CFUNCTYPE(ctypes.c_size_t)(lambda: 0)
"""A function of OpenSSL that gives 0: a refusal, or a context that isn't there."""


@built
@pytest.mark.parametrize("broken", ["EVP_MD_CTX_new", "EVP_DigestInit_ex", "EVP_DigestUpdate", "EVP_DigestFinal_ex"])
def test_where_openssl_refuses_all_is_done_in_python(broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert native.functions is not None
    leaves = dict.fromkeys(keys(5), bytes(32))
    root = Tree.of(leaves).root
    openssl = (ctypes.c_void_p * len(native._OPENSSL))(*native.functions.openssl)
    openssl[native._OPENSSL.index(broken)] = ctypes.cast(NOTHING, ctypes.c_void_p)
    functions = native.functions._replace(openssl=openssl)
    assert not native._hashes(functions)
    monkeypatch.setattr(native, "functions", functions)
    tree = Tree.of(leaves)
    assert not isinstance(tree._made, bytes)
    assert tree.root == root != EMPTY
    assert list(scanner.runs([line_of()], TARTU.id)) == [line_of()]


@built
def test_what_only_has_the_names_of_openssl_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    assert native.functions is not None
    # SHA-224 is another hash by the same calls.
    monkeypatch.setattr(native, "_OPENSSL", tuple(each.replace("256", "224") for each in native._OPENSSL))
    assert native.load() is None


def test_the_nodes_of_a_tree_can_be_made_beforehand() -> None:
    leaves = dict.fromkeys(keys(9), bytes(32))
    tree = Tree.of(leaves)
    assert tree.with_nodes() is tree
    assert not isinstance(tree._made, bytes)
    assert tree.root == Tree.of(leaves).root


@pytest.mark.parametrize("damaged", [(31, 33), (33, 31), (0, 64), (32, 31)], ids=str)
def test_of_altered_lengths_no_other_set_is_made(damaged: tuple[int, int]) -> None:
    leaves = {bytes([number]) * 32: bytes(length) for number, length in enumerate((*damaged, 32))}
    assert list(Tree.of(leaves).items()) == sorted(leaves.items())


ROOTS = r"""
int main(void) {
    uint32_t count;
    while (fread(&count, sizeof count, 1, stdin) == 1) {
        leaf *leaves = malloc(count * sizeof *leaves); /* not a byte more */
        unsigned char found[HASH];
        if (leaves == NULL || fread(leaves, sizeof *leaves, count, stdin) != count) return 2;
        putchar(root(&counterfeit, leaves, count, found) ? '1' : '0');
        free(leaves);
    }
    return 0;
}
"""


@with_compiler
def test_no_byte_beside_the_leaves_is_read_even_where_they_are_not_sorted(tmp_path: Path) -> None:
    program = sanitized("tree.c", ROOTS, tmp_path)
    told = [each.values[0] for each in SETS if each.values[0]]
    told += [keys(CHANCE.randrange(1, 40), shared=CHANCE.choice((0, 0, 5, 8))) for _ in range(2_000)]
    told += [[CHANCE.randbytes(1) * 32 for _ in range(CHANCE.randrange(1, 40))] for _ in range(500)]
    packed = b"".join(struct.pack("=I", len(each)) + b"".join(key + bytes(32) for key in each) for each in told)
    done = subprocess.run([program], input=packed, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    assert len(done.stdout) == len(told)
    assert set(done.stdout) == set(b"01")
