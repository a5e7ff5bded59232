"""Which code runs for a configuration, with and without --allow-code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.commands import call

DECOY = "open('ran', 'w').close()\n"


def run_script(folder: Path, script: str, *arguments: str) -> Any:
    """Run a script as the installed command `gdsim` is run, in a folder, and return the JSON that it prints."""
    (folder / "bin").mkdir()
    (folder / "bin" / "script.py").write_text(script)
    done = subprocess.run(
        [sys.executable, "bin/script.py", *arguments],
        cwd=folder, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


REFUSE = """
import json, sys
from gdsim.config import loads
from gdsim.errors import ConfigError

def problem(text):
    try:
        loads(text)
    except ConfigError as error:
        (problem,) = error.problems
        return [".".join(map(str, problem.key)), problem.code, "--allow-code" in problem.message]

problems = [problem(text) for text in json.loads(sys.argv[1])]
print(json.dumps([problems, [*sys.modules]]))
"""

REFUSED = {
    'objective: {python: "torch.multiprocessing:spawn", dim: 2}': "objective.python",
    'objective: {python: "numpy:test", dim: 2}': "objective.python",
    'objective: {python: "debugpy:listen", dim: 2}': "objective.python",
    'objective: {python: "matplotlib.backends.backend_webagg:x", dim: 2}': "objective.python",
    'objective: {python: "my_loss:valley", dim: 2}': "objective.python",
    'objective: {network: "torch.fx.graph_module:_CodeOnlyModule", data: moons}': "objective.network",
    "objective: {network: torch.nn.Linear, data: moons, args: {in_features: 2, out_features: 2}}": "objective.network",
    "optimizers: {x: {class: selenium.webdriver.Chrome}}": "optimizers.x.class",
    "optimizers: {x: {class: hypothesis.given}}": "optimizers.x.class",
    "optimizers: {x: {class: torch.utils.model_zoo.load_url}}": "optimizers.x.class",
    "optimizers: {x: {class: 'torch.optim:_Adam'}}": "optimizers.x.class",
    "optimizers: {x: {class: my_loss.Mine}}": "optimizers.x.class",
    "optimizers: {x: {class: gdsim.X, optimizer: {class: hypothesis.given}}}": "optimizers.x.optimizer.class",
    "optimizers: {Muon: {rest: {class: hypothesis.given}}}": "optimizers.Muon.rest.class",
}


def test_code_is_refused_without_importing_it(tmp_path: Path) -> None:
    for name in ("my_loss", "multiprocessing", "conftest", "hypothesis"):
        (tmp_path / f"{name}.py").write_text(DECOY)
    texts = [
        f"{text}\nsteps: 3\n{'optimizers: {SGD: }' if text.startswith('objective') else 'objective: sphere'}"
        for text in REFUSED
    ]
    problems, modules = run_script(tmp_path, REFUSE, json.dumps(texts))
    assert problems == [[key, "not-allowed", True] for key in REFUSED.values()]
    for name in ("debugpy", "matplotlib", "my_loss", "selenium", "hypothesis", "conftest", "numpy.conftest"):
        assert name not in modules
    assert not (tmp_path / "ran").exists()


AUDIT = """
import importlib.metadata, inspect, json, pathlib, pkgutil, sys, warnings

warnings.simplefilter("ignore")
import matplotlib.font_manager  # writes its list of fonts when it is first imported
import torch._dynamo  # torch imports it for the first step of any optimizer, and then makes its cache folder
from gdsim.config.signatures import schedules
from gdsim.errors import InputError
from gdsim.objectives import import_class, import_problems
from gdsim.optimizers import optimizer_factory
from torch.optim import Optimizer

here = pathlib.Path.cwd()
happened = []

def watch(event, arguments):
    if event.startswith(("socket.", "subprocess.", "os.system", "os.exec", "os.fork", "os.posix_spawn", "os.spawn")):
        happened.append(f"{event} {arguments[:2]}")
    elif event in ("os.mkdir", "os.remove", "os.rename", "shutil.rmtree", "os.putenv"):
        happened.append(f"{event} {arguments[:2]}")
    elif event == "open" and (arguments[2] or 0) & 3:
        happened.append(f"{event} {arguments[0]}")
    elif event == "open" and isinstance(arguments[0], str) and pathlib.Path(arguments[0]).parent == here:
        happened.append(f"{event} {arguments[0]}")

