"""An agreement: this organisation has signed a text of the Business Roaming Agreement.

    {"version": "1", "text_sha256": "9f86...", "signatory_role": "Managing director", "date": "2027-01-15"}

The text is named by its hash; who signed is named by role, not by name: an agreement is public for ever.
"""

from typing import Annotated

from pydantic import Field

from node.kinds.body import Body, Maybe
from node.kinds.fields import Day, Name, Sha256

Version = Annotated[
    str, Field(pattern=r"^[0-9A-Za-z._-]{1,32}$", description='the version of the text in quotes, such as "1"')
]


class Agreement(Body):
    version: Version
    text_sha256: Sha256
    signatory_role: Annotated[Name, Field(description="the role of the person who signed")]
    date: Day
    place: Maybe[Name] = None

    def heading(self) -> str:
        return f"BRA {self.version}, {self.date}"
