"""Cities by name and by place, without a network.

>>> [str(city) for city in find("Tartu")], round(metres(58_378_000, 26_729_000, 59_437_000, 24_753_000) / 1000)
(['Tartu, EE'], 164)
"""

from node.directory.gazetteer.cities import City, country_code, find, metres, nearest

__all__ = ["City", "country_code", "find", "metres", "nearest"]
