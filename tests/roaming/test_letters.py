"""Letters about visits, and the links in them: opened by scanners, good for one answer, and in no file."""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import icalendar
import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from node.api.access import Access
from node.api.tokens import Tokens
from node.config import Api, Mail, Oidc
from node.errors import InputError
from node.roaming import mailing
from node.roaming.availability import ends
from node.roaming.letters import About, letter
from node.roaming.links import LASTS, Links
from node.roaming.mailing import FIRST_PAUSE, Mailing, check
from node.roaming.visit import Days, Event
from node.web.visit import VisitPage
from tests.roaming.mailbox import MailServer, calendar_of, text_of
from tests.roaming.parks import Park, open_both, parks, post, venue_body, weekday

DAY = 86_400


@dataclass
class Reception:
    """Both parks, the host's mail server and its page."""

    guest: Park
    host: Park
    mail: MailServer
    mailing: Mailing
    http: aiohttp.ClientSession
    base: str

    async def asked(self, **fields: Any) -> str:
        visit = await self.guest.ask(self.host.place(), **fields)
        await post(self.guest, self.host)
        return visit

    async def link(self) -> str:
        """The path of the link in the newest letter."""
        await self.mailing.send_due()
        [found] = re.findall(r"http://\S+(/visit/\S+)", text_of(self.mail.letters[-1]))
        return str(found)

    async def get(self, path: str) -> tuple[int, str]:
        async with self.http.get(self.base + path) as answer:
            return answer.status, await answer.text()

    async def decide(self, path: str, **form: str) -> tuple[int, str]:
        async with self.http.post(self.base + path, data=form) as answer:
            return answer.status, await answer.text()


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Reception]:
    with MailServer() as mail, parks(tmp_path) as (guest, host):
        await open_both(guest, host)
        async with aiohttp.ClientSession() as http:
            settings = Mail(host="127.0.0.1", port=mail.port, security="none", sender="roaming@host.example")
            app = web.Application()
            access = Access(Tokens(host.database, host.world), http, api=Api(), oidc=Oidc(), world=host.world)
            access.protect(app)
            app.add_routes(VisitPage(Links(host.visits, host.world), access).routes())
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            base = f"http://127.0.0.1:{runner.addresses[0][1]}"
            sending = Mailing(host.visits, host.acceptance, http, host.world, mail=settings, url=base)
            yield Reception(guest, host, mail, sending, http, base)
            await runner.cleanup()


async def test_a_host_is_asked_by_a_letter_with_the_facts_a_link_and_a_calendar_file(desk: Reception) -> None:
    await desk.asked()
    await desk.mailing.send_due()
    [sent] = desk.mail.letters
    assert desk.mail.recipients == [["desk@park.example"]]
    assert sent["From"] == "Business Roaming <roaming@host.example>"
    assert sent["Auto-Submitted"] == "auto-generated"
    for said in (
        "Nordic Sensors",
        "Zephyrina Quackenbush",
        "Ottokar Pfefferkorn",
        weekday(),
        "Tartu Park",
        "Munich Park",
    ):
        assert said in text_of(sent), said
    [event] = icalendar.Calendar.from_ical(calendar_of(sent)).walk("VEVENT")
    assert (event["STATUS"], str(event.decoded("DTSTART"))) == ("TENTATIVE", weekday())
    assert desk.host.rows("letters") == 0


async def test_opening_a_link_decides_nothing_however_often_and_answering_it_decides_once(desk: Reception) -> None:
    visit = await desk.asked()
    link = await desk.link()
    for _ in range(3):
        status, page = await desk.get(link)
        assert (status, "Zephyrina Quackenbush" in page, "<form" in page) == (200, True, True)
    assert await desk.host.state(visit) == "asked"
    status, page = await desk.decide(link, answer="accept", note="Welcome")
    assert (status, "<form" in page) == (200, False)
    assert await desk.host.state(visit) == "accepted"
    status, page = await desk.decide(link, answer="decline")
    assert (status, "has decided already" in page) == (422, True)
    assert await desk.host.state(visit) == "accepted"
    await post(desk.guest, desk.host)
    assert (await desk.guest.visits.show(visit))["moves"][-1]["note"] == "Welcome"


