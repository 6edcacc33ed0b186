"""A spreadsheet as a partner would send it: 317 rows in four scripts; each is the right draft or a told problem."""

import csv
import io
import random

import pytest

from node import kinds
from node.directory.importing import Draft, read_sheet

HEADER = (
    "Ref", "Name", "Type", "Address", "City", "Country", "Latitude", "Longitude", "Time zone", "Hours", "Contact",
    "Free days", "Notice hours", "Price", "Currency", "Capacity", "Facilities", "Directions", "Directions.et",
)  # fmt: skip

# City, country as written, country, latitude, longitude, zone, currency; and names of rooms in the place's script.
PLACES = [
    ("Tartu", "Estonia", "EE", 58378025, 26728493, "Europe/Tallinn", "EUR",
     ["Õpetaja büroo", "Väike „Äri” ruum", "Šokolaad"]),
    ("München", "DE", "DE", 48137154, 11576124, "Europe/Berlin", "EUR",
     ["Großer Saal; Süd", 'Raum "Größe"', "Übungsraum"]),
    ("香港", "Hong Kong", "HK", 22319303, 114169361, "Asia/Hong_Kong", "HKD",
     ["數碼港會議室", "科學園 大樓", "創新中心"]),
    ("الرباط", "ma", "MA", 34020882, -6841650, "Africa/Casablanca", "MAD",
     ["قاعة الاجتماعات", "مكتب ٢", "المختبر"]),
]  # fmt: skip

HURT = [
    # what is done to the cell, which cell, and what the sentence then holds
    ("Latitude", lambda cell: cell.replace(",", ".")[:4] + "," + cell[4:] + ".1", "is not a coordinate: write it like"),
    ("Longitude", lambda cell: "east", "is not a coordinate"),
    ("Type", lambda cell: "Meeting room", "did you mean meeting?"),
    ("Country", lambda cell: "Eesti", "write EE"),
    ("Time zone", lambda cell: "Tallinn", "write Europe/Tallinn"),
    ("Hours", lambda cell: "Mo-Fr 9-17", "write it like Mo-Fr 09:00-17:00"),
    ("Contact", lambda cell: "7 123 456", "has no country code"),
    ("Contact", lambda cell: "", "nobody can be reached"),
    ("Free days", lambda cell: "#REF!", "spreadsheet's own error"),
    ("Notice hours", lambda cell: "", "empty: give a whole number of hours"),
    ("Currency", lambda cell: "", "a price needs its currency"),
    ("Price", lambda cell: "1,250", "can be read in two ways"),
    ("Capacity", lambda cell: "about 20", "write it like 20"),
    ("Name", lambda cell: "", "empty: give the venue's name"),
    ("Ref", lambda cell: "", "give this row a short code"),
]


def _coordinate(chance: random.Random, micro: int) -> str:
    text = f"{abs(micro) / 1e6:.6f}"
    sign = "-" if micro < 0 else ""
    return chance.choice([sign + text, sign + text.replace(".", ","), f" {sign}{text}° ", f"{sign}{text}\u00a0"])


def _row(chance: random.Random, number: int) -> tuple[dict[str, str], dict[str, object]]:
    """The cells of a right row, as different people write them, and the body they mean."""
    city, written, country, lat, lon, zone, currency, names = chance.choice(PLACES)
    lat, lon = lat + chance.randrange(-9000, 9000), lon + chance.randrange(-9000, 9000)
    name = f"{chance.choice(names)} {number}"
    kind = chance.choice(["office", "desk", "meeting", "event", "lab"])
    contact, meant = chance.choice(
        [
            ("desk@park.example", {"email": "desk@park.example"}),
            ("+372 (0)5612\u00a03456", {"phone": "+37256123456"}),
            ("00852 2345-6789", {"phone": "+85223456789"}),
            ("front-desk", {"record": "front-desk"}),
        ]
    )
    terms: dict[str, object] = {"free_days": number % 10, "notice_hours": 24}
    cells = {
        "Ref": f"v-{number}", "Name": name, "Type": chance.choice([kind, kind.title()]),
        "Address": f"Tänav {number},\nII korrus",
        "City": city, "Country": written, "Latitude": _coordinate(chance, lat), "Longitude": _coordinate(chance, lon),
        "Time zone": zone, "Hours": "Mo-Fr 09:00-17:00; PH off", "Contact": contact, "Free days": str(number % 10),
        "Notice hours": "24", "Price": "", "Currency": "", "Capacity": "", "Facilities": "", "Directions": "",
        "Directions.et": "",
    }  # fmt: skip
    body: dict[str, object] = {
        "name": name, "type": kind, "address": f"Tänav {number}, II korrus", "city": city, "country": country,
        "geo": {"lat_e6": lat, "lon_e6": lon}, "time_zone": zone, "hours": "Mo-Fr 09:00-17:00; PH off",
        "contact": meant, "terms": terms,
    }  # fmt: skip
    if number % 2:
        cells["Price"], cells["Currency"] = chance.choice(["12,50", "12.50", " 12,50\u00a0"]), currency.lower()
        terms |= {"price": "12.50", "currency": currency}
    if number % 3:
        cells["Capacity"], body["capacity"] = chance.choice(["1 200", "1\u00a0200", "1200"]), 1200
    if number % 5:
        cells["Facilities"], body["facilities"] = "WiFi, Meeting room", ["wifi", "meeting_room"]
    if number % 7:
        cells["Directions"], cells["Directions.et"] = "Bus 3\nto the end", "Buss „3”"
        body["directions"] = {"en": "Bus 3\nto the end", "et": "Buss „3”"}
    return cells, body


def _hurt(chance: random.Random, cells: dict[str, str]) -> tuple[str, str]:
    column, change, sentence = chance.choice(HURT)
    if column in {"Price", "Currency"}:
        cells["Price"], cells["Currency"] = "12,50", "EUR"
    cells[column] = change(cells[column])
    return column, sentence


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-8", "utf-16"])
def test_each_of_317_rows_is_the_right_draft_or_a_problem_by_row_and_column(seed, encoding):
    chance = random.Random(seed)
    file = io.StringIO()
    writer = csv.writer(file, delimiter=";", lineterminator="\r\n")
    writer.writerow([*HEADER, "", ""])
    drafts: dict[str, tuple[int, dict[str, object]]] = {}
    hurt: dict[int, tuple[str, str]] = {}
    row = 1
    for number in range(317):
        if number % 40 == 39:
            row += 1
            writer.writerow([""] * chance.choice([0, 3, len(HEADER)]))
        row += 1
        cells, body = _row(chance, number)
        if chance.random() < 0.2:
            hurt[row] = _hurt(chance, cells)
        else:
            drafts[f"v-{number}"] = row, body
        writer.writerow([*(cells[name] for name in HEADER), "", ""])

    sheet = read_sheet(file.getvalue().encode(encoding), "venue", name="venues.csv")

    assert len(drafts) + len(hurt) == 317
    assert len(hurt) > 30
    assert [(problem.row, problem.column) for problem in sheet.problems] == [(row, hurt[row][0]) for row in hurt]
    for problem in sheet.problems:
        assert hurt[problem.row][1] in problem.sentence
    assert sheet.drafts == tuple(Draft(ref, body, None, row) for ref, (row, body) in drafts.items())
    for draft in sheet.drafts:
        assert kinds.interpret("venue", draft.body)
