"""Text from elsewhere as a terminal and a log may show it: on one line, without what they would obey.

>>> plain("Park\\x1b[2J\\u202egnp")
'Park [2J gnp'
"""

import unicodedata

_LONGEST = 500


def plain(text: str, longest: int = _LONGEST) -> str:
    """At most `longest` characters; control, direction and other unseen characters become spaces."""
    shown = "".join(each if _seen(each) else " " for each in text[: longest + 1])
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


def _seen(character: str) -> bool:
    # Cc, Cf (direction overrides, zero width), Cs (lone surrogates), Co, Cn, Zl and Zp: nothing that is read.
    return unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
