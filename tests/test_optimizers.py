from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

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
    assert not chosen.draws


@pytest.mark.parametrize(
    ("settings", "schedule", "expected"),
    [
        ({}, None, BatchingMode.FLAT),
        ({"fused": True}, None, BatchingMode.SEPARATE),
        ({"foreach": True}, {"class": "LinearLR"}, BatchingMode.FLAT),
        ({}, {"class": "ReduceLROnPlateau"}, BatchingMode.SEPARATE),
    ],
)
def test_options_decide_on_the_arrangement(
    settings: dict[str, Any], schedule: dict[str, Any] | None, expected: BatchingMode
) -> None:
    assert optimizer_factory("Adam", "Adam", settings, schedule=schedule).batching_modes == (expected,)


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
        ("SGD", {"settings": {"lr": 1e-7, "nesterov": False}}, "SGD · lr 1e-07 · nesterov off"),
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
        ("pytorch_optimizer.Lion", {"settings": {}}, "Lion · lr 0.0001"),
    ],
)
def test_a_legend_names_class_and_settings(name: Any, arguments: dict[str, Any], expected: str) -> None:
    if isinstance(name, str) and "." in name:
        pytest.importorskip(name.partition(".")[0])
    assert optimizer_factory("label", name, **arguments).text == expected


@pytest.mark.parametrize("name", CLASSES)
def test_notes_are_one_paragraph_of_whole_sentences(name: str) -> None:
    assert warning(name) == "" or (
        warning(name)[0].isupper() and warning(name).endswith(".") and "\n" not in warning(name)
    )
    assert warning(f"torch.optim.{name}") == warning(name)


@pytest.mark.parametrize("name", ["", "nowhere.Muon", "pytorch_optimizer.Lion", "muon", "torch.optim."])
def test_of_an_unknown_class_nothing_is_noted(name: str) -> None:
    assert warning(name) == ""


def test_the_note_on_lbfgs_is_true() -> None:
    from gdsim import descend, objective

    path = descend(objective("rosenbrock"), "LBFGS", start=[-1.5, 2.0], steps=6, lr=0.1)
    assert np.diff(path.evaluations[:, 0]).max() == 20
    assert "by default up to 20" in warning("LBFGS")


def test_the_note_on_muon_is_true() -> None:
    from gdsim import descend, objective

    path = descend(objective("himmelblau"), "Muon", start=[-0.5, 4.2], steps=200, lr=0.1, weight_decay=0)
    lengths = ((path.points[1:] - path.points[:-1]) ** 2).sum(-1) ** 0.5
    assert lengths.min() > 0.6 * 0.1
    assert lengths.max() < 0.8 * 0.1
    assert "0.7 · lr" in warning("Muon")


def test_notes_do_not_import_torch() -> None:
    program = "import sys; from gdsim.optimizers import warning; warning('Muon'); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


AT = ("optimizers", "x")


@pytest.mark.parametrize(
    ("name", "arguments", "key", "words"),
    [
        ("Adamm", {}, (*AT, "class"), "no optimizer 'Adamm'; did you mean 'Adam'"),
        ("lr_scheduler", {}, (*AT, "class"), "no class of optimizers"),
        ("Optimizer", {}, (*AT, "class"), "no class of optimizers"),
        (dict, {}, (*AT, "class"), "no class of optimizers"),
        ("os.path.join", {}, (*AT, "class"), "part of Python"),
        ("subprocess.Popen", {}, (*AT, "class"), "part of Python"),
        (
            "no_such_package.Lion",
            {},
            (*AT, "class"),
            "no package 'no_such_package' is installed; get it with: pip install no_such_package",
        ),
        ("typer.__main__.X", {}, (*AT, "class"), "'__main__' is private"),
        ("__main__.X", {}, (*AT, "class"), "'__main__' is private"),
        ("torch.optim._functional.Adam", {}, (*AT, "class"), "'_functional' is private"),
        ("torch.optim._Adam", {}, (*AT, "class"), "'_Adam' is private"),
        ("torch.nn.Linear", {}, (*AT, "class"), "no class of optimizers"),
        ("torch.nowhere.Linear", {}, (*AT, "class"), "'torch.nowhere' cannot be imported"),
        ("numpy.arange", {}, (*AT, "class"), "no class of optimizers"),
        ("torch.optim.Adamm", {}, (*AT, "class"), "no optimizer 'Adamm'; did you mean 'Adam'"),
        ("SGD", {"lerning_rate": 1}, (*AT, "lerning_rate"), "SGD has no argument 'lerning_rate'"),
        ("SGD", {"momentun": 1}, (*AT, "momentun"), "did you mean 'momentum'"),
        ("SGD", {"params": []}, (*AT, "params"), "no argument 'params'"),
        ("SGD", {"lr": -1}, AT, "SGD refuses its settings: Invalid learning rate: -1"),
        ("SGD", {"lr": "fast"}, AT, "SGD refuses its settings"),
        ("SGD", {"nesterov": True}, AT, "Nesterov momentum requires a momentum"),
        ("Adam", {"capturable": True}, AT, "Adam cannot take a step"),
        ("Adam", {"differentiable": True}, AT, "Adam cannot take a step"),
        ("Adam", {"fused": True, "foreach": True}, AT, "cannot be `True` together"),
        ("LBFGS", {"line_search_fn": "wolf"}, AT, "only 'strong_wolfe' is supported"),
    ],
)
def test_a_bad_class_or_setting_is_refused(
    name: str, arguments: dict[str, Any], key: tuple[str, ...], words: str
) -> None:
    with pytest.raises(InputError) as caught:
        optimizer_factory("x", name, arguments)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.key == key


