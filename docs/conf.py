"""The settings of Sphinx. `make docs` builds the site in docs/_build/html; the pages of generate.py are made first."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import generate

import gdsim

project, author, copyright = "gdsim", "The gdsim authors", "The gdsim authors"  # noqa: A001
version = release = gdsim.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
exclude_patterns = ["_build", "paper", "templates"]
myst_enable_extensions = ["attrs_inline", "colon_fence", "deflist"]
myst_heading_anchors = 3
autodoc_typehints = "description"
autodoc_member_order = "bysource"
smartquotes = False  # quotes in commands are to be copied
html_theme = "pydata_sphinx_theme"
html_title = "gdsim"
html_static_path = ["_static"]
html_extra_path = ["_build/extra"]
html_css_files = ["site.css"]
html_js_files = [("gallery.js", {"defer": "defer"})]
html_show_sourcelink = False
html_theme_options = {
    "navbar_end": ["theme-switcher"],
    "secondary_sidebar_items": ["page-toc"],
    "show_prev_next": True,
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
copybutton_exclude = ".linenos, .gp, .go"

generate.draw_pictures(Path(__file__).parent / "_build" / "extra" / "pictures")
generate.write_pages()
