"""What people head their columns with, in the languages of the network, and the column that is probably meant.

Suggested, and applied only where a person says so: `Name` in an Estonian sheet may be the contact's.

    >>> meant("nimetus", ("name", "city")), meant("adress", ("address", "city"))
    ('name', 'address')
"""

from collections.abc import Mapping

from node.directory.importing import cells

_WORDS: Mapping[str, str] = {
    # English (beside the column's own name), then de, fr, et, sv, lv, lt, pl
    "ref": "id key reference code nummer kennung code kood viide nummer_id kods kodas kod",
    "name": "venue_name title bezeichnung nom nimi nimetus namn benämning nosaukums vārds pavadinimas vardas "
    "nazwa imię",
    "title": "name titel titre pealkiri rubrik nosaukums pavadinimas tytuł",
    "type": "venue_type art typ tüüp liik veids tips tipas rodzaj",
    "address": "street adresse anschrift straße strasse rue aadress tänav adress gata adrese iela adresas gatvė "
    "adres ulica",
    "city": "town place ort stadt ville linn stad pilsēta miestas miasto",
    "country": "land staat pays riik maa valsts šalis kraj",
    "latitude": "lat breite breitengrad laiuskraad latitud platums platuma szerokość",
    "longitude": "lon lng long länge längengrad pikkuskraad longitud garums ilguma długość",
    "time_zone": "timezone tz zeitzone fuseau_horaire ajavöönd tidszon laika_josla laiko_juosta strefa_czasowa",
    "hours": "opening_hours opening_times closing öffnungszeiten horaires lahtiolekuajad öppettider darba_laiks "
    "darbo_laikas godziny_otwarcia",
    "contact": "kontakt ansprechpartner kontaktisik kontaktperson kontakts kontaktas",
    "email": "mail email_address e_mail e_posti_aadress e_post courriel epasts el_paštas",
    "phone": "tel telephone mobile telefon telefonnummer téléphone tālrunis telefonas",
    "website": "url homepage web webseite site_web koduleht webbplats tīmekļa_vietne svetainė strona",
    "capacity": "seats rooms plätze kapazität places kohti mahutavus platser vietas vietos miejsca",
    "facilities": "amenities equipment ausstattung équipements varustus utrustning aprīkojums įranga wyposażenie",
    "price": "cost preis prix hind pris cena kaina",
    "currency": "währung devise valuuta valuta valūta waluta",
    "description": "beschreibung kirjeldus beskrivning apraksts aprašymas opis",
    "directions": "anfahrt accès juhised vägbeskrivning",
    "languages": "language sprachen langues keeled språk valodas kalbos języki",
    "organiser": "organizer veranstalter organisateur korraldaja arrangör organizators organizatorius organizator",
    "start": "begin beginn début algus sākums pradžia początek",
    "end": "ende fin lõpp slut beigas pabaiga koniec",
    "role": "rolle rôle roll position amet loma pareigos rola",
    "wifi": "wi_fi wlan",
    "free_days": "freie_tage tasuta_päevad gratisdagar",
    "notice_hours": "notice vorlauf",
}
_MEANT: Mapping[str, tuple[str, ...]] = {
    word: tuple(column for column, words in _WORDS.items() if word in words.split())
    for words in _WORDS.values()
    for word in words.split()
}


def meant(name: str, known: tuple[str, ...]) -> str | None:
    """The known column that a header, as `columns.normal` writes it, probably means."""
    for column in _MEANT.get(name, ()):
        if column in known:
            return column
    return cells.nearest(name, known) or _nearest_word(name, known)


def _nearest_word(name: str, known: tuple[str, ...]) -> str | None:
    word = cells.nearest(name, tuple(_MEANT), 0.8)
    return next((column for column in _MEANT[word] if column in known), None) if word else None