async def test_two_answers_at_once_by_one_link_are_one(desk: Reception) -> None:
    visit = await desk.asked()
    link = await desk.link()
    said = await asyncio.gather(*(desk.decide(link, answer=each) for each in ("accept", "decline", "accept")))
    assert sorted(status for status, _ in said) == [200, 422, 422]
    assert len((await desk.host.visits.show(visit))["moves"]) == 2


async def test_another_date_is_offered_by_the_link(desk: Reception) -> None:
    visit = await desk.asked()
    link = await desk.link()
    status, page = await desk.decide(link, answer="propose", first="2020-01-01")
    assert (status, "another date lies ahead" in page.lower()) == (422, True)
    status, _ = await desk.decide(link, answer="propose", first=weekday(3), last=weekday(3, 2))
    shown = await desk.host.visits.show(visit)
    assert (status, shown["state"], shown["days"]) == (200, "offered-another-date", [weekday(3), weekday(3, 2)])


async def test_a_link_ends_and_then_nobody_learns_what_it_was(desk: Reception) -> None:
    await desk.asked(days=[weekday(8), weekday(8)])
    link = await desk.link()
    assert (await desk.get(link))[0] == 200
    desk.host.clock.pass_by(LASTS)
    for answer in (await desk.get(link), await desk.decide(link, answer="accept")):
        assert (answer[0], "Zephyrina" in answer[1]) == (404, False)


STRANGE = {
    "another secret": "/visit/" + "A" * 43,
    "a short one": "/visit/AAAA",
    "a long one": "/visit/" + "A" * 64,
    "the hash of one": "/visit/" + "ab" * 32,
}


@pytest.mark.parametrize("what", STRANGE)
async def test_a_link_that_was_never_made_opens_nothing(what: str, desk: Reception) -> None:
    await desk.asked()
    await desk.link()
    assert (await desk.get(STRANGE[what]))[0] == 404
    assert (await desk.decide(STRANGE[what], answer="accept"))[0] == 404


FORMS = {
    "no answer": b"",
    "an answer that a link can't give": b"answer=arrive",
    "the guest's word": b"answer=cancel",
    "bytes that are no text": b"answer=%ff&note=\xff",
    "too many fields": b"&".join(b"a=1" for _ in range(50)),
    "a long form": b"answer=accept&note=" + b"x" * 20_000,
}


@pytest.mark.parametrize("what", FORMS)
async def test_a_form_that_is_none_of_the_pages_changes_nothing(what: str, desk: Reception) -> None:
    visit = await desk.asked()
    link = await desk.link()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    async with desk.http.post(desk.base + link, data=FORMS[what], headers=headers) as answer:
        assert answer.status == 422, await answer.text()
    assert await desk.host.state(visit) == "asked"


async def test_the_page_shows_what_strangers_wrote_as_text_and_tells_nobody_its_address(desk: Reception) -> None:
    await desk.asked(company="<script>alert(1)</script>", purpose='"><img src=x onerror=alert(1)>')
    link = await desk.link()
    async with desk.http.get(desk.base + link) as answer:
        page, headers = await answer.text(), answer.headers
    assert "<script" not in page and "<img" not in page and "&lt;script&gt;" in page
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    assert "noindex" in headers["X-Robots-Tag"]
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "form-action 'self'" in headers["Content-Security-Policy"]


async def test_a_name_that_looks_like_a_place_in_the_page_is_a_name(desk: Reception) -> None:
    await desk.asked(company="{body}", purpose="{title} {assets}")
    _, page = await desk.get(await desk.link())
    assert page.count("<dl") == 1 and "{title} {assets}" in page and "<title>{body}" in page


