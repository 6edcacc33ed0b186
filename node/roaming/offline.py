"""What a desk is told, so that it can judge passes while its node is out of its reach. Pure: values in, JSON out.

Rules:

- a desk is told what it would see of any pass anyway, and what is public: nobody's name, no visit's reason
- it judges as `verdicts` does: the same pass, at the same moment, by the same knowledge, has the same verdict
  (`static/verdict.js`; tests/browser/test_desk_page.py shows both the same hostile passes)
- this node's own word is as old as what the desk was told: `heard` and `fresh_until` are left out there
- of who isn't honoured only why is told: as a sentence's template, in which the page puts the issuer's name

    {"host": "bra1…", "issuers": {"bra1…": {"name": "Tartu Park", "keys": {"pass-1": "mZ…"}, "lists": {…}, …}}, …}
"""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import TypeAdapter

from node.kinds.fields import Name
from node.protocol.names import NodeId, encode_base64, parse_time
from node.roaming.verdicts import LEEWAY, Issuer, Place, Rules
from node.roaming.visit import EXPECTED
from node.sentence import Sentence

_NAME: str = TypeAdapter(Name).json_schema()["pattern"]

Lists = Mapping[str, Mapping[str, Any]]
"""The bodies of status lists, by their ids."""


def told(
    issuers: Iterable[tuple[Issuer, Lists]],
    venues: Iterable[Place],
    visits: Iterable[tuple[str, str, str, str, str, str]],
    arrivals: Iterable[tuple[str, str, str, int]],
    *,
    host: NodeId,
    rules: Rules,
    now: float,
) -> dict[str, Any]:
    """`visits`: guest, id, state, venue, first, last; `arrivals`: issuer, pass, venue, seconds since 1970."""
    came: dict[str, list[int]] = {}
    for issuer, pass_, venue, at in arrivals:
        came.setdefault(f"{issuer}/{pass_}/{venue}", []).append(at)
    return {
        "host": host,
        "stale_seconds": rules.stale_hours * 3_600,
        "replay": rules.replay,
        "leeway": LEEWAY,
        "name": _NAME,
        "expected": sorted(EXPECTED),
        "venues": {
            each.id: {"name": each.name, "zone": each.zone, "unasked_days": each.unasked_days} for each in venues
        },
        "issuers": {issuer.node_id: _issuer(issuer, lists, host, now) for issuer, lists in issuers},
        "visits": {
            f"{guest}/{id_}": [state, venue.partition("/")[2], first, last]
            for guest, id_, state, venue, first, last in visits
        },
        "arrivals": came,
    }


def _issuer(issuer: Issuer, lists: Lists, host: NodeId, now: float) -> dict[str, Any]:
    shown: dict[str, Any] = {"name": issuer.name}
    if issuer.phone:
        shown["phone"] = issuer.phone
    if issuer.node_id != host and issuer.heard is not None:
        shown["heard"] = issuer.heard
    if issuer.node_id != host and (issuer.fresh_until or 0) > now:
        shown["fresh_until"] = issuer.fresh_until
    if issuer.refused:
        why = issuer.refused
        return {**shown, "refused": why.template if isinstance(why, Sentence) else why}
    return {
        **shown,
        "keys": {name: encode_base64(public) for name, public in issuer.keys.items()},
        "lists": {
            id_: [body["bits"], body["list"], parse_time(body["issued"]) + body["ttl"]] for id_, body in lists.items()
        },
    }
