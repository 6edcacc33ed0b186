"""The pages of whoever operates the node, under /operate: what a command line does, for people who have none."""

from typing import Protocol

from node.web.ground import Ground
from node.web.page import Page
from node.web.pages.operate.agreement import AgreementPages
from node.web.pages.operate.expiring import ExpiringPages
from node.web.pages.operate.health import HealthPages
from node.web.pages.operate.importing import ImportPages
from node.web.pages.operate.joining import JoiningPages
from node.web.pages.operate.keys import KeysPages
from node.web.pages.operate.overview import OverviewPages
from node.web.pages.operate.partners import PartnersPages
from node.web.pages.operate.photos import PhotosPages
from node.web.pages.operate.records import OwnPages
from node.web.pages.operate.tokens import TokensPages
from node.web.pages.operate.trust import TrustPages
from node.web.sheets import Sheets


class Noun(Protocol):
    def pages(self) -> list[Page]: ...


def nouns(ground: Ground, sheets: Sheets) -> list[Noun]:
    """All of them."""
    return [
        OverviewPages(ground),
        AgreementPages(ground),
        JoiningPages(ground),
        PartnersPages(ground),
        TrustPages(ground),
        OwnPages(ground),
        ImportPages(ground, sheets),
        ExpiringPages(ground),
        PhotosPages(ground),
        KeysPages(ground),
        TokensPages(ground),
        HealthPages(ground),
    ]
