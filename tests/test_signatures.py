from __future__ import annotations

import ast
import inspect
import subprocess
import sys

import pytest
import torch
from torch.optim import lr_scheduler

from gdsim.config import signatures

OPTIMIZERS = {
    name: found
    for name, found in vars(torch.optim).items()
    if isinstance(found, type) and issubclass(found, torch.optim.Optimizer) and found is not torch.optim.Optimizer
}
SCHEDULES = {
    name: found
    for name, found in vars(lr_scheduler).items()
    if isinstance(found, type)
    and issubclass(found, lr_scheduler.LRScheduler)
    and found is not lr_scheduler.LRScheduler
    and not name.startswith("_")
}


def value(written: str) -> object:
    """Compute a default from its source text; division is the only arithmetic among them."""
    left, slash, right = written.partition(" / ")
    return float(left) / float(right) if slash else ast.literal_eval(written)


def test_every_public_class_is_offered() -> None:
    assert set(signatures.optimizers()) == set(OPTIMIZERS)
    assert set(signatures.schedules()) == set(SCHEDULES)


def test_names_come_in_alphabetical_order() -> None:
    for offered in (signatures.optimizers(), signatures.schedules()):
        assert list(offered) == sorted(offered, key=str.casefold)


@pytest.mark.parametrize("name", [*OPTIMIZERS, *SCHEDULES])
def test_arguments_and_defaults_are_those_of_the_class(name: str) -> None:
    signature = {**signatures.optimizers(), **signatures.schedules()}[name]
    real = inspect.signature({**OPTIMIZERS, **SCHEDULES}[name]).parameters
    expected = {key: parameter for key, parameter in real.items() if key not in {"params", "optimizer"}}
    assert signature.name == name
    assert list(signature.arguments) == list(signature.annotations) == list(expected)
    for argument, parameter in expected.items():
        if parameter.default is parameter.empty:
            assert signature.arguments[argument] == ""
        else:
            assert value(signature.arguments[argument]) == parameter.default


def test_defaults_read_as_a_person_writes_them() -> None:
    assert signatures.optimizers()["Adam"].arguments["lr"] == "1e-3"
    assert signatures.optimizers()["Adam"].arguments["betas"] == "(0.9, 0.999)"
    assert signatures.optimizers()["Adam"].annotations["amsgrad"] == "bool"


@pytest.mark.parametrize("name", [*OPTIMIZERS, *SCHEDULES])
def test_summary_is_one_sentence(name: str) -> None:
    summary = {**signatures.optimizers(), **signatures.schedules()}[name].summary
    assert summary.endswith(".")
    assert ". " not in summary
    assert "\n" not in summary


def test_reading_does_not_import_torch() -> None:
    program = """if True:
        import sys
        from gdsim.config import signatures
        assert "SGD" in signatures.optimizers() and "StepLR" in signatures.schedules()
        sys.exit("torch" in sys.modules)
    """
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
