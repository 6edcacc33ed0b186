"""Picture files of every sort, made up: sound ones, odd ones, and those that mean harm."""

import struct
import zlib
from io import BytesIO
from typing import Any

from PIL import Image
from PIL.Image import Exif

ORIENTATION, ARTIST, GPS = 0x0112, 0x013B, 0x8825


def encoded(image: Image.Image, form: str = "JPEG", **options: Any) -> bytes:
    out = BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def opened(data: bytes) -> Image.Image:
    return Image.open(BytesIO(data))


def noise(width: int = 800, height: int = 600) -> Image.Image:
    """What no codec makes small, the same each time."""
    row = bytes((place * 2654435761 >> 13) & 0xFF for place in range(width * 3))
    return Image.frombytes("RGB", (width, height), b"".join(row[y % 97 :] + row[: y % 97] for y in range(height)))


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width: int, height: int, pixels: bytes, *, colours: int = 2, bits: int = 8, extra: bytes = b"") -> bytes:
    """A PNG whose header says what it likes; `pixels` as they stand before compression."""
    header = struct.pack(">IIBBBBB", width, height, bits, colours, 0, 0, 0)
    data = chunk(b"IDAT", zlib.compress(pixels, 9))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + data + chunk(b"IEND", b"")


def exif(orientation: int = 1) -> Exif:
    found = Exif()
    found[ORIENTATION] = orientation
    found[ARTIST] = "Zephyrina Quackenbush"
    found[GPS] = {1: "N", 2: (58.0, 22.0, 40.5), 3: "E", 4: (26.0, 43.0, 44.4)}
    return found


def halves(left: Any, right: Any, mode: str = "RGB", size: tuple[int, int] = (64, 32)) -> Image.Image:
    image = Image.new(mode, size, left)
    image.paste(right, (size[0] // 2, 0, *size))
    return image


def small_jpeg() -> bytes:
    return encoded(halves("red", "blue"), quality=90)
