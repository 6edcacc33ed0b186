"""A receipt: what this organisation's members say a venue did for them in one month.

    {"month": "2027-06", "venue": "bra1.../delta-desk", "visits_received": 14, "median_answer_minutes": 600}

Published by the *guest's* organisation, so that a host can't inflate it: `venue` therefore names the host's node.
"""

from typing import Annotated

from pydantic import Field

from node.kinds.body import Body
from node.kinds.fields import Count, ForeignRef, Month

Minutes = Annotated[int, Field(ge=0, le=1_000_000, description="a whole number of minutes from 0 to 1000000")]


class Receipt(Body):
    month: Month
    venue: ForeignRef
    visits_received: Count
    median_answer_minutes: Minutes

    def heading(self) -> str:
        return f"{self.month}: {self.visits_received}"