@pytest.mark.parametrize(
    ("schedule", "key", "words"),
    [
        ({"class": "StepLRR"}, ("class",), "no schedule 'StepLRR'; did you mean 'StepLR'"),
        ({"class": "LRScheduler"}, ("class",), "no schedule 'LRScheduler'"),
        ({"T_max": 3}, ("class",), "no schedule ''"),
        ({"class": "StepLR"}, (), "StepLR needs the argument 'step_size'"),
        ({"class": "StepLR", "step": 3}, ("step",), "no argument 'step'; did you mean 'step_size'"),
        ({"class": "StepLR", "optimizer": 3, "step_size": 1}, ("optimizer",), "no argument 'optimizer'"),
        ({"class": "LinearLR", "start_factor": 7}, (), "LinearLR refuses its settings"),
        (
            {
                "class": "SequentialLR",
                "milestones": [3],
                "schedulers": [{"class": "LinearLR"}, {"class": "StepL"}],
            },
            ("schedulers", 1, "class"),
            "did you mean 'StepLR'",
        ),
        (
            {"class": "ChainedScheduler", "schedulers": [{"class": "ReduceLROnPlateau"}]},
            (),
            "does not support `ReduceLROnPlateau`",
        ),
        ({"class": "CyclicLR", "base_lr": 0.1, "max_lr": 1.0}, (), "momentum"),
    ],
)
def test_a_bad_schedule_is_refused(schedule: dict[str, Any], key: tuple[str | int, ...], words: str) -> None:
    with pytest.raises(InputError) as caught:
        optimizer_factory("x", "Adagrad", {}, schedule=schedule)
    assert words in str(caught.value)
    assert caught.value.key == ("optimizers", "x", "schedule", *key)


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
        with pytest.raises(InputError, match="'mine' stands in the current folder"):
            optimizer_factory("x", name, {})


def test_a_current_folder_by_another_name_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "here" / "mine.py")
    (tmp_path / "alias").symlink_to("here")
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.syspath_prepend(str(tmp_path / "alias"))
    with pytest.raises(InputError, match="'mine' stands in the current folder"):
        optimizer_factory("x", "mine.Best", {})


@pytest.mark.parametrize("folder", ["evil-packages", "site-packages"])
def test_a_folder_that_names_itself_installed_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    here = tmp_path / folder
    put(here / "mine.py")
    put(here / "mine.pth", str(here))
    monkeypatch.chdir(here)
    monkeypatch.syspath_prepend(str(here))
    with pytest.raises(InputError, match="'mine' stands in the current folder"):
        optimizer_factory("x", "mine.Best", {})


BEST = "import torch\nclass Best(torch.optim.SGD): pass\n"


@pytest.mark.parametrize("how", ["editable", "linked", "plain"])
def test_what_is_installed_from_the_current_folder_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    package, packages = f"mine_{how}", tmp_path / "site-packages"
    packages.mkdir()
    here = packages if how == "plain" else tmp_path / "here"
    put(here / package / "__init__.py", BEST)
    if how == "editable":
        put(packages / "mine.pth", f"\n{here}")
        monkeypatch.syspath_prepend(str(here))
    if how == "linked":
        (packages / package).symlink_to(here / package)
    monkeypatch.syspath_prepend(str(packages))
    monkeypatch.setattr("site.getsitepackages", lambda: [str(packages)])
    monkeypatch.chdir(here)
    assert optimizer_factory("x", f"{package}.Best", {}).class_.__name__ == "Best"


@pytest.mark.parametrize(
    "text", ["raise SystemExit('this ran')", "def __getattr__(name): raise SystemExit('this ran')"]
)
def test_a_package_that_ends_python_ends_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    package = f"farewell_{len(text)}"
    put(tmp_path / f"{package}.py", text)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(InputError, match="cannot be imported: this ran") as caught:
        optimizer_factory("x", f"{package}.Best", {})
    assert caught.value.key == ("optimizers", "x", "class")


def test_a_package_that_fails_to_import_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_package.py").write_text("import a_package_that_is_not_there")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(InputError, match="'broken_package' cannot be imported: No module named 'a_package"):
        optimizer_factory("x", "broken_package.Best", {})


def test_a_third_party_class_is_known_by_what_it_does() -> None:
    pytest.importorskip("pytorch_optimizer")
    assert optimizer_factory("x", "pytorch_optimizer.Lion", {}).batching_modes == tuple(BatchingMode)
    assert optimizer_factory("x", "pytorch_optimizer.AliG", {}).needs_closure
    assert optimizer_factory("x", "pytorch_optimizer.Kron", {}).batching_modes == (BatchingMode.SEPARATE,)
    assert optimizer_factory("x", "pytorch_optimizer.AdaHessian", {}).needs_graph
    with pytest.raises(InputError, match="Lookahead wraps another optimizer: give it optimizer:"):
        optimizer_factory("x", "pytorch_optimizer.Lookahead", {})


def test_trying_a_class_out_leaves_the_random_numbers_alone() -> None:
    pytest.importorskip("pytorch_optimizer")
    before = torch.get_rng_state()
    optimizer_factory("x", "pytorch_optimizer.Kron", {})
    assert torch.equal(torch.get_rng_state(), before)
