"""How well a record answers a question: one number, higher is better, and what it is made of.

| What | Points | Why |
|---|---|---|
| heading | up to 6 | the share of the words that stand in the heading |
| whole | 3 | every word stands there as it was typed, not as a beginning |
| short | up to 1 | 1 for no text at all, 0.5 for 1,000 characters: a word says more of a short text |
| near | up to 4 | 4 at the place asked for, 2 at 10 km, 0.4 at 30 km |
| honoured | 1 | its organisation is honoured, not merely listed |
| stale | -2 | its organisation has not been heard from for longer than it said |

Each is of the record, its author and the question alone. How rare a word is in the whole directory (as in bm25) would
order a public page by hidden records, too: with a record that holds a guessed word, anybody could ask whether another
one does.

No word is mended (see `words`) where any record holds it as typed: what is mended never stands among what isn't.
The number is worked out by SQLite, for all hits at once: `SCORE` is its expression.
"""

from node.storage.facts import SPHERE

HEADING, WHOLE, SHORT, NEAR, HONOURED, STALE = 6.0, 3.0, 1.0, 4.0, 1.0, 2.0
_HALF_SHORT = 1_000.0
"""Characters of half as short a text."""
_HALF_NEAR = (10.0 / 6371.0 * SPHERE) ** 2
"""The square of a chord of 10 km."""

SCORE = (
    f"{HEADING} * heading + {WHOLE} * whole + {SHORT} / (1.0 + length / {_HALF_SHORT}) "
    f"+ coalesce({NEAR} / (1.0 + square / {_HALF_NEAR!r}), 0.0) + {HONOURED} * honoured - {STALE} * stale"
)
"""`heading` is 0 to 1; `length` in characters; `square` that of a chord on `SPHERE`, NULL without a place; the others 0
or 1."""


def points(
    *, heading: float, whole: bool, length: int, square: int | None, honoured: bool, stale: bool
) -> dict[str, float]:
    """What each part of a score is worth, for people: by the names in the table, without those worth nothing."""
    parts = {
        "heading": HEADING * heading,
        "whole": WHOLE * whole,
        "short": SHORT / (1.0 + length / _HALF_SHORT),
        "near": NEAR / (1.0 + square / _HALF_NEAR) if square is not None else 0.0,
        "honoured": HONOURED * honoured,
        "stale": -STALE * stale,
    }
    return {name: round(worth, 3) for name, worth in parts.items() if worth}
