"""A signed record: one record that proves itself, in a file, an e-mail or a QR code; verified offline.

Rules (SPEC, "Signed records"): `{"card","head","record","proof","beat"?}`. The card proves the author, its signing key
the head, the proof that the record is in the head's set, and a beat of that head says "as of".
A node's key card is the signed record of its organisation, with its beat.
"""

from dataclasses import dataclass
from typing import Any, Self

from node.errors import Forged, Malformed
from node.protocol.canonical import decode, encode
from node.protocol.record import Record
from node.protocol.statements import Beat, Card, Head
from node.protocol.tree import Proof


@dataclass(frozen=True, slots=True)
class SignedRecord:
    """A record with everything that proves it. `parse` verifies; there is no unverified one."""

    card: Card
    head: Head
    record: Record
    proof: Proof
    beat: Beat | None = None

    @classmethod
    def parse(cls, value: object) -> Self:
        """The signed record that a JSON value is; Malformed or Forged where anything in it does not hold."""
        needed = {"card", "head", "record", "proof"}
        if not isinstance(value, dict) or not needed <= value.keys() <= needed | {"beat"}:
            raise Malformed("a signed record has the members card, head, record, proof and, perhaps, beat")
        found = cls(
            Card.parse(value["card"]),
            Head.parse(value["head"]),
            Record.parse(encode(value["record"])),
            Proof.parse(value["proof"]),
            Beat.parse(value["beat"]) if "beat" in value else None,
        )
        found._verify()
        return found

    def _verify(self) -> None:
        self.head.verify(self.card)
        if self.record.author != self.card.author:
            raise Forged(f"the record is of {self.record.author}, the card of {self.card.author}")
        if self.record.seq > self.head.seq:
            raise Forged("the record is newer than the head that should prove it")
        self.proof.verify_inclusion(self.head.root, self.record.key, self.record.value)
        if self.beat is not None:
            self.beat.verify(self.card)
            if self.beat.head != self.head.hash:
                raise Forged("the beat is of another head")

    def as_value(self) -> dict[str, Any]:
        value = {
            "card": decode(self.card.signed.line),
            "head": decode(self.head.signed.line),
            "record": decode(self.record.line),
            "proof": self.proof.as_value(),
        }
        if self.beat is not None:
            value["beat"] = decode(self.beat.signed.line)
        return value

    @property
    def line(self) -> bytes:
        """The canonical form: one line, without its end."""
        return encode(self.as_value())
