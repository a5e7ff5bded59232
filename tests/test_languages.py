"""Pictures in other languages: the files of words, the sentences they make, and names of axes."""

import ast
import json
import re
from html import unescape
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from matplotlib.text import Text

import gdsim
from gdsim import View, languages
from gdsim.analysis.outcomes import Fate
from gdsim.languages import fields, language, templates
from gdsim.scene.build import build_scene, preview_scene
from gdsim.scene.panels import panel_kinds
from gdsim.scene.sweep_map import CAPTIONS, UNKNOWN
from gdsim.scene.sweeps import build_sweep_scene
from gdsim.simulation import Stop
from gdsim.sweeps import OUTCOMES
from gdsim.web.player import page
from tests.commands import call

PACKAGE = Path(gdsim.__file__).parent
OTHERS = [name for name in languages.names() if name != "en"]


def said():
    """Yield the text constants that are the first argument of a `say` in the source, of pages too."""
    for file in ("player.html", "player.js", "pointing.js"):
        texts = re.findall(
            r'\bsay\("([^"]+)"(?: if [\w.]+ else "([^"]+)")?', (PACKAGE / "web" / file).read_text("utf-8")
        )
        yield from filter(None, chain.from_iterable(texts))
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            function = node.func if isinstance(node, ast.Call) and node.args else None
            if getattr(function, "attr", getattr(function, "id", "")) == "say":
                yield from (each.value for each in ast.walk(node.args[0]) if isinstance(each, ast.Constant))


@pytest.mark.parametrize("name", OTHERS)
def test_every_language_has_all_words_with_the_same_values(name):
    own = language(name).templates
    assert own.keys() == set(templates())
    assert not {english for english, words in own.items() if fields(english) != fields(words)}
    assert not {english for english, words in own.items() if (english[0] == " ") != (words[0] == " ")}


def test_the_words_of_the_source_are_those_of_the_files():
    wanted = {each for each in said() if isinstance(each, str)}
    wanted |= set(chain.from_iterable(fate.value for fate in Fate)) | {stop.value for stop in Stop}
    wanted |= {*CAPTIONS.values(), *UNKNOWN.values()} | {outcome.value for outcome in OUTCOMES}
    assert wanted - set(templates()) == set()


def texts(scene):
    frames = gdsim.frames(scene)
    return [each.get_text() for each in frames.canvas.figure.findobj(Text) if each.get_text()]


def race(view, **settings):
    paths = [
        gdsim.descend("himmelblau", "SGD", start=[-0.5, 4.2], steps=150, label=label, **each)
        for label, each in {"SGD": {"lr": 0.01}, "Momentum": {"lr": 0.01, "momentum": 0.9}}.items()
    ]
    return build_scene(paths, view=View(**view, **settings))


def test_a_picture_is_in_german():
    scene = race({"language": "de"})
    assert scene.title == "SGD erreicht das Ziel in 9 Schritten; Momentum braucht 70"
    assert scene.alt_text.startswith(
        "Gradientenabstieg auf Himmelblau in 150 Schritten. SGD erreicht das Ziel in 9 Schritten;"
    )
    assert [each.words for each in scene.milestones] == [
        "SGD erreicht das Ziel · Schritt 9",
        "Momentum erreicht das Ziel · Schritt 70",
    ]
    written = texts(scene)
    assert {"Start", "Minimum", "Gradient", "Schritt", "gelöst"} <= set(written)
    assert not {"start", "minimum", "gradient", "step", "solved"} & set(written)


