"""A sheet to fill in: every column of a kind, and an example row for each case. Reading it back finds no problem.

csv("venue")
workbook("contact")
"""

import csv as csv_
import io

from node.directory.importing import columns
from node.errors import InputError

_VENUE = {
    "name": "Delta Centre, desk room", "type": "desk", "address": "Narva mnt 18", "city": "Tartu", "country": "EE",
    "latitude": "58.385", "longitude": "26.725", "time_zone": "Europe/Tallinn", "hours": "Mo-Fr 09:00-17:00; PH off",
    "contact": "desk@park.example", "free_days": "3", "notice_hours": "24", "capacity": "12",
    "facilities": "wifi; coffee", "directions": "Bus 3 to the last stop", "directions.et": "Buss 3 lõpp-peatuseni",
}  # fmt: skip
_EVENT = {
    "title": "Demo day", "title.et": "Demopäev", "start": "2027-06-02T09:00", "end": "2027-06-02T17:00",
    "time_zone": "Europe/Tallinn", "status": "confirmed", "organiser": "Tartu Science Park", "open_to": "members",
    "online_url": "https://park.example/live", "languages": "en; et",
}  # fmt: skip
_EXAMPLES: dict[str, list[dict[str, str]]] = {
    "organisation": [
        {"ref": "self", "name": "Tartu Science Park", "roles": "science_park; incubator", "city": "Tartu",
         "country": "EE", "website": "https://park.example", "languages": "et; en", "sectors": "ict; green_energy",
         "members": "80", "description": "A park for young companies", "latitude": "58.378", "longitude": "26.729"},
    ],
    "venue": [
        {"ref": "free-desk", **_VENUE},
        {"ref": "paid-room", **_VENUE, "name": "Delta Centre, room 1", "type": "meeting", "free_days": "1",
         "price": "40.00", "currency": "EUR", "contact": "+372 5612 3456; desk@park.example"},
        {"ref": "on-request", **_VENUE, "name": "Delta Centre, hall", "type": "event", "visibility": "partners",
         "hours": "Mo-Fr 08:00-22:00; Sa 10:00-16:00", "free_days": "0", "notice_hours": "336", "capacity": "200"},
    ],
    "event": [
        {"ref": "demo-day", **_EVENT},
        {"ref": "paid-workshop", **_EVENT, "title": "Workshop", "title.et": "", "price": "25.00", "currency": "EUR",
         "capacity": "20", "remaining": "8", "registration": "https://park.example/register"},
        {"ref": "cancelled-breakfast", **_EVENT, "title": "Breakfast", "title.et": "", "status": "cancelled"},
    ],
    "offer": [
        {"ref": "mentoring", "title": "Mentoring for newcomers", "category": "research_and_networking",
         "status": "available", "service": "mentorship_programme", "eligibility": "Members of any signatory",
         "how_to_get": "Write to the desk", "languages": "en; et"},
        {"ref": "paid-training", "title": "Sales training", "category": "education_and_training", "status": "planned",
         "eligibility": "Members of any signatory", "how_to_get": "Register at the desk", "price": "120",
         "currency": "EUR"},
    ],
    "contact": [
        {"ref": "desk", "role": "Front desk", "languages": "et; en", "email": "desk@park.example",
         "phone": "+372 5612 3456", "topics": "visits; rooms", "hours": "Mo-Fr 09:00-17:00"},
        {"ref": "person", "role": "Soft-landing manager", "languages": "en", "email": "landing@park.example",
         "name": "Mari Maasikas", "consent": "2027-01-15", "visibility": "members"},
    ],
    "culture_guide": [
        {"ref": "tartu-en", "place": "Tartu", "language": "en", "reviewed": "2027-01-15",
         "greeting": "A handshake and the first name.", "punctuality": "Five minutes early is on time.",
         "meetings": "Short, and the point comes first."},
    ],
    "practice": [
        {"ref": "landing-week", "title": "Soft landing week", "category": "expansion", "status": "tested",
         "summary": "A week with a desk, a guide and five introductions"},
    ],
    "need": [
        {"ref": "sensors", "type": "technology_request", "summary": "Moisture sensors for peat soils",
         "partner_sought": "A maker that can deliver a hundred", "expires": "2027-06-30", "sectors": "agriculture",
         "countries": "EE; LV; FI"},
    ],
    "adoption": [
        {"ref": "landing-week", "practice": "landing-week", "by": "Tartu Science Park", "since": "2027-01-15"},
    ],
}  # fmt: skip

KINDS = tuple(_EXAMPLES)
"""The kinds that people keep, in sheets or otherwise; the others a node makes of what it does."""


def rows(kind: str) -> list[list[str]]:
    """The header and the examples; InputError for a kind that nobody keeps in a sheet."""
    if kind not in _EXAMPLES:
        raise InputError(f"there is no template for a {kind}: there is one for {', '.join(_EXAMPLES)}")
    examples = _EXAMPLES[kind]
    used = list(dict.fromkeys(name for example in examples for name in example if name not in columns.OWN))
    # What has no example is rare, or another way to write what has one.
    header = [*columns.OWN, *used, *(name for name in columns.columns_of(kind) if name not in used)]
    return [header, *([example.get(name, "") for name in header] for example in examples)]


def csv(kind: str) -> bytes:
    """As CSV that every spreadsheet program opens rightly: UTF-8 with its mark, and CRLF."""
    text = io.StringIO(newline="")
    csv_.writer(text, lineterminator="\r\n").writerows(rows(kind))
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def workbook(kind: str) -> bytes:
    """As an Excel workbook whose cells are text, so that phone numbers and dates stay as they are typed."""
    # A fifth of a second to import, for which no other command should wait.
    from openpyxl import Workbook  # noqa: PLC0415
    from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415

    book = Workbook(write_only=True)
    sheet = book.create_sheet(kind)
    sheet.freeze_panes = "A2"
    for row in [*rows(kind), *([""] * len(rows(kind)[0]) for _ in range(200))]:
        cells = [WriteOnlyCell(sheet, value) for value in row]
        for cell in cells:
            cell.number_format = "@"
        sheet.append(cells)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()
