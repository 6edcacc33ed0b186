"""Search over the whole directory: by words, place, time and what a record is.

question = Question.parse({"q": "desk", "near": "Munich", "open_at": "2027-06-01T10:00"})
found = await database.query(partial(search, reader=reader, question=question), seconds)
found.records, found.total, found.cursor
found = await database.query(partial(points, reader=reader, question=question), seconds)
found.points, found.more
await database.query(partial(census, reader=reader), seconds)
"""

from node.directory.search.answer import Found, search
from node.directory.search.facets import census
from node.directory.search.map_points import Points, points
from node.directory.search.question import Question

__all__ = ["Found", "Points", "Question", "census", "points", "search"]
