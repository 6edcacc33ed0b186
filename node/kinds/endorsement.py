"""An endorsement: I know this node id as this organisation.

    {"node_id": "bra1...", "organisation": "Lund Park", "method": "phone", "date": "2027-01-15"}
    {..., "withdrawn": {"date": "2027-03-01", "reason": {"en": "They closed their office."}}}

`method` is how the keys were compared. A withdrawn endorsement counts no more, and says why.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from node.kinds.body import Body, Maybe, Part
from node.kinds.fields import Day, Name, NodeId, ProseMap

Method = Annotated[
    Literal["in_person", "video", "phone", "invitation", "key_card", "introduction", "other"],
    Field(description="a method of comparing keys"),
]


class Withdrawal(Part):
    reason: ProseMap
    date: Maybe[Day] = None


class Endorsement(Body):
    node_id: NodeId
    organisation: Annotated[Name, Field(description="the organisation's name")]
    method: Method
    date: Day
    expires: Maybe[Day] = None
    withdrawn: Maybe[Withdrawal] = None

    @classmethod
    def misfits(cls, has: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        date, expires = has.get("date"), has.get("expires")
        if isinstance(date, str) and isinstance(expires, str) and expires < date:
            yield "expires", "it is before date: give a later day"

    def heading(self) -> str:
        return self.organisation
