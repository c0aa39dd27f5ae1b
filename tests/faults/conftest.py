import pytest
from matplotlib.figure import Figure


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures are made and not drawn, which takes longest: by then nothing of a run is read any more."""

    def save(_figure, file, format, **_options):
        file.write('<svg width="1pt" height="1pt"></svg>' if format == "svg" else b"\x89PNG")

    monkeypatch.setattr(Figure, "savefig", save)
