"""The documentation site that `make docs` has built: its links, and what axe-core finds in it."""

from __future__ import annotations

import os
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from tests.browse import visit, wait_for

SITE = Path(__file__).parent.parent / "docs" / "_build" / "html"
PAGES = ("index", "get_started", "gallery/index", "gallery/momentum_ravine", "tutorials/momentum")
PAGES += ("reference/keys/index", "reference/keys/animation", "reference/commands", "reference/functions")
PAGES += ("reference/errors", "explanation/speed", "explanation/inside")

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
    pages = {
        path: Page(path) for path in site.rglob("*.html") if not {"pictures", "_static", "_downloads"} & {*path.parts}
    }
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


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (400, "dark")])
def test_pages_fit_and_have_no_serious_fault(browser, width, scheme):
    from axe_core_python.selenium import Axe

    faults = []
    for name in PAGES:
        page = SITE / f"{name}.html"
        assert page.exists()
        visit(browser, page, width=width, color_scheme=scheme)
        loaded = browser.execute_script("return performance.getEntriesByType('resource').map(each => each.name)")
        faults += [f"{name} loads {each}" for each in loaded if not each.startswith(("file:", "data:", "blob:"))]
        if browser.execute_script("return document.documentElement.scrollWidth > innerWidth"):
            faults.append(f"{name} is wider than {width} pixels")
        for each in Axe().run(browser, options='{"iframes": false}')["violations"]:
            if each["impact"] in ("serious", "critical"):
                faults.append(f"{name}: {each['id']}: {each['nodes'][0]['html'][:120]}")
    assert not faults


def test_code_and_headings_are_complete_on_a_phone(browser):
    for name in ("get_started", "gallery/momentum_ravine", "tutorials/momentum", "reference/keys/schedule"):
        visit(browser, SITE / f"{name}.html", width=400)
        script = "return [...document.querySelectorAll('h1, h2, h3, .highlight pre')]"
        script += ".filter(each => each.scrollWidth > each.clientWidth + 1).map(each => each.textContent)"
        assert browser.execute_script(script) == [], name


def test_the_gallery_plays_and_is_filtered_by_keyboard(browser):
    visit(browser, SITE / "gallery" / "index.html", reduced_motion="no-preference")
    browser.execute_script("document.querySelector('.topics [data-topic=momentum]').focus()")
    card = browser.find_element("css selector", ".example[href^=momentum_ravine]")
    shown = "return [...document.querySelectorAll('.example')].filter(each => each.offsetParent).length"
    total = browser.execute_script(shown)
    topics = "return [...new Set([...document.querySelectorAll('{}')].map(each => each.dataset.topic))].sort()"
    assert browser.execute_script(topics.format(".example")) == browser.execute_script(topics.format(".topics button"))
    browser.switch_to.active_element.send_keys(Keys.ENTER)
    assert 0 < browser.execute_script(shown) < total
    browser.execute_script("arguments[0].focus()", card)
    assert card.find_element("css selector", "img").get_attribute("src").endswith("momentum_ravine.webp")
    browser.execute_script("arguments[0].blur()", card)
    assert card.find_element("css selector", "img").get_attribute("src").endswith("momentum_ravine.png")
    browser.execute_script("document.querySelector('.topics [data-topic=momentum]').focus()")
    browser.switch_to.active_element.send_keys(Keys.SPACE)
    assert browser.execute_script(shown) == total
    ActionChains(browser).move_to_element(card).perform()
    assert card.find_element("css selector", "img").get_attribute("src").endswith("momentum_ravine.webp")


def test_the_yaml_of_an_example_is_copied(browser):
    visit(browser, SITE / "gallery" / "momentum_ravine.html")
    assert wait_for(lambda: browser.find_elements("css selector", ".highlight-yaml .copybtn"))
    browser.execute_script(
        "navigator.clipboard.writeText = text => { window.copied = text; return Promise.resolve(); }"
    )
    browser.execute_script("document.execCommand = () => { window.copied = getSelection().toString(); return true; }")
    browser.find_element("css selector", ".highlight-yaml .copybtn").send_keys(Keys.ENTER)
    config = (SITE.parents[2] / "configs" / "momentum_ravine.yaml").read_text(encoding="utf-8")
    assert browser.execute_script("return window.copied").strip() == config.partition("\n")[2].strip()


def test_search_needs_no_server(browser):
    visit(browser, f"{(SITE / 'search.html').as_uri()}?q=saddle")
    found = "return [...document.querySelectorAll('#search-results li a')].map(each => each.getAttribute('href'))"
    assert wait_for(lambda: any("momentum_saddle_escape" in each for each in browser.execute_script(found)))
