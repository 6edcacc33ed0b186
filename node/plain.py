"""Text as a terminal and a log may show it: on one line, without what they would obey; and times as people say them.

>>> plain("Park\\x1b[2J\\u202egnp")
'Park [2J gnp'
>>> span(16 * 86_400 + 5)
'16 days'
"""

import re
import unicodedata

SHAPING = "\u200c\u200d\ufe00-\ufe0f\U000e0100-\U000e01ef"
"""What nobody sees, but Persian, Indian and Japanese spelling and emoji need; for a regular expression's brackets."""

HOLLOW = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u2800"
    "\u3164\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e00ff"
    "\U000e01f0-\U000e0fff"
)
"""What nobody sees and no name needs: the rest of Unicode's Default_Ignorable_Code_Point, and Braille's blank. Some
counts as a letter."""

_UNSEEN = re.compile(f"[{SHAPING}{HOLLOW}]")

_LONGEST = 500
_UNITS = ((86_400, "days"), (3_600, "hours"), (60, "minutes"))


def plain(text: str, longest: int = _LONGEST) -> str:
    """At most `longest` characters; control, direction and other unseen characters become spaces."""
    shown = "".join(each if _seen(each) else " " for each in text[: longest + 1])
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


def without_unseen(text: str) -> str:
    """The text without the characters that no typeface draws."""
    return text if text.isascii() else _UNSEEN.sub("", text)


def span(seconds: float) -> str:
    """About so much time, in the largest unit of which there are two."""
    for length, unit in _UNITS:
        if seconds > 1.95 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} seconds"


def _seen(character: str) -> bool:
    # Cc, Cf (direction overrides, zero width), Cs (lone surrogates), Co, Cn, Zl and Zp: nothing that is read.
    unread = unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
    return not unread and not _UNSEEN.match(character)
