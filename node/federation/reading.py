"""Lines that came as blocks: read in a worker thread, one block a refusal where it has to be, stopping no other."""

from collections.abc import Sequence
from itertools import chain

from node.errors import Forged, Malformed
from node.federation import wire
from node.protocol import names
from node.protocol.blocks import Block, Limits, OverQuota, Want, parse_line
from node.protocol.names import NodeId
from node.protocol.verdicts import Reason, Refusal


def read_block(want: Want, lines: Sequence[bytes], limits: Limits, block: Block | None = None) -> Block | Refusal:
    """The block that these lines are a page of, added to what came before; runs in a worker thread."""
    block = block or Block(want.author)
    try:
        block.read(lines, limits)
    except OverQuota as error:
        return Refusal(Reason.OVER_QUOTA, str(error))
    except Malformed as error:
        return Refusal(Reason.MALFORMED, str(error))
    except Forged as error:
        return Refusal(Reason.FORGED, str(error))
    return block


def pushed_blocks(body: bytes, *, compressed: bool, limits: Limits) -> list[tuple[NodeId, Block | Refusal]]:
    """The blocks of a push, each with its author; a malformed one is a refusal and stops no other."""
    reader = wire.LineReader(limit=wire.LONGEST_BLOCK, compressed=compressed, lines=wire.block_lines(limits))
    blocks: list[tuple[NodeId, Block | Refusal]] = []
    lines: list[bytes] = []
    for line in chain.from_iterable(reader.feed(body)):
        if len(blocks) == wire.WANTS_AT_ONCE:
            # Reading one may check some signatures.
            raise Malformed(f"a push brings up to {wire.WANTS_AT_ONCE} blocks")
        lines.append(line)
        if line.startswith(b'{"next":'):
            blocks.append(_pushed_block(lines, limits))
            lines = []
    reader.end()
    if lines:
        raise Malformed("the last block breaks off")
    return blocks


def _pushed_block(lines: Sequence[bytes], limits: Limits) -> tuple[NodeId, Block | Refusal]:
    _, value = parse_line(lines[-1])
    author = names.parse_node_id(value.get("author") if isinstance(value, dict) else None)
    return author, read_block(Want(author), lines, limits)
