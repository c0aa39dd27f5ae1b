"""A real kernel: what a training leaves below its cell."""

import pytest

PROGRAM = "import cifarlab as cl\nrun = cl.train('smoke', runs_dir={folder!r})"


@pytest.mark.thorough
def test_a_training_in_a_notebook_shows_itself_and_stays_readable(tmp_path):
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(PROGRAM.format(folder=str(tmp_path)))])
    seen = []

    class Client(nbclient.NotebookClient):  # type: ignore[name-defined]
        def process_message(self, message, cell, cell_index):
            seen.append(message["msg_type"])
            return super().process_message(message, cell, cell_index)

    Client(notebook, timeout=300, kernel_name="python3").execute()
    (output,) = notebook.cells[0].outputs
    assert output.output_type == "display_data"
    assert seen.count("update_display_data") >= 2
    for kind in ("text/plain", "text/html"):
        assert "smoke-seed0: 3 epochs in" in output.data[kind]
        assert "validation accuracy" in output.data[kind]
