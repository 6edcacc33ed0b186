"""An adoption: somebody here has taken over a practice.

{"practice": "bra1.../soft-landing", "by": "Tartu Science Park", "since": "2027-01-15"}
"""

from typing import Annotated

from pydantic import Field

from node.kinds.body import Body, Maybe
from node.kinds.fields import Day, Name, ProseMap, RecordRef


class Adoption(Body):
    practice: RecordRef
    by: Annotated[Name, Field(description="who adopted it")]
    since: Day
    result: Maybe[ProseMap] = None

    def heading(self) -> str:
        return f"{self.by}, {self.since}"
