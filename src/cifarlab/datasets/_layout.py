"""Where the class folders of a user's own pictures are: the usual layouts in their spellings, or what is there."""

import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.images import find_pictures, is_within, list_pictures, say_left_out, subfolders
from cifarlab.utils.text import counted, readable

EXPECTED = "expected PATH/<class>/* or PATH/train/<class>/* and PATH/test/<class>/*, with at least two classes"

Pictures = dict[str, list[Path]]

SPELLINGS = {
    "train": ("train", "training"),
    "validation": ("val", "valid", "validation"),
    "test": ("test", "testing"),
}


@dataclass
class Layout:
    """The pictures of each class, before any is read.

    Attributes:
        class_folders: Of all parts; no link is followed from one into another.
        train: Of training; empty where there is a test folder only.
        test: Of test; None where it must still be held out.
        notices: Sentences about what else is not as it may seem.
    """

    root: Path
    class_folders: list[Path] = field(default_factory=list)
    train: Pictures = field(default_factory=dict)
    test: Pictures | None = None
    left_out: Counter[str] = field(default_factory=Counter)
    notices: list[str] = field(default_factory=list)


def find_layout(root: Path) -> Layout:
    """Find the pictures of train and test.

    Raises:
        CifarlabError: If there is no folder, there are fewer than two classes, a class has no pictures, or the classes
            of test are not those of train.
    """
    if not root.is_dir():
        raise CifarlabError(f"no folder {root}: {EXPECTED}")
    found = Layout(root)
    inner = _unwrap(root)
    if inner != root:
        found.notices.append(f"The classes are read from {readable(str(inner))}, the only folder there.")
    roles = _roles(inner)
    in_parts = "train" in roles or "test" in roles
    found.class_folders = [folder for part in (roles.values() if in_parts else [inner]) for folder in subfolders(part)]
    if in_parts:
        _read_roles(inner, roles, found)
    else:
        found.train = _classes(inner, found)
    if found.left_out:
        found.notices.insert(0, f"{say_left_out(found.left_out)}.")
    return found


def _unwrap(root: Path) -> Path:
    """The folder that holds the classes or train and test, where nothing else is in the ones around it."""
    while True:
        inside = subfolders(root)
        if len(inside) != 1 or _role(inside[0]) or list_pictures(root) or not subfolders(inside[0]):
            return root
        root = inside[0]


def _role(folder: Path) -> str | None:
    return next((role for role, spellings in SPELLINGS.items() if folder.name.lower() in spellings), None)


def _roles(root: Path) -> dict[str, Path]:
    """The folders for train, validation and test; a folder of that name with pictures directly in it is a class."""
    named = [folder for folder in subfolders(root) if _role(folder)]
    roles: dict[str, Path] = {}
    for folder in named:
        role = _role(folder)
        if role and subfolders(folder):
            if role in roles:
                both = f"{roles[role].name}/ and {folder.name}/"
                raise CifarlabError(f"{root} has both {both}: keep one of them, or merge them")
            roles[role] = folder
    bare = [folder for folder in named if folder not in roles.values() and list_pictures(folder)]
    if bare and len(named) > 1:  # a class may be called train, but train and test together are no classes
        there = "pictures, but no class folders"
        raise CifarlabError(f"{root}: {bare[0].name}/ holds {there}, so that nobody knows their classes; {EXPECTED}")
    return roles


