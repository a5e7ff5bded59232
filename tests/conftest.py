"""What every test shares."""

from __future__ import annotations

import os
import shutil
import signal

import pytest
from hypothesis import settings

# How long an example takes says more about the machine's load than about the code.
settings.register_profile("gdsim", deadline=None)
settings.load_profile("gdsim")

# What runs in a script's background ignores interrupts, and so would every program that a test interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)

# More threads than one only spin on small work; the tests' own plain loops are no exception.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def browser():
    """Chromium, driven as a person would; one for all tests that need it."""
    driver, chromium = shutil.which("chromedriver"), shutil.which("chromium")
    if not driver or not chromium:
        pytest.skip("there is no browser: apt-get install chromium chromium-driver")
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    # A container's root has no sandbox of its own to give, and little shared memory.
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    found = webdriver.Chrome(options=options, service=Service(driver))
    yield found
    found.quit()
