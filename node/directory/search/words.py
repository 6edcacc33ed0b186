"""The words of a question: which records hold them, and what was meant by one that no record holds.

Rules:

- every word is wanted, as it stands or, from three letters on, as the beginning of one; text is folded as the index is
- a word that no record holds which the reader may see is taken for the nearest ones: one slip from four letters on, two
  from eight; a slip is a letter too many, too few or wrong, or two that changed places
- of the first `HEAD` letters and the rest only one is taken to be wrong: then few words of the index have to be looked
  at, however many it has
- what hidden records hold plays no part: neither is a word left as it is because of them, nor is one of theirs offered

    >>> [word.match for word in parse("Łódź hub")]
    ['"Lódź"*', '"hub"*']
"""

import re
import sqlite3
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, islice
from operator import itemgetter

from rapidfuzz.distance import OSA
from rapidfuzz.process import extract

from node.directory.reader import Reader
from node.errors import InputError
from node.sentence import at, said
from node.storage.index import fold

MOST_WORDS = 8
SHORTEST_BEGINNING = 3
"""Letters: one letter is the beginning of half the directory's words."""
ONE_SLIP, TWO_SLIPS = 4, 8
"""Letters of a word from which so many slips are forgiven."""
LONGEST_MENDED = 40
HEAD = 2
MOST_NEAR = 64
"""Words of the index that are tried for one, the nearest first."""
MOST_MEANT = 3
"""Words that one is taken for."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the question; `meant`: those that it is taken for, where no record holds it."""

    text: str
    meant: tuple[str, ...] = ()

    @property
    def match(self) -> str:
        """What FTS5 is asked for. A word has letters, digits and '_' alone: quoted it means nothing else."""
        if self.meant:
            return f"({' OR '.join(_quoted(each) for each in self.meant)})"
        return f"{_quoted(self.text)}*" if self._begins else _quoted(self.text)

    @property
    def whole(self) -> str:
        """The same for the records that hold it as a whole word."""
        return self.match if self.meant else _quoted(self.text)

    def held(self, tokens: Sequence[str]) -> str | None:
        """The first of these tokens that it stands for, whole words before beginnings."""
        wanted = {plain(each) for each in self.meant or (self.text,)}
        whole = next((token for token in tokens if token in wanted), None)
        if whole is None and self._begins and not self.meant:
            return next((token for token in tokens if token.startswith(plain(self.text))), None)
        return whole

    @property
    def _begins(self) -> bool:
        return len(self.text) >= SHORTEST_BEGINNING


def parse(text: str, field: str = "q") -> tuple[Word, ...]:
    """The words of a text, each once; InputError, naming the field, where there are none, or too many."""
    found = re.findall(r"\w+", fold(text))
    if not found:
        raise InputError(at(field, said("there is nothing to search for: give at least one word")), field)
    if len(found) > MOST_WORDS:
        raise InputError(at(field, said("a search has up to {most} words: use fewer", most=MOST_WORDS)), field)
    return tuple(Word(each) for each in dict.fromkeys(found))


def match(words: Sequence[Word], *, whole: bool = False) -> str:
    """The FTS5 query for all of them; with `whole` none of them as a beginning."""
    return " AND ".join(word.whole if whole else word.match for word in words)


def tokens(text: str) -> list[str]:
    """The words of an indexed text, as the index spells them."""
    return [plain(each) for each in re.findall(r"\w+", fold(text))]


def plain(text: str) -> str:
    """A word as the index spells it: small letters without accents."""
    apart = unicodedata.normalize("NFD", text.lower())
    return "".join(each for each in apart if not unicodedata.combining(each))


def mended(db: sqlite3.Connection, reader: Reader, words: Sequence[Word]) -> tuple[Word, ...]:
    """The words, those that no record holds which the reader may see taken for the nearest that one does."""
    return tuple(word if _held(db, reader, word.match) else _mended(db, reader, word) for word in words)


def _mended(db: sqlite3.Connection, reader: Reader, word: Word) -> Word:
    text = plain(word.text)
    slips = (len(text) >= ONE_SLIP) + (len(text) >= TWO_SLIPS)
    if not slips or len(text) > LONGEST_MENDED or any(each.isdigit() for each in text):
        return word
    near = extract(text, _candidates(db, text, slips), scorer=OSA.distance, score_cutoff=slips, limit=None)
    best = sorted((distance, each) for each, distance, _ in near)[:MOST_NEAR]
    # One slip is likelier than two: what takes more is only meant where nothing takes less.
    for _, alike in groupby(best, key=itemgetter(0)):
        held = (each for _, each in alike if _held(db, reader, _quoted(each)))
        if meant := tuple(islice(held, MOST_MEANT)):
            return replace(word, meant=meant)
    return word


def _candidates(db: sqlite3.Connection, text: str, slips: int) -> set[str]:
    """The index's words of about the same length that begin alike, or differ near their beginning alone."""
    head = text[:HEAD]
    found = db.execute(
        "SELECT term FROM words WHERE term >= ? AND term < ? AND length(term) BETWEEN ? AND ?",
        (head, head[:-1] + chr(ord(head[-1]) + 1), len(text) - slips, len(text) + slips),
    )
    candidates = {term for (term,) in found}
    for each in _other_heads(text):
        candidates.update(term for (term,) in db.execute("SELECT term FROM words WHERE term = ?", (each,)))
    return candidates


def _other_heads(text: str) -> Iterator[str]:
    """The words that one slip within the first letters may have made this one of."""
    letters = _letters(text)
    for place in range(HEAD):
        yield text[:place] + text[place + 1 :]
        yield text[:place] + text[place + 1] + text[place] + text[place + 2 :]
        for letter in letters:
            yield text[:place] + letter + text[place:]
            yield text[:place] + letter + text[place + 1 :]


def _letters(text: str) -> list[str]:
    """The small letters of the script that a word begins in: those that Unicode has in the same place."""
    first = ord(text[0]) & ~0x7F
    return [letter for letter in map(chr, range(first, first + 0x80)) if letter.isalpha() and letter == letter.lower()]


def _held(db: sqlite3.Connection, reader: Reader, query: str) -> bool:
    """Whether a record that the reader may see holds it."""
    found = db.execute(
        "SELECT 1 FROM texts_fts CROSS JOIN facts ON facts.no = texts_fts.rowid "
        f"JOIN authors ON authors.no = facts.author WHERE texts_fts MATCH :query AND {reader.may_see('facts')} LIMIT 1",
        reader.parameters(query=query),
    )
    return found.fetchone() is not None


def _quoted(word: str) -> str:
    return f'"{word}"'
