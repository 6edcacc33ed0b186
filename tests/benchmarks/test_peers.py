"""The race's systems: those of every machine are driven for real, the others say how to get them."""

import shutil
from pathlib import Path

import pytest

from benchmarks.peers import scripted, syncthing
from benchmarks.peers.ground import Records, export
from benchmarks.peers.race import PEERS


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Records:
    return export(tmp_path_factory.mktemp("records"), 200)


def test_the_records_are_the_exact_lines_of_all_authors(records: Records) -> None:
    assert records.path.read_bytes() == b"".join(each.line + b"\n" for each in records.lines)
    assert (len(records.lines), len(records.authors)) == (200, 50)
    assert len({(each.author, each.id) for each in records.lines}) == 200
    assert len({each.author for each in records.venues(20)}) == 20


@pytest.mark.parametrize("name", ["floor", "git", "git-checkout"])
def test_an_empty_receiver_gets_everything_and_then_updates(name: str, records: Records, tmp_path: Path) -> None:
    if why := PEERS[name].missing():
        pytest.skip(why)
    with PEERS[name](tmp_path / name) as peer:
        peer.seed(records)
        first, second = peer.cold_sync(), peer.cold_sync()
        assert min(first.seconds, second.seconds, first.memory) > 0
        assert first.wire > len(records.lines) * 100
        assert len(peer.updates(2)) == 2
        assert peer.idle().wire > 0
        assert peer.version()
    assert not (tmp_path / name).exists()


def test_what_is_not_here_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(scripted, "INSTALLED", tmp_path)
    monkeypatch.setattr(syncthing, "PROGRAM", tmp_path / "syncthing")
    assert shutil.which("git") is None
    told = {name: PEERS[name].missing() or "" for name in ("hypercore", "pouchdb", "syncthing", "git")}
    assert all("is not installed: run `" in why for why in told.values()), told
