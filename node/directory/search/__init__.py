"""Search over the whole directory: by words, place, time and what a record is.

question = Question.parse({"q": "desk", "near": "Munich", "open_at": "2027-06-01T10:00"})
found = await database.query(partial(search, reader=reader, question=question), seconds)
found.records, found.total, found.cursor
"""

from node.directory.search.answer import Found, search
from node.directory.search.question import Question

__all__ = ["Found", "Question", "search"]
