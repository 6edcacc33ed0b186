"""Files that pages are made with: our own, and those of others that the build put into `vendor` (see hatch_build.py).

Rules:

- what is served is listed when the process starts: no path that a browser sends touches the disk
- pages name files by `url`, which says what is in them: a browser keeps such a file for good, and asks for another
  address when there is another. A file asked for by its name alone is kept for a day
- it is sent packed: of others' files the build has put a `.gz` beside each that is worth it, ours are packed when asked
- nothing is loaded from elsewhere, and nothing runs that isn't a file of ours: see `CONTENT_SECURITY_POLICY`
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from node.problem import problem

PREFIX = "/assets"

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

_HERE = Path(__file__).parent
FOLDER = _HERE / "static"
_PICTURES = (".png", ".webp")
"""They are packed in themselves."""


@dataclass(frozen=True, slots=True)
class _File:
    """`version`: what tells it from any other that had its name."""

    path: Path
    version: str

    @classmethod
    def of(cls, path: Path) -> "_File":
        return cls(path, hashlib.sha256(path.read_bytes()).hexdigest()[:16])


_FILES = {
    f"{folder.name}/{path.relative_to(folder).as_posix()}": _File.of(path)
    for folder in (FOLDER, _HERE / "vendor")
    for path in sorted(folder.rglob("*"))
    if path.is_file() and path.suffix != ".gz"
}
_DAY = "public, max-age=86400"
_FOR_GOOD = "public, max-age=31536000, immutable"


def routes() -> list[web.RouteDef]:
    return [web.get(f"{PREFIX}/{{path:.+}}", _serve)]


def url(name: str) -> str:
    """The address of a file, such as `static/base.css`, with its version; KeyError where there is no such file."""
    return f"{PREFIX}/{name}?v={_FILES[name].version}"


async def _serve(request: web.Request) -> web.StreamResponse:
    file = _FILES.get(request.match_info["path"])
    if file is None:
        return problem(404, "there is no such file among the pages' files")
    kept = _FOR_GOOD if request.query.get("v") == file.version else _DAY
    headers = {"Cache-Control": kept, "Vary": "Accept-Encoding", "X-Content-Type-Options": "nosniff"}
    answer = web.FileResponse(file.path, headers=headers)
    # A part is one of the file as it stands.
    if file.path.suffix not in _PICTURES and "Range" not in request.headers:
        answer.enable_compression()
    return answer


def page(html: bytes, *, status: int = 200, forms: bool = False, camera: bool = False) -> web.Response:
    """A whole page, which may use these files and nothing else.

    `forms`: whether it has any, which come back here; `camera`: whether it may ask for the camera.
    """
    policy = CONTENT_SECURITY_POLICY
    return web.Response(
        status=status,
        body=html,
        content_type="text/html",
        charset="utf-8",
        headers={
            "Content-Security-Policy": policy.replace("form-action 'none'", "form-action 'self'") if forms else policy,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Permissions-Policy": f"camera=({'self' if camera else ''}), geolocation=(), microphone=()",
            "Cross-Origin-Opener-Policy": "same-origin",
        },
    )
