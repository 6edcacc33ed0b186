"""Import: a spreadsheet is sent, looked at row by row and on a map, and published as it was looked at.

Rules:

- nothing is written before somebody has seen what would be, and pressed the button below it
- every problem is told by row and column; what a header means is chosen here, and remembered with the import
- rows that went missing are kept, but those that are ticked
- long work goes on by itself: the page asks how far it is, and without a script one looks again
"""

from typing import Any

from node.api.endpoint import PREFIX
from node.api.importing import FORMS
from node.api.refusals import Refused
from node.api.role import Role
from node.directory.importing import MOST_PLACES
from node.directory.importing.columns import OWN, columns_of, normal
from node.directory.importing.encoding import LARGEST_FILE
from node.directory.importing.template import KINDS
from node.sentence import said
from node.web.ground import Ground
from node.web.page import Answer, Asked, Page, View, see
from node.web.sheets import Sheet, Sheets
from node.web.words import called

IMPORT = "/operate/import"
MOST_TOLD = 200
"""Problems, and warnings, that are told at once."""
MOST_CHOSEN = 150
"""Columns, and missing rows, that are chosen one by one: a form has fields for no more."""
_UNKNOWN = "?"
"""What stands for the meaning of a header that nobody knows."""


class ImportPages:
    def __init__(self, ground: Ground, sheets: Sheets) -> None:
        self._ground = ground
        self._sheets = sheets

    def pages(self) -> list[Page]:
        one = f"{IMPORT}/{{sheet:[A-Za-z0-9_-]{{22}}}}"
        return [
            Page(IMPORT, show=self._choose, do=self._send, role=Role.OPERATOR, file=LARGEST_FILE),
            Page(one, show=self._show, do=self._decide, role=Role.OPERATOR),
        ]

    async def _choose(self, asked: Asked) -> Answer:
        values = {
            "kinds": [(kind, called(asked.language, kind, "kinds")) for kind in KINDS],
            "templates": {kind: [f"{PREFIX}/{kind}/template.{form.extension}" for form in FORMS] for kind in KINDS},
            "kind": asked.request.query.get("kind", "venue"),
            "megabytes": LARGEST_FILE // 1_000_000,
        }
        return View("operate/import.html", values)

    async def _send(self, asked: Asked) -> Answer:
        file, kind = asked.files.get("file"), asked.form.get("kind", "")
        if kind not in KINDS:
            raise Refused.fields([("kind", "choose what the rows are")], 422)
        if file is None:
            raise Refused.fields([("file", "choose a file: .xlsx, .csv or JSON lines")], 422)
        source = asked.form.get("source", "").strip() or file.name
        sheet = await self._sheets.keep(asked.visitor.session, kind, file.name, file.data, source)
        await self._sheets.read(sheet)
        return see(f"{IMPORT}/{sheet.id}")

    async def _show(self, asked: Asked) -> Answer:
        sheet = self._sheets.find(asked.visitor.session, asked.path("sheet"))
        values = {
            "sheet": sheet,
            "busy": sheet.busy,
            "found": sheet.result,
            "told": MOST_TOLD,
            "chosen": MOST_CHOSEN,
            "headers": _headers(sheet),
            "columns": [(name, name) for name in (*OWN, *columns_of(sheet.kind))],
            "points": _points(sheet),
        }
        return View("operate/sheet.html", values, parts=("sheet",))

    async def _decide(self, asked: Asked) -> Answer:
        sheet, what = self._sheets.find(asked.visitor.session, asked.path("sheet")), asked.form.get("what")
        if what == "read":
            await self._sheets.read(sheet, _mapped(asked, sheet))
        elif what == "publish":
            everything = sheet.result["missing"] if sheet.result and asked.form.get("missing") == "withdraw" else None
            await self._sheets.publish(sheet, everything or asked.several.get("withdraw", ()))
        else:
            raise Refused(said("choose what is to be done"), 422)
        return see(asked.request.path)


def _mapped(asked: Asked, sheet: Sheet) -> dict[str, str]:
    """What was chosen for headers, where that is another thing than what they were taken for."""
    chosen = ((header, asked.form.get(name), meant) for name, header, meant, _ in _headers(sheet))
    return {header: to for header, to, meant in chosen if to is not None and to != meant}


def _headers(sheet: Sheet) -> list[tuple[str, str, str, str]]:
    """Of each header that can be mapped: the field's name, the header, what it means now, and perhaps should mean."""
    if sheet.result is None:
        return []
    mapping = sheet.result["mapping"]
    return [
        (
            f"column-{number}",
            each["header"],
            each["column"] or mapping.get(normal(each["header"]), _UNKNOWN),
            each["suggestion"] or "",
        )
        for number, each in enumerate(sheet.result["columns"][:MOST_CHOSEN])
        if each["header"]
    ]


def _points(sheet: Sheet) -> dict[str, Any]:
    """Where the rows are, as `static/map.js` takes it."""
    places = sheet.result["places"] if sheet.result else []
    points = [[each["latitude"], each["longitude"], sheet.kind, each["name"]] for each in places]
    return {"points": points, "more": len(points) == MOST_PLACES}
