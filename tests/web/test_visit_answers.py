"""What a host is offered to say of a visit: all that it takes, and nothing that would be refused."""

import re

import pytest
from aiohttp.test_utils import make_mocked_request

from node.api.access import Caller
from node.api.role import Role
from node.web.languages import Language
from node.web.page import Asked
from node.web.rendering import Rendering
from node.web.sessions import Visitor

OFFERED = {
    "asked": {"accept", "propose", "decline"},
    "reminded": {"accept", "propose", "decline"},
    # The guests have to take these days first.
    "offered-another-date": {"propose", "decline"},
}


@pytest.mark.parametrize("state", OFFERED)
def test_a_host_is_offered_the_answers_that_the_visit_takes(state: str) -> None:
    language, visitor = Language("en", ("en",)), Visitor(Caller(Role.PUBLIC))
    known = {"asked": Asked(make_mocked_request("GET", "/"), visitor, language), "visitor": visitor}
    parts = Rendering()._templates.get_template("visits/parts.html").make_module({**known, "language": language})
    html = str(parts.answers({"state": state}))  # type: ignore[attr-defined] # the template's macro
    assert set(re.findall('name="answer" value="([a-z]+)"', html)) == OFFERED[state]
