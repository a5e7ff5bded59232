from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gdsim import descend, objective
from gdsim.config import signatures
from gdsim.errors import InputError
from gdsim.optimizers import BatchingMode, optimizer_factory, warning

CLASSES = sorted(signatures.optimizers())


@pytest.mark.parametrize("name", CLASSES)
def test_every_class_of_torch_optim_runs_with_its_defaults(name: str) -> None:
    chosen = optimizer_factory(name, name, {})
    assert chosen.class_ is getattr(torch.optim, name)
    assert len(chosen.batching_modes) == 1
    assert chosen.needs_closure == (name == "LBFGS")
    assert not chosen.is_random


@pytest.mark.parametrize(
    ("settings", "schedule", "expected"),
    [
        ({}, None, BatchingMode.FLAT),
        ({"fused": True}, None, BatchingMode.SEPARATE),
        ({"foreach": True}, {"class": "LinearLR"}, BatchingMode.FLAT),
        ({}, {"class": "ReduceLROnPlateau"}, BatchingMode.SEPARATE),
        ({}, "torch.optim.lr_scheduler.ReduceLROnPlateau", BatchingMode.SEPARATE),
    ],
)
def test_options_decide_on_the_arrangement(
    settings: dict[str, Any], schedule: str | dict[str, Any] | None, expected: BatchingMode
) -> None:
    assert optimizer_factory("Adam", "Adam", settings, schedule=schedule).batching_modes == (expected,)


def test_the_class_of_a_schedule_suffices() -> None:
    parts = {"class": "SequentialLR", "schedulers": ["ConstantLR", "ExponentialLR"], "milestones": [3]}
    assert optimizer_factory("SGD", "SGD", {}, schedule="ConstantLR").text == "SGD · lr 0.001 · ConstantLR"
    assert refusal("SGD", {}, schedule=parts) == "schedule.schedulers.1 missing"  # gamma
    assert refusal("SGD", {}, schedule="StepL") == "schedule.class unknown-name"
    assert refusal("SGD", {}, schedule=3) == "schedule wrong-type"


def test_a_class_that_only_bears_a_known_name_is_not_taken_for_it() -> None:
    impostor = type("Adam", (torch.optim.SGD,), {})
    assert optimizer_factory("Adam", impostor, {}).batching_modes == tuple(BatchingMode)


class Painted(torch.optim.SGD):
    def __init__(self, params: Any, lr: float = 0.001, mood: str = "") -> None:
        super().__init__(params, lr)
        self.mood = mood


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("SGD", {"settings": {"lr": 0.01, "momentum": 0.9}}, "SGD · lr 0.01 · momentum 0.9"),
        ("SGD", {"settings": {"momentum": 0.9, "lr": 0.01}}, "SGD · lr 0.01 · momentum 0.9"),
        ("Adam", {"settings": {}}, "Adam · lr 0.001"),
        (
            "Adam",
            {"settings": {"lr": 1, "betas": [0.5, 0.99], "amsgrad": True}},
            "Adam · lr 1 · betas (0.5, 0.99) · amsgrad",
        ),
        ("SGD", {"settings": {"lr": 1e-7, "nesterov": False}}, "SGD · lr 10⁻⁷ · nesterov off"),
        (Painted, {"settings": {"mood": "blue\x1b[2J\n"}}, "Painted · lr 0.001 · mood blue\\x1b[2J\\n"),
        (
            "Adam",
            {"settings": {"lr": 0.3}, "schedule": {"class": "CosineAnnealingLR", "T_max": 9}},
            "Adam · lr 0.3 · CosineAnnealingLR",
        ),
        (
            "SGD",
            {"settings": {"lr": 0.01}, "noise": 0.5, "clip_norm": 1.0},
            "SGD · lr 0.01 · noise 0.5 · clip 1",
        ),
        ("pytorch_optimizer.Lion", {"settings": {}}, "Lion · lr 10⁻⁴"),
    ],
)
def test_a_legend_names_class_and_settings(name: Any, arguments: dict[str, Any], expected: str) -> None:
    if isinstance(name, str) and "." in name:
        pytest.importorskip(name.partition(".")[0])
    assert optimizer_factory("label", name, **arguments).text == expected


@pytest.mark.parametrize("name", ["ASGD", "LBFGS", "Muon", "SparseAdam"])
def test_a_warning_is_one_paragraph(name: str) -> None:
    for text in (warning(name), warning(name, network=True)):
        assert text[0].isupper()
        assert text.endswith(".")
        assert "\n" not in text
    assert warning(f"torch.optim.{name}") == warning(name)


