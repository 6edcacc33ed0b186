"""Status lists: the draft's bytes, whatever is revoked and nothing else, and no list that unpacks without end."""

import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.errors import Malformed
from node.protocol.names import encode_base64
from node.roaming.status import LARGEST, SIZE, pack, read

DRAFT = [1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1]
"""draft-ietf-oauth-status-list, 4.1: the statuses of its first example."""
DRAFT_OF_TWO_BITS = [1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3]
"""The same, of two bits: `eNo76fITAAPfAgc`."""


def body(text: str, bits: int = 1) -> dict[str, object]:
    return {"bits": bits, "list": text, "issued": "2027-01-15T09:00:00Z", "ttl": 60}


def test_the_drafts_example_is_made_and_read() -> None:
    assert pack([place for place, bit in enumerate(DRAFT) if bit], 16) == "eNrbuRgAAhcBXQ"
    found = read(body("eNrbuRgAAhcBXQ"))
    assert [found.revoked(place) for place in range(16)] == [bool(bit) for bit in DRAFT]


def test_the_drafts_example_of_two_bits_is_read_and_whatever_is_not_valid_is_revoked() -> None:
    found = read(body("eNo76fITAAPfAgc", bits=2))
    assert [found.revoked(place) for place in range(12)] == [bool(bits) for bits in DRAFT_OF_TWO_BITS]


@given(st.sets(st.integers(0, SIZE - 1), max_size=200), st.lists(st.integers(0, SIZE - 1), max_size=50))
def test_exactly_what_was_revoked_is(revoked: set[int], others: list[int]) -> None:
    found = read(body(pack(revoked)))
    assert len(found.data) * 8 == SIZE
    assert all(found.revoked(place) for place in revoked)
    assert all(found.revoked(place) == (place in revoked) for place in others)


def test_the_whole_list_fits_into_its_record_whatever_is_revoked() -> None:
    # As hard to pack as it gets: about half of the bits, without a pattern.
    worst = [place for place in range(SIZE) if hash((place, "x")) >> 3 & 1]
    assert len(pack(worst)) < 60_000


def test_a_list_expires_when_its_time_to_live_is_over() -> None:
    assert read(body("eNrbuRgAAhcBXQ")).expires == 1_800_003_600 + 60


@pytest.mark.parametrize("place", [-1, 16, 2**53])
def test_a_pass_without_a_place_in_the_list_is_revoked(place: int) -> None:
    assert read(body("eNrbuRgAAhcBXQ")).revoked(place)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("eNrbuRgAAhcBXA", id="a checksum that is wrong"),
        pytest.param("eNrbuRgAAhc", id="cut short"),
        pytest.param("eNrbuRgAAhcBXR", id="a second spelling of the last character"),
        pytest.param("AAAA", id="no zlib stream"),
        pytest.param("A", id="no base64url"),
        pytest.param(encode_base64(zlib.compress(b"\xb9\xa3") + b"more"), id="something after its end"),
        pytest.param(encode_base64(zlib.compress(bytes(LARGEST + 1))), id="one byte more than is unpacked"),
    ],
)
def test_what_is_no_list_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        read(body(text))


def test_a_bomb_is_not_unpacked_beyond_the_cap() -> None:
    """40 MB in what one record may carry: no more than the cap is ever in memory."""
    packing = zlib.compressobj(9)
    text = encode_base64(b"".join(packing.compress(bytes(1 << 20)) for _ in range(40)) + packing.flush())
    assert len(text) < 60_000
    tracemalloc.start()
    try:
        with pytest.raises(Malformed, match="has more than"):
            read(body(text))
        assert tracemalloc.get_traced_memory()[1] < 3 * LARGEST
    finally:
        tracemalloc.stop()


@given(st.sets(st.integers(0, SIZE - 1), max_size=200))
def test_all_that_is_revoked_is_listed(revoked: set[int]) -> None:
    assert read(body(pack(revoked))).places() == revoked
