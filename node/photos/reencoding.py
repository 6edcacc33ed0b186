"""Re-encoding: a file that somebody gives becomes a photo of this node's own making.

What decodes is a process apart (see `decoder`): of what it answers no more is read than a photo has, and nothing
believed but that.
"""

from typing import NamedTuple

from node.apart import run
from node.errors import InputError
from node.photos.verdict import MOST_PIXELS, SECONDS, Verdict
from node.storage.photos import JPEG, LARGEST, form

LARGEST_FILE = 10_000_000
"""Bytes of a file that is given."""
LONGEST = SECONDS + 10.0
"""Seconds until the decoder is ended, on a machine that is busy with other things."""

DECODER = ("-m", "node.photos.decoder")

_SENTENCES = {
    Verdict.NO_PICTURE: "the file is no picture that can be read: give a JPEG, PNG or WebP file",
    Verdict.TOO_MANY_PIXELS: f"the picture has more than {MOST_PIXELS // 1_000_000} megapixels: make it smaller",
    Verdict.ANIMATED: "the picture moves: give one of its frames as a file of its own",
    Verdict.DAMAGED: "the picture is damaged or cut off: save it anew, and give that file",
}


class Reencoded(NamedTuple):
    """Two JPEG files of at most `LARGEST` bytes, without metadata."""

    photo: bytes
    preview: bytes


async def reencoded(data: bytes) -> Reencoded:
    """The photo and preview of a file; InputError, with what to do, where it is none that can be taken."""
    if len(data) > LARGEST_FILE:
        raise InputError(f"the file has more than {LARGEST_FILE // 1_000_000} MB: make the picture smaller")
    try:
        code, answer = await run(DECODER, data, most=2 * LARGEST, seconds=LONGEST)
    except TimeoutError as error:
        raise InputError("the picture takes too long to decode: make it smaller, or save it anew") from error
    if code in _SENTENCES:
        raise InputError(_SENTENCES[Verdict(code)])
    size = int.from_bytes(answer[:4])
    found = Reencoded(answer[4 : 4 + size], answer[4 + size :])
    if code != Verdict.TAKEN or any(form(each) != JPEG or len(each) > LARGEST for each in found):
        raise InputError("the picture can't be decoded with the time and memory it may take: save it anew as JPEG")
    return found
