"""What is built holds the program and its example home, and never a key, a partner or a database of the builder's."""

import gzip
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SECRETS = {
    "keys/signing.key": "-----BEGIN PRIVATE KEY-----\nUnmistakable\n-----END PRIVATE KEY-----\n",
    "keys/card.json": '{"Unmistakable":1}\n',
    "keys/partners/x.json": '{"Unmistakable":2}\n',
    "var/node.db": "SQLite format 3 Unmistakable",
    "recovery.words": "Unmistakable abandon",
    ".env": "TOKEN=Unmistakable",
}
LIBRARY = "node/protocol/native/libprotocol.so"
SOURCES = [f"node/protocol/native/{name}" for name in ("made_of.c", "scanner.c", "sha256.h", "tree.c")]
IN_THE_SDIST = {
    "node", "config", "keys", "tests", "benchmarks", "docs", "Makefile", "hatch_build.py",
    "requirements.txt", "requirements-dev.txt", "requirements-bench.txt",
    "LICENSE", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "pyproject.toml", "PKG-INFO", ".gitignore",
}  # fmt: skip


@pytest.fixture(scope="module")
def copy(tmp_path_factory) -> Path:
    """A copy of this checkout that is also a node's home, as a checkout may be."""
    if not (ROOT / ".git").exists():
        pytest.skip("only a checkout can be built as one")
    copy = tmp_path_factory.mktemp("checkout") / "copy"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copy / name)
    for name, text in SECRETS.items():
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_text(text)
    return copy


@pytest.fixture(scope="module")
def built(copy) -> tuple[Path, Path]:
    """Its wheel and sdist."""
    build(copy, copy / "dist")
    [wheel], [sdist] = (copy / "dist").glob("*.whl"), (copy / "dist").glob("*.tar.gz")
    return wheel, sdist


def build(source: Path, to: Path, *targets: str, **environment: str) -> str:
    """Builds it, and gives what was said meanwhile."""
    done = subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", *targets, "--outdir", str(to), str(source)],
        env=os.environ | environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def contents(path: Path) -> dict[str, bytes]:
    """Every file in a wheel, or in an sdist below its one folder."""
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as archive:
            return {name: archive.read(name) for name in archive.namelist()}
    with tarfile.open(path) as archive:
        files = {member.name: archive.extractfile(member) for member in archive if member.isfile()}
        return {name.split("/", 1)[1]: file.read() for name, file in files.items() if file}


@pytest.mark.parametrize("place", [0, 1], ids=["wheel", "sdist"])
def test_no_key_no_partner_and_no_database_is_packed(place, built) -> None:
    found = contents(built[place])
    assert not SECRETS.keys() & found.keys()
    assert [name for name in found if name.startswith("var/") or name.endswith((".key", ".db", ".words"))] == []
    assert [name for name in found if name.startswith("keys/")] == (["keys/README.md"] if place else [])
    # This file itself holds the word.
    assert [name for name, data in found.items() if b"Unmistakable" in data and not name.startswith("tests/")] == []


def test_the_sdist_has_only_the_entries_that_are_allowed_and_what_the_tests_need(built) -> None:
    found = contents(built[1])
    assert {name.split("/")[0] for name in found} <= IN_THE_SDIST
    assert {"README.md", "LICENSE", "pyproject.toml", "config/node.toml", "tests/vectors/protocol.json"} <= found.keys()


def test_the_wheel_is_the_package_with_the_example_home_in_it(built) -> None:
    found = contents(built[0])
    tops = {name.split("/")[0] for name in found}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"node"}
    for name in ("node.toml", "agreement-1.txt"):
        assert found[f"node/example/config/{name}"] == (ROOT / "config" / name).read_bytes()
    assert {"node/protocol/SPEC.md", "node/demo/organisations.json", "node/web/locale/et/pages.po"} <= found.keys()
    [entry_points] = [data for name, data in found.items() if name.endswith("entry_points.txt")]
    assert b"bra = node.cli.main:run" in entry_points


