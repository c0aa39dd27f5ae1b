"""Who may ask what: the middlewares between the network and the app.

The app runs on a person's own machine, where any web page that the person visits can send requests to it. So a request
must name the right host (against DNS rebinding), come from our own pages where a browser sends it (against forged
requests), and bring a token where one is set; pages may load nothing but our own files.
"""

import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote, urlencode

from fastapi import FastAPI, Request
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cifarlab.web.metrics import Metrics, RequestCounter
from cifarlab.web.middleware import HttpMiddleware
from cifarlab.web.pages import rendering
from cifarlab.web.server.hosts import allowed_names, host_name, is_address, is_every_address, same_host
from cifarlab.web.server.requests import BodyTime, RequestForm
from cifarlab.web.settings import Settings

OPEN_PATHS = ("/healthz", "/readyz", "/static/")
"""What tells a probe that the server lives, and what a page that asks for the token looks like."""

CONTENT_SECURITY_POLICY = (
    # Figures carry style attributes. They run nothing, and what they could load, such as a background, is an image:
    # of ours alone. Style elements, whose selectors could read a page out letter by letter, stay forbidden.
    "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
_RAW_HEADERS = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


def protect(app: FastAPI, settings: Settings, metrics: Metrics) -> None:
    """Put the middlewares around an app."""
    # The last one added is asked first: what it refuses, the inner ones never see. So the counter counts every refusal,
    # the headers are on all of them, and no body is read before host, token and origin are right.
    app.add_middleware(SizeGuard, max_request_bytes=settings.limits.max_request_bytes)
    app.add_middleware(BodyTime, seconds=1.5 * settings.limits.request_seconds)  # predictions have less
    app.add_middleware(OriginGuard)
    if settings.token is not None:
        # A browser sends cookies to every port of a host.
        app.add_middleware(TokenGuard, token=settings.token, cookie=f"cifarlab-{settings.port}")
    app.add_middleware(HostGuard, host=settings.host)
    app.add_middleware(RequestForm)
    app.add_middleware(SafeHeaders)
    app.add_middleware(RequestCounter, metrics=metrics)


class HostGuard(HttpMiddleware):
    """Refuses requests that name another host than this one."""

    def __init__(self, app: ASGIApp, host: str) -> None:
        super().__init__(app)
        self._names = allowed_names(host)
        self._every_address = is_every_address(host)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 421, or pass on."""
        if not self._is_allowed(Headers(scope=scope).getlist("host")):
            # As JSON for everybody: a page's links are made of the name that is wrong.
            message = "this server does not go by that name: use the address that it printed"
            await JSONResponse({"detail": message}, 421)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _is_allowed(self, hosts: list[str]) -> bool:
        if len(hosts) != 1:
            return False
        name = host_name(hosts[0])
        # Rebinding needs a name: a page that was loaded from an address is that address's own.
        return name in self._names or (self._every_address and is_address(name))


class TokenGuard(HttpMiddleware):
    """Demands the token: as `Authorization: Bearer TOKEN`, or once as `?token=TOKEN`, which is kept in a cookie."""

    def __init__(self, app: ASGIApp, token: str, cookie: str) -> None:
        super().__init__(app)
        self._token = token.encode()
        self._cookie = cookie
        # The cookie is no use as a token elsewhere.
        self._secret = hmac.new(self._token, b"cifarlab cookie", hashlib.sha256).hexdigest()

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 401, keep a token from the address as a cookie, or pass on."""
        if scope["path"].startswith(OPEN_PATHS):
            await self._app(scope, receive, send)
            return
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        offered = [value for key, value in query if key == "token"]
        if offered and scope["method"] in ("GET", "HEAD"):
            response = self._keep(scope, query) if self._is_token(offered[0]) else self._ask(scope)
            await response(scope, receive, send)
        elif self._is_known(Headers(scope=scope)):
            await self._app(scope, receive, send)
        else:
            await self._ask(scope)(scope, receive, send)

    def _is_known(self, headers: Headers) -> bool:
        scheme, _, value = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self._is_token(value.strip()):
            return True
        cookies = (part.strip().partition("=") for part in headers.get("cookie", "").split(";"))
        return any(
            name == self._cookie and hmac.compare_digest(value.encode(), self._secret.encode())
            for name, _, value in cookies
        )

    def _is_token(self, offered: str) -> bool:
        return hmac.compare_digest(offered.encode("utf-8", "replace"), self._token)

    def _keep(self, scope: Scope, query: list[tuple[str, str]]) -> Response:
        """The same page without the token in its address, so that it is in no history and no bookmark."""
        rest = urlencode([(key, value) for key, value in query if key != "token"])
        # One slash: an address that begins with two would lead to another host.
        path = "/" + quote(scope["path"].lstrip("/"))
        response = RedirectResponse(path + (f"?{rest}" if rest else ""), status_code=303)
        response.set_cookie(
            self._cookie, self._secret, httponly=True, samesite="strict", secure=scope["scheme"] == "https"
        )
        response.headers["Cache-Control"] = "no-store"
        return response

    @staticmethod
    def _ask(scope: Scope) -> Response:
        message = "this server wants its token: open the address that it printed, or send Authorization: Bearer TOKEN"
        return _refuse(scope, 401, message, {"WWW-Authenticate": "Bearer"})


class OriginGuard(HttpMiddleware):
    """Refuses requests that change something and that a browser sends for another site's page."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 403, or pass on."""
        if scope["method"] in _SAFE_METHODS or _is_own(scope):
            await self._app(scope, receive, send)
        else:
            await _refuse(scope, 403, "refused: sent by a page of another site")(scope, receive, send)


class SizeGuard(HttpMiddleware):
    """Refuses bodies that are too long, by what they announce and by what they turn out to be."""

    def __init__(self, app: ASGIApp, max_request_bytes: int) -> None:
        super().__init__(app)
        self._most = max_request_bytes

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 413, or pass on."""
        announced = Headers(scope=scope).get("content-length", "")
        if announced.isdecimal() and int(announced) > self._most:
            await _refuse(scope, 413, self._message)(scope, receive, send)
            return
        received = 0  # bytes; a chunked body announces none, and an announcement may lie

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._most:
                raise HTTPException(413, self._message)
            return message

        await self._app(scope, counted, send)

    @property
    def _message(self) -> str:
        return f"the request is too long: at most {self._most:,} bytes"


class SafeHeaders(HttpMiddleware):
    """Puts the headers that tell a browser to be careful on every answer; what an answer sets itself stays."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on."""

        async def careful(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = message["headers"]
                names = {name for name, _ in own}  # small letters, as ASGI demands
                message["headers"] = [*own, *(header for header in _RAW_HEADERS if header[0] not in names)]
            await send(message)

        await self._app(scope, receive, careful)


def _is_own(scope: Scope) -> bool:
    """Whether a request comes from our own pages, or from no browser at all."""
    headers = Headers(scope=scope)
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None:
        return site in ("same-origin", "none")
    return origin is None or same_host(origin, headers.get("host", ""))


def _refuse(scope: Scope, status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """A page for people, JSON for programs."""
    request = Request(scope)
    if not rendering.wants_page(request):
        return JSONResponse({"detail": message}, status, headers)
    page = rendering.page(request, "error.html", status=status, message=message)
    page.headers.update(headers or {})
    return page
