"""A pass to look at: its QR code alone (PNG, SVG), or a page to print (PDF, A6).

Rules:

- the code is of the middle grade (M, 15 % may be lost) with the quiet zone that the standard asks for: some 105
  modules, which a telephone reads from another one's screen, and from the page
- the page is a picture, so that what was drawn here is what is printed. Text is drawn with the first typeface of this
  machine that has all of its letters; where none has, a sentence says so: nobody's name is printed as boxes
- it takes a tenth of a second: not for the event loop

    Path("pass.pdf").write_bytes(pdf(Sheet(token, name="Liis Tamm", …)))
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path

import segno
from PIL import Image, ImageDraw, ImageFont, features

LEVEL = "m"
_QUIET = 4
"""Modules around the code (ISO/IEC 18004)."""
_DPI = 300
_A6 = (1240, 1748)
"""Dots."""
_MARGIN = 90
_FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "/System/Library/Fonts", "/Library/Fonts", "C:/Windows/Fonts")
_LIKED = ("NotoSans-Regular", "DejaVuSans", "LiberationSans-Regular", "Arial", "arial")
_UNLIKED = ("Bold", "Italic", "Oblique", "Light", "Thin", "Black", "Mono", "Condensed", "Narrow")
_MOST_TYPEFACES = 500
_Typeface = ImageFont.FreeTypeFont | ImageFont.ImageFont
_NO_TYPEFACE = "(in letters that this machine can't print: scan the code)"


@dataclass(frozen=True, slots=True)
class Sheet:
    """What stands on the page, each as people read it; what is empty is left out."""

    token: str
    name: str
    company: str
    days: str
    venue: str
    address: str
    home: str


def png(token: str, *, module: int = 6) -> bytes:
    """The code as a PNG picture; `module`: dots of one of its squares."""
    return _saved(_code(token), "png", scale=module)


def svg(token: str) -> bytes:
    """The code as an SVG picture, which grows with what it stands in."""
    return _saved(_code(token), "svg", xmldecl=False, omitsize=True, svgclass=None, lineclass=None)


def pdf(sheet: Sheet) -> bytes:
    """The page, ready to print."""
    page = Image.new("1", _A6, 1)
    draw = ImageDraw.Draw(page)
    code = Image.open(io.BytesIO(png(sheet.token, module=(_A6[0] - 2 * _MARGIN) // _modules(sheet.token))))
    page.paste(code, ((_A6[0] - code.width) // 2, _A6[1] - code.height - _MARGIN // 2))
    top = _MARGIN
    lines = (
        (sheet.name, 76), (sheet.company, 48), (sheet.days, 56), (sheet.venue, 48), (sheet.address, 36),
        (f"Business Roaming Agreement, {sheet.home}", 32),
    )  # fmt: skip
    for text, size in lines:
        if text:
            typeface = _typeface(text, size)
            line = text if typeface else _NO_TYPEFACE
            _draw(draw, line, typeface or ImageFont.load_default(size), top)
            top += int(size * 1.4)
    kept = io.BytesIO()
    page.save(kept, "PDF", resolution=_DPI, title="Pass", creationDate=None, modDate=None)
    return kept.getvalue()


def _draw(draw: ImageDraw.ImageDraw, text: str, typeface: _Typeface, top: int) -> None:
    """One line; one that is too long is made narrower."""
    room = _A6[0] - 2 * _MARGIN
    if isinstance(typeface, ImageFont.FreeTypeFont) and (width := typeface.getlength(text)) > room:
        typeface = typeface.font_variant(size=max(int(typeface.size * room / width), 12))
    draw.text((_MARGIN, top), text, font=typeface, fill=0)


def _code(token: str) -> segno.QRCode:
    return segno.make_qr(token, error=LEVEL, mode="byte", boost_error=False)


@lru_cache(64)
def _modules(token: str) -> int:
    return int(_code(token).symbol_size(border=_QUIET)[0])


def _saved(code: segno.QRCode, form: str, **options: object) -> bytes:
    kept = io.BytesIO()
    code.save(kept, kind=form, border=_QUIET, **options)
    return kept.getvalue()


@lru_cache(256)
def _typeface(text: str, size: int) -> ImageFont.FreeTypeFont | None:
    """The first typeface that has all the letters of a line, joined as their script joins them; None where none has."""
    if not _joined(text):
        return None
    for path in (*_typefaces(), ""):
        typeface = _opened(path, size)
        if typeface is not None and _has(typeface, text):
            return typeface
    return None


def _joined(text: str) -> bool:
    """Whether this machine can write the line: letters that join, or run to the left, take more than others."""
    return text.isascii() or max(text) < "\u0590" or bool(features.check("raqm") and features.check("fribidi"))


def _opened(path: str, size: int) -> ImageFont.FreeTypeFont | None:
    try:
        found = ImageFont.truetype(path, size) if path else ImageFont.load_default(size)
    except OSError:
        return None
    return found if isinstance(found, ImageFont.FreeTypeFont) else None


def _has(typeface: ImageFont.FreeTypeFont, text: str) -> bool:
    """Whether it draws each letter as something else than the box of a letter that it doesn't have."""
    missing = bytes(typeface.getmask("\U0010fffd"))
    return all(bytes(typeface.getmask(each)) != missing for each in set(text) if not each.isspace())


@lru_cache(1)
def _typefaces() -> tuple[str, ...]:
    """The typefaces of this machine, plain ones first."""

    def rank(path: Path) -> tuple[int, str]:
        return _LIKED.index(path.stem) if path.stem in _LIKED else len(_LIKED), path.name

    return tuple(map(str, sorted(islice(_files(), _MOST_TYPEFACES), key=rank)))


def _files() -> Iterator[Path]:
    for folder in _FOLDERS:
        for path in Path(folder).rglob("*.[to]t[fc]"):
            if not any(name in path.stem for name in _UNLIKED):
                yield path