def _read_roles(root: Path, roles: dict[str, Path], found: Layout) -> None:
    if "test" not in roles and "validation" not in roles:
        raise CifarlabError(f"{root} has {roles['train'].name}/ but no test/: {EXPECTED}")
    others = [readable(path.name) for path in subfolders(root) if path not in roles.values()]
    if others:
        beside = " and ".join(f"{path.name}/" for path in roles.values())
        found.notices.append(f"{counted(len(others), 'folder')} beside {beside} left out: {', '.join(others[:10])}.")
    _count_loose(root, found)
    classes = {role: _classes(folder, found) for role, folder in roles.items()}
    given = roles["validation"].name if "validation" in roles else ""
    if "test" not in classes:
        classes["test"] = classes.pop("validation")
        found.notices.append(f"{given}/ is the test part, because there is no test/.")
    elif "validation" in classes and "train" in classes:
        extra = classes.pop("validation")
        _check_same(root, f"{roles['train'].name}/", classes["train"], f"{given}/", extra)
        count = sum(map(len, extra.values()))
        classes["train"] = {name: paths + extra[name] for name, paths in classes["train"].items()}
        found.notices.append(
            f"{given}/ and {roles['train'].name}/ are read as one: the {counted(count, 'picture')} of {given}/ are "
            "training pictures too, and the validation part is held out of both, by the pictures' content."
        )
    elif "validation" in classes:
        found.notices.append(f"{given}/ is not read, because there is no train/.")
    found.test = classes["test"]
    if "train" in classes:
        tested = roles.get("test", roles.get("validation", root)).name
        _check_same(root, f"{roles['train'].name}/", classes["train"], f"{tested}/", found.test)
        found.train = classes["train"]
    else:
        found.notices.append("There is no train/: these pictures can be evaluated, not trained on.")


def _check_same(root: Path, one: str, first: Pictures, other: str, second: Pictures) -> None:
    if first.keys() != second.keys():
        only = ", ".join(sorted(first.keys() ^ second.keys()))
        raise CifarlabError(f"{root}: {one} and {other} need the same classes, but only one has: {only}")


def _classes(root: Path, found: Layout) -> Pictures:
    """Pictures in and below each folder; one name in two Unicode forms, as macOS and others write it, is one."""
    folders = _without_links_astray(root, found)
    _count_loose(root, found)
    classes: dict[str, list[Path]] = {}
    for folder in folders:
        name = unicodedata.normalize("NFC", readable(folder.name))
        pictures, left_out = find_pictures(folder, found.class_folders)
        found.left_out += left_out
        if pictures:
            if name in classes:
                found.notices.append(
                    f"Two folders are called {name}, in two Unicode forms: they are read as one class."
                )
            classes.setdefault(name, []).extend(pictures)
        elif left_out:
            there = f"holds no PNG, JPEG or other picture ({say_left_out(left_out)})"
            raise CifarlabError(f"class {name} is empty: {root / name} {there}; add some, or take the folder out")
        else:
            found.notices.append(f"The empty folder {readable(str(folder.relative_to(found.root)))}/ is no class.")
    if len(classes) < 2:
        what = f"one class ({next(iter(classes))})" if classes else "no class folders"
        raise CifarlabError(f"{root} has {what}: {EXPECTED}")
    return {name: classes[name] for name in sorted(classes)}


def _without_links_astray(root: Path, found: Layout) -> list[Path]:
    """The folders in `root` without links that lead above it, or to what is read as another class."""
    folders = subfolders(root)
    real = [folder for folder in folders if not folder.is_symlink()]
    kept = []
    for folder in folders:
        if folder.is_symlink() and (is_within(root, folder) or any(is_within(folder, other) for other in real)):
            where = readable(str(folder.relative_to(found.root)))
            found.notices.append(f"{where} is a link to a folder above or to another class: it is no class.")
        else:
            kept.append(folder)
    return kept


def _count_loose(root: Path, found: Layout) -> None:
    """Pictures beside the class folders belong to none; a link that leads nowhere may have been a class."""
    for path in sorted(root.iterdir()):
        if path.is_symlink() and not path.exists():
            raise CifarlabError(f"{path} is a link to {path.readlink()}, which is not there: mend it, or take it out")
    loose = list_pictures(root)
    if loose:
        found.notices.append(
            f"{counted(len(loose), 'picture')} directly in {readable(root.name)}/ left out: in no class."
        )
