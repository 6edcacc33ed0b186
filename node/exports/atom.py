"""Atom (RFC 4287): what is new, for a feed reader.

Rules:

- an entry's id is the record's urn; it is updated when its record was; its author is the organisation
- the feed is updated when its newest record was, so the same records are the same bytes. Its elements may stand in any
  order (section 4.1.1), and this one stands last, when all records have been seen
- an entry's language is told; rights, where a record is from and warnings are there as text

    <entry><id>urn:bra:bra1...:venue:desk</id><title>Delta Centre</title>...</entry>
"""

from collections.abc import Iterable, Iterator
from html import escape

from node.exports.collection import Collection, Shown, details, heading, licence, line, provenance, urn

NEVER = "1970-01-01T00:00:00Z"
"""When a feed without records was last changed."""


def write(records: Iterable[Shown], about: Collection) -> Iterator[bytes]:
    """A feed, an entry at a time."""
    link = f'<link rel="self" href="{_text(about.url)}"/>' if about.url else ""
    rights = f"<rights>{_text(licence({}, about))}</rights>" if about.licence else ""
    yield (
        '<?xml version="1.0" encoding="utf-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom">\n'
        f"<id>{_text(about.url or 'urn:bra:feed')}</id><title>{_text(about.title)}</title>{link}{rights}\n"
    ).encode()
    newest = NEVER
    for record in records:
        newest = max(newest, record["updated"])
        yield _entry(record, about).encode()
    yield f"<updated>{newest}</updated>\n</feed>\n".encode()


def _entry(record: Shown, about: Collection) -> str:
    tag, title = heading(record, about.languages)
    language = f' xml:lang="{tag}"' if tag else ""
    link = f'<link rel="alternate" href="{_text(about.link(record))}"/>' if about.link else ""
    terms = licence(record, about)
    rights = f"<rights>{_text(terms)}</rights>" if terms else ""
    content = "\n".join((*details(record, about), *provenance(record, about)))
    return (
        f"<entry><id>{urn(record)}</id><title{language}>{_text(title)}</title><updated>{record['updated']}</updated>"
        f"<author><name>{_text(record['organisation'] or record['author'])}</name>"
        f"<uri>urn:bra:{record['author']}</uri></author>"
        f'<category term="{record["kind"]}"/>{link}{rights}<content type="text">{escape(content)}</content></entry>\n'
    )


def _text(value: str) -> str:
    """A value on one line, as XML holds it, in an attribute, too."""
    return escape(line(value))
