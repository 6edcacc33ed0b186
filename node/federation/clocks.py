"""Two clocks that differ, told in plain words: neither node can know which of the two is wrong.

Signed times are compared where they matter: a greeting and a beat here, a request in `signatures`.
"""

from node.errors import Declined, Forged
from node.plain import span
from node.protocol.names import format_time
from node.protocol.statements import Beat, Card, Hello
from node.protocol.verdicts import CLOCK_TOLERANCE, Reason, Refusal


def check_hello(hello: Hello, now: float) -> None:
    """Raises Declined where the clock of the node that just answered is too far from ours."""
    if abs(hello.time - now) > CLOCK_TOLERANCE:
        raise Declined(f"its clock is {_difference(hello.time, now)}", 421)


def beat_ahead(beat: Beat | None, card: Card, now: float) -> Refusal | None:
    """Why a beat of the card's author can't count yet; None where its time is no reason, or it isn't the author's."""
    if beat is None or beat.time <= now + CLOCK_TOLERANCE:
        return None
    try:
        beat.verify(card)
    except Forged:
        return None
    return Refusal(Reason.CLOCK, f"its author's clock is {_difference(beat.time, now)}")


def _difference(theirs: float, ours: float) -> str:
    direction = "ahead" if theirs > ours else "behind"
    return (
        f"{direction} by {span(abs(theirs - ours))}: it said {format_time(theirs)} when it was {format_time(ours)} "
        "here, so one of the two clocks is wrong: set that one"
    )
