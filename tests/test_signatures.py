"""The signatures that are shipped, against those of the installed torch and SciPy, and of our own minimizers."""

from __future__ import annotations

import importlib.metadata
import inspect
import json
import subprocess
import sys
import typing
from dataclasses import astuple

import pytest
from scipy.optimize import _lbfgsb_py, _optimize, _tnc, _trustregion

from gdsim.config import signatures
from gdsim.optimizers.methods import gradient_descent, newton
from gdsim.optimizers.minimizer import METHODS

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


SOLVERS = {
    "Nelder-Mead": _optimize._minimize_neldermead,
    "Powell": _optimize._minimize_powell,
    "CG": _optimize._minimize_cg,
    "BFGS": _optimize._minimize_bfgs,
    "L-BFGS-B": _lbfgsb_py._minimize_lbfgsb,
    "TNC": _tnc._minimize_tnc,
    "Newton-CG": _optimize._minimize_newtoncg,
    "trust-exact": _trustregion._minimize_trust_region,
    "trust-krylov": _trustregion._minimize_trust_region,
    "trust-ncg": _trustregion._minimize_trust_region,
}
PASSED = {"fun", "func", "x0", "args", "jac", "hess", "hessp", "callback", "workers", "unknown_options", "subproblem"}
UNUSED = {"disp", "iprint", "mesg_num", "return_all", "eps", "finite_diff_rel_step", "inexact"}
"""Options for output, and for derivatives by finite differences."""
INTEGERS = {"maxiter", "maxfev", "maxfun", "maxcor", "maxls", "maxCGit", "minfev", "subproblem_maxiter"}
VECTORS, MATRICES = {"scale", "offset"}, {"bounds", "initial_simplex", "direc", "hess_inv0"}


def minimizers_as_data() -> dict:
    """Return what the file of minimizers must hold for the installed SciPy."""
    own = {each.__name__: own_arguments(each) for each in (gradient_descent, newton)}
    return own | {f"scipy.{name}": scipy_options(solver) for name, solver in SOLVERS.items()}


def own_arguments(function) -> dict:
    hints, parameters = typing.get_type_hints(function), inspect.signature(function).parameters
    forms = {hint: {"enum": [*typing.get_args(hint)]} for hint in hints.values()} | {float: {"type": "number"}}
    keywords = [each for each in parameters.values() if each.kind is each.KEYWORD_ONLY]
    return {each.name: [repr(each.default), forms[hints[each.name]]] for each in keywords}


def scipy_options(solver) -> dict:
    number, whole = {"type": "number"}, {"type": "integer"}
    vector = {"type": "array", "items": number}
    found = {}
    for name, each in inspect.signature(solver).parameters.items():
        if name in PASSED | UNUSED:
            continue
        form = {"type": "boolean"} if isinstance(each.default, bool) else number
        form = whole if name in INTEGERS else vector if name in VECTORS else form
        form = {"type": "array", "items": vector} if name in MATRICES else form
        found[name] = [repr(each.default), {"anyOf": [form, {"type": "null"}]} if each.default is None else form]
    return found


def test_the_file_of_minimizers_is_that_of_the_installed_scipy():
    stored = json.loads(signatures.MINIMIZERS.read_text(encoding="utf-8"))
    assert stored == minimizers_as_data(), "write it anew: python -m tests.test_signatures"
    assert stored.keys() == METHODS.keys()


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
    for file, data in ((signatures.DATA, as_data()), (signatures.MINIMIZERS, minimizers_as_data())):
        file.write_text(f"{json.dumps(data, indent=1)}\n", encoding="utf-8")
