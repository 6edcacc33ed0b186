"""Do all nodes hold the same, and if not, which lacks what? Pure: the answers of `status` in, a verdict out.

Rules:

- what a node says of itself is the measure: the root, epoch and seq of its own state
- a node holds an author when it lists it in exactly that state, with all bodies
- nothing is complete before every author has published as many records as it was going to

    >>> found = compare({"tartu": tartu_status, "lund": lund_status}, titles, planned={"tartu": 31, "lund": 32})
    >>> found.held, found.complete, found.lacks
    (94, False, ('Tartu lacks Lund (0 of 32 records)',))
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from node.trust.reach import Standing

Status = Mapping[str, Any]
"""What the operation `status` answers."""

_LISTED = {standing.name.lower() for standing in Standing if standing >= Standing.LISTED}


@dataclass(frozen=True, slots=True)
class Comparison:
    """`held`: records over all nodes, of the `expected`. `lacks`: a sentence for each gap."""

    held: int
    expected: int
    roots_equal: bool
    lacks: tuple[str, ...]

    @property
    def complete(self) -> bool:
        return self.roots_equal and self.held == self.expected and not self.lacks


def compare(statuses: Mapping[str, Status], titles: Mapping[str, str], planned: Mapping[str, int]) -> Comparison:
    """Compares what the nodes hold, each under its slug; `planned` is how many records each will have published."""
    held, roots_equal = 0, True
    lacks: list[str] = []
    for slug, status in statuses.items():
        seen = {author["node_id"]: author for author in status["authors"]}
        for author, own in statuses.items():
            entry, truth = seen.get(own["node_id"], {}), _own(own)
            held += min(entry.get("records", 0), planned[author])
            same = _state(entry) == _state(truth)
            roots_equal = roots_equal and same
            if gap := _gap(entry, planned[author], same=same, own=slug == author):
                lacks.append(f"{titles[slug]} {gap.format(author=titles[author])}")
        if status["without_body"]:
            lacks.append(f"{titles[slug]} lacks the text of {status['without_body']} records")
    return Comparison(held, len(statuses) * sum(planned.values()), roots_equal, tuple(lacks))


def _own(status: Status) -> Mapping[str, Any]:
    return next(author for author in status["authors"] if author["node_id"] == status["node_id"])


def _state(author: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(author.get(part) for part in ("root", "epoch", "seq"))


def _gap(entry: Mapping[str, Any], planned: int, *, same: bool, own: bool) -> str:
    count = entry.get("records", 0)
    if own:
        return "" if count == planned else f"has published {count} of its {planned} records"
    if count < planned:
        return f"lacks {{author}} ({count} of {planned} records)"
    if not same:
        return "holds another state of {author} than {author} itself"
    return "" if entry["standing"] in _LISTED else "holds {author} but does not list it"