def classes(name):
    try:
        module = sys.modules.get(name) or importlib.import_module(name)
    except (Exception, SystemExit):
        return
    for each, value in [*vars(module).items()]:
        if isinstance(value, type) and issubclass(value, Optimizer) and each[0] != "_":
            yield f"{name}.{each}", value

sys.addaudithook(watch)
tops = {name for name, owners in importlib.metadata.packages_distributions().items()
        if name.isidentifier() and not [*import_problems(f"{name}.X", (), here)]} - {"gdsim"}
found = {}
for top in ["torch.optim", *sorted(tops)]:
    package = importlib.import_module(top)
    names = [top, *(each.name for each in pkgutil.walk_packages(package.__path__, f"{top}.", lambda _: None))]
    for name in names:
        if not any(part.startswith("_") for part in name.split(".")):
            found |= {value: dotted for dotted, value in classes(name) if value not in found}
built = []
for value, dotted in found.items():
    try:
        import_class(dotted, ("class",), folder=here, allow_code=False)
        wraps = any(name.endswith("optimizer") for name in inspect.signature(value).parameters)
        optimizer_factory("x", dotted, {"optimizer": "SGD"} if wraps else {})
        built.append(dotted)
    except InputError:
        pass
for name in schedules():
    try:
        factory = optimizer_factory("x", "SGD", {"momentum": 0.9}, schedule={"class": name})
        factory.check_schedule(3, 2)
    except InputError:
        pass
print(json.dumps([sorted({name.partition(".")[0] for name in built}), len(built), happened]))
"""


def test_classes_that_the_rule_lets_through_have_no_effects(tmp_path: Path) -> None:
    for name in ("bitsandbytes", "triton", "deepspeed", "apex", "yaml", "multiprocessing", "pytorch_optimizer"):
        (tmp_path / f"{name}.py").write_text(DECOY)
    packages, count, happened = run_script(tmp_path, AUDIT)
    assert happened == []
    assert "torch" in packages
    assert count >= 13
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("suffix", ["gif", "png", "mp4", "html"])
def test_the_yaml_in_a_picture_never_runs_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str) -> None:
    (tmp_path / "mine.py").write_text(f"{DECOY}def bowl(x, y):\n    return x**2 + y**2\n")
    text = 'objective: {python: "mine:bowl", bounds: [[-1, 1], [-1, 1]]}\nsteps: 2\noptimizers: {SGD: {lr: 0.1}}\n'
    (tmp_path / "race.yaml").write_text(text + "view: {size: [160, 120]}\nanimation: {fps: 2, seconds: 1, hold: 0}\n")
    monkeypatch.chdir(tmp_path)
    made = call("run", "race.yaml", "--format", suffix, "--allow-code", "-q")
    assert made.exit_code == 0, made.output
    (tmp_path / "ran").unlink()
    for command in ("run", "compare"):
        result = call(command, f"outputs/race/race.{suffix}", "--allow-code")
        assert result.exit_code == 2, result.output
        assert "never from the YAML in a picture" in result.stderr
    assert not (tmp_path / "ran").exists()
    recording = ["run", "outputs/race/race.npz", "--format", "png", "-o", "again"]
    assert call(*recording).exit_code == 2
    assert call(*recording, "--allow-code").exit_code == 0


def test_the_current_folder_is_not_searched(tmp_path: Path) -> None:
    for name in ("yaml", "typer", "torch"):
        (tmp_path / f"{name}.py").write_text(DECOY)
    (tmp_path / "race.yaml").write_text("objective: sphere\nsteps: 2\noptimizers: {SGD: {lr: 0.1}}\n")
    done = subprocess.run(
        [sys.executable, "-m", "gdsim", "validate", "race.yaml"], cwd=tmp_path, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "ran").exists()
