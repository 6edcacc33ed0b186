"""Single cells: what is read, and the sentence for what is not."""

import pytest

from node.directory.importing import cells, dates, hours, places, reach
from node.directory.importing.outcome import Unreadable

languages = cells.listed(places.language)
photos = cells.listed(cells.line, addresses=True)

READ = [
    ("a point", places.latitude, "58.378", 58378000),
    ("a comma", places.latitude, "58,378", 58378000),
    ("a degree sign and a letter", places.latitude, "58,378° N", 58378000),
    ("a letter in front", places.latitude, "S 33.9", -33900000),
    ("west is negative", places.longitude, "0.1276 W", -127600),
    ("a typographic minus", places.longitude, "\u22120,1276", -127600),
    ("minutes and seconds", places.latitude, "58°22'40.8\"N", 58378000),
    ("a long decimal is rounded to a microdegree", places.latitude, "58.3780005001", 58378001),
    ("a whole degree", places.longitude, "180", 180000000),
    ("a small code", places.country, "ee", "EE"),
    ("an English name", places.country, "Estonia", "EE"),
    ("another English name", places.country, "Czech Republic", "CZ"),
    ("a zone in small letters", places.zone, "europe/tallinn", "Europe/Tallinn"),
    ("a zone with a space", places.zone, "Asia/Hong Kong", "Asia/Hong_Kong"),
    ("a language by name", places.language, "Estonian", "et"),
    ("a tag in the wrong case", places.language, "ZH_hant", "zh-Hant"),
    ("spaced thousands", cells.integer, "1 200", 1200),
    ("pointed thousands", cells.integer, "1.200", 1200),
    ("Swiss thousands", cells.integer, "1’200’000", 1200000),
    ("a spreadsheet's decimals", cells.integer, "12,00", 12),
    ("a decimal comma", cells.price, "12,50", "12.50"),
    ("thousands and a comma", cells.price, "1.200,50", "1200.50"),
    ("thousands and a point", cells.price, "1,200.50", "1200.50"),
    ("leading zeros", cells.price, "007.5", "7.5"),
    ("nothing to pay", cells.price, "0", "0"),
    ("yes", cells.boolean, "YES", True),
    ("zero", cells.boolean, "0", False),
    ("a choice with a space and a capital", cells.choice(["meeting_room", "lab"]), "Meeting room", "meeting_room"),
    ("a number among choices", cells.choice([1, 2]), "2", 2),
    ("a list by semicolons", cells.listed(cells.line), "a, b; c", ["a, b", "c"]),
    ("a list by bars", cells.listed(cells.line), "a|b, c", ["a", "b, c"]),
    ("a list by commas, told twice", languages, "et, English, et,", ["et", "en"]),
    ("addresses with commas", photos, "https://a.ee/1,2.jpg, https://a.ee/3.jpg",
     ["https://a.ee/1,2.jpg", "https://a.ee/3.jpg"]),
    ("a phone with spaces and brackets", reach.phone, "+49 (0)89 / 123-456", "+4989123456"),
    ("a phone with 00", reach.phone, "00372 5612 3456", "+37256123456"),
    ("a phone a spreadsheet was kept from", reach.phone, "'+372 5612 3456", "+37256123456"),
    ("an e-mail as a contact", reach.contact, "desk@park.example", {"email": "desk@park.example"}),
    ("a link as a contact", reach.contact, "mailto:desk@park.example", {"email": "desk@park.example"}),
    ("a phone as a contact", reach.contact, "+372 5612 3456", {"phone": "+37256123456"}),
    ("a record as a contact", reach.contact, "front-desk_2", {"record": "front-desk_2"}),
    ("an ISO day", dates.day, "2027-06-02", "2027-06-02"),
    ("a day with points", dates.day, "2.6.2027", "2027-06-02"),
    ("a day with a spreadsheet's midnight", dates.day, "2027-06-02 00:00:00", "2027-06-02"),
    ("a local time with a space", dates.local_time, "2027-06-02 9:00", "2027-06-02T09:00"),
    ("a local time with points", dates.local_time, "2. 6. 2027 9.00", "2027-06-02T09:00"),
    ("a local time with seconds", dates.local_time, "2027-06-02T09:00:00", "2027-06-02T09:00"),
    ("a moment", dates.moment, "2027-06-02T09:00:00Z", "2027-06-02T09:00:00Z"),
    ("hours with a break in the cell", hours.opening_hours, "Mo-Fr 09:00-17:00;\nPH off", "Mo-Fr 09:00-17:00; PH off"),
    ("no-break and zero-width characters", cells.clean, "\u202a+372\u00a056\u202c\u200b", "+372 56"),
    ("letters in two pieces", cells.clean, "Mu\u0308nchen", "München"),
    ("a joiner of Persian", cells.clean, "می\u200cخواهم", "می\u200cخواهم"),
    ("a number sign that is no error", cells.clean, "#12 Main Street", "#12 Main Street"),
]  # fmt: skip


@pytest.mark.parametrize(("read", "text", "value"), [case[1:] for case in READ], ids=[case[0] for case in READ])
def test_what_can_be_read_in_one_way_is_read(read, text, value):
    assert read(text) == value