@pytest.mark.parametrize("name", OTHERS)
def test_no_english_words_are_left_in_any_language(name):
    """Every sentence that the rules make is said in the language, whatever the numbers are."""
    english, other = language("en"), language(name)
    single = re.compile(r"\b(arrives|starts?|paths?|steps?|lowest|ends?|and|the)\b")
    for lr, starts in ((0.001, 1), (0.01, 1), (0.05, 1), (0.01, 16)):
        start = np.random.default_rng(3).uniform(-4, 4, (starts, 2)) if starts > 1 else [-0.5, 4.2]
        optimizers = {"A": {"class": "SGD", "lr": lr}, "B": {"class": "Adam", "lr": 10 * lr}}
        paths = gdsim.simulate("himmelblau", optimizers, start=start, steps=60)
        scene = build_scene(paths, view=View(language=name))
        words = [scene.title, *scene.short_titles[:-1], scene.alt_text, *(each.words for each in scene.milestones)]
        assert not [each for each in words if single.search(each)]
        # The same figures are said in both.
        plain = build_scene(paths, view=View(language="en"))
        assert sorted(re.findall(r"\d+", scene.alt_text)) == sorted(re.findall(r"\d+", plain.alt_text))
    assert other("in {steps}", steps=other.steps(9)) != english("in {steps}", steps=english.steps(9))


@pytest.mark.parametrize("name", languages.names())
def test_a_caption_of_a_slide_leaves_out_the_title_and_the_clock_in_every_language(name):
    paths = [gdsim.descend("himmelblau", "SGD", start=[-0.5, 4.2], steps=20, lr=0.01)]
    scene, say = build_scene(paths, view=View(language=name)), language(name)
    assert scene.caption == (f"SGD {say('arrives in {steps}', steps=say.steps(9))}",)
    assert f" {scene.caption[0]}. " in scene.alt_text


SWEEPS = (
    "{x: {setting: start}, y: {setting: start}, size: [5, 4]}",
    "{x: {setting: optimizers.A.lr, range: [0.001, 1], scale: log}, points: 4}",
    "{x: {setting: optimizers.A.lr, range: [0.001, 0.1], scale: log}, "
    "y: {setting: optimizers.A.momentum, range: [0, 0.9]}, size: [4, 3]}",
)


@pytest.mark.parametrize("axes", SWEEPS)
@pytest.mark.parametrize("function", ["himmelblau", "sphere", "x^2 + y^4"])
def test_sentences_about_sweeps_are_in_every_language(axes, function):
    optimizers = "A: {class: SGD, lr: 0.01, momentum: 0.1}" + (", B: {class: Adam, lr: 0.3}" if "start" in axes else "")
    text = f"{{objective: {function}, start: [1, 2], steps: 20, optimizers: {{{optimizers}}}, sweep: {axes}}}"
    experiment = gdsim.loads(text)
    result = gdsim.sweep(experiment)
    plain = build_sweep_scene(experiment, result)
    for name in OTHERS:
        scene = build_sweep_scene(gdsim.loads(text, overrides=[f"view.language={name}"]), result)
        for own, english in ((scene.title, plain.title), (scene.alt_text, plain.alt_text)):
            assert own != english
            assert sorted(re.findall(r"[\d.]*\d", own)) == sorted(re.findall(r"[\d.]*\d", english))
            assert not re.search(
                r"\b(reaches|lowers|from|of|the|with|every|settings|fastest|decades|Map|steps|ended)\b", own
            )


def test_captions_of_panels_are_in_the_language():
    panels = ["loss", "gradient_norm", "distance", "learning_rate", "step_size", "angle"]
    assert set(panels) <= panel_kinds().keys()
    written = " ".join(texts(race({"language": "fr", "panels": panels}, against="evaluations")))
    for words in ("distance au minimum", "taux d'apprentissage", "longueur du pas", "évaluations du gradient"):
        assert words in written


def test_maps_of_networks_are_in_the_language(tmp_path):
    config = tmp_path / "maps.yaml"
    config.write_text(
        "objective: {network: mlp, data: digits, hidden: [8]}\nsteps: 2\noptimizers: {SGD: {lr: 0.1}}\n"
        "view: {language: de}\n"
    )
    result = call("saliency", str(config), "--image", "7", "--out", str(tmp_path), "--format", "svg")
    assert result.exit_code == 0, result.stderr
    (drawn,) = tmp_path.rglob("*.svg")
    picture = drawn.read_text("utf-8")
    for words in ("Bild 7 · Klasse", "Salienz", "Gradient der Eingabe", "erhöht den Score von Klasse", "senkt ihn"):
        assert words in picture
    assert "lowers it" not in picture


