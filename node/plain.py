"""Text as a terminal and a log may show it: on one line, without what they would obey; and times as people say them.

>>> plain("Park\\x1b[2J\\u202egnp")
'Park [2J gnp'
>>> span(16 * 86_400 + 5)
'16 days'
"""

import unicodedata

_LONGEST = 500
_UNITS = ((86_400, "days"), (3_600, "hours"), (60, "minutes"))


def plain(text: str, longest: int = _LONGEST) -> str:
    """At most `longest` characters; control, direction and other unseen characters become spaces."""
    shown = "".join(each if _seen(each) else " " for each in text[: longest + 1])
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


def span(seconds: float) -> str:
    """About so much time, in the largest unit of which there are two."""
    for length, unit in _UNITS:
        if seconds > 1.95 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} seconds"


def _seen(character: str) -> bool:
    # Cc, Cf (direction overrides, zero width), Cs (lone surrogates), Co, Cn, Zl and Zp: nothing that is read.
    return unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
