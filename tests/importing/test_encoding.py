"""Which of Windows' encodings a file is in: told where it is evident, and never at the cost of the usual one."""

import pytest

from node.directory.importing.encoding import decode

KNOWN = [
    # what it is, the text, the encoding it is in and is taken for
    ("Latvian rooms", "ref;name;country\na;Rīga, Ķīpsala;LV\nb;Liepāja;LV\n", "windows-1257"),
    ("Lithuanian rooms by their zone", "ref;name;zone\na;Žvėrynas, Šiauliai;Europe/Vilnius\n", "windows-1257"),
    ("Estonian by the dialling code", "ref;name;phone\na;Šokolaaditehas;+372 5612 3456\n", "windows-1257"),
    ("Latvian by the domain", "ref;name;web\na;Ēka;https://parks.lv/x\n", "windows-1257"),
    ("Polish rooms", "ref;name;country\na;Łódź, Żeromskiego;PL\nb;Kraków, Gęsia;PL\n", "windows-1250"),
    ("Czech rooms", "ref;name;country\na;Řečkovice, Brno-město;CZ\n", "windows-1250"),
    ("Hungarian rooms", "ref;name;country\na;Győr, Hűtő utca;HU\n", "windows-1250"),
    ("German rooms", "ref;name;country\na;Größe, Übungsraum;DE\n", "windows-1252"),
    ("French rooms", "ref;name;country\na;Pépinière d’entreprises à Évry;FR\n", "windows-1252"),
    ("Icelandic rooms", "ref;name;country\na;Þjóðminjasafn;IS\n", "windows-1252"),
    ("Estonian letters that are the same in both", "ref;name;country\na;Õpetaja büroo;EE\n", "windows-1252"),
    ("one Latvian row among many French", "ref;name;country\na;Pépinière;FR\nb;Forêt;FR\nc;Café;LV\n", "windows-1252"),
    ("a Danish name in a Latvian park", "ref;name;country\na;Ærø, Ølstykke å;LV\n", "windows-1252"),
]


@pytest.mark.parametrize(("text", "encoding"), [case[1:] for case in KNOWN], ids=[case[0] for case in KNOWN])
def test_the_encoding_is_recognised(text, encoding):
    assert decode(text.encode(encoding)) == (text, encoding)


@pytest.mark.parametrize("text", [case[1] for case in KNOWN], ids=[case[0] for case in KNOWN])
def test_utf_8_goes_before_all(text):
    assert decode(text.encode()) == (text, "utf-8")