def test_the_wheel_has_what_the_pages_are_made_with_and_the_licence_of_each_part(built) -> None:
    found = contents(built[0])
    vendored = {name.removeprefix("node/web/vendor/") for name in found if name.startswith("node/web/vendor/")}
    packages = json.loads(found["node/web/package.json"])["dependencies"]
    assert {name.split("/")[0] for name in vendored if "/" in name} == set(packages)
    for package in packages:
        [licence] = [
            found[f"node/web/vendor/{name}"]
            for name in vendored
            if name.startswith(f"{package}/") and Path(name).name in ("LICENSE", "MIT-LICENCE.txt")
        ]
        assert re.search(b"permi(t|ssion)|Permission", licence), package
    for name in vendored:
        if name.endswith(".gz"):
            whole = found[f"node/web/vendor/{name.removesuffix('.gz')}"]
            assert gzip.decompress(found[f"node/web/vendor/{name}"]) == whole, name
    assert {"leaflet/leaflet.js.gz", "htmx.org/htmx.min.js.gz", "world-atlas/outlines.json.gz"} <= vendored


@pytest.mark.skipif(
    shutil.which(shlex.split(os.environ.get("CC", "") or "cc")[0]) is None, reason="this machine has no C compiler"
)
def test_a_wheel_with_the_compiled_library_is_for_such_machines_alone_and_the_sdist_for_all(built) -> None:
    wheel, sdist = map(contents, built)
    assert wheel[LIBRARY][:4] in (b"\x7fELF", b"\xcf\xfa\xed\xfe")
    assert LIBRARY not in sdist
    assert [name for name in sorted(sdist) if re.search(r"native/.*\.[ch]$", name)] == SOURCES
    # A library is only taken beside the sources that it was made of.
    made_of = hashlib.sha256(b"".join(wheel[name] for name in SOURCES)).hexdigest().encode()
    assert made_of in wheel[LIBRARY]
    [about] = [data.decode() for name, data in wheel.items() if name.endswith(".dist-info/WHEEL")]
    assert "Root-Is-Purelib: false" in about
    # For each Python 3 and no ABI of it; which machine stands in the name, too.
    [tag] = re.findall("^Tag: (py3-none-.+)$", about, re.MULTILINE)
    assert built[0].name.endswith(f"-{tag}.whl")
    assert not tag.endswith("-any")


@pytest.mark.parametrize("compiler", ["/nonexistent/cc", "false"], ids=["no compiler", "a compiler that fails"])
def test_without_a_compiler_the_wheel_is_for_any_machine_and_the_build_says_what_that_means(
    compiler, copy, built, tmp_path
) -> None:
    left = copy / LIBRARY
    left.write_bytes(b"made of an older source")
    said = build(copy, tmp_path, "--wheel", CC=compiler)
    assert "the node works, but its first syncs are slower" in said
    assert "install a C compiler" in said
    assert not left.exists()
    [wheel] = tmp_path.glob("*.whl")
    assert wheel.name.endswith("-py3-none-any.whl")
    assert LIBRARY not in contents(wheel)


def test_a_failed_build_leaves_nothing_beside_the_source(copy, built, tmp_path) -> None:
    build(copy, tmp_path, "--wheel", CC="false")
    folder = Path(LIBRARY).parent
    tracked = {path.name for path in (ROOT / folder).iterdir()} - {Path(LIBRARY).name, "__pycache__"}
    assert {path.name for path in (copy / folder).iterdir()} <= tracked


def test_the_wheel_installs_without_a_download_and_finds_its_example_home(built, tmp_path) -> None:
    venv.create(tmp_path / "venv", with_pip=False)
    [packages] = (tmp_path / "venv" / "lib").glob("python*/site-packages")
    with zipfile.ZipFile(built[0]) as archive:
        archive.extractall(packages)
    example = "from importlib.resources import files; print((files('node') / 'example/config/node.toml').read_text())"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [tmp_path / "venv" / "bin" / "python", "-c", example],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout.rstrip("\n") == (ROOT / "config" / "node.toml").read_text().rstrip("\n"), done.stderr
