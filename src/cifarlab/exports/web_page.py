"""A network as a page for the browser: a folder to put on a web server or open from the disk, and one file to send.

onnxruntime-web computes; it lies beside the page's parts in `browser/`, from the npm package of that name. A page that
is opened from a disk may load scripts, but fetch nothing: so the network and the runtime are scripts too.
"""

import base64
import gzip
import hashlib
import io
import json
import lzma
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from cifarlab.exports.about import About, say_accuracy
from cifarlab.utils import files, limits
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.json_data import json_data

INDEX = "index.html"
NETWORK = "network.js"
_PARTS = Path(__file__).parent / "browser"
_FEW = 10
_COMPRESSION = 6
_NETWORK_BEGINS = "const MODEL = "


def write_page(exported: bytes, about: About, folder: Path) -> None:
    """Write `index.html` with its parts, and `<run>.html`, which is all of it in one file.

    Args:
        exported: An ONNX network as `formats/onnx.py` writes it.
        about: What the page says of it.
        folder: Where to; it is there and empty.
    """
    scripts = {
        "runtime.js": f"const RUNTIME = {_data(_runtime())};\n",
        NETWORK: f"{_NETWORK_BEGINS}{_data({'about': json_data(about), 'network': _packed(exported)})};\n",
        "pictures.js": _part("pictures.js"),
        "page.js": _part("page.js"),
    }
    style = _part("page.css")
    links = [Markup('<script src="{}"></script>').format(name) for name in scripts]
    for name, text in {**scripts, "page.css": style}.items():
        files.write_text(folder / name, text)
    linked = _page(about, Markup('<link rel="stylesheet" href="page.css">'), links, "'self'", "'self'")
    files.write_text(folder / INDEX, linked)
    inlined = [Markup("<script>") + Markup(text) + Markup("</script>") for text in scripts.values()]
    whole = _page(
        about,
        Markup("<style>") + Markup(style) + Markup("</style>"),
        inlined,
        " ".join(map(_fingerprint, scripts.values())),
        _fingerprint(style),
    )
    files.write_text(folder / f"{about.run}.html", whole)


def read_network(folder: Path) -> bytes:
    """The ONNX network in a folder that `write_page` wrote.

    Raises:
        CifarlabError: If it is missing or damaged.
    """
    with _reading(folder / NETWORK) as found:
        packed = base64.b64decode(found["network"], validate=True)
        with gzip.open(io.BytesIO(packed)) as stream:
            network = stream.read(limits.most_bytes() + 1)
    limits.check_bytes(folder / NETWORK, len(network), len(packed))
    return network


def read_class_names(folder: Path) -> tuple[str, ...]:
    """The names of the classes in a folder that `write_page` wrote.

    Raises:
        CifarlabError: If they are missing or damaged.
    """
    with _reading(folder / NETWORK) as found:
        return tuple(map(str, found["about"]["class_names"]))


@contextmanager
def _reading(script: Path) -> Iterator[Any]:
    """What a script holds; that it is damaged, or what is looked for in it, is one line."""
    try:
        text = script.read_text(encoding="utf-8")
        yield json.loads(text.removeprefix(_NETWORK_BEGINS).rstrip().removesuffix(";"))
    except OSError as error:  # of gzip too
        raise CifarlabError(f"cannot read {script}: {error.strerror or error}; export it again") from error
    except (ValueError, KeyError, TypeError, RecursionError, EOFError, zlib.error) as error:
        raise CifarlabError(f"{script} is damaged: export it again") from error


def _page(about: About, style: Markup, scripts: list[Markup], script_source: str, style_source: str) -> str:
    """The page; its policy allows its own scripts, the runtime as a blob, WebAssembly, and no connection."""
    policy = (
        f"default-src 'none'; script-src {script_source} blob: 'wasm-unsafe-eval'; style-src {style_source}; "
        "img-src data: blob:; media-src blob: mediastream:; form-action 'none'; base-uri 'none'"
    )
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    return environment.from_string(_part("page.html")).render(
        about=about,
        few=len(about.class_names) <= _FEW,
        policy=Markup(policy),
        reached=say_accuracy(about.data["name"], about.accuracy, about.quantised),
        scripts=Markup("\n").join(scripts),
        style=style,
    )


def _runtime() -> Mapping[str, str]:
    wasm = lzma.decompress((_PARTS / "onnxruntime-web.wasm.xz").read_bytes())
    return {"module": _part("onnxruntime-web.min.mjs"), "wasm": _packed(wasm)}


def _packed(data: bytes) -> str:
    """As gzip, which browsers unpack, in base64; the same bytes for the same data."""
    return base64.b64encode(gzip.compress(data, _COMPRESSION, mtime=0)).decode("ascii")


def _data(values: object) -> str:
    """As a JavaScript literal that may stand in a page: `</script` and comments' beginnings would end the script."""
    return json.dumps(values).replace("<", "\\u003c")


def _fingerprint(text: str) -> str:
    """How a content security policy names an inlined script or style."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _part(name: str) -> str:
    return (_PARTS / name).read_text(encoding="utf-8")
