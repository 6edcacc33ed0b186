"""A farewell: the one record of an organisation that has left.

{"date": "2027-01-15", "reason": {"en": "We merge with our neighbour."}}
"""

from node.kinds.body import Body
from node.kinds.fields import Day, ProseMap, first_of


class Farewell(Body):
    date: Day
    reason: ProseMap

    def heading(self) -> str:
        return first_of(self.reason)
