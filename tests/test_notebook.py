"""The notebook in examples/ runs from top to bottom, and shows what it should."""

from __future__ import annotations

import asyncio
import json
import shutil
from base64 import b64decode
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from PIL import Image

NOTEBOOK = Path(__file__).parents[1] / "examples" / "notebook.ipynb"


class Frames(HTMLParser):
    """The pages within a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.pages: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag == "iframe":
            self.pages.append(dict(attributes)["srcdoc"])


def test_the_notebook_is_stored_without_outputs() -> None:
    cells = json.loads(NOTEBOOK.read_text("utf-8"))["cells"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells if "outputs" in cell)


@pytest.mark.slow
def test_the_notebook_runs_and_shows_players_posters_and_words(tmp_path: Path) -> None:
    shutil.copy(NOTEBOOK, tmp_path)
    notebook = nbformat.read(tmp_path / NOTEBOOK.name, as_version=4)
    # A kernel that may end as it likes takes seconds for it.
    client = NotebookClient(
        notebook, timeout=120, shutdown_kernel="immediate", resources={"metadata": {"path": str(tmp_path)}}
    )
    asyncio.run(client.async_execute())

    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    assert not [output for output in outputs if output.output_type == "error"]
    shown = [output.data for output in outputs if "text/html" in output.get("data", {})]
    assert len(shown) == 2
    for bundle in shown:
        (page,) = Frames(bundle["text/html"]).pages
        assert page.lower().startswith("<!doctype html>")
        assert 'id="gdsim-source"' in page
        assert Image.open(BytesIO(b64decode(bundle["image/png"]))).format == "PNG"
        assert bundle["text/plain"].startswith("Gradient descent on ")
    assert any("100%" in output.text for output in outputs if output.output_type == "stream")
    assert (tmp_path / "bowl.gif").read_bytes().startswith(b"GIF89a")