@pytest.mark.parametrize("name", ["", "SGD", "nowhere.Muon", "pytorch_optimizer.Lion", "muon", "torch.optim."])
def test_there_is_no_warning_about_other_classes(name: str) -> None:
    assert warning(name) == ""


def test_the_warning_about_lbfgs_is_true() -> None:
    path = descend(objective("rosenbrock"), "LBFGS", start=[-1.5, 2.0], steps=6, lr=0.1)
    assert np.diff(path.evaluations[:, 0]).max() == 20
    assert "by default up to 20" in warning("LBFGS")


def test_the_warning_about_muon_is_true() -> None:
    path = descend(objective("himmelblau"), "Muon", start=[-0.5, 4.2], steps=200, lr=0.1, weight_decay=0)
    lengths = ((path.points[1:] - path.points[:-1]) ** 2).sum(-1) ** 0.5
    assert lengths.min() > 0.6 * 0.1
    assert lengths.max() < 0.8 * 0.1
    assert "0.7 · lr" in warning("Muon")


AT = ("optimizers", "x")


def refusal(*arguments: Any, **more: Any) -> str:
    """Return key and code of the error that `optimizer_factory` raises: `"optimizers.x.lr wrong-type"`."""
    with pytest.raises(InputError) as caught:
        optimizer_factory("x", *arguments, **more)
    assert "\n" not in str(caught.value)
    return f"{'.'.join(map(str, caught.value.key))} {caught.value.code}".removeprefix("optimizers.x").strip(". ")


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("Adamm", {}, "class unknown-name"),
        ("lr_scheduler", {}, "class unknown-name"),
        ("Optimizer", {}, "class unknown-name"),
        (dict, {}, "class wrong-type"),
        ("os.path.join", {}, "class not-allowed"),
        ("pytest.Item", {}, "class not-allowed"),
        ("gdsim.cli.app.run_app", {}, "class wrong-type"),
        ("no_such_package.Lion", {}, "class not-installed"),
        ("typer.__main__.X", {}, "class not-allowed"),
        ("__main__.X", {}, "class not-allowed"),
        ("torch.optim._functional.Adam", {}, "class not-allowed"),
        ("torch.optim._Adam", {}, "class unknown-name"),
        ("torch.nn.Linear", {}, "class not-allowed"),
        ("torch.nowhere.Linear", {}, "class not-allowed"),
        ("torch.optim.swa_utils.AveragedModel", {}, "class wrong-type"),
        ("torch.optim.nowhere.Linear", {}, "class unknown-name"),
        ("numpy.arange", {}, "class not-allowed"),
        ("torch.optim.Adamm", {}, "class unknown-name"),
        ("SGD", {"lerning_rate": 1}, "lerning_rate unknown-argument"),
        ("SGD", {"momentun": 1}, "momentun unknown-argument"),
        ("SGD", {"params": []}, "params not-allowed"),
        ("SGD", {"lr": -1}, "invalid-value"),
        ("SGD", {"lr": "fast"}, "invalid-value"),
        ("SGD", {"nesterov": True}, "invalid-value"),
        ("Adam", {"capturable": True}, "invalid-value"),
        ("Adam", {"differentiable": True}, "invalid-value"),
        ("Adam", {"fused": True, "foreach": True}, "invalid-value"),
        ("LBFGS", {"line_search_fn": "wolf"}, "invalid-value"),
    ],
)
def test_a_bad_class_or_setting_is_refused(name: Any, arguments: dict[str, Any], expected: str) -> None:
    assert refusal(name, arguments) == expected


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ({"class": "StepLRR"}, ".class unknown-name"),
        ({"class": "LRScheduler"}, ".class unknown-name"),
        ({"T_max": 3}, ".class unknown-name"),
        ({"class": "StepLR"}, " missing"),
        ({"class": "StepLR", "step": 3}, ".step unknown-argument"),
        ({"class": "StepLR", "optimizer": 3, "step_size": 1}, ".optimizer not-allowed"),
        ({"class": "LinearLR", "start_factor": 7}, " invalid-value"),
        (
            {
                "class": "SequentialLR",
                "milestones": [3],
                "schedulers": [{"class": "LinearLR"}, {"class": "StepL"}],
            },
            ".schedulers.1.class unknown-name",
        ),
        ({"class": "ChainedScheduler", "schedulers": [{"class": "ReduceLROnPlateau"}]}, " invalid-value"),
        ({"class": "CyclicLR", "base_lr": 0.1, "max_lr": 1.0}, " invalid-value"),
    ],
)
def test_a_bad_schedule_is_refused(schedule: dict[str, Any], expected: str) -> None:
    assert refusal("Adagrad", {}, schedule=schedule) == f"schedule{expected}"


