"""What a column's or an array's name says that it holds, and names that differ in writing alone."""

import re
import unicodedata
from collections.abc import Iterable, Sequence

ID, LABEL, PREDICTED, INDEX, EXTRA, OTHER = "id", "label", "predicted", "index", "extra", "other"
_ROLES = {
    ID: "id ids key uuid image images imageid imageids imagename img file files filename filenames filepath filepaths "
    "path paths picture photo imagepath idx idxs sampleid sampleids imageindex imgid imgname",
    LABEL: "label labels target targets true truth truelabel trueclass ytrue y groundtruth gt actual class classid "
    "labelid classname labelname category reference",
    PREDICTED: "pred preds predicted prediction predictions ypred yhat predictedlabel predictedclass predlabel "
    "predclass predictionlabel classpredicted labelpredicted argmax top1",
    INDEX: "index indices row rows rowid rownumber rownames x no nr obs observation",
    EXTRA: "confidence conf maxprob maxprobability probability prob score margin entropy loss nll correct iscorrect "
    "hit error weight weights sampleweight fold split set seed epoch batch step time timestamp seconds rank tta",
}
_BY_NAME = {name: role for role, names in _ROLES.items() for name in names.split()}
_PREFIX = re.compile(r"(prob|probs|probability|proba|p|pr|softmax|logit|logits)[ _.:\-]+(?=\S)", re.IGNORECASE)
_SUFFIX = re.compile(r"(?<=\S)[ _.:\-]+(prob|probs|probability|proba|softmax|logit|logits)", re.IGNORECASE)


def role(name: str, text: bool = False) -> str | None:
    """What a name says: `ID`, `LABEL`, `PREDICTED`, `INDEX`, `EXTRA`, or None where it may be a class.

    Args:
        name: Of a column or an array.
        text: Whether `class_1` is the first guess, as `cifarlab predict --csv` writes it: words stand under it.

    Example:
        >>> role("Image ID"), role("y_true"), role("Unnamed: 0"), role("cat")
        ('id', 'label', 'index', None)
    """
    key = re.sub(r"[\s_.\-]+", "", name.casefold())
    if key.startswith("unnamed:"):  # as pandas calls columns without a name
        return INDEX
    if re.fullmatch(r"class\d+", key):
        return (PREDICTED if key == "class1" else EXTRA) if text else None
    if re.fullmatch(r"probability\d+", key):
        return EXTRA
    return _BY_NAME.get(key)


def without_affix(names: Sequence[str]) -> tuple[tuple[str, ...], str | None]:
    """Class names without the `prob_` or `_logit` that all of them share, and that word; else as they are, and None.

    Example:
        >>> without_affix(["logit_cat", "logit_dog"])
        (('cat', 'dog'), 'logit')
    """
    for pattern, search in ((_PREFIX, _PREFIX.match), (_SUFFIX, _last)):
        found = [search(name) for name in names]
        words = {match[1].casefold() for match in found if match}
        if all(found) and len(words) == 1:
            return tuple(pattern.sub("", name, count=1) for name in names), words.pop()
    return tuple(names), None


def twice_but_for_affix(names: Sequence[str]) -> tuple[str, str] | None:
    """Two names that are one without such words, as `prob_cat` and `logit_cat`; None without any."""
    seen: dict[str, str] = {}
    for name in names:
        bare = without_affix([name])[0][0]
        if bare and bare in seen:
            return seen[bare], name
        seen[bare] = name
    return None


def _last(name: str) -> "re.Match[str] | None":
    return next((match for match in _SUFFIX.finditer(name) if match.end() == len(name)), None)


def places_of(names: Sequence[str], values: Iterable[str]) -> dict[str, int]:
    """The place of each value among the names: as written, or where it differs in case, space and Unicode form alone.

    A value is left out where it is no name, or could be several.
    """
    exact = {name: place for place, name in enumerate(names)}
    loose: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        loose.setdefault(plain(name), []).append(place)
    found = {}
    for value in values:
        near = loose.get(plain(value), [])
        if value in exact or len(near) == 1:
            found[value] = exact.get(value, near[0] if near else -1)
    return found


def plain(name: str) -> str:
    """A name without its case, spaces, underscores and hyphens, in one Unicode form."""
    return re.sub(r"[\s_\-]+", "", unicodedata.normalize("NFKC", name).casefold())


def whole(name: str) -> bool:
    """Whether a name is a whole number, such as `3`."""
    return re.fullmatch(r"[+-]?\d+", name) is not None
