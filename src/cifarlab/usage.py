"""How a command's help and its complaints about usage read."""

from typing import Any

import typer
from typer.core import TyperCommand


class Command(TyperCommand):
    """Shows arguments in the usage line as they are named in its help: `RUN...` for several, `[NAME]` for optional."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """`[OPTIONS]`, and the arguments as their metavars name them."""
        arguments = [item for item in self.params if item.param_type_name == "argument"]
        return ["[OPTIONS]", *(f"{item.metavar}" if item.required else f"[{item.metavar}]" for item in arguments)]


def examples(*lines: str) -> str:
    """The end of a command's help."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def usage_line(error: typer.TyperException) -> str:
    """A complaint about usage in one line that says where to read on."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "cifarlab"
    message = error.format_message().rstrip(".")
    return f"{message[:1].lower()}{message[1:]} (see {command} --help)"
