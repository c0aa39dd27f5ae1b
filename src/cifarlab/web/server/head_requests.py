"""HEAD, which asks for the headers alone: answered wherever GET is."""

from starlette.types import ASGIApp, Receive, Scope, Send


class HeadAsGet:
    """Shows the app a HEAD request as a GET; the server leaves the answer's content out, as HTTP demands of it."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an app.

        Args:
            app: FastAPI's routes answer 405 to HEAD by themselves.
        """
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        # A copy: the server still has to know what was asked.
        asked = {**scope, "method": "GET"}
        try:
            await self._app(asked, receive, send)
        finally:
            scope["route"] = asked.get("route")  # which is counted
