"""Cells that a spreadsheet program would evaluate, made text, and taken back when the sheet is read.

Rules:

- a formula begins with `=`, `+`, `-` or `@`, or their fullwidth forms, which Asian versions take for them; an
  apostrophe before it makes it text (what OWASP advises against "CSV injection")
- a cell that is a signed number does nothing and stays as it is: `+37256123456`, `-6.841650`
- a beginning is that of the cell, and of whatever follows a line end, `;` or a tab inside it: a program that was told
  of another separator than the file's (in much of Europe, the default is `;`) begins a cell there, quoted or not;
  spaces and quotation marks before the sign hide nothing
- `restored` gives back exactly what was `defused`: what has its apostrophes already gets another

    >>> defused("=1+1"), defused("+37256123456"), defused("a;@SUM(A1)"), restored("'=1+1")
    ("'=1+1", '+37256123456', "a;'@SUM(A1)", '=1+1')
"""

import re

# No separator within the run behind one: a cell of line ends would be gone through once for each of them.
_BEGINS = r"((?:^|[;\t\r\n])(?:[^\S\t\r\n]|\")*+)"
_SIGN = "[=+@\uff1d\uff0b\uff20\uff0d-]"
_NUMBER = re.compile(r"[+-][0-9]+(?:[.,][0-9]+)?")

_FORMULA = re.compile(rf"{_BEGINS}(?='*{_SIGN})")
_DEFUSED = re.compile(rf"{_BEGINS}'(?='*{_SIGN})")


def defused(cell: str) -> str:
    """The cell as a file may hold it."""
    return cell if _NUMBER.fullmatch(cell) else _FORMULA.sub(r"\1'", cell)


def restored(cell: str) -> str:
    """The cell as it was meant."""
    return _DEFUSED.sub(r"\1", cell) if "'" in cell else cell
