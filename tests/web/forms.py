"""Forms as a browser sends them back."""

import re
from html import unescape


def hidden(page: str, path: str) -> dict[str, str]:
    """The hidden fields of the form for `path` on a page."""
    found = re.search(f'<form[^>]* action="{path}".*?</form>', page, re.DOTALL)
    assert found, page
    pairs = re.findall('type="hidden" name="([^"]*)" value="([^"]*)"', found[0])
    return {name: unescape(value) for name, value in pairs}
