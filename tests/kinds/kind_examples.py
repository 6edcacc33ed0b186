"""One full and right body of each kind; every test changes one thing in a copy."""

import copy
from typing import Any

LUND = "bra1" + "a" * 32

_EXAMPLES: dict[str, dict[str, Any]] = {
    "organisation": {
        "name": "Tartu Science Park",
        "roles": ["science_park", "incubator"],
        "city": "Tartu",
        "country": "EE",
        "website": "https://park.example",
        "languages": ["et", "en"],
        "sectors": ["ict", "green_energy"],
        "logo": "sha256:" + "0" * 64,
        "members": 80,
        "description": {"en": "A park.", "et": "Üks park."},
        "geo": {"lat_e6": 58377600, "lon_e6": 26729000},
    },
    "venue": {
        "name": "Delta Centre, desk room",
        "type": "desk",
        "address": "Narva mnt 18",
        "city": "Tartu",
        "country": "EE",
        "geo": {"lat_e6": 58385000, "lon_e6": 26725000},
        "time_zone": "Europe/Tallinn",
        "hours": "Mo-Fr 09:00-17:00; PH off",
        "contact": {"email": "desk@park.example", "phone": "+37256123456"},
        "terms": {"free_days": 3, "notice_hours": 24, "price": "12.50", "currency": "EUR"},
        "capacity": 12,
        "area_m2": 40,
        "facilities": ["wifi", "meeting_room"],
        "accessibility": {"en": "Step-free from the street"},
        "directions": {"en": "Bus 3\nto the end", "et": "Buss 3"},
        "wifi": {"en": "Ask the desk"},
        "photos": ["https://park.example/a.jpg"],
        "free_busy_url": "https://park.example/busy.ics",
        "alert": {"en": "Closed in July"},
    },
    "event": {
        "title": {"en": "Demo day"},
        "start": "2027-06-02T09:00",
        "end": "2027-06-02T17:00",
        "time_zone": "Europe/Tallinn",
        "status": "confirmed",
        "organiser": "Tartu Science Park",
        "open_to": "members",
        "venue": f"{LUND}/hall",
        "online_url": "https://park.example/live",
        "languages": ["en"],
        "capacity": 100,
        "remaining": 20,
        "registration": "https://park.example/register",
        "price": "10",
        "currency": "SEK",
    },
    "offer": {
        "title": {"en": "Mentoring"},
        "category": "research_and_networking",
        "service": "mentorship_programme",
        "status": "available",
        "eligibility": {"en": "All members"},
        "how_to_get": {"en": "Write to the desk"},
        "practice": "mentoring",
        "venues": ["delta"],
        "languages": ["en"],
    },
    "contact": {
        "role": "Soft-landing manager",
        "languages": ["et", "zh-Hant", "de-CH"],
        "email": "landing@park.example",
        "phone": "+37256123456",
        "name": "Mari Maasikas",
        "consent": "2027-01-15",
        "topics": ["Visas", "Offices"],
        "hours": "Mo-Fr 10:00-16:00",
    },
    "culture_guide": {
        "place": "Munich",
        "language": "en",
        "sections": {"punctuality": "Be early.", "greeting": {"en": "Shake hands.", "de": "Hand geben."}},
        "reviewed": "2027-01-15",
        "author": "Cluster Munich",
        "links": ["https://guide.example/munich"],
    },
    "practice": {
        "title": {"en": "Soft landing week"},
        "category": "expansion",
        "summary": {"en": "A week to try."},
        "status": "tested",
        "field_tests": [{"tester": "Lund", "region": "Skåne", "period": "2026", "lessons": {"en": "Start early"}}],
    },
    "need": {
        "type": "business_request",
        "summary": {"en": "A distributor in Bavaria"},
        "partner_sought": {"en": "A wholesaler"},
        "expires": "2027-06-30",
        "sectors": ["food"],
        "countries": ["DE", "AT"],
    },
    "agreement": {
        "version": "1",
        "text_sha256": "ab" * 32,
        "signatory_role": "Managing director",
        "date": "2027-01-15",
        "place": "Tartu",
    },
    "endorsement": {
        "node_id": LUND,
        "organisation": "Lund Park",
        "method": "phone",
        "date": "2027-01-15",
        "expires": "2029-01-15",
        "withdrawn": {"reason": {"en": "They closed."}, "date": "2027-03-01"},
    },
    "node_key": {"use": "pass", "public_key": "A" * 43, "since": "2027-01-15T09:00:00Z"},
    "status_list": {"bits": 1, "list": "eNrbuRgAAhcBXQ", "issued": "2027-01-15T09:00:00Z", "ttl": 86400},
    "receipt": {"month": "2027-06", "venue": f"{LUND}/desk", "visits_received": 14, "median_answer_minutes": 600},
    "adoption": {
        "practice": f"{LUND}/week",
        "by": "Tartu Science Park",
        "since": "2027-01-15",
        "result": {"en": "Good"},
    },
    "farewell": {"date": "2027-01-15", "reason": {"et": "Ühineme.", "de": "Wir fusionieren."}},
}

KINDS = tuple(_EXAMPLES)


def example(kind: str, **changes: Any) -> dict[str, Any]:
    """A copy with changes: `terms__price="1"` goes inside, `...` takes a field away."""
    body = copy.deepcopy(_EXAMPLES[kind])
    for name, value in changes.items():
        *way, last = name.split("__")
        inner = body
        for step in way:
            inner = inner[step]
        if value is ...:
            del inner[last]
        else:
            inner[last] = value
    return body
