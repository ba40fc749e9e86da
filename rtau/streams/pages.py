"""The files of the dashboard, as the server sends them: a fixed list, read once."""

from __future__ import annotations

from importlib import resources

# Path of a request -> file below rtau/web and its type.
FILES = {
    "/": ("dashboard/index.html", "text/html; charset=utf-8"),
    "/dashboard.css": ("dashboard/dashboard.css", "text/css; charset=utf-8"),
    "/dashboard.js": ("dashboard/dashboard.js", "text/javascript; charset=utf-8"),
    "/connection.js": ("dashboard/connection.js", "text/javascript; charset=utf-8"),
    "/curves.js": ("dashboard/curves.js", "text/javascript; charset=utf-8"),
    "/uplot.js": ("vendor/uPlot.iife.min.js", "text/javascript; charset=utf-8"),
    "/uplot.css": ("vendor/uPlot.min.css", "text/css; charset=utf-8"),
    "/icon.svg": ("dashboard/icon.svg", "image/svg+xml"),
}
# The page loads nothing from elsewhere, and no other page may frame it.
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; "
        "connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def read_pages() -> dict[str, tuple[bytes, str]]:
    """Returns content and type by path.

    Raises:
        OSError: a file is missing.
    """
    folder = resources.files("rtau.web")
    return {path: ((folder / name).read_bytes(), kind) for path, (name, kind) in FILES.items()}
