"""The documentation site that `make docs` has built: its links, and what axe-core finds in it."""

from __future__ import annotations

import os
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.browse import visit

SITE = Path(__file__).parent.parent / "docs" / "_build" / "html"
PAGES = ("index", "get_started", "gallery/index", "gallery/ravine", "tutorials/momentum", "reference/keys")
PAGES += ("reference/commands", "reference/functions", "explanation/speed", "explanation/inside")

pytestmark = pytest.mark.skipif(not SITE.exists() and not os.environ.get("CI"), reason="`make docs` has not been run")


class Page(HTMLParser):
    """The links and the anchors of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links, self.anchors = [], set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, _, attrs):
        given = dict(attrs)
        self.anchors.update(filter(None, (given.get("id"), given.get("name"))))
        self.links += [given[key] for key in ("href", "src", "data-clip") if given.get(key)]


def test_every_link_leads_somewhere():
    site = SITE.resolve()
    pages = {path: Page(path) for path in site.rglob("*.html") if not {"pictures", "_static"} & {*path.parts}}
    assert len(pages) > 60
    broken = []
    for path, page in pages.items():
        for link in page.links:
            url = urlsplit(link)
            if not url.scheme and not url.netloc:
                target = (path.parent / unquote(url.path)).resolve() if url.path else path
                is_anchor = not url.fragment or target not in pages or unquote(url.fragment) in pages[target].anchors
                if not target.exists() or not is_anchor:
                    broken.append(f"{path.relative_to(site)}: {link}")
    assert not broken


@pytest.mark.parametrize("width", [1280, 400])
def test_pages_fit_and_have_no_serious_fault(browser, width):
    from axe_core_python.selenium import Axe

    faults = []
    for name in PAGES:
        visit(browser, SITE / f"{name}.html", width=width)
        loaded = browser.execute_script("return performance.getEntriesByType('resource').map(each => each.name)")
        faults += [f"{name} loads {each}" for each in loaded if not each.startswith(("file:", "data:", "blob:"))]
        if browser.execute_script("return document.documentElement.scrollWidth > innerWidth"):
            faults.append(f"{name} is wider than {width} pixels")
        for each in Axe().run(browser, options='{"iframes": false}')["violations"]:
            if each["impact"] in ("serious", "critical"):
                faults.append(f"{name}: {each['id']}: {each['nodes'][0]['html'][:120]}")
    assert not faults
