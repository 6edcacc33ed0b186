"""The services catalogue: Pooling4Clusters' fifteen services in six categories.

Rules:

- slugs are stable for ever: records hold them; labels are English here, translated by the pages
- an offer names a category, and where it is one of the fifteen also the service; a practice names a category

    >>> CATEGORY_OF["mentorship_programme"]
    'research_and_networking'
    >>> SERVICES["deal_for_growth"]
    'Deal for growth (contrat de croissance)'
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Literal, get_args

from pydantic import Field

CategorySlug = Literal[
    "education_and_training",
    "expansion",
    "research_and_networking",
    "commercial_cooperation",
    "innovation_and_technology",
    "policy_actions",
]
ServiceSlug = Literal[
    "managerial_and_technical_training",
    "permanent_offices",
    "co_location",
    "scientific_group_intermediation",
    "help_desk",
    "competence_centres",
    "deal_for_growth",
    "web_site",
    "european_networking",
    "mentorship_programme",
    "funding_information_desk",
    "collective_booth",
    "business_intelligence",
    "project_oriented_funding",
    "cluster_development_programme",
]
Category = Annotated[CategorySlug, Field(description="a category of the services catalogue")]
Service = Annotated[ServiceSlug, Field(description="a service of the services catalogue")]

CATEGORIES: Mapping[str, str] = MappingProxyType(
    {
        "education_and_training": "Education and training",
        "expansion": "Expansion",
        "research_and_networking": "Research and networking",
        "commercial_cooperation": "Commercial cooperation",
        "innovation_and_technology": "Innovation and technology",
        "policy_actions": "Policy actions",
    }
)
"""Slug to English label, in the catalogue's order."""

_CATALOGUE: tuple[tuple[CategorySlug, ServiceSlug, str], ...] = (
    ("education_and_training", "managerial_and_technical_training", "Providing managerial and technical training"),
    ("expansion", "permanent_offices", "Permanent industrial and commercial offices"),
    ("expansion", "co_location", "Co-location"),
    ("expansion", "scientific_group_intermediation", "Scientific group intermediation"),
    ("expansion", "help_desk", "Help desk"),
    (
        "expansion",
        "competence_centres",
        "Competence centres for projects, attracting new firms and talent to the region",
    ),
    ("expansion", "deal_for_growth", "Deal for growth (contrat de croissance)"),
    ("research_and_networking", "web_site", "Web site"),
    ("research_and_networking", "european_networking", "European networking"),
    ("research_and_networking", "mentorship_programme", "Mentorship programme"),
    ("research_and_networking", "funding_information_desk", "Information desk for funding and financing"),
    ("commercial_cooperation", "collective_booth", "Collective booth"),
    ("innovation_and_technology", "business_intelligence", "Business intelligence"),
    ("innovation_and_technology", "project_oriented_funding", "Project-oriented funding"),
    ("policy_actions", "cluster_development_programme", "Cluster development programme"),
)

SERVICES: Mapping[str, str] = MappingProxyType({service: label for _, service, label in _CATALOGUE})
"""Slug to English label, in the catalogue's order."""

CATEGORY_OF: Mapping[str, str] = MappingProxyType({service: category for category, service, _ in _CATALOGUE})
"""Service to the category it stands in."""

assert set(CATEGORIES) == set(get_args(CategorySlug))
assert set(SERVICES) == set(get_args(ServiceSlug))