REFUSED = [
    ("two separators", places.latitude, "58,37.8", '"58,37.8" is not a coordinate: write it like 58.378'),
    ("a lost point", places.latitude, "58378123", '"58378123" is not a coordinate: write it like 58.378123'),
    ("words", places.longitude, "in the east", '"in the east" is not a coordinate: write it like 26.729'),
    ("both in one cell", places.latitude, "58.378, 26.729",
     '"58.378, 26.729" holds both coordinates: put latitude and longitude in a column each'),
    ("a longitude's letter", places.latitude, "26.7 E",
     '"26.7 E" is a longitude: latitude and longitude look swapped, put it under longitude'),
    ("a longitude's number", places.latitude, "126.7",
     '"126.7" is beyond 90 and not a latitude: it may be the longitude, swap the two'),
    ("beyond the date line", places.longitude, "181",
     '"181" is beyond 180 and not a longitude: write degrees from -180 to 180'),
    ("a country in its own language", places.country, "Deutschland", '"Deutschland" is not a country code: write DE'),
    ("a country misspelt", places.country, "Estonai", '"Estonai" is not a country code: write EE'),
    ("UK", places.country, "UK", '"UK" is not a country code: write GB'),
    ("a city as a zone", places.zone, "Tallinn", '"Tallinn" is not a time zone: write Europe/Tallinn'),
    ("a zone misspelt", places.zone, "Europe/Talinn", '"Europe/Talinn" is not a time zone: write Europe/Tallinn'),
    ("an offset as a zone", places.zone, "+02:00",
     '"+02:00" is not a time zone: write an IANA name such as Europe/Tallinn'),
    ("a language misspelt", places.language, "Estonain", '"Estonain" is not a language: write et'),
    ("a country for a language", places.language, "CZ", '"CZ" is not a language: write cs'),
    ("a number with its unit", cells.integer, "12 people", '"12 people" is not a whole number: write it like 12'),
    ("a fraction", cells.integer, "12,5", '"12,5" is not a whole number: write it like 12'),
    ("a price that can be read in two ways", cells.price, "1,200",
     '"1,200" can be read in two ways: write 1200 or 1.20'),
    ("a price with its currency", cells.price, "€ 12,50",
     '"€ 12,50" is not a price: write the number alone, like 12.50, and the currency beside it'),
    ("perhaps", cells.boolean, "perhaps", '"perhaps" is neither yes nor no: write yes or no'),
    ("a meeting room", cells.choice(["office", "meeting"]), "Meeting room",
     '"Meeting room" is not one of the choices: did you mean meeting? It is one of office, meeting'),
    ("a choice misspelt", cells.choice(["office", "lab"]), "ofice",
     '"ofice" is not one of the choices: did you mean office? It is one of office, lab'),
    ("no choice at all", cells.choice(["office", "lab"]), "xyz",
     '"xyz" is not one of the choices: it is one of office, lab'),
    ("a phone without a country", reach.phone, "(0)7 123 456",
     '"(0)7 123 456" has no country code: put + and the country code before it, like +372 5612 3456'),
    ("a phone cut short", reach.phone, "3,72512E+11",
     '"3,72512E+11" was cut short by the spreadsheet: format the column as text, write the number anew'),
    ("a phone with an extension", reach.phone, "+372 5612 3456 ext 5",
     '"+372 5612 3456 ext 5" is not a phone number: write it like +37256123456, without an extension'),
    ("a person as a contact", reach.contact, "Ask Mari",
     '"Ask Mari" is no contact: write an e-mail, a phone with its country code, or a contact record\'s id'),
    ("two e-mails as a contact", reach.contact, "a@park.example; b@park.example",
     '"b@park.example" is a second email: leave one in this column'),
    ("a day with slashes", dates.day, "02/06/2027",
     '"02/06/2027" can be read in two ways: write 2027-02-06 or 2027-06-02'),
    ("a day that only one order has", dates.day, "30/06/2027",
     '"30/06/2027" is not a day as written here: write 2027-06-30'),
    ("a time in words", dates.local_time, "noon", '"noon" is not a local time: write it like 2027-06-02T09:00'),
    ("hours by the hour", hours.opening_hours, "Mo-Fr 9-17",
     '"Mo-Fr 9-17" is not in OSM syntax: write it like Mo-Fr 09:00-17:00'),
    ("hours as people write", hours.opening_hours, "Monday – Friday 9.00 to 17.30",
     '"Monday – Friday 9.00 to 17.30" is not in OSM syntax: write it like Mo-Fr 09:00-17:30'),
    ("hours in another language", hours.opening_hours, "E-R kell üheksast",
     '"E-R kell üheksast" is not in OSM syntax: write it like Mo-Fr 09:00-17:00; PH off'),
    ("a formula's error", cells.clean, "#REF!", '"#REF!" is the spreadsheet\'s own error: put the value itself'),
    ("a missing value", cells.clean, " #N/A ", '"#N/A" is the spreadsheet\'s own error: put the value itself'),
    ("a column too narrow", cells.clean, "#####", '"#####" is the spreadsheet\'s own error: put the value itself'),
]  # fmt: skip


@pytest.mark.parametrize(("read", "text", "sentence"), [c[1:] for c in REFUSED], ids=[c[0] for c in REFUSED])
def test_what_can_not_be_read_says_what_to_write(read, text, sentence):
    with pytest.raises(Unreadable) as refused:
        read(text)
    assert str(refused.value) == sentence
