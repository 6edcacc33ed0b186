"""Files that somebody gives: what is taken is made anew without metadata, and what isn't gets a sentence."""

import struct
import subprocess
import sys
import zlib
from collections.abc import Callable

import pytest
from PIL import Image, ImageCms

from node.errors import InputError
from node.photos import reencoding
from node.photos.reencoding import LARGEST_FILE, reencoded
from node.photos.verdict import MOST_PIXELS
from node.storage.photos import JPEG, form
from tests.photos.pictures import chunk, encoded, exif, halves, noise, opened, png, small_jpeg

SECRET = b"Zephyrina"
SCRIPT = b"<script>alert('Zephyrina')</script>"


def with_comment(data: bytes, comment: bytes) -> bytes:
    """A JPEG with a comment right behind its beginning."""
    return data[:2] + b"\xff\xfe" + struct.pack(">H", len(comment) + 2) + comment + data[2:]


def animated(kind: str) -> bytes:
    return encoded(halves("red", "blue"), kind, save_all=True, append_images=[halves("blue", "red")])


REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "nothing": (lambda: b"", "no picture that can be read"),
    "text": (lambda: b"good morning\n", "no picture that can be read"),
    "an SVG": (lambda: b'<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>', "no picture"),
    "HTML": (lambda: b"<!doctype html><script>1</script>", "no picture"),
    "a GIF": (lambda: encoded(halves("red", "blue"), "GIF"), "no picture"),
    "a TIFF": (lambda: encoded(halves("red", "blue"), "TIFF"), "no picture"),
    "a PDF": (lambda: encoded(halves("red", "blue"), "PDF"), "no picture"),
    "a PostScript file, which would be run": (lambda: encoded(halves("red", "blue"), "EPS"), "no picture"),
    "the first bytes of a JPEG alone": (lambda: b"\xff\xd8\xff", "no picture"),
    "a file of too many bytes": (lambda: bytes(LARGEST_FILE + 1), "more than 10 MB"),
    "a header of 3600 megapixels": (lambda: png(60_000, 60_000, b""), "more than 40 megapixels"),
    "a pixel row too many": (lambda: png(8_000, 5_001, b""), "more than 40 megapixels"),
    "a bomb": (lambda: png(30_000, 30_000, bytes(90_001 * 300)), "more than 40 megapixels"),
    "a WebP of 268 megapixels": (
        lambda: b"RIFF\x1e\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\xfe\x3f\0\xfe\x3f\0VP8 \0\0\0\0",
        "more than 40 megapixels",
    ),
    "a comment that is a bomb": (
        lambda: png(1, 1, bytes(4), extra=chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(60_000_000), 9))),
        "no picture",
    ),
    "a PNG that moves": (lambda: animated("PNG"), "the picture moves"),
    "a WebP that moves": (lambda: animated("WEBP"), "the picture moves"),
    "half a JPEG": (lambda: encoded(noise())[:20_000], "damaged or cut off"),
    "half a PNG": (lambda: encoded(noise(), "PNG")[:2_000], "damaged or cut off"),
    "a PNG without pixels": (lambda: png(10, 10, b""), "damaged or cut off"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
async def test_refused_with_what_to_do_is(what: str) -> None:
    make, sentence = REFUSED[what]
    with pytest.raises(InputError) as refused:
        await reencoded(make())
    assert sentence in str(refused.value)
    assert ": " in str(refused.value) and "\n" not in str(refused.value)


def test_the_most_pixels_are_those_that_the_table_counts_with() -> None:
    assert MOST_PIXELS == 8_000 * 5_000


TAKEN: dict[str, tuple[Callable[[], bytes], tuple[int, int]]] = {
    "a JPEG": (small_jpeg, (64, 32)),
    "a PNG": (lambda: encoded(halves("red", "blue"), "PNG"), (64, 32)),
    "a WebP": (lambda: encoded(halves("red", "blue"), "WEBP"), (64, 32)),
    "CMYK": (lambda: encoded(halves((0, 255, 255, 0), (255, 255, 0, 0), "CMYK")), (64, 32)),
    "a palette": (lambda: encoded(halves("red", "blue").convert("P"), "PNG"), (64, 32)),
    "greys": (lambda: encoded(halves(10, 200, "L")), (64, 32)),
    "greys with an alpha channel": (lambda: encoded(halves((10, 255), (200, 255), "LA"), "PNG"), (64, 32)),
    "black and white": (lambda: encoded(halves(0, 1, "1"), "PNG"), (64, 32)),
    "16 bits of grey": (lambda: encoded(halves(0, 60_000, "I;16"), "PNG"), (64, 32)),
    "16 bits of each colour": (lambda: png(2, 2, (b"\0" + b"\xff\xff\0\0\0\0" * 2) * 2, bits=16), (2, 2)),
    "several frames by a phone": (lambda: animated("MPO"), (64, 32)),
    "one pixel": (lambda: encoded(Image.new("RGB", (1, 1))), (1, 1)),
    "a thin line": (lambda: encoded(Image.new("RGB", (1, 20_000)), "PNG"), (1, 1600)),
    "a large one": (lambda: encoded(noise(2_000, 1_000)), (1600, 800)),
    "40 megapixels of 16 bits": (lambda: png(8_000, 5_000, bytes(64_001 * 5_000), colours=6, bits=16), (1600, 1000)),
    "a page of HTML as well": (lambda: with_comment(small_jpeg(), SCRIPT) + SCRIPT, (64, 32)),
    "an archive as well": (lambda: small_jpeg() + b"PK\x03\x04" + bytes(2_000), (64, 32)),
    "nonsense for EXIF": (lambda: encoded(halves("red", "blue"), exif=b"Exif\0\0MM\0*\xff\xff\xff\xff"), (64, 32)),
    "nonsense for a profile": (lambda: encoded(halves("red", "blue"), icc_profile=b"no profile"), (64, 32)),
}  # fmt: skip


@pytest.mark.parametrize("what", TAKEN)
async def test_taken_and_made_anew_as_two_jpegs_is(what: str) -> None:
    make, size = TAKEN[what]
    made = await reencoded(make())
    photo, preview = opened(made.photo), opened(made.preview)
    assert (form(made.photo), form(made.preview)) == (JPEG, JPEG)
    assert (photo.format, photo.mode, photo.size) == ("JPEG", "RGB", size)
    assert max(preview.size) == min(400, max(size))
    assert set(photo.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density", "progressive", "progression"}
    assert SECRET not in made.photo + made.preview
    assert b"script" not in made.photo + made.preview


METADATA = {
    "JPEG": {"exif": exif(), "comment": SECRET, "xmp": b"<x:xmpmeta>Zephyrina</x:xmpmeta>"},
    "PNG": {"exif": exif()},
    "WEBP": {"exif": exif().tobytes(), "xmp": b"<x:xmpmeta>Zephyrina</x:xmpmeta>"},
}


@pytest.mark.parametrize("kind", METADATA)
async def test_nothing_is_left_of_who_took_it_and_where_in_a(kind: str) -> None:
    given = encoded(halves("red", "blue"), kind, **METADATA[kind])
    assert SECRET in given
    made = await reencoded(given)
    assert SECRET not in made.photo + made.preview
    assert b"Exif" not in made.photo + made.preview
    assert not opened(made.photo).getexif()


# Where red is, of a picture whose left half is red, by EXIF's orientation.
UPRIGHT = {1: "left", 2: "right", 3: "right", 4: "left", 5: "top", 6: "top", 7: "bottom", 8: "bottom"}
PLACES = {"left": (5, 16), "right": (58, 16), "top": (16, 5), "bottom": (16, 58)}


@pytest.mark.parametrize("orientation", UPRIGHT)
async def test_it_is_upright_as_exif_says(orientation: int) -> None:
    made = await reencoded(encoded(halves("red", "blue"), exif=exif(orientation), quality=95))
    photo = opened(made.photo)
    assert photo.size == ((64, 32) if orientation < 5 else (32, 64))
    red, _, blue = photo.getpixel(PLACES[UPRIGHT[orientation]])
    assert (red > 200, blue < 60) == (True, True)


def _red_in_a_palette() -> Image.Image:
    return Image.new("RGB", (32, 32), "red").convert("P")


COLOURS = {
    "CMYK": (lambda: encoded(Image.new("CMYK", (32, 32), (0, 255, 255, 0)), quality=95), (255, 0, 0)),
    "16 bits of grey": (lambda: encoded(Image.new("I;16", (32, 32), 128 * 256), "PNG"), (128, 128, 128)),
    "an opaque picture": (lambda: encoded(Image.new("RGBA", (32, 32), (0, 0, 255, 255)), "PNG"), (0, 0, 255)),
    "a transparent picture": (lambda: encoded(Image.new("RGBA", (32, 32), (0, 0, 255, 0)), "PNG"), (255, 255, 255)),
    "a palette with a transparent colour": (
        lambda: encoded(_red_in_a_palette(), "PNG", transparency=_red_in_a_palette().getpixel((0, 0))), (255, 255, 255),
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", COLOURS)
async def test_the_colour_is_right_of(what: str) -> None:
    make, expected = COLOURS[what]
    found = opened((await reencoded(make())).photo).getpixel((16, 16))
    assert all(abs(got - want) <= 6 for got, want in zip(found, expected, strict=True)), found


async def test_colours_of_another_profile_become_srgb() -> None:
    image = Image.new("RGB", (32, 32), (200, 120, 40))
    made = await reencoded(encoded(image, quality=95, icc_profile=_swapped_primaries()))
    red, _, blue = opened(made.photo).getpixel((16, 16))
    assert blue > red, "red and blue are exchanged in its profile"


def _swapped_primaries() -> bytes:
    """sRGB's profile with the places of its red and blue primaries exchanged."""
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return srgb.replace(b"rXYZ", b"?XYZ").replace(b"bXYZ", b"rXYZ").replace(b"?XYZ", b"bXYZ")


async def test_the_same_file_gives_the_same_photo() -> None:
    given = encoded(noise())
    assert await reencoded(given) == await reencoded(given)


CONFINED = {
    "open a file": "open('/etc/hostname')",
    "write a file": "import os; os.open('/tmp', os.O_TMPFILE | os.O_RDWR)",
    "open a socket": "socket.socket()",
    "take more memory than it may": "bytes(2**30)",
    "use the processor for ever": "exec('while True: pass')",
    "raise its limits again": "resource.setrlimit(resource.RLIMIT_NOFILE, (10, 10))",
    "read the environment": "os.environ['SECRET']",
}


@pytest.mark.parametrize("what", CONFINED)
def test_the_decoder_can_not(what: str) -> None:
    hurry = "decoder.SECONDS = 1; " if "processor" in what else ""
    # Root may raise limits again: what is tested is what the node, which isn't root, runs.
    drop = "os.getuid() or os.setuid(65534); "
    told = "print('confined', flush=True)"
    program = (
        "import os, resource, socket; from node.photos import decoder; "
        f"{hurry}{drop}decoder.confine(); {told}; {CONFINED[what]}; print('free')"
    )
    done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, timeout=30, env={}, check=False)
    assert done.stdout == b"confined\n", done.stderr
    assert done.returncode != 0


async def test_a_decoder_that_never_answers_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reencoding, "DECODER", ("-c", "import time; time.sleep(60)"))
    monkeypatch.setattr(reencoding, "LONGEST", 0.5)
    with pytest.raises(InputError, match="takes too long"):
        await reencoded(small_jpeg())


ANSWERS = {
    "nothing": "pass",
    "what is no photo": "sys.stdout.buffer.write((4).to_bytes(4) + b'<svg' + b'<svg')",
    "a length beyond what comes": "sys.stdout.buffer.write((2**31).to_bytes(4) + b'\\xff\\xd8\\xff')",
    "photos without end": "exec('while True: sys.stdout.buffer.write(bytes(2**20))')",
    "another exit code": "sys.exit(77)",
}


@pytest.mark.parametrize("what", ANSWERS)
async def test_a_decoder_that_was_broken_is_not_believed_when_it_answers(
    what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reencoding, "DECODER", ("-c", f"import sys; sys.stdin.buffer.read(); {ANSWERS[what]}"))
    with pytest.raises(InputError, match="can't be decoded"):
        await reencoded(small_jpeg())
