"""What is shown and printed, read back by programs that were not written here: zxing and PDFium."""

import io
import re

import pypdfium2
import pytest
import zxingcpp
from PIL import Image, ImageFilter

from node.roaming import rendering
from node.roaming.passes import LONGEST
from node.roaming.rendering import Sheet, pdf, png, svg
from tests.roaming.pass_examples import KEY, pass_of

TOKEN = pass_of().sign("pass-1", KEY)


def sheet(**fields: str) -> Sheet:
    made = {
        "token": TOKEN, "name": "Liis Tamm", "company": "Nordic Sensors OÜ", "days": "2027-06-02",
        "venue": "Werk 1, desk room", "address": "Werkstraße 1, Munich", "home": "Tartu Science Park",
    }  # fmt: skip
    return Sheet(**{**made, **fields})


def page(data: bytes, dots: int = 150) -> Image.Image:
    """The page as a printer, or a screen, of so many dots an inch shows it."""
    [found] = pypdfium2.PdfDocument(data)
    return found.render(scale=dots / 72).to_pil().convert("L")


def read(picture: Image.Image) -> list[str]:
    return [each.text for each in zxingcpp.read_barcodes(picture)]


def test_the_picture_of_a_pass_is_read_back() -> None:
    assert read(Image.open(io.BytesIO(png(TOKEN)))) == [TOKEN]


@pytest.mark.parametrize("width", [360, 500])
def test_it_is_read_from_a_telephones_screen_a_little_blurred_and_askew(width: int) -> None:
    """A telephone's screen is 360 points wide or more, of two or three dots each; the camera sees fewer of them."""
    picture = Image.open(io.BytesIO(png(TOKEN))).convert("L")
    seen = picture.resize((width, width), Image.Resampling.BILINEAR)
    seen = seen.rotate(7, expand=True, fillcolor=255).filter(ImageFilter.GaussianBlur(0.6))
    assert read(seen) == [TOKEN]


def test_it_is_read_with_a_thumb_on_it() -> None:
    """The middle grade forgives some of it."""
    picture = Image.open(io.BytesIO(png(TOKEN))).convert("L")
    middle = picture.width // 2
    picture.paste(128, (middle, middle, middle + picture.width // 6, middle + picture.width // 6))
    assert read(picture) == [TOKEN]


@pytest.mark.parametrize("dots", [150, 300])
def test_the_page_is_one_of_a6_and_its_code_is_read_back(dots: int) -> None:
    data = pdf(sheet())
    [found] = pypdfium2.PdfDocument(data)
    assert [round(points / 72 * 25.4) for points in found.get_size()] == [105, 148]
    assert read(page(data, dots)) == [TOKEN]


def test_the_longest_pass_there_is_fits_its_page() -> None:
    longest = "A" * LONGEST
    assert read(page(pdf(sheet(token=longest)), 300)) == [longest]


def test_the_picture_that_grows_is_of_the_same_code() -> None:
    text = svg(TOKEN).decode()
    assert re.search(r'viewBox="0 0 (\d+) \1"', text)
    assert "<script" not in text
    assert "http://www.w3.org/2000/svg" in text


def test_the_page_says_who_it_is_for_and_where() -> None:
    """No words can be read out of a picture, so each line is taken away in turn: it was where it should be."""
    whole = page(pdf(sheet())).tobytes()
    for field in ("name", "company", "days", "venue", "address", "home"):
        assert page(pdf(sheet(**{field: ""}))).tobytes() != whole, field


def test_a_page_that_is_made_again_is_the_same() -> None:
    assert pdf(sheet()) == pdf(sheet())
    assert b"Date" not in pdf(sheet())


NAMES = {"Estonian": "Õnne Šänder-Žõgova", "Polish": "Łukasz Żółć", "German": "Jörg Groß"}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_name_in_european_letters_is_printed_in_them(name: str) -> None:
    assert rendering._typeface(name, 76) is not None


@pytest.mark.parametrize("name", ["李小龙", "محمد بن سلمان", "Ἀριστοτέλης", "अमित", "\U00013000"])
def test_a_name_is_printed_in_its_letters_or_the_page_says_that_it_could_not_be(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which typefaces there are is the machine's business: nowhere is a name printed as boxes."""
    here = rendering._typeface(name, 76)
    assert here is None or rendering._has(here, name)
    monkeypatch.setattr(rendering, "_typefaces", tuple)
    rendering._typeface.cache_clear()
    without = page(pdf(sheet(name=name))).tobytes()
    assert without == page(pdf(sheet(name=rendering._NO_TYPEFACE))).tobytes()
    rendering._typeface.cache_clear()


def test_a_name_that_is_too_long_for_its_line_is_made_narrower() -> None:
    long = page(pdf(sheet(name="Wolfeschlegelsteinhausenbergerdorff " * 3)))
    margin = long.crop((long.width - 20, 0, long.width, long.height // 3))
    assert margin.getextrema() == (255, 255)
