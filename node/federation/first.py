"""A set of which nothing is held: read, judged and laid out for storing, wherever there is a processor for it. Pure.

It comes to what `reading`, `verdicts` and `records.replace` come to with nothing held; whatever isn't accepted as it
came is left to them, who know why.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from node.directory.testimony import KINDS
from node.federation.reading import read_block
from node.protocol.blocks import Block, Limits, Want
from node.protocol.tree import Tree
from node.protocol.verdicts import Accepted, Held, Refusal, judge
from node.storage import records
from node.storage.bulk import Sheet
from node.storage.index import Entry, entry

FEW = 50
"""Records of a block that are searchable as soon as it is applied. Of more, only what tells who is accepted, and what
was shown here before the change, is looked into before they are durable."""


@dataclass(frozen=True, slots=True)
class First:
    """An accepted first set. `block` has its statements alone, the records are in the sheet; `verdict` has no tree."""

    block: Block
    verdict: Accepted
    sheet: Sheet


def read_first(
    want: Want, lines: Sequence[bytes], limits: Limits, network: str, now: float, kinds: Collection[str]
) -> First | None:
    """The set that these lines are, with the bodies of `kinds` alone (none named: all); None where it isn't one."""
    block = read_block(want, lines, limits)
    if isinstance(block, Refusal) or block.after is not None:
        return None
    if kinds:
        block.keep_bodies(kinds)
    verdict = judge(block, None, network=network, now=now, limits=limits)
    if not isinstance(verdict, Accepted):
        return None
    sheet = records.first_sheet(block.records.values(), block.leaves.values(), entries(block, None))
    return First(replace(block, records={}, leaves={}), replace(verdict, tree=Tree()), sheet)


def entries(block: Block, held: Held | None) -> dict[bytes, Entry]:
    """What is searched of the records that don't wait for it: of a few, and of those that take another's place."""
    few, tree = len(block.records) <= FEW, held.tree if held else Tree()
    return {
        key: entry(record.kind, record.body)
        for key, record in block.records.items()
        if few or record.kind in KINDS or tree.get(key)
    }