async def test_the_secret_of_a_link_and_the_text_of_a_letter_are_in_no_file_of_the_host(
    desk: Reception, tmp_path: Path
) -> None:
    await desk.asked()
    link = await desk.link()
    desk.host.database.close()
    data = b"".join(path.read_bytes() for path in tmp_path.rglob("munich*") if path.is_file())
    assert b"Zephyrina" in data, "nothing is looked at"
    assert link.rpartition("/")[2].encode() not in data and b"asks to visit you" not in data


async def test_a_server_that_refuses_is_tried_again_later_and_keeps_no_other_letter_back(desk: Reception) -> None:
    await desk.asked()
    await desk.asked()
    desk.mail.refusals = 1
    await desk.mailing.send_due()
    assert (len(desk.mail.letters), desk.host.rows("letters")) == (1, 1)
    desk.host.clock.pass_by(FIRST_PAUSE - 1)
    await desk.mailing.send_due()
    assert len(desk.mail.letters) == 1
    desk.host.clock.pass_by(1)
    await desk.mailing.send_due()
    assert (len(desk.mail.letters), desk.host.rows("letters")) == (2, 0)
    assert len({each["Message-ID"] for each in desk.mail.letters}) == 2


async def test_a_letter_that_is_never_taken_is_given_up(desk: Reception, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailing, "MOST_TRIES", 3)
    await desk.asked(days=[weekday(8), weekday(8)])
    desk.mail.refusals = 10
    for _ in range(3):
        assert desk.host.rows("letters") == 1
        await desk.mailing.send_due()
        desk.host.clock.pass_by(DAY)
    assert desk.host.rows("letters") == 0


async def test_who_was_answered_meanwhile_gets_no_letter_any_more(desk: Reception) -> None:
    visit = await desk.asked()
    await desk.host.say(visit, Event.DECLINE)
    await desk.mailing.send_due()
    assert (desk.mail.letters, desk.host.rows("letters")) == ([], 0)


async def test_without_a_mail_server_nothing_waits_for_one(desk: Reception) -> None:
    await desk.asked()
    off = Mailing(desk.host.visits, desk.host.acceptance, desk.http, desk.host.world, mail=Mail(), url=desk.base)
    await off.send_due()
    assert (desk.mail.letters, desk.host.rows("letters"), desk.host.rows("visit_links")) == ([], 0, 0)


async def test_the_guests_are_told_what_the_host_answered(desk: Reception) -> None:
    visit = await desk.asked()
    sending = Mailing(
        desk.guest.visits, desk.guest.acceptance, desk.http, desk.guest.world, url="", mail=desk.mailing._mail
    )
    await desk.host.say(visit, Event.PROPOSE, days=(weekday(3), weekday(3)), note="The room is taken")
    await post(desk.guest, desk.host)
    await sending.send_due()
    await desk.guest.say(visit, Event.AGREE)
    await sending.send_due()
    await post(desk.guest, desk.host)
    await desk.host.say(visit, Event.DECLINE)
    await post(desk.guest, desk.host)
    await sending.send_due()
    assert desk.mail.recipients == [["zq@sensors.example"]] * 3
    subjects = [str(each["Subject"]).partition(":")[0] for each in desk.mail.letters]
    assert subjects == ["Another date", "Accepted", "Declined"]
    assert "The room is taken" in text_of(desk.mail.letters[0])
    found = [icalendar.Calendar.from_ical(calendar_of(each)).walk("VEVENT")[0] for each in desk.mail.letters]
    assert [each["STATUS"] for each in found] == ["TENTATIVE", "CONFIRMED", "CANCELLED"]
    assert len({each["UID"] for each in found}) == 1
    assert [each["SEQUENCE"] for each in found] == [2, 3, 4]


