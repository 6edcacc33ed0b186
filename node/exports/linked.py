"""JSON-LD in schema.org's words: organisations, venues, events, offers, contacts, guides, practices and needs.

Rules:

- texts are there in all their languages, each a value with its `@language`
- times carry their offset from UTC (ISO 8601), hours are specifications where that is exact (`opening`), else OSM text
- provenance stands apart from the thing: `subjectOf` is the record about it, with publisher, version, licence
- a page may put this into `<script>` as it is: `<`, `>` and `&` are escaped inside strings

    {"@context":"https://schema.org","@graph":[
    {"@id":"urn:bra:...","@type":"Event","name":[{"@value":"Demo day","@language":"en"}],...}
    ]}
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from node.exports import opening
from node.exports.collection import (
    Collection,
    Shown,
    licence,
    organisation_urn,
    provenance,
    uri,
    urn,
    venue_of,
    warnings,
)

Thing = dict[str, Any]
_STATUS = {"confirmed": "EventScheduled", "cancelled": "EventCancelled"}
_ESCAPED = ((b"<", rb"\u003c"), (b">", rb"\u003e"), (b"&", rb"\u0026"))


def write(records: Iterable[Shown], about: Collection) -> Iterator[bytes]:
    """A graph, a thing a line."""
    yield b'{"@context":"https://schema.org","@graph":['
    between = b"\n"
    for record in records:
        if record["kind"] in _THINGS:
            yield between + _dumps(thing(record, about))
            between = b",\n"
    yield b"\n]}\n"


def thing(record: Shown, about: Collection) -> Thing:
    """What a record says, without the context."""
    said = _THINGS[record["kind"]](record, about)
    return {"@id": urn(record), **{name: value for name, value in said.items() if value}, **_record(record, about)}


def _dumps(value: Thing) -> bytes:
    text = orjson.dumps(value)
    for plain, escaped in _ESCAPED:
        # None of the three stands outside of a string in JSON.
        text = text.replace(plain, escaped)
    return text


# --- each kind ---------------------------------------------------------------------------------------------------


def _organisation(record: Shown, about: Collection) -> Thing:
    del about
    body = record["body"]
    return {
        "@type": "Organization",
        "name": body["name"],
        "url": uri(body["website"]),
        "address": _address(body),
        "location": {"@type": "Place", "geo": _geo(body)} if "geo" in body else None,
        "description": _texts(body.get("description")),
        "keywords": [*body["roles"], *body.get("sectors", ())],
        "knowsLanguage": body["languages"],
        "logo": _pictures([body.get("logo", "")]),
    }


def _venue(record: Shown, about: Collection) -> Thing:
    del about
    body = record["body"]
    terms = body["terms"]
    extra = {
        "venue type": body["type"],
        "time zone": body["time_zone"],
        "free days": terms["free_days"],
        "notice hours": terms["notice_hours"],
        "area": body.get("area_m2"),
        "directions": _texts(body.get("directions")),
        "accessibility": _texts(body.get("accessibility")),
        "wifi": _texts(body.get("wifi")),
        "alert": _texts(body.get("alert")),
    }
    units = {"area": {"unitCode": "MTK"}, "free days": {"unitCode": "DAY"}, "notice hours": {"unitCode": "HUR"}}
    return {
        "@type": ["LocalBusiness", "EventVenue"] if body["type"] == "event" else "LocalBusiness",
        "name": body["name"],
        "address": _address(body),
        "geo": _geo(body),
        **_hours(body["hours"], "openingHoursSpecification", "openingHours"),
        "email": body["contact"].get("email"),
        "telephone": body["contact"].get("phone"),
        "maximumAttendeeCapacity": body.get("capacity"),
        "amenityFeature": [
            {"@type": "LocationFeatureSpecification", "name": name, "value": True}
            for name in body.get("facilities", ())
        ],
        "photo": [{"@type": "ImageObject", "url": address} for address in _pictures(body.get("photos", ()))],
        "makesOffer": _price(terms),
        "parentOrganization": _publisher(record),
        "additionalProperty": [
            {"@type": "PropertyValue", "name": name, "value": value, **units.get(name, {})}
            for name, value in extra.items()
            if value is not None
        ],
    }


def _event(record: Shown, about: Collection) -> Thing:
    body, venue = record["body"], venue_of(record, about)
    online = body.get("online_url")
    places: list[Thing] = []
    if venue is not None:
        at = venue["body"]
        place = {"@type": "Place", "@id": urn(venue), "name": at["name"], "address": _address(at), "geo": _geo(at)}
        places.append(place)
    if online:
        places.append({"@type": "VirtualLocation", "url": uri(online)})
    mode = "Mixed" if online and "venue" in body else "Online" if online else "Offline"
    return {
        "@type": "Event",
        "name": _texts(body["title"]),
        "startDate": _moment(body["start"], body["time_zone"]),
        "endDate": _moment(body["end"], body["time_zone"]),
        "eventStatus": f"https://schema.org/{_STATUS[body['status']]}" if body["status"] in _STATUS else None,
        "eventAttendanceMode": f"https://schema.org/{mode}EventAttendanceMode",
        "location": places,
        "organizer": {"@type": "Organization", "name": body["organiser"]},
        "inLanguage": body.get("languages"),
        "maximumAttendeeCapacity": body.get("capacity"),
        "remainingAttendeeCapacity": body.get("remaining"),
        "url": uri(body["registration"]) if "registration" in body else None,
        "offers": _price(body),
    }


def _offer(record: Shown, about: Collection) -> Thing:
    del about
    body = record["body"]
    return {
        "@type": "Service",
        "name": _texts(body["title"]),
        "category": body["category"],
        "serviceType": body.get("service"),
        "description": _texts(body["how_to_get"]),
        "audience": {"@type": "Audience", "name": _texts(body["eligibility"])},
        "availableChannel": {"@type": "ServiceChannel", "availableLanguage": body["languages"]}
        if body.get("languages")
        else None,
        "offers": _price(body),
        "provider": _publisher(record),
    }


def _contact(record: Shown, about: Collection) -> Thing:
    del about
    body = record["body"]
    reach = {"email": body.get("email"), "telephone": body.get("phone")}
    if "name" in body:
        return {
            "@type": "Person",
            "name": body["name"],
            "jobTitle": body["role"],
            "knowsAbout": body.get("topics"),
            "knowsLanguage": body["languages"],
            "worksFor": _publisher(record),
            **reach,
        }
    hours = body.get("hours")
    return {
        "@type": "ContactPoint",
        "contactType": body["role"],
        "availableLanguage": body["languages"],
        **(_hours(hours, "hoursAvailable", "description") if hours else {}),
        **reach,
    }


def _guide(record: Shown, about: Collection) -> Thing:
    del about
    body = record["body"]
    sections = body["sections"]
    return {
        "@type": "Article",
        "name": f"Doing business in {body['place']}",
        "spatialCoverage": body["place"],
        "inLanguage": body["language"],
        "dateModified": body["reviewed"],
        "author": body.get("author") and {"@type": "Person", "name": body["author"]},
        "citation": [uri(link) for link in body.get("links", ())],
        "hasPart": [
            {
                "@type": "CreativeWork",
                "name": name,
                "text": _texts({body["language"]: text} if isinstance(text, str) else text),
            }
            for name, text in sections.items()
            if isinstance(text, str | dict)
        ],
    }


def _practice(record: Shown, about: Collection) -> Thing:
    del about
    body = record["body"]
    return {
        "@type": "CreativeWork",
        "name": _texts(body["title"]),
        "genre": body["category"],
        "abstract": _texts(body["summary"]),
        "creativeWorkStatus": body["status"],
        "author": _publisher(record),
    }


def _need(record: Shown, about: Collection) -> Thing:
    del about
    body = record["body"]
    return {
        "@type": "Demand",
        "name": _texts(body["summary"]),
        "description": _texts(body["partner_sought"]),
        "additionalType": body["type"],
        "validThrough": body["expires"],
        "eligibleRegion": body.get("countries"),
        "seller": _publisher(record),
    }


_THINGS: Mapping[str, Callable[[Shown, Collection], Thing]] = {
    "organisation": _organisation,
    "venue": _venue,
    "event": _event,
    "offer": _offer,
    "contact": _contact,
    "culture_guide": _guide,
    "practice": _practice,
    "need": _need,
}
KINDS = frozenset(_THINGS)


# --- what they share ---------------------------------------------------------------------------------------------


def _record(record: Shown, about: Collection) -> Thing:
    terms = licence(record, about)
    return {
        "subjectOf": {
            "@type": "CreativeWork",
            "identifier": urn(record),
            "version": record["seq"],
            "dateModified": record["updated"],
            "publisher": _publisher(record),
            "creditText": " ".join(provenance(record, about)),
            **({"license": terms} if terms else {}),
            **({"description": "; ".join(found)} if (found := warnings(record)) else {}),
        }
    }


def _publisher(record: Shown) -> Thing:
    return {
        "@type": "Organization",
        "@id": organisation_urn(record["author"]),
        "name": record["organisation"] or record["author"],
    }


def _texts(texts: Mapping[str, str] | None) -> list[Thing] | None:
    return [{"@value": text, "@language": tag} for tag, text in texts.items()] if texts else None


def _address(body: Mapping[str, Any]) -> Thing:
    street = {"streetAddress": body["address"]} if "address" in body else {}
    return {"@type": "PostalAddress", **street, "addressLocality": body["city"], "addressCountry": body["country"]}


def _geo(body: Mapping[str, Any]) -> Thing:
    geo = body["geo"]
    return {"@type": "GeoCoordinates", "latitude": geo["lat_e6"] / 1e6, "longitude": geo["lon_e6"] / 1e6}


def _hours(hours: str, exact: str, text: str) -> Thing:
    found = opening.specification(hours)
    return {text: hours} if found is None else {exact: found}


def _price(terms: Mapping[str, Any]) -> Thing | None:
    if "price" not in terms:
        return None
    return {"@type": "Offer", "price": terms["price"], "priceCurrency": terms["currency"]}


def _pictures(pictures: Iterable[str]) -> list[str]:
    return [uri(each) for each in pictures if each.startswith("https:")]


def _moment(local: str, zone: str) -> str:
    return datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(zone)).isoformat(timespec="minutes")
