"""config/node.toml is the settings' documentation: exactly those of node.config, each with its default."""

import hashlib
import re
import tomllib
from pathlib import Path

import pytest

from node.config import Config, load
from node.errors import InputError

CONFIG = Path(__file__).parents[2] / "config"
SETTING = re.compile(r"^# ([a-z_]+ = .+)$", re.MULTILINE)

WRONG = {
    "an unknown section": ("[nodes]\nport = 1\n", "nodes"),
    "an unknown key": ("[limits]\nrecords_per_autor = 20000\n", "limits.records_per_autor"),
    "a limit below what every node takes": ("[limits]\nrecords_per_author = 5\n", "limits.records_per_author"),
    "text for a number": ('[node]\nport = "many"\n', "node.port"),
    "a hash that is none": ('[agreement]\nrecognised = ["abc"]\n', "agreement.recognised.0"),
    "every site's pages let in": ('[api]\ncors_origins = ["*"]\n', "api.cors_origins.0"),
    "a page for a site": ('[api]\ncors_origins = ["https://park.example/"]\n', "api.cors_origins.0"),
    "a proxy that is no address": ('[api]\ntrusted_proxies = ["proxy"]\n', "api.trusted_proxies.0"),
    "a budget of nothing": ("[api]\nreads = 0\n", "api.reads"),
    "a role that is none": ('[oidc]\nroles = {"staff" = "boss"}\n', "oidc.roles.staff"),
    "visits that go before what is said of them": ("[roaming]\nkeep_days = 13\n", "roaming.keep_days"),
    "a level that is none": ('[log]\nlevel = "loud"\n', "log.level"),
    "what is not TOML": ("[node\n", "is not TOML"),
}


def test_the_example_documents_exactly_the_settings_there_are_with_their_defaults() -> None:
    written = tomllib.loads(SETTING.sub(r"\1", (CONFIG / "node.toml").read_text()))
    # The one value that an example has to set.
    assert written["agreement"].pop("recognised")
    defaults = Config.model_construct().model_dump(mode="json")
    assert defaults["agreement"].pop("recognised") == []
    assert written == defaults


def test_every_setting_of_the_example_is_explained_by_a_comment_before_it() -> None:
    before = ""
    for line in (CONFIG / "node.toml").read_text().splitlines():
        if SETTING.match(line) or line.startswith("recognised"):
            assert before.startswith("# "), f"{line} has no comment"
        if line == "" or line.startswith(("#", "[")):
            before = line


def test_the_example_as_it_is_gives_the_defaults_and_recognises_the_agreement_beside_it() -> None:
    found = load(CONFIG / "node.toml")
    hash_ = hashlib.sha256((CONFIG / "agreement-1.txt").read_bytes()).hexdigest()
    assert found.agreement.recognised == (hash_,)
    assert found.model_copy(update={"agreement": Config.model_fields["agreement"].default}).model_dump() == (
        Config.model_construct().model_dump()
    )


@pytest.mark.parametrize("what", WRONG)
def test_a_file_is_refused_by_the_name_of_what_is_wrong_when_it_has(what, tmp_path) -> None:
    text, named = WRONG[what]
    path = tmp_path / "node.toml"
    path.write_text(text)
    with pytest.raises(InputError) as refused:
        load(path)
    assert named in str(refused.value)
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)