@pytest.mark.parametrize("name", OTHERS)
def test_a_page_has_controls_and_figures_in_the_language(name):
    say, text = language(name), page(race({"language": name, "size": [320, 180]}))
    assert f'<html lang="{name}">' in text
    html, _, script = text.partition("<noscript>")
    shown = set(re.findall(r'(?:aria-label|title)="([^"]*)"|>([^<>]+)<', html))
    words = {unescape(each.strip()) for pair in shown for each in pair}
    english = {each for each, own in say.templates.items() if own != each}
    assert not words & english
    assert {say("Play"), say("Full screen"), say("value"), say("One step back")} <= words
    spoken = json.loads(re.search(r'id="gdsim-words">(.*?)</script>', script, re.DOTALL)[1])
    assert spoken["Pause"] == say("Pause")
    assert spoken["step {n}"] == say("step {n}", n="{n}")


def test_words_of_ones_own_cannot_change_a_page():
    own = {"base": "de", "Play": '"><script>alert(1)</script>', "Pause": "</script><b>"}
    text = page(race({"language": own, "size": [320, 180]}))
    assert 'lang="de"' in text
    assert "<script>alert" not in text
    assert "</script><b>" not in text


def test_words_of_ones_own_replace_those_of_a_language():
    own = {"base": "de", "start": "Anfang", "minimum": "Tiefpunkt"}
    written = texts(race({"language": own}))
    assert {"Anfang", "Tiefpunkt", "Gradient"} <= set(written)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("xx", "must be 'en', 'de', 'es', 'fr', 'it' or 'pt' or a mapping, not 'xx'"),
        ({"base": "xx"}, "there is no language 'xx'"),
        ({"minimun": "x"}, "a picture has no words 'minimun'; did you mean 'minimum'"),
        ({"step {n}": "Schritt"}, "must contain {n}, as 'step {n}' does"),
        ({"step {n}": "Schritt {n"}, "must contain {n}, as 'step {n}' does"),
        ({"start": "{start.__class__}"}, "must contain no braces, as 'start' does"),
    ],
)
def test_mistakes_in_words_are_named(given, message):
    with pytest.raises(gdsim.InputError, match=message.replace("{", r"\{")):
        View(language=given)


def test_axes_and_formula_have_the_names_given():
    scene = race({"names": ["w", "b"]})
    assert scene.facets[0].names == ("w", "b")
    assert (
        scene.formula == r"f(w, b) = \left(w^2 + b - 11\right)^2 + \left(w + b^2 - 7\right)^2"
        or "f(w, b)" in scene.formula
    )
    assert {"w", "b"} <= set(texts(scene))


def test_words_as_names_are_upright_in_a_formula_and_do_not_change_its_functions():
    shown = preview_scene(gdsim.objective("exp(x) + max(x, y) + sigmoid(y)"), view=View(names=["x2", "bias"]))
    assert shown.formula.startswith(r"f(\mathrm{x2}, \mathrm{bias}) = ")
    assert r"\operatorname{sigmoid}\left(\mathrm{bias}\right)" in shown.formula
    assert r"\max" in shown.formula


def test_names_of_several_words_are_on_the_axes_only():
    shown = preview_scene(gdsim.objective("x^2 + y^2"), view=View(names=["weight (kg)", "height"]))
    assert shown.facets[0].names == ("weight (kg)", "height")
    assert shown.formula.startswith("f(x, y)")


def test_names_must_be_as_many_as_the_axes():
    with pytest.raises(gdsim.InputError, match="must be two names, not 1, for 'Himmelblau'"):
        race({"names": ["w"]})
    curve = preview_scene(gdsim.objective("x^2"), view=View(names=["w"]))
    assert curve.facets[0].names == ("w", "f(w)")
