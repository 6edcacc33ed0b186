"""Operations on sheets: import one, or look what that would do; what their headers meant.

Rules:

- a sheet is published as a whole where nothing stands in the way: no problem, and no missing row that nobody decided
  about; else nothing is, and the result says why
- without `commit` nothing is written; the result's `digest` stands for the file, how it was read, and this node's own
  records: a commit that names it is refused where any of them is another by then
- missing rows are decided about together, or one by one: those that are named are withdrawn, the others kept
- what headers were mapped to is remembered with a commit
- reading takes seconds for a large file, so it is done in a thread, with progress
"""

import asyncio
import base64
import binascii
import hashlib
import itertools
import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from node.control.parts import Operation, Parts, Report
from node.directory import preview
from node.directory.draft import Change, ChangedMeanwhile
from node.directory.importing import MOST_PLACES, Sheet, headers_of, read_sheet
from node.errors import InputError
from node.kinds.body import quoted
from node.storage import imports, index

LONGEST_SOURCE = 200
DECISIONS = ("withdraw", "keep")


class Importing:
    """import, mappings, forget-mapping."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def operations(self, report: Report) -> dict[str, Operation]:
        return {
            "import": partial(self.import_, report=report),
            "mappings": self.mappings,
            "forget-mapping": self.forget,
        }

    async def import_(
        self,
        *,
        kind: str,
        data: str,
        report: Report,
        file: str = "",
        source: str = "",
        mapping: Mapping[str, str] | None = None,
        missing: str | Sequence[str] | None = None,
        commit: bool = False,
        digest: str | None = None,
    ) -> dict[str, Any]:
        """Publishes the sheet in `data` (its bytes in base64) with `commit`, else says what that would do.

        `file` is its name, for messages. `source` is what its rows are remembered under; without one no row is missing.
        `mapping`: headers to columns. `missing`: `withdraw`, `keep`, or the refs of those to withdraw.
        The result: `published`, `created`, `changed`, `unchanged`, `withdrawn` (as they are, or would be), `missing`
        (refs), `problems` and `warnings` (row, column, sentence), `encoding`, `columns`, `mapping`, `digest`, and the
        first `MOST_PLACES` of its `places` (`latitude` and `longitude` in microdegrees, and `name`); of what was
        published also `ids` and `seq`.
        """
        _check(source, missing, mapping)
        sheet, hashed, places = await self._read(data, kind, file, mapping or {}, report)
        me = self._parts.acceptance.me
        look = partial(preview.state, me=me, kind=kind, source=source)
        state, absent = await self._parts.database.read(
            lambda db: (look(db), preview.missing(db, me, kind, source, sheet.refs))
        )
        known = _digest(hashed, sheet, kind, source, state)
        if digest is not None and digest != known:
            raise ChangedMeanwhile("the file or this node's records changed since the preview: look at a new one")
        gone = _withdrawn(absent, missing)
        changes = [
            Change(kind, each.body, each.ref, visibility=each.visibility, source=source or None)
            for each in sheet.drafts
        ]
        changes += [Change(kind, None, ref) for ref in gone]
        published = commit and not sheet.problems and (missing is not None or not absent)
        if published:

            def unchanged(db: sqlite3.Connection) -> None:
                if look(db) != state:
                    raise ChangedMeanwhile("this node's records changed during the import: import again")

            outcome = await self._parts.publish(changes, provided=unchanged)
            await self._remember(kind, sheet)
        else:
            outcome = await self._parts.database.read(
                partial(preview.outcome, me=me, world=self._parts.world, changes=changes)
            )
        return {
            "published": published,
            "missing": absent,
            "digest": known,
            "places": places,
            **_told(sheet),
            **asdict(outcome),
        }

    async def mappings(self, *, kind: str | None = None) -> dict[str, Any]:
        """What is remembered of headers, of one kind or of all."""
        found = await self._parts.database.read(partial(imports.mappings, kind=kind))
        return {"mappings": [{**asdict(each), "headers": sorted(each.headers)} for each in found]}

    async def forget(self, *, id: str) -> dict[str, Any]:  # noqa: A002
        """Forgets a mapping, so that its headers mean what they say."""
        if not await self._parts.database.write(partial(imports.forget, id_=id)):
            raise InputError(f"there is no mapping {quoted(id)}: look with 'bra mapping list'")
        return {"forgotten": id}

    async def _read(
        self, data: str, kind: str, name: str, mapping: Mapping[str, str], report: Report
    ) -> tuple[Sheet, str, list[dict[str, Any]]]:
        """The sheet, the hash of its file, and its places."""
        remembered = await self._parts.database.read(partial(imports.mappings, kind=kind))
        loop = asyncio.get_running_loop()

        def progress(done: int, of: int) -> None:
            loop.call_soon_threadsafe(report, {"rows": done, "of": of})

        def read() -> tuple[Sheet, str, list[dict[str, Any]]]:
            file = _bytes(data)
            sheet = read_sheet(
                file,
                kind,
                name=name,
                now=int(self._parts.world.now()),
                mapping=mapping,
                remembered={each.headers: each.mapping for each in remembered},
                progress=progress,
            )
            return sheet, hashlib.sha256(file).hexdigest(), _places(kind, sheet)

        return await asyncio.to_thread(read)

    async def _remember(self, kind: str, sheet: Sheet) -> None:
        if sheet.mapping:
            now = int(self._parts.world.now())
            await self._parts.database.write(
                lambda db: imports.remember(db, kind, headers_of(sheet), sheet.mapping, now)
            )


def _digest(file: str, sheet: Sheet, kind: str, source: str, state: bytes) -> str:
    said = json.dumps([file, kind, source, sheet.mapping], sort_keys=True)
    return hashlib.sha256(said.encode() + state).hexdigest()


def _told(sheet: Sheet) -> dict[str, Any]:
    return {
        "problems": [asdict(each) for each in sheet.problems],
        "warnings": [asdict(each) for each in sheet.warnings],
        "encoding": sheet.encoding,
        "columns": [asdict(each) for each in sheet.columns],
        "mapping": dict(sheet.mapping),
    }


def _places(kind: str, sheet: Sheet) -> list[dict[str, Any]]:
    entries = (index.entry(kind, draft.body) for draft in sheet.drafts if "geo" in draft.body)
    placed = ((each.heading, each.place) for each in entries if each.place)
    return [
        {"latitude": place[0], "longitude": place[1], "name": heading}
        for heading, place in itertools.islice(placed, MOST_PLACES)
    ]


def _withdrawn(absent: list[str], missing: str | Sequence[str] | None) -> list[str]:
    """Which of the rows that are missing are withdrawn."""
    if isinstance(missing, str):
        return absent if missing == "withdraw" else []
    named = frozenset(missing or ())
    return [ref for ref in absent if ref in named]


def _check(source: str, missing: str | Sequence[str] | None, mapping: Mapping[str, str] | None) -> None:
    if len(source) > LONGEST_SOURCE or not (source.isprintable() or not source):
        raise InputError(f"a source is named by at most {LONGEST_SOURCE} plain characters: shorten it")
    if isinstance(missing, str) and missing not in DECISIONS:
        raise InputError(f"missing rows are decided by {' or '.join(DECISIONS)}, not {quoted(missing)}")
    if any(not isinstance(column, str) for column in (mapping or {}).values()):
        raise InputError('a mapping is an object of headers and columns: write {"Nimi": "name"}')


def _bytes(data: str) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InputError("the file's bytes are not base64: encode them anew") from error
