"""Settings and fixtures that all tests share."""

from __future__ import annotations

import gc
import os
import shutil
import signal

import pytest
from hypothesis import settings

from gdsim.processes import ALLOCATIONS

# The time that an example takes depends on the load of the machine.
settings.register_profile("gdsim", deadline=None, max_examples=50)
settings.load_profile("gdsim")

# Background processes of a shell ignore SIGINT, and their children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Small tensors gain nothing from more threads than one.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Processes that tests start share what one of them has compiled.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)


@pytest.fixture(autouse=True, scope="session")
def _unhinted() -> None:
    """Text that tests measure themselves is as wide as in pictures."""
    import matplotlib as mpl

    mpl.rcParams["text.hinting"] = "none"


TOOLS = {"browser": ["chromedriver", "chromium|google-chrome"], "office": ["soffice", "pdftotext"]}
"""The programs that a fixture needs, alternatives divided by a bar. Its name is also the marker of its tests."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for fixture in TOOLS.keys() & set(getattr(item, "fixturenames", ())):
            item.add_marker(fixture)


def pytest_collection_finish() -> None:
    """Keep the garbage collector from looking at the millions of objects that imports have made."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(ALLOCATIONS)


def _programs(fixture: str) -> list[str]:
    """Return the paths of the programs of a fixture. A test without them is skipped, but fails in CI."""
    found = [next(filter(None, map(shutil.which, names.split("|"))), None) for names in TOOLS[fixture]]
    if None in found:
        message = f"not installed: {' or '.join(TOOLS[fixture])}; see .ci/run"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    return [str(program) for program in found]


@pytest.fixture(scope="session")
def office() -> list[str]:
    """The paths of LibreOffice and of pdftotext."""
    return _programs("office")


@pytest.fixture(scope="session")
def one_chromium():
    _programs("browser")
    from tests.browse import chromium

    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def browser(one_chromium):
    """A headless Chromium, shared by all tests of a worker, without what the pages of another module have reported."""
    one_chromium.get("about:blank")
    one_chromium.get_log("browser")
    return one_chromium


@pytest.fixture
def client(tmp_path):
    """A client of a server of the studio, which writes into the temporary folder."""
    from tests.studio_page import client_of

    with client_of(tmp_path) as found:
        yield found


@pytest.fixture
def page(client):
    """A page of that server, without a browser."""
    from tests.studio_page import Page, connect

    with connect(client) as websocket:
        yield Page(websocket)
