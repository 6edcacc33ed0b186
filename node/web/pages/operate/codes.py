"""Links as QR codes on a page."""

import segno


def picture(link: str) -> str:
    """The link as a picture (`data:`): dark on light whatever the page is, as readers want it."""
    return str(segno.make(link, error="m", micro=False).svg_data_uri(scale=6, dark="#000", light="#fff"))
