"""HEAD, which asks for the headers alone: answered wherever GET is."""

from starlette.types import Receive, Scope, Send

from cifarlab.web.middleware import HttpMiddleware


class HeadAsGet(HttpMiddleware):
    """Shows the app a HEAD request as a GET; the server leaves the answer's content out, as HTTP demands of it."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on; FastAPI's routes answer 405 to HEAD by themselves."""
        # A copy: the server still has to know what was asked.
        shown = {**scope, "method": "GET" if scope["method"] == "HEAD" else scope["method"]}
        try:
            await self._app(shown, receive, send)
        finally:
            scope["route"] = shown.get("route")  # which is counted
