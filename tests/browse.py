"""What the tests of pages do with a browser."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select


@contextmanager
def chromium(*arguments):
    """A headless Chromium."""
    options = ChromeOptions()
    options.binary_location = str(shutil.which("chromium") or shutil.which("google-chrome"))
    # Containers run as root, without a sandbox and with little shared memory.
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", *arguments):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    found = Chrome(options=options, service=Service(str(shutil.which("chromedriver"))))
    yield found
    found.quit()


def visit(browser, page, *, width=1280, height=900, **media):
    """Open a file or an address in a window of a size, with media features such as `color_scheme="dark"`."""
    features = [{"name": f"prefers-{name.replace('_', '-')}", "value": value} for name, value in media.items()]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    browser.get(page if isinstance(page, str) else page.as_uri())
    return browser


def wait_for(found, seconds=30.0):
    """Ask until it is so, or give up."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found():
            return True
        time.sleep(0.05)  # each question takes the browser some milliseconds
    return False


ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}


@contextmanager
def serving(folder, *options, port=0):
    """A running studio, as the address of its page."""
    command = [sys.executable, "-m", "gdsim", "studio", *options, "--no-open", "--port", str(port)]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT) as process:
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


class StudioPage:
    """The page of a studio, and what a user can do there."""

    def __init__(self, browser):
        self.browser = browser

    def open(self, address, **window):
        self.browser.get("about:blank")
        visit(self.browser, address, **window)
        self.until(lambda: self.all(".stage .start"), 30)

    def run(self, script, *values):
        return self.browser.execute_script(f"const {{ studio }} = document.getElementById('studio'); {script}", *values)

    def one(self, selector):
        return self.browser.find_element("css selector", selector)

    def all(self, selector):
        return self.browser.find_elements("css selector", selector)

    def until(self, found, seconds=60):
        assert wait_for(found, seconds)

    @property
    def text(self):
        return self.run("return studio.text")

    def until_text(self, *parts):
        """Wait until the config contains some lines."""
        assert wait_for(lambda: all(part in self.text for part in parts), 60), self.text

    def press(self, *keys, element=None):
        target = element or self.browser.switch_to.active_element
        target.send_keys(*[getattr(Keys, key, key) for key in keys])

    def chord(self, *keys):
        *held, last = [getattr(Keys, key, key) for key in keys]
        chain = ActionChains(self.browser)
        for key in held:
            chain = chain.key_down(key)
        chain = chain.send_keys(last)
        for key in reversed(held):
            chain = chain.key_up(key)
        chain.perform()

    def drag(self, element, moves):
        chain = ActionChains(self.browser, duration=30).move_to_element(element).click_and_hold()
        for move in moves:
            chain = chain.move_by_offset(*move).pause(0.03)
        chain.release().perform()

    def type_over(self, element, *words):
        element.click()
        self.chord("CONTROL", "a")
        self.press(*words)

    def type_at_the_end(self, *words):
        """Type below the YAML."""
        self.one("textarea").click()
        self.run("document.activeElement.setSelectionRange(studio.text.length, studio.text.length)")
        self.press(*words)

    def choose(self, selector, value):
        Select(self.one(selector)).select_by_value(value)

    def card(self, label, rest=""):
        return f".card[data-key='{label}'] {rest}"

    def slider(self, label, name):
        return self.one(f'input[type=range][data-path=\'["optimizers","{label}","{name}"]\']')
