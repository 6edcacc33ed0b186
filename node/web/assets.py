"""Files that pages are made with: our own, and those of others that the build put into `vendor` (see hatch_build.py).

Rules:

- what is served is listed when the process starts: no path that a browser sends touches the disk
- nothing is loaded from elsewhere, and nothing runs that isn't a file of ours: see `CONTENT_SECURITY_POLICY`
"""

from pathlib import Path

from aiohttp import web

from node.problem import problem

PREFIX = "/assets"

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

_HERE = Path(__file__).parent
FOLDER = _HERE / "static"
_FILES = {
    f"{folder.name}/{path.relative_to(folder).as_posix()}": path
    for folder in (FOLDER, _HERE / "vendor")
    for path in sorted(folder.rglob("*"))
    if path.is_file()
}
_DAY = 86_400


def routes() -> list[web.RouteDef]:
    return [web.get(f"{PREFIX}/{{path:.+}}", _serve)]


async def _serve(request: web.Request) -> web.StreamResponse:
    path = _FILES.get(request.match_info["path"])
    if path is None:
        return problem(404, "there is no such file among the pages' files")
    return web.FileResponse(
        path, headers={"Cache-Control": f"public, max-age={_DAY}", "X-Content-Type-Options": "nosniff"}
    )


def page(html: bytes, *, status: int = 200, forms: bool = False) -> web.Response:
    """A whole page, which may use these files and nothing else. `forms`: whether it has any, which come back here."""
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
        },
    )