def put(path: Path, text: str = "raise SystemExit('this ran')") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.parametrize("form", ["module", "package", "folder", "linked module", "linked package", "linked twice"])
def test_code_of_the_current_folder_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    here = tmp_path / "here"
    match form:
        case "module":
            put(here / "mine.py")
        case "package":
            put(here / "mine" / "__init__.py")
        case "folder":
            put(here / "mine" / "Best.py")
        case "linked module":
            put(here / ".hidden" / "mine.py")
            (here / "mine.py").symlink_to(".hidden/mine.py")
        case "linked package":
            put(here / ".hidden" / "mine" / "__init__.py")
            (here / "mine").symlink_to(".hidden/mine")
        case "linked twice":
            put(tmp_path / "far" / "mine" / "__init__.py")
            (here / "hidden").parent.mkdir()
            (here / "hidden").symlink_to(tmp_path / "far")
            (here / "mine").symlink_to("hidden/mine")
    monkeypatch.chdir(here)
    monkeypatch.syspath_prepend("")
    for name in ("mine.Best", "mine.Best.Better"):
        assert refusal(name, {}) == "class not-allowed"


def test_a_current_folder_by_another_name_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "here" / "mine.py")
    (tmp_path / "alias").symlink_to("here")
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.syspath_prepend(str(tmp_path / "alias"))
    assert refusal("mine.Best", {}) == "class not-allowed"


@pytest.mark.parametrize("folder", ["evil-packages", "site-packages"])
def test_a_folder_that_names_itself_installed_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    here = tmp_path / folder
    put(here / "mine.py")
    put(here / "mine.pth", str(here))
    monkeypatch.chdir(here)
    monkeypatch.syspath_prepend(str(here))
    assert refusal("mine.Best", {}) == "class not-allowed"


BEST = "import torch\nclass Best(torch.optim.SGD): pass\n"


def install(packages: Path, name: str, text: str, requirement: str = "torch>=2") -> None:
    """Put a package of one module into a folder, with the metadata that pip writes."""
    put(packages / f"{name}.py", text)
    put(packages / f"{name}-1.dist-info" / "METADATA", f"Name: {name}\nRequires-Dist: {requirement}\n")


@pytest.mark.parametrize(
    ("requirement", "is_imported"),
    [
        ("torch", True),
        ("torch (>=2.1)", True),
        ('torch>=2; python_version > "3"', True),
        ('torch; extra == "all"', False),
        ("torchvision", False),
        ("torch-geometric", False),
    ],
)
def test_a_package_is_imported_if_it_requires_torch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, requirement: str, is_imported: bool
) -> None:
    package = f"needs_{len(requirement)}"
    install(tmp_path, package, BEST, requirement)
    monkeypatch.syspath_prepend(str(tmp_path))
    if is_imported:
        assert optimizer_factory("x", f"{package}.Best", {}).class_.__name__ == "Best"
    else:
        assert refusal(f"{package}.Best", {}) == "class not-allowed"
    assert (package in sys.modules) == is_imported


def test_an_installation_in_the_current_folder_is_no_way_around(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, "mine", "raise SystemExit('this ran')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend("")
    assert refusal("mine.Best", {}) == "class not-allowed"


@pytest.mark.parametrize(
    "text", ["raise SystemExit('this ran')", "def __getattr__(name): raise SystemExit('this ran')"]
)
def test_a_package_that_ends_python_ends_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    package = f"farewell_{len(text)}"
    install(tmp_path, package, text)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert refusal(f"{package}.Best", {}) == "class unreadable"


def test_a_package_that_fails_to_import_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, "broken_package", "import a_package_that_is_not_there")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert refusal("broken_package.Best", {}) == "class not-installed"


def test_a_third_party_class_is_known_by_what_it_does() -> None:
    pytest.importorskip("pytorch_optimizer")
    assert optimizer_factory("x", "pytorch_optimizer.Lion", {}).batching_modes == tuple(BatchingMode)
    assert optimizer_factory("x", "pytorch_optimizer.AliG", {}).needs_closure
    assert optimizer_factory("x", "pytorch_optimizer.Kron", {}).batching_modes == (BatchingMode.SEPARATE,)
    assert optimizer_factory("x", "pytorch_optimizer.AdaHessian", {}).needs_graph
    assert refusal("pytorch_optimizer.Lookahead", {}) == "missing"


def test_trying_a_class_out_leaves_the_random_numbers_alone() -> None:
    pytest.importorskip("pytorch_optimizer")
    before = torch.get_rng_state()
    optimizer_factory("x", "pytorch_optimizer.Kron", {})
    assert torch.equal(torch.get_rng_state(), before)
