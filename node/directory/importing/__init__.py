"""Spreadsheets become drafts, or problems by row and column. Pure: bytes in, values out.

>>> read_sheet(b"ref,date,reason\\nbye,2027-01-15,We merge.\\n", "farewell").drafts[0].body
{'date': '2027-01-15', 'reason': {'en': 'We merge.'}}
"""

from node.directory.importing.outcome import MOST_PLACES, Column, Draft, Problem, Sheet
from node.directory.importing.reading import headers_of, read_sheet

__all__ = ["MOST_PLACES", "Column", "Draft", "Problem", "Sheet", "headers_of", "read_sheet"]
