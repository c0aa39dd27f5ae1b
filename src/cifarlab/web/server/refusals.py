"""Refused forms: the page on which a form stands comes back, with what was typed and the reason beside it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any

from fastapi import Request
from fastapi.responses import Response

from cifarlab.utils.errors import CifarlabError, WrongField
from cifarlab.web.pages.rendering import wants_page
from cifarlab.web.server.state import library_of


@dataclass(frozen=True)
class Refusal:
    """A form that was sent and not taken.

    Attributes:
        form: Which of its page's forms.
        message: Why.
        typed: What its fields held.
        field: The one that was wrong; empty where none is to blame.
    """

    form: str
    message: str
    typed: Mapping[str, Any]
    field: str = ""


def comes_back_as(
    show: Callable[..., Response], *, field: str = ""
) -> Callable[[Callable[..., Response]], Callable[..., Response]]:
    """For a route that takes a form: where it refuses, a browser gets the form's page again, and a program the reason.

    Args:
        show: Makes the page, of the request, the `Refusal` and what stands in the address. The last word of the route's
            address is the name of the form.
        field: The field to blame for a reason that names none.
    """

    def decorate(take: Callable[..., Response]) -> Callable[..., Response]:
        @wraps(take)  # FastAPI reads from it what the route wants
        def answer(request: Request, **given: Any) -> Response:
            try:
                taken = take(request=request, **given)
            except CifarlabError as error:
                if not wants_page(request):
                    raise
                path = dict(request.path_params)
                typed = {
                    key: value for key, value in given.items() if isinstance(value, str | list) and key not in path
                }
                wrong = error.field if isinstance(error, WrongField) else field
                form = request.url.path.rstrip("/").rpartition("/")[2]
                return show(request, Refusal(form, str(error), typed, wrong), **path)
            if request.method == "POST":
                library_of(request).expire()  # where the answer leads, what was done is to be seen
            return taken

        return answer

    return decorate
