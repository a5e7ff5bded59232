"""What the tests of pages do with a browser."""

from __future__ import annotations

import time

__all__ = ["visit", "wait_for"]


def visit(browser, page, *, width=1280, height=900, **media):
    """Open a file or an address in a window of a size, with media features such as `color_scheme="dark"`."""
    features = [{"name": f"prefers-{name.replace('_', '-')}", "value": value} for name, value in media.items()]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    browser.get(page if isinstance(page, str) else page.as_uri())
    return browser


def wait_for(found, seconds=5.0):
    """Ask until it is so, or give up."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found():
            return True
        time.sleep(0.02)
    return False
