"""What `cifarlab export` prints."""

from cifarlab.cli.tables.cells import new_table
from cifarlab.displays.console import make_console, say
from cifarlab.exports.exporting import Exports
from cifarlab.exports.proof import Proof
from cifarlab.exports.verifying import Verified
from cifarlab.utils.text import percent, signed

_HEADER = ("format", "size", "ms for 1", "ms for 64", "largest difference", "same class", "accuracy", "file")


def print_exports(found: Exports) -> None:
    """A line for the run itself and one for each file, then what a reader must know."""
    console = make_console()
    is_judged = any(file.proof is not None and file.proof.accuracy_change is not None for file in found.files)
    header = [title for title in _HEADER if is_judged or title != "accuracy"]
    table = new_table(*header, numbers=range(1, len(header) - 1))
    changed = [""] if is_judged else []
    table.add_row(f"the run, {found.backend}", "", *_times(found.milliseconds), "", "", *changed, found.run)
    for file in found.files:
        size = f"{file.bytes / 1e6:.2f} MB"
        told = _told(file.proof) if is_judged else _told(file.proof)[:2]
        table.add_row(file.form, size, *_times(file.milliseconds), *told, str(file.path))
    console.print(table)
    if found.notices:
        say(console, "", *found.notices)


def print_verified(found: Verified) -> None:
    """The verdict in a sentence."""
    proof = found.proof
    told = (
        f"{proof.same_classes:,} of {proof.pictures:,} {proof.split} pictures the same class, largest difference of "
        f"the logits {proof.largest_difference:.1e}"
    )
    verdict = f"no longer answers as {found.run}: {found.objection}" if found.objection else f"answers as {found.run}"
    if changed := _accuracy_change(proof):
        verdict += f", quantised, its accuracy changed by {changed}"
    say(make_console(), f"{found.path} {verdict}; {told}")


def _times(milliseconds: dict[str, float] | None) -> tuple[str, str]:
    if milliseconds is None:
        return "", ""
    return f"{milliseconds['1']:.2f}", f"{milliseconds['64']:.1f}"


def _told(proof: Proof | None) -> tuple[str, str, str]:
    """Difference, classes, and accuracy with its interval."""
    if proof is None:
        return "not compared", "", ""
    ties = f" ({proof.ties} tied)" if proof.ties else ""
    share = f"{proof.same_classes:,} of {proof.pictures:,}"
    if proof.accuracy_change is not None:
        share = percent(proof.same_classes / proof.pictures)
    return f"{proof.largest_difference:.1e}", f"{share}{ties}", _accuracy_change(proof)


def _accuracy_change(proof: Proof) -> str:
    """Of a quantised file, with its interval; nothing of others."""
    change = proof.accuracy_change
    if change is None or change.value is None or change.low is None or change.high is None:
        return ""
    return f"{signed(100 * change.value)} ({signed(100 * change.low)} to {signed(100 * change.high)}) points"
