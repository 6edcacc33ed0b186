"""What holds for all formats: any record that its kind accepts comes out, with provenance, warnings and licence."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from node import kinds
from node.errors import InputError
from node.exports import FORMATS, Collection
from node.exports.collection import chosen, labelled, urn
from tests.exports.shown import LICENCE, TARTU, records, shown, written
from tests.kinds.kind_examples import LUND

UNSIGNED = [extension for extension, form in FORMATS.items() if not form.signed]


@pytest.mark.parametrize("extension", UNSIGNED)
@given(st.lists(records(), max_size=4))
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_any_record_that_its_kind_accepts_comes_out(extension, found):
    kind = found[0]["kind"] if found else "venue"
    data = written(extension, *found, about=Collection("All", kind=kind, licence=LICENCE))
    data.decode()


@pytest.mark.parametrize("extension", UNSIGNED)
def test_the_same_records_are_the_same_bytes(extension):
    about = Collection("Venues", kind="event")
    assert written(extension, shown("event"), about=about) == written(extension, shown("event"), about=about)


@pytest.mark.parametrize(
    ("extension", "kind"), [(extension, kind) for extension in UNSIGNED for kind in sorted(FORMATS[extension].kinds)]
)
def test_provenance_warnings_and_licence_are_in_every_format(extension, kind):
    path = [{"author": LUND, "organisation": "Lund Park"}, {"author": TARTU, "organisation": "Tartu Park"}]
    record = shown(
        kind,
        known={"standing": "listed", "path": path},
        warning="signed two histories",
        licence="ODbL only",
        stale=True,
    )
    text = written(extension, record, about=Collection("All", kind=kind)).decode().replace("\r\n ", "")
    for told in TARTU, "Lund Park", "signed two histories", "ODbL only", "2027-01-15":
        assert told in text or (extension == "vcf" and told == "2027-01-15" and "20270115T090000Z" in text), told
    assert '"stale":true' in text if extension in ("json", "jsonl") else "may be out of date" in text


@pytest.mark.parametrize("extension", ["jsonld", "geojson", "ics", "vcf", "atom"])
def test_a_record_has_one_id_in_all_formats(extension):
    record = shown("venue") if extension != "ics" else shown("event")
    assert urn(record) in written(extension, record).decode().replace("\r\n ", "")


@pytest.mark.parametrize("extension", UNSIGNED)
def test_a_format_passes_over_kinds_that_it_has_no_words_for(extension):
    known = FORMATS[extension].kinds
    about = Collection("All", kind="venue")
    for kind in kinds.KINDS.keys() - known:
        assert written(extension, shown(kind), about=about) == written(extension, about=about)


def test_json_is_as_the_api_gives_it():
    both = [shown("venue"), shown("event")]
    assert json.loads(written("json", *both)) == {"records": both}
    assert [json.loads(line) for line in written("jsonl", *both).splitlines()] == both
    assert json.loads(written("json")) == {"records": []}


def test_a_csv_of_several_kinds_is_refused():
    with pytest.raises(InputError, match="name the kind"):
        written("csv", shown("venue"), shown("event"), about=Collection("All"))


LANGUAGES = [
    pytest.param(("et",), "et", id="asked for"),
    pytest.param(("ET",), "et", id="in capitals"),
    pytest.param(("fr", "de-AT"), "de", id="a region's language, after one that isn't there"),
    pytest.param(("zh",), "zh-Hant", id="a language of which there is one script"),
    pytest.param(("fr",), "en", id="else English"),
    pytest.param((), "en", id="nobody said"),
]


@pytest.mark.parametrize(("asked", "tag"), LANGUAGES)
def test_the_language_that_is_asked_for_is_chosen(asked, tag):
    assert chosen({"de": "Hallo", "et": "Tere", "en": "Hello", "zh-Hant": "你好"}, asked)[0] == tag


def test_a_text_that_nobody_asked_for_says_its_language():
    assert labelled({"et": "Tere"}, ("de", "en")) == "[et] Tere"
    assert labelled({"et": "Tere"}, ("et",)) == "Tere"
    assert labelled({"de-CH": "Grüezi"}, ("de",)) == "Grüezi"
