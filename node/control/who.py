"""Whom an operator means: a node id, the beginning of one, or an organisation's name.

Rules:

- a whole node id is taken as it is, known here or not
- the beginning of an id (from `bra1` and four characters on), or a name or its beginning in either case, must fit one
  node alone
- a name that is fitted whole doesn't win over one that is only begun: whoever calls itself "Lund" isn't taken for
  "Lund Park" by somebody who was short
"""

import sqlite3
from collections.abc import Collection, Mapping
from contextlib import suppress

from node.control.parts import Parts
from node.directory import views
from node.directory.reader import EVERYTHING
from node.errors import InputError, Malformed
from node.plain import plain
from node.protocol.names import NodeId, parse_node_id

_SHORTEST_ID = len("bra1") + 4
_MOST_NAMED = 5
"""Candidates that an error names."""


def find_node(db: sqlite3.Connection, parts: Parts, text: str) -> NodeId:
    """The node that `text` means; InputError where it fits nobody here, or more than one."""
    text = " ".join(text.split())
    with suppress(Malformed):
        return parse_node_id(text)
    known = [NodeId(node) for (node,) in db.execute("SELECT node_id FROM authors ORDER BY no")]
    everyone = list(dict.fromkeys((*known, *parts.acceptance.known)))
    names = names_of(db, parts, everyone)
    fitting = meant(text, {node: names.get(node, "") for node in everyone})
    if not fitting:
        raise InputError(f"nobody here is called {plain(text, 80)!r}: 'bra status' lists who is known, with their ids")
    if len(fitting) > 1:
        listed = ", ".join(f"{node} ({plain(names.get(node) or 'no name', 80)})" for node in fitting[:_MOST_NAMED])
        more = ", ..." if len(fitting) > _MOST_NAMED else ""
        raise InputError(f"{plain(text, 80)!r} may be {listed}{more}: give the node id")
    return fitting[0]


def meant(text: str, names: Mapping[NodeId, str]) -> list[NodeId]:
    """Those of the named nodes whose id, or else whose name, begins with `text`."""
    if text.startswith("bra1") and len(text) >= _SHORTEST_ID:
        return [node for node in names if node.startswith(text)]
    begun = text.casefold()
    return [node for node, name in names.items() if begun and name.casefold().startswith(begun)]


def names_of(
    db: sqlite3.Connection, parts: Parts, nodes: Collection[NodeId], visibilities: Collection[str] = EVERYTHING
) -> dict[str, str]:
    """What these nodes are called: by themselves where they say so to who asks, or else by those who endorse them."""
    called = parts.acceptance.answer.called
    said = views.organisation_names(db, nodes, visibilities)
    return {node: called[node] for node in nodes if node in called} | said
