"""Whose requests are answered: those of the server's own pages and of programs of this machine, not other sites'.

A site that the user visits may send requests to this machine: under a name of its own that leads here (DNS rebinding),
which the Host header shows, or across origins, which a browser states in Origin and Sec-Fetch-Site. What changes
something also needs a header that a site cannot send without asking first, which is never granted.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: Stands in every request that changes something.
OWN_HEADER: Final = "x-mbcost"
_READS: Final = frozenset({"GET", "HEAD"})
#: Of every answer. A page of ours runs our scripts, and asks and shows nothing but this server.
_HEADERS: Final[Mapping[str, str]] = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
        "frame-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
#: Of a report: in an origin of its own it runs its two scripts, which its own policy names, and may be in our page.
REPORT_POLICY: Final = "sandbox allow-scripts allow-downloads; frame-ancestors 'self'"


class Guard:
    """Refuses what other sites send, and gives every answer its security headers."""

    def __init__(self, app: ASGIApp, hosts: tuple[str, ...] = ()) -> None:
        self._app = app
        self._hosts = frozenset(host.lower() for host in ("localhost", *hosts))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        refusal = self._refusal(scope["method"], Headers(scope=scope))
        app = self._app if refusal is None else PlainTextResponse(f"{refusal}\n", status_code=403)
        await app(scope, receive, answer)

    def _refusal(self, method: str, headers: Headers) -> str | None:
        """Why a request is not answered; None if it is."""
        host = headers.get("host", "")
        if not self._is_known(host):
            return "this server does not answer to that name: open it as localhost, or name it with --host-name"
        if method in _READS:
            return None
        origin = headers.get("origin")
        if origin is not None and origin not in {f"http://{host}", f"https://{host}"}:
            return "this request comes from another site"
        if headers.get("sec-fetch-site", "same-origin") != "same-origin":
            return "this request comes from another site"
        return None if OWN_HEADER in headers else f"the header {OWN_HEADER} is missing"

    def _is_known(self, host: str) -> bool:
        """Whether a Host header names this machine: an address cannot be rebound, a name can."""
        name = host.partition("]")[0].removeprefix("[") if host.startswith("[") else host.partition(":")[0]
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return name.lower() in self._hosts
        return True
