"""What the codes in records are called on a page: kinds, types, categories, standings.

Rules:

- a code that is known here has words of its own, in each language; one that only a newer node knows, or that its author
  made up (a facility, a sector), is shown as it is, with blanks for its underscores
- the words are English here; a page has them in the visitor's language by the filter `called`

    {{ body.type|called("venue_type") }}
    {{ "venue"|called("kinds") }}                   the heading over several
"""

from collections.abc import Mapping
from types import MappingProxyType

from node.kinds.catalogue import CATEGORIES, SERVICES
from node.web.languages import N_, Language

WORDS: Mapping[str, Mapping[str, str]] = MappingProxyType({
    "kind": {
        "organisation": N_("Organisation"), "venue": N_("Venue"), "event": N_("Event"), "offer": N_("Offer"),
        "contact": N_("Contact"), "culture_guide": N_("Culture guide"), "practice": N_("Practice"), "need": N_("Need"),
        "agreement": N_("Agreement"), "endorsement": N_("Endorsement"), "node_key": N_("Key of a node"),
        "status_list": N_("List of revoked passes"), "receipt": N_("Receipt of visits"), "adoption": N_("Adoption"),
        "farewell": N_("Farewell"),
    },
    "kinds": {
        "organisation": N_("Organisations"), "venue": N_("Venues"), "event": N_("Events"), "offer": N_("Offers"),
        "contact": N_("Contacts"), "culture_guide": N_("Culture guides"), "practice": N_("Practices"),
        "need": N_("Needs"), "agreement": N_("Agreements"), "endorsement": N_("Endorsements"),
        "node_key": N_("Keys of nodes"), "status_list": N_("Lists of revoked passes"),
        "receipt": N_("Receipts of visits"), "adoption": N_("Adoptions"), "farewell": N_("Farewells"),
    },
    "venue_type": {
        "office": N_("Office"), "desk": N_("Workplace"), "meeting": N_("Meeting room"), "event": N_("Place for events"),
        "lab": N_("Laboratory"),
    },
    "role": {
        "science_park": N_("Science park"), "cluster": N_("Cluster"), "incubator": N_("Incubator"),
        "accelerator": N_("Accelerator"), "coworking": N_("Coworking"), "university": N_("University"),
        "chamber": N_("Chamber"), "agency": N_("Agency"), "network": N_("Network"), "company": N_("Company"),
        "other": N_("Other"),
    },
    "facility": {
        "wifi": N_("Wi-Fi"), "meeting_room": N_("Meeting room"), "kitchen": N_("Kitchen"), "parking": N_("Parking"),
        "printer": N_("Printer"), "projector": N_("Projector"), "coffee": N_("Coffee"), "shower": N_("Shower"),
        "phone_booth": N_("Phone booth"), "bike_parking": N_("Bicycle parking"), "lift": N_("Lift"),
        "step_free": N_("Step-free access"), "video_conference": N_("Video conference"), "lab": N_("Laboratory"),
        "monitor": N_("Monitor"), "lockers": N_("Lockers"), "charging": N_("Charging of cars"),
    },
    "category": CATEGORIES,
    "service": SERVICES,
    "offer_status": {
        "planned": N_("planned"), "available": N_("available"), "paused": N_("paused"), "ended": N_("ended"),
    },
    "event_status": {
        "tentative": N_("not certain yet"), "confirmed": N_("confirmed"), "cancelled": N_("cancelled"),
    },
    "open_to": {
        "public": N_("everybody"), "members": N_("members of any signatory"), "partners": N_("staff of signatories"),
        "invited": N_("those who are invited"),
    },
    "practice_status": {
        "proposed": N_("proposed"), "testing": N_("being tested"), "tested": N_("tested"),
        "recommended": N_("recommended"), "retired": N_("given up"),
    },
    "need_type": {
        "business_offer": N_("Business offer"), "business_request": N_("Business request"),
        "technology_offer": N_("Technology offer"), "technology_request": N_("Technology request"),
        "research_request": N_("Research request"),
    },
    "section": {
        "greeting": N_("Greeting"), "punctuality": N_("Punctuality"), "meetings": N_("Meetings"),
        "decisions": N_("Decisions"), "hierarchy": N_("Hierarchy"), "gifts_and_meals": N_("Gifts and meals"),
        "contracts_and_payment": N_("Contracts and payment"), "holidays": N_("Holidays"), "dress": N_("Dress"),
        "taboos": N_("Taboos"), "first_people_to_meet": N_("First people to meet"),
    },
    "standing": {
        "honoured": N_("honoured: vouched for by several, its members are welcome here"),
        "listed": N_("listed: has signed and is vouched for, but not by enough others yet to be honoured"),
        "reached": N_("reached: somebody vouches for it, but it is not listed"),
        "unknown": N_("unknown: nobody known here vouches for it"),
    },
    "standing_short": {
        "honoured": N_("honoured"), "listed": N_("listed"), "reached": N_("reached"), "unknown": N_("unknown"),
    },
    "method": {
        "in_person": N_("in person"), "video": N_("by video"), "phone": N_("by phone"),
        "invitation": N_("by invitation"), "key_card": N_("by a card of keys"),
        "introduction": N_("introduced by others"), "other": N_("in another way"),
    },
    "use": {"pass": N_("signs passes"), "sealing": N_("what messages to this node are sealed to")},
    "partner": {
        "failing": N_("can't be reached, or answers wrongly"), "behind": N_("has news that is on its way"),
        "new": N_("not asked yet"), "calls": N_("calls this node"), "in step": N_("in step"),
        "blocked": N_("blocked here"),
    },
    "refusal": {
        "malformed": N_("not in the form that is agreed"), "forged": N_("not signed by its author"),
        "foreign network": N_("of another network"), "rolled back": N_("older than what is held"),
        "broken chain": N_("does not follow from what is held"), "forked": N_("two histories were signed"),
        "over quota": N_("more than one organisation may have"), "wrong set": N_("not the records that were signed"),
        "incomplete": N_("not all of it came"), "not accepted": N_("of somebody who is not accepted here"),
        "clock": N_("a clock is wrong"),
    },
    "visibility": {
        "public": N_("everybody"), "members": N_("members of signatories"), "partners": N_("staff of signatories"),
        "local": N_("this node alone"),
    },
    "field": {
        "version": N_("Version"), "text_sha256": N_("Hash of the text (SHA-256)"),
        "signatory_role": N_("Signed by"), "date": N_("Date"), "place": N_("Place"), "node_id": N_("Node id"),
        "organisation": N_("Organisation"), "method": N_("Keys were compared"), "expires": N_("Good until"),
        "withdrawn": N_("Withdrawn"), "reason": N_("Reason"), "use": N_("Use"), "public_key": N_("Public key"),
        "since": N_("Since"), "bits": N_("Bits of each pass"), "list": N_("Packed list"), "issued": N_("Issued"),
        "ttl": N_("Good for (seconds)"), "month": N_("Month"), "venue": N_("Venue"),
        "visits_received": N_("Visits received"), "median_answer_minutes": N_("Median time to an answer (minutes)"),
        "practice": N_("Practice"), "by": N_("Taken over by"), "result": N_("Result"),
        "name": N_("Name"), "title": N_("Title"), "description": N_("Description"), "summary": N_("Summary"),
        "type": N_("Type"), "roles": N_("Roles"), "sectors": N_("Sectors"), "members": N_("Members"),
        "logo": N_("Logo"), "website": N_("Website"), "languages": N_("Languages"), "language": N_("Language"),
        "address": N_("Address"), "city": N_("City"), "country": N_("Country"), "countries": N_("Countries"),
        "geo": N_("Place on the map"), "lat_e6": N_("Latitude"), "lon_e6": N_("Longitude"),
        "time_zone": N_("Time zone"), "hours": N_("Opening hours"), "contact": N_("How to reach it"),
        "email": N_("E-mail"), "phone": N_("Phone"), "record": N_("Contact, by its id"), "terms": N_("Terms"),
        "price": N_("Price"), "currency": N_("Currency"), "free_days": N_("Free days"),
        "notice_hours": N_("Hours of notice"), "capacity": N_("Capacity"), "area_m2": N_("Area (m²)"),
        "facilities": N_("Facilities"), "accessibility": N_("Accessibility"), "directions": N_("How to get there"),
        "wifi": N_("Wi-Fi"), "photos": N_("Photos"), "free_busy_url": N_("Calendar of when it is taken"),
        "alert": N_("Alert"), "start": N_("Start"), "end": N_("End"), "status": N_("Status"),
        "organiser": N_("Organiser"), "open_to": N_("Open to"), "online_url": N_("Address online"),
        "remaining": N_("Places left"), "registration": N_("Registration"), "category": N_("Category"),
        "service": N_("Service"), "eligibility": N_("Who may have it"), "how_to_get": N_("How to get it"),
        "venues": N_("Venues"), "role": N_("Role"), "consent": N_("Agreed to be named on"), "topics": N_("Topics"),
        "sections": N_("Sections"), "reviewed": N_("Reviewed on"), "author": N_("Author"), "links": N_("Links"),
        "field_tests": N_("Field test"), "tester": N_("Tested by"), "region": N_("Region"), "period": N_("Period"),
        "lessons": N_("Lessons"), "partner_sought": N_("Partner sought"),
    },
})  # fmt: skip
"""Group, then code, then the words in English (msgids of the catalogues)."""


def called(language: Language, code: str, group: str) -> str:
    """What a code of a group is called; KeyError for a group that is not here."""
    known = WORDS[group].get(code)
    return language.gettext(known) if known else code.replace("_", " ")
