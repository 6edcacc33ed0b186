"""A key card: how an organisation introduces its node to a partner, as one line of JSON carried any way.

It is the signed record of the organisation itself, with a beat that says where the node is reached.
"""

from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from node import kinds
from node.directory.draft import OWN_ORGANISATION
from node.errors import InputError, Malformed, ProtocolError
from node.federation.wire import parse_url
from node.protocol.names import NodeId
from node.protocol.signed_record import SignedRecord


@dataclass(frozen=True, slots=True)
class KeyCard:
    """A verified key card of another node in this network."""

    signed: SignedRecord
    organisation: str
    website: str

    @property
    def node_id(self) -> NodeId:
        return self.signed.card.author

    @property
    def url(self) -> str:
        """Where its beat says that the node is reached; empty where it says nothing that can be called."""
        for each in self.signed.beat.urls if self.signed.beat else ():
            with suppress(InputError):
                return parse_url(each)
        return ""

    @property
    def says(self) -> tuple[str, str, str, int]:
        """What its node says of itself that an operator decides by: name, website, URL, and the epoch of its key."""
        return self.organisation, self.website, self.url, self.signed.card.epoch

    @classmethod
    def parse(cls, value: object, *, network: str, me: NodeId) -> Self:
        """The key card that a JSON value is; InputError, saying what to ask the partner for, where it can't be used."""
        try:
            signed = SignedRecord.parse(value)
        except ProtocolError as error:
            raise InputError(
                f"this is not a key card, or it was changed on the way ({error}): ask the partner for the output of "
                "'bra card' again"
            ) from error
        record = signed.record
        if (record.kind, record.id) != ("organisation", OWN_ORGANISATION):
            raise InputError(
                f"this is a signed {record.kind}, not a key card: ask the partner for the output of 'bra card'"
            )
        if signed.card.network != network:
            raise InputError(
                f"the card belongs to the network {signed.card.network!r}, this node to {network!r}: they never mix"
            )
        if signed.card.author == me:
            raise InputError("this is this node's own card: give it to the partner, and add the partner's here")
        try:
            kinds.interpret("organisation", record.body)
        except Malformed as error:
            raise InputError(f"the card's organisation can't be read ({error}): ask the partner to mend it") from error
        return cls(signed, record.body["name"], record.body["website"])
