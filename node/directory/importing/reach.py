"""Cells about how to reach somebody: telephone numbers, e-mail and web addresses, the venue's one contact column.

Rules:

- a phone that starts with `+` or `00` loses its spaces and brackets; without a country code nobody abroad can ring it
- a contact is recognised by its looks: `@` is an e-mail, digits are a phone, the rest is a contact record's id; several
  may stand in one cell

    >>> phone("+49 (0)89 123-456"), contact("desk@park.example; 00372 5612 3456")
    ('+4989123456', {'email': 'desk@park.example', 'phone': '+37256123456'})
"""

import re

from node.directory.importing.outcome import Unreadable
from node.kinds.body import quoted

_NODE_AND_ID = re.compile(r"(bra1[a-z2-7]{32}/)?[a-z0-9_-]{1,64}", re.ASCII)


def phone(text: str) -> str:
    number = re.sub(r"^(?:tel|phone|mob(?:ile)?|fax)?[:.]?\s*'?", "", text, flags=re.IGNORECASE)
    if re.fullmatch(r"[0-9][.,][0-9]+E\+?[0-9]+", number, re.IGNORECASE):
        raise Unreadable(
            f"{quoted(text)} was cut short by the spreadsheet: format the column as text, write the number anew"
        )
    # +49 (0)89: the bracketed zero is dialled at home only.
    tight = re.sub(r"[\s()\[\]./\u2010-\u2015-]", "", re.sub(r"(?<=[0-9 ])\(0\)", "", number))
    tight = "+" + tight[2:] if tight.startswith("00") else tight
    if re.fullmatch(r"\+[1-9][0-9]{6,14}", tight, re.ASCII):
        return tight
    if tight.startswith("+"):
        raise Unreadable(f"{quoted(text)} is not a phone number: write it like +37256123456, without an extension")
    if re.fullmatch(r"[0-9]{3,15}", tight, re.ASCII):
        raise Unreadable(
            f"{quoted(text)} has no country code: put + and the country code before it, like +372 5612 3456"
        )
    raise Unreadable(f"{quoted(text)} is not a phone number: write it like +37256123456")


def email(text: str) -> str:
    return re.sub(r"^mailto:", "", text, flags=re.IGNORECASE)


def contact(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in (part.strip() for part in re.split(r"[;|\n]|,\s", text)):
        if not part:
            continue
        field, value = _recognised(part)
        if field in found:
            raise Unreadable(f"{quoted(part)} is a second {field}: leave one in this column")
        found[field] = value
    return found


def _recognised(part: str) -> tuple[str, str]:
    if "@" in part:
        return "email", email(part)
    if part.startswith("+") or not re.search(r"[a-z]", re.sub(r"^(?:tel|phone|mob(?:ile)?)\b", "", part.lower())):
        return "phone", phone(part)
    if _NODE_AND_ID.fullmatch(part):
        return "record", part
    raise Unreadable(
        f"{quoted(part)} is no contact: write an e-mail, a phone with its country code, or a contact record's id"
    )