async def test_guests_who_showed_no_pass_are_asked_by_a_letter_whether_they_came(desk: Reception) -> None:
    silent, confirmed = await desk.asked(), await desk.asked()
    sending = Mailing(
        desk.guest.visits, desk.guest.acceptance, desk.http, desk.guest.world, url="", mail=desk.mailing._mail
    )
    for visit in (silent, confirmed):
        await desk.host.say(visit, Event.ACCEPT)
    await post(desk.guest, desk.host)
    await sending.send_due()
    # The host writes it down the morning after.
    desk.guest.clock.time = ends("Europe/Tallinn", Days(weekday(), weekday())) + 9 * 3600
    for visit in (silent, confirmed):
        await desk.host.say(visit, Event.ARRIVE)
    await post(desk.guest, desk.host)
    await desk.guest.visits.confirm(confirmed)
    desk.mail.letters.clear()
    await sending.send_due()
    [sent] = desk.mail.letters
    assert str(sent["Subject"]).startswith("Were you there?")
    assert f"visit {silent}" in text_of(sent) and "do nothing" in text_of(sent)
    assert desk.guest.rows("letters") == 0


@pytest.mark.parametrize("trusted", [True, False])
async def test_a_letter_goes_to_the_server_whose_certificate_is_good_and_to_no_other(
    trusted: bool, desk: Reception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = certified(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with MailServer(tls_context=context, require_starttls=True) as server:
        settings = Mail(host="localhost", port=server.port, security="starttls", sender="a@host.example")
        sending = Mailing(
            desk.host.visits, desk.host.acceptance, desk.http, desk.host.world, mail=settings, url=desk.base
        )
        await desk.asked()
        await sending.send_due()
        assert len(server.letters) == trusted
        assert desk.host.rows("letters") == (not trusted)


def certified(folder: Path) -> tuple[Path, Path]:
    """A certificate of localhost that signed itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, secret = folder / "localhost.pem", folder / "localhost.key"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8
    secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    return certificate, secret


# --- what a letter may not hold ----------------------------------------------------------------------------------


def about(**request: Any) -> About:
    said = {
        "venue": "x/desk",
        "company": "Nordic Sensors",
        "people": [{"name": "A", "email": "a@b.example"}],
        "purpose": "x",
        "language": "en",
        **request,
    }
    visit = {"visit": "v1", "side": "host", "guest": "bra1", "state": "asked", "days": ["2027-06-02", "2027-06-02"]}
    visit |= {"time_zone": "Europe/Tallinn", "moves": [], "request": said}
    return About(visit=visit, venue=venue_body(), home="Tartu", host="Munich", calendar=b"BEGIN:VCALENDAR\r\n")


INJECTIONS = ["Park\r\nBcc: all@b.example", "Park\nBcc: all@b.example", "Park\u2028Bcc: x", "Park\x00", "Park\u202egnp"]


@pytest.mark.parametrize("company", INJECTIONS)
def test_no_name_makes_a_header_of_its_own(company: str) -> None:
    made = letter("request", about(company=company), to="a@b.example", sender="c@d.example", name="1", now=0)
    assert "Bcc" not in made
    assert sorted(made.keys()) == sorted(
        ["From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type"]
    )
    assert b"\nBcc" not in made.as_bytes().partition(b"\r\n\r\n")[0]


@pytest.mark.parametrize("to", ["a@b.example\nBcc: x@y.example", "a@b.example, c@d.example", "<a@b.example>", ""])
def test_an_address_that_is_not_one_is_written_to_by_nobody(to: str) -> None:
    with pytest.raises(InputError):
        letter("request", about(), to=to, sender="c@d.example", name="1", now=0)


UNSAFE = {
    "no sender": Mail(host="mail.example"),
    "an open way to another machine": Mail(host="mail.example", security="none", sender="a@b.example"),
    "a password in the open": Mail(host="localhost", security="none", sender="a@b.example", user="a"),
}


@pytest.mark.parametrize("what", UNSAFE)
def test_settings_are_refused_with(what: str) -> None:
    with pytest.raises(InputError):
        check(UNSAFE[what])
