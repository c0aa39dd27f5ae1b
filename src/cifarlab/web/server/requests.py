"""Requests as they should be: what HTTP allows is brought into one form, and what it forbids, or is too long, refused.

What stands here is asked before anything else looks at a request.
"""

import asyncio
import time
from urllib.parse import unquote

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cifarlab.web.middleware import HttpMiddleware

LONGEST_HEAD = 16 * 2**10
"""Bytes of a request's headers."""
LONGEST_QUERY = 8_192
"""Bytes behind the `?` of an address: two hundred runs' names. A page repeats them in its links."""


class RequestForm(HttpMiddleware):
    """Refuses requests that tell their length twice or have an endless address; reads `GET http://host/path` as HTTP
    demands it: the host is the address's, whatever the header says.
    """

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 400 or 414, or pass on."""
        refused = self._problem(Headers(scope=scope), scope)
        if refused is not None:
            status, message = refused
            # What follows on this connection may be another request than we think: it ends here.
            await JSONResponse({"detail": message}, status, {"Connection": "close"})(scope, receive, send)
            return
        if scope["path"].startswith(("http://", "https://")):
            _from_absolute(scope)
        await self._app(scope, receive, send)

    @staticmethod
    def _problem(headers: Headers, scope: Scope) -> tuple[int, str] | None:
        if "content-length" in headers and "transfer-encoding" in headers:
            return 400, "both Content-Length and Transfer-Encoding: expected one of them"
        if sum(len(name) + len(value) for name, value in scope["headers"]) > LONGEST_HEAD:
            return 431, f"the headers are too long: at most {LONGEST_HEAD:,} bytes"
        if len(scope["query_string"]) > LONGEST_QUERY:
            return 414, f"the address is too long: at most {LONGEST_QUERY:,} bytes behind the ?"
        return None


class BodyTime(HttpMiddleware):
    """Gives every body a time in which it must have come; predictions have one of their own, which is no longer."""

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        super().__init__(app)
        self._seconds = seconds

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on; reading a body that is late ends in 408."""
        if scope["method"] in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return
        end, is_whole = time.monotonic() + self._seconds, False

        async def timed() -> Message:
            nonlocal is_whole
            if is_whole:  # what is waited for now is that the client goes
                return await receive()
            try:
                async with asyncio.timeout(max(0.0, end - time.monotonic())):
                    message = await receive()
            except TimeoutError as error:
                late = f"the request did not come within {self._seconds:g} s"
                raise HTTPException(408, late, {"Connection": "close"}) from error
            is_whole = not message.get("more_body", False)
            return message

        await self._app(scope, timed, send)


def _from_absolute(scope: Scope) -> None:
    """The same request with a path, and the address's host in the place of the header's."""
    address: bytes = scope["raw_path"].partition(b"://")[2]
    host, slash, path = address.partition(b"/")
    scope["raw_path"] = slash + path or b"/"
    scope["path"] = unquote(scope["raw_path"].decode("latin-1"))
    scope["headers"] = [(name, value) for name, value in scope["headers"] if name != b"host"] + [(b"host", host)]
