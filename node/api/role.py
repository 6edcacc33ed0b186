"""Who may see and do what: the one table of roles.

Roles stand in order, and each may all that the one before it may:

- public: whoever asks without a token; sees what is `public`
- member: of this organisation; sees `members`, too, which is for members of any honoured signatory (SPEC, "Records")
- desk: this organisation's staff; sees `partners`, too, which is for their staff
- operator: who runs this node; sees `local`, too, which never leaves it

    >>> Role.named("desk") > Role.MEMBER, sorted(VISIBLE[Role.MEMBER])
    (True, ['members', 'public'])
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import Self

from node.directory.reader import EVERYTHING, PUBLIC
from node.errors import InputError


class Role(IntEnum):
    PUBLIC = 0
    MEMBER = 1
    DESK = 2
    OPERATOR = 3

    @classmethod
    def named(cls, name: str) -> Self:
        """The role of a token by its name; InputError where there is none. Nobody needs a token to be public."""
        for role in cls:
            if role and role.label == name:
                return role
        raise InputError(f"there is no role {name[:64]!r}: give {', '.join(each.label for each in cls if each)}")

    @property
    def label(self) -> str:
        """As people write it."""
        return self.name.lower()


VISIBLE: Mapping[Role, frozenset[str]] = {
    Role.PUBLIC: PUBLIC,
    Role.MEMBER: PUBLIC | {"members"},
    Role.DESK: PUBLIC | {"members", "partners"},
    Role.OPERATOR: EVERYTHING,
}
"""The visibilities of records that each role is shown."""
