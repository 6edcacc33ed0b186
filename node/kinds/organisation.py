"""An organisation: a science park, a cluster or whoever else signed; the author of all its other records.

    {"name": "Tartu Science Park", "roles": ["science_park"], "city": "Tartu", "country": "EE",
     "website": "https://park.example", "languages": ["et", "en"]}

`geo` is optional: the city's coordinates put an organisation without venues on the map.
"""

from typing import Annotated, Literal

from pydantic import Field

from node.kinds.body import Body, Maybe
from node.kinds.fields import Count, Country, Geo, HttpsUrl, Languages, Name, Picture, ProseMap, Slug

Role = Annotated[
    Literal[
        "science_park",
        "cluster",
        "incubator",
        "accelerator",
        "coworking",
        "university",
        "chamber",
        "agency",
        "network",
        "company",
        "other",
    ],
    Field(description="a role of an organisation"),
]


class Organisation(Body):
    name: Annotated[Name, Field(description="the organisation's name")]
    roles: Annotated[
        tuple[Role, ...],
        Field(strict=False, min_length=1, max_length=11, description="a list of roles such as science_park"),
    ]
    city: Annotated[Name, Field(description="the city's name")]
    country: Country
    website: HttpsUrl
    languages: Languages
    sectors: Annotated[
        tuple[Slug, ...], Field(strict=False, max_length=60, description="a list of sectors as short codes")
    ] = ()
    logo: Maybe[Picture] = None
    members: Maybe[Count] = None
    description: Maybe[ProseMap] = None
    geo: Maybe[Geo] = None

    def heading(self) -> str:
        return self.name
