"""The decoder: a process of its own that turns one picture into a photo without metadata, and a preview.

Decoders of pictures are the part of a program that strangers' bytes break first. So this process gets the bytes through
a pipe and gives bytes back; before it looks at them it gives up files, sockets, processes, and all but some memory and
time. It has no environment, and knows nothing of the node.

Rules:

- JPEG, PNG and WebP, of one frame; of a phone's file with several (MPO) the first
- the size is read from the header, and too many pixels are refused, before anything is decoded
- upright as EXIF says; colours as sRGB; transparent is white; out come pixels, with nothing beside them
- why it refuses it says by its exit code alone: nobody has to believe its words

Standard input: the file. Standard output: 4 bytes, the length of the photo; the photo; the preview. Both are JPEG.
"""

import sys
import warnings
from contextlib import suppress
from io import BytesIO

from PIL import Image, ImageCms, ImageOps, JpegImagePlugin, MpoImagePlugin, PngImagePlugin, WebPImagePlugin

from node import confinement
from node.photos.verdict import MEMORY, MOST_PIXELS, SECONDS, Verdict

FORMATS = ("JPEG", "PNG", "WEBP")
PLUGINS = (JpegImagePlugin, MpoImagePlugin, PngImagePlugin, WebPImagePlugin)
"""What decodes them: imported before files are given up."""

EDGE = 1_600
PREVIEW_EDGE = 400
"""Pixels of the longer side."""
QUALITY = 82
PREVIEW_QUALITY = 75


class Refused(Exception):
    """The bytes are no picture that is taken."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.name)
        self.verdict = verdict


def reencode(data: bytes) -> tuple[bytes, bytes]:
    """The photo and its preview, both JPEG; Refused where the bytes are none."""
    image = _opened(data)
    try:
        # A JPEG is decoded at an eighth, a quarter or half of its size where that is enough.
        image.draft(None, (EDGE, EDGE))
        image = _without_palette(image)
        image.thumbnail((EDGE, EDGE), reducing_gap=2.0)
        with suppress(Exception):
            # What stands in EXIF may be nonsense where the picture is sound.
            ImageOps.exif_transpose(image, in_place=True)
        photo = _flat(_in_srgb(image))
    except MemoryError as error:
        raise Refused(Verdict.TOO_MANY_PIXELS) from error
    except Exception as error:
        raise Refused(Verdict.DAMAGED) from error
    preview = photo.copy()
    preview.thumbnail((PREVIEW_EDGE, PREVIEW_EDGE))
    return _encoded(photo, QUALITY), _encoded(preview, PREVIEW_QUALITY)


def _opened(data: bytes) -> Image.Image:
    """The picture with its header read."""
    try:
        image: Image.Image = Image.open(BytesIO(data), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning, MemoryError) as error:
        raise Refused(Verdict.TOO_MANY_PIXELS) from error
    except Exception as error:
        raise Refused(Verdict.NO_PICTURE) from error
    if getattr(image, "is_animated", False) and image.format != "MPO":
        raise Refused(Verdict.ANIMATED)
    return image


def _without_palette(image: Image.Image) -> Image.Image:
    """One of the modes L, RGB, RGBA, CMYK: what can be made smaller and given a profile's colours."""
    if image.mode.startswith("I"):
        # 16 bits of grey; Pillow's own conversion to 8 cuts instead of dividing.
        return image.convert("I").point(lambda value: value / 256).convert("L")
    if image.mode in ("P", "PA", "LA", "La", "RGBa") or "transparency" in image.info:
        return image.convert("RGBA")
    return image if image.mode in ("L", "RGB", "RGBA", "CMYK") else image.convert("RGB")


def _in_srgb(image: Image.Image) -> Image.Image:
    mode = "RGBA" if image.mode == "RGBA" else "RGB"
    if profile := image.info.get("icc_profile"):
        with suppress(ImageCms.PyCMSError, OSError, ValueError):
            given = ImageCms.ImageCmsProfile(BytesIO(profile))
            converted = ImageCms.profileToProfile(image, given, ImageCms.createProfile("sRGB"), outputMode=mode)
            if converted is not None:
                return converted
    return image.convert(mode)


def _flat(image: Image.Image) -> Image.Image:
    """The pixels on white, in a new picture: the old one may carry comments, and more."""
    flat = Image.new("RGB", image.size, "white")
    flat.paste(image, mask=image.getchannel("A") if image.mode == "RGBA" else None)
    return flat


def _encoded(image: Image.Image, quality: int) -> bytes:
    out = BytesIO()
    image.save(out, "JPEG", quality=quality, optimize=True, progressive=True)
    return out.getvalue()


def confine() -> None:
    """Gives up all that decoding doesn't need, for good."""
    Image.preinit()
    ImageCms.createProfile("sRGB")
    confinement.confine(memory=MEMORY, seconds=SECONDS)


def main() -> int:
    confine()
    # Pillow compares what the header says, before it decodes; beyond it warns first.
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    try:
        photo, preview = reencode(sys.stdin.buffer.read())
    except Refused as refused:
        return refused.verdict
    sys.stdout.buffer.write(len(photo).to_bytes(4) + photo + preview)
    sys.stdout.buffer.flush()
    return Verdict.TAKEN


if __name__ == "__main__":
    sys.exit(main())
