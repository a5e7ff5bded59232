"""The signatures of torch.optim that are shipped, against those of the installed torch."""

from __future__ import annotations

import importlib.metadata
import json
import subprocess
import sys
from dataclasses import astuple

import pytest

from gdsim.config import signatures

VERSION = importlib.metadata.version("torch").partition("+")[0]
KINDS = {"optimizers": signatures.optimizers, "schedules": signatures.schedules}


def as_data() -> dict:
    """Return what the file must hold for the installed torch."""
    classes = {
        kind: {
            name: {key: list(astuple(argument)) for key, argument in each.arguments.items()}
            for name, each in found.items()
        }
        for kind, found in signatures.inspect_torch().items()
    }
    return {"torch": VERSION, **classes}


def test_the_file_is_that_of_the_installed_torch():
    stored = json.loads(signatures.DATA.read_text(encoding="utf-8"))
    if stored["torch"] != VERSION:
        pytest.skip(f"the file is that of torch {stored['torch']}")
    assert stored == as_data(), "write it anew: python -m tests.test_signatures"


@pytest.mark.parametrize("kind", KINDS)
def test_names_come_in_alphabetical_order(kind):
    names = list(KINDS[kind]())
    assert names == sorted(names, key=str.casefold)
    assert {"optimizers": "Adam", "schedules": "StepLR"}[kind] in names


def test_defaults_and_types_are_those_of_the_class():
    adam = signatures.optimizers()["Adam"].arguments
    assert (adam["lr"].default, adam["betas"].default) == ("0.001", "(0.9, 0.999)")
    assert adam["lr"].schema == {"type": "number"}
    assert adam["betas"].schema == {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}
    assert signatures.schedules()["StepLR"].required == ["step_size"]
    assert str(signatures.schedules()["StepLR"]) == "step_size, gamma=0.1, last_epoch=-1"
    assert signatures.schedules()["LambdaLR"].arguments["lr_lambda"].schema == {"not": {}}


@pytest.mark.parametrize(("version", "imported"), [(VERSION, False), ("0.0.1", True)])
def test_torch_is_imported_only_if_its_version_is_another(version, imported):
    program = f"""if True:
        import importlib.metadata, sys
        known = importlib.metadata.version
        importlib.metadata.version = lambda name: {version!r} if name == "torch" else known(name)
        from gdsim.config import signatures
        assert "SGD" in signatures.optimizers() and "StepLR" in signatures.schedules()
        print("torch" in sys.modules)
    """
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(imported)


if __name__ == "__main__":
    text = json.dumps(as_data(), indent=1)
    signatures.DATA.write_text(f"{text}\n", encoding="utf-8")
