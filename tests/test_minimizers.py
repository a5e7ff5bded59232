"""Paths of minimizers: SciPy's against direct calls, Newton's and line searches against closed forms and mpmath."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import mpmath
import numpy as np
import pytest
import scipy.optimize
import torch

import gdsim
from gdsim import Stop, descend, loads, objective, simulate
from gdsim.analysis import Tuning, plan_study
from gdsim.config import signatures
from gdsim.errors import ConfigError, InputError
from gdsim.simulation import read, save
from gdsim.sweeps.paths import paths_at
from tests.commands import call

START = [-0.5, 0.8]
ROSENBROCK = objective("rosenbrock")
MATRIX = np.array([[7.0, 2.0], [2.0, 3.0]])
QUADRATIC = objective("3.5x^2 + 2x*y + 1.5y^2", bounds=[[-5, 5], [-5, 5]])
SCIPY = {
    "Nelder-Mead": 0,
    "Powell": 0,
    "CG": 1,
    "BFGS": 1,
    "L-BFGS-B": 1,
    "TNC": 1,
    "Newton-CG": 2,
    "trust-exact": 2,
    "trust-krylov": 2,
    "trust-ncg": 2,
}


class Counting:
    """A function with its derivatives, by autograd, that counts its calls."""

    def __init__(self, of):
        self.of, self.calls = of, [0, 0, 0]

    def value(self, point):
        self.calls[0] += 1
        return self.of.f(torch.tensor(point)).item()

    def gradient(self, point):
        self.calls[1] += 1
        inputs = torch.tensor(point, requires_grad=True)
        self.of.f(inputs).backward()
        return inputs.grad.numpy()

    def hessian(self, point):
        self.calls[2] += 1
        return torch.autograd.functional.hessian(self.of.f, torch.tensor(point)).numpy()


def direct(of, method, start, steps=10_000, bounds=None, **options):
    """Return the points and counts of a call of SciPy, with a callback of its own."""
    calls, derivatives = Counting(of), SCIPY[method]
    points, counts = [np.array(start)], [[1, min(derivatives, 1), 0]]

    def callback(point):
        points.append(point.copy())
        counts.append(list(calls.calls))

    jac, hess = calls.gradient if derivatives else None, calls.hessian if derivatives > 1 else None
    scipy.optimize.minimize(
        calls.value, start, method=method, jac=jac, hess=hess, bounds=bounds, callback=callback, options=options
    )
    return np.array(points[: steps + 1]), np.array(counts[: steps + 1])


@pytest.mark.parametrize("steps", [0, 7, 150])
@pytest.mark.parametrize("method", SCIPY)
def test_iterates_and_counts_of_scipy_are_those_of_a_direct_call(method, steps):
    points, counts = direct(ROSENBROCK, method, START, steps)
    path = descend(ROSENBROCK, f"scipy.{method}", start=START, steps=steps)
    rows = len(points)
    np.testing.assert_array_equal(path.points[:rows, 0], points)
    np.testing.assert_array_equal(np.stack([*path.counts.values()], -1)[:rows, 0], counts)
    values, gradients, hessians = counts.T
    np.testing.assert_array_equal(path.evaluations[:rows, 0], np.maximum(values, gradients) + 2 * hessians)
    assert (path.points[rows:, 0] == points[-1]).all()
    assert path.stops[0] is (Stop.RAN if rows == steps + 1 else Stop.CONVERGED)


def test_options_and_bounds_reach_scipy():
    simplex, box = [[-0.5, 0.8], [0.0, 0.0], [1.0, 3.0]], [[-1.0, 0.5], [-1.0, 2.0]]
    for method, options in (("Nelder-Mead", {"initial_simplex": simplex}), ("L-BFGS-B", {"bounds": box, "maxcor": 2})):
        points, _ = direct(ROSENBROCK, method, START, **options)
        path = descend(ROSENBROCK, f"scipy.{method}", start=START, steps=len(points) + 5, args=options)
        np.testing.assert_array_equal(path.points[: len(points), 0], points)
    assert path.points[-1, 0, 0] == 0.5


@pytest.mark.parametrize("dim", [1, 3, 6])
@pytest.mark.parametrize("name", signatures.minimizers())
def test_every_minimizer_descends_from_several_starts_in_any_dimension(name, dim):
    starts = np.linspace(-1.2, 2.5, 3 * dim).reshape(3, dim)
    together = descend(objective("styblinski_tang", dim=dim), name, start=starts, steps=12)
    assert (together.values[-1] < together.values[0]).all()
    for index, start in enumerate(starts):
        alone = descend(objective("styblinski_tang", dim=dim), name, start=start, steps=12)
        np.testing.assert_array_equal(alone.points[:, 0], together.points[:, index])
        np.testing.assert_array_equal(alone.evaluations[:, 0], together.evaluations[:, index])


@pytest.mark.parametrize("line_search", ["none", "armijo", "exact"])
def test_newton_solves_a_quadratic_in_one_step(line_search):
    path = descend(QUADRATIC, "newton", start=[4.0, -3.0], steps=1, line_search=line_search)
    np.testing.assert_allclose(path.points[1, 0], 0, atol=1e-14)


def test_newton_converges_quadratically_like_one_in_many_digits():
    path = descend(ROSENBROCK, "newton", start=[1.2, 1.2], steps=20, line_search="none", gtol=0.0)
    with mpmath.workdps(60):
        x, y, errors = mpmath.mpf("1.2"), mpmath.mpf("1.2"), []
        for row in path.points[: path.stop_steps[0] + 1, 0]:
            assert abs(x - row[0]) + abs(y - row[1]) < 1e-11
            errors.append(mpmath.hypot(x - 1, y - 1))
            gradient = mpmath.matrix([-400 * x * (y - x**2) - 2 * (1 - x), 200 * (y - x**2)])
            hessian = mpmath.matrix([[1200 * x**2 - 400 * y + 2, -400 * x], [-400 * x, 200]])
            step = mpmath.lu_solve(hessian, gradient)
            x, y = x - step[0], y - step[1]
        orders = [mpmath.log(b) / mpmath.log(a) for a, b in pairwise(errors) if a < 1e-3]
    assert len(orders) >= 2
    assert min(orders) > 1.7
    assert path.counts["functions"].max() == 0
    assert (path.counts["hessians"][: len(errors), 0] == np.arange(len(errors))).all()


def test_newton_leads_downhill_where_the_hessian_is_not_positive_definite():
    saddle = objective("x^2 - y^2 + y^4/4")
    eigenvalues, gradient = np.array([2.0, -2 + 3 * 0.25]), np.array([2.0, -1 + 0.125])
    path = descend(saddle, "newton", start=[1.0, 0.5], steps=30, line_search="none", gtol=0.0)
    np.testing.assert_allclose(path.points[1, 0], [1.0, 0.5] - gradient / np.abs(eigenvalues), rtol=1e-14)
    np.testing.assert_allclose(path.points[-1, 0], [0, np.sqrt(2)], atol=1e-9)
    flat = descend(objective("x + 0*y", bounds=[[-9, 9], [-9, 9]]), "newton", start=[1.0, 1.0], steps=1)
    np.testing.assert_array_equal(flat.points[1, 0], [0.0, 1.0])


def test_exact_line_search_on_a_quadratic_has_the_closed_form():
    path = descend(QUADRATIC, "gradient_descent", start=[4.0, -3.0], steps=20)
    points, gradients = path.points[:, 0], path.gradients[:, 0]
    lengths = np.einsum("ki,ki->k", gradients, gradients) / np.einsum("ki,ij,kj->k", gradients, MATRIX, gradients)
    np.testing.assert_allclose(path.learning_rates[:-1, 0], lengths[:-1], rtol=1e-12)
    np.testing.assert_allclose(points[1:], points[:-1] - lengths[:-1, None] * gradients[:-1], rtol=1e-9)


@pytest.mark.parametrize("name", ["rosenbrock", "himmelblau", "rastrigin", "beale", "ackley"])
@pytest.mark.parametrize("method", ["gradient_descent", "newton"])
def test_exact_line_search_ends_where_the_gradient_is_orthogonal_and_the_value_is_lower(method, name):
    path = descend(objective(name), method, start=START, steps=20, line_search="exact")
    last = path.stop_steps[0]
    before, after = path.gradients[:last, 0], path.gradients[1 : last + 1, 0]
    steps = np.diff(path.points[: last + 1, 0], axis=0)
    assert last >= 2
    sizes = np.linalg.norm(steps, axis=1) * np.maximum(np.linalg.norm(before, axis=1), np.linalg.norm(after, axis=1))
    assert (np.abs(np.einsum("ki,ki->k", after, steps)) <= 1e-7 * sizes).all()
    assert (np.diff(path.values[: last + 1, 0]) <= 1e-14 * np.abs(path.values[:last, 0])).all()


@pytest.mark.parametrize("method", ["gradient_descent", "newton"])
def test_armijo_s_condition_holds_and_no_longer_step_of_the_sequence_fulfils_it(method):
    settings = {"line_search": "armijo", "c1": 0.3, "shrink": 0.6, "initial_step": 0.9}
    path = descend(ROSENBROCK, method, start=START, steps=12, **settings)
    for k in range(12):
        point, gradient, length = path.points[k, 0], path.gradients[k, 0], path.learning_rates[k, 0]
        direction = (path.points[k + 1, 0] - point) / length
        assert np.log(length / 0.9) / np.log(0.6) == pytest.approx(round(np.log(length / 0.9) / np.log(0.6)))

        def fulfilled(t, point=point, direction=direction, gradient=gradient, k=k):
            decrease = path.values[k, 0] + 0.3 * t * gradient @ direction
            return ROSENBROCK.values(point + t * direction) <= decrease

        assert fulfilled(length)
        assert length == 0.9 or not fulfilled(length / 0.6)


def test_counts_of_line_searches_are_those_of_the_evaluated_points(monkeypatch):
    kinds = {"values": "functions", "gradients": "gradients", "hessians": "hessians"}
    calls = dict.fromkeys(kinds.values(), 0)
    for method, kind in kinds.items():
        plain = getattr(gdsim.Objective, method)

        def counted(self, points, plain=plain, kind=kind):
            calls[kind] += np.shape(points) == (2,) and self is ROSENBROCK
            return plain(self, points)

        monkeypatch.setattr(gdsim.Objective, method, counted)
    for name in ("gradient_descent", "newton"):
        for search in ("exact", "armijo"):
            calls.update(dict.fromkeys(calls, 0))
            path = descend(ROSENBROCK, name, start=START, steps=9, line_search=search)
            assert {kind: counts[-1, 0] for kind, counts in path.counts.items()} == calls


@pytest.mark.parametrize("name", ["newton", "gradient_descent"])
def test_a_method_ends_where_the_gradient_is_small(name):
    path = descend(ROSENBROCK, name, start=[1.1, 1.2], steps=5000, gtol=1e-3)
    sizes = np.abs(path.gradients[:, 0]).max(1)
    last = path.stop_steps[0]
    assert (sizes[:last] > 1e-3).all()
    assert sizes[last] <= 1e-3
    assert path.stops == (Stop.CONVERGED,)
    assert (path.evaluations[last:] == path.evaluations[last]).all()


def test_a_path_ends_where_values_are_not_finite():
    logarithm = objective("x - log(x)", bounds=[0.1, 9])
    for name in ("newton", "gradient_descent", "scipy.Nelder-Mead"):
        path = descend(logarithm, name, start=[5.0], steps=40, **({"line_search": "armijo"} if "." not in name else {}))
        assert path.points[-1, 0, 0] == pytest.approx(1, abs=1e-3)
    wild = descend(logarithm, "newton", start=[5.0], steps=9, line_search="none")
    assert wild.stops == (Stop.UNDEFINED,)
    assert (wild.points[:, 0] == 5.0).all()
    assert (wild.counts["gradients"][1:] == wild.counts["gradients"][0]).all()
    endless = descend(objective("-x^2", bounds=[-1, 1]), "gradient_descent", start=[0.5], steps=9)
    assert endless.stops == (Stop.DIVERGED,)


CONFIG = """
objective: rosenbrock
start: [[-0.5, 0.8], [1.2, 1.2]]
steps: 30
optimizers:
  newton: {line_search: exact}
  Adam: {lr: 0.1}
  BFGS: {class: scipy.BFGS, gtol: 1.0e-8}
"""


def test_an_experiment_mixes_minimizers_and_classes_of_torch_optim(tmp_path: Path):
    experiment = loads(CONFIG)
    newton, adam, bfgs = paths = simulate(experiment)
    assert [each.settings for each in paths] == [
        "from gdsim · exact line search",
        "Adam · lr 0.1",
        "from SciPy · gtol 10⁻⁸",
    ]
    alone = descend(ROSENBROCK, "Adam", lr=0.1, start=[START, [1.2, 1.2]], steps=30)
    np.testing.assert_array_equal(adam.points, alone.points)
    assert adam.counts == {}
    save(tmp_path / "run.npz", paths, experiment)
    for before, after in zip(paths, read(tmp_path / "run.npz")[1], strict=True):
        assert before.counts.keys() == after.counts.keys()
        for name in before.counts:
            np.testing.assert_array_equal(before.counts[name], after.counts[name])
        np.testing.assert_array_equal(before.learning_rates, after.learning_rates)
    assert np.isnan(bfgs.learning_rates).all()
    assert np.isfinite(newton.learning_rates).all()
    part = newton.subset(np.array([False, True]))
    np.testing.assert_array_equal(part.counts["hessians"], newton.counts["hessians"][:, 1:])


def test_a_table_counts_values_gradients_and_hessians():
    paths = dict(zip(("newton", "Adam", "BFGS"), simulate(loads(CONFIG)), strict=True))
    table = gdsim.compare(loads(CONFIG))
    for row in table:
        path = paths[row.optimizer]
        spent = path.counts or dict.fromkeys(("functions", "gradients"), path.evaluations) | {
            "hessians": np.zeros((31, 2))
        }
        told = (row.function_evaluations, row.gradient_evaluations, row.hessian_evaluations)
        assert told == tuple(np.median(spent[kind][-1]) for kind in ("functions", "gradients", "hessians"))
    headings = [column.heading for column in table.columns()]
    assert {"function values", "gradients", "Hessians"} <= {*headings}
    assert "A value and a gradient at one point are one evaluation" in table.caption
    plain = gdsim.compare(loads(CONFIG.replace("newton: {line_search: exact}", "SGD: {lr: 0.001}")))
    assert "Hessians" not in [column.heading for column in plain.columns()]


def test_a_picture_says_what_is_not_of_torch_optim_and_what_is_counted():
    one = CONFIG.replace("[[-0.5, 0.8], [1.2, 1.2]]", "[-0.5, 0.8]")
    view = "view: {panels: [loss, gradient_norm, learning_rate], against: evaluations}"
    experiment = loads(one + view)
    scene = gdsim.build_scene(simulate(experiment), view=experiment.view)
    assert scene.notes == ("not of torch.optim: newton and BFGS", "")
    assert scene.alt_text.startswith("Minimization of Rosenbrock, 30 steps. newton arrives")
    assert [panel.across for panel in scene.groups[0].panels] == ["evaluations"] * 3
    adam = gdsim.build_scene(simulate(experiment)[1:2], view=experiment.view)
    assert adam.notes == ()
    assert adam.alt_text.startswith("Gradient descent on")
    assert adam.groups[0].panels[0].across == "gradient evaluations"


def test_numbers_of_minimizers_are_tuned():
    experiment = loads("objective: booth\nsteps: 20\noptimizers: {newton: {}, gradient_descent: {line_search: armijo}}")
    plan = plan_study(experiment, starts=4, tuning=Tuning(("shrink",), budget=3, ranges={"shrink": (0.1, 0.9)}))
    assert plan.names == {"newton": ("shrink",), "gradient_descent": ("shrink",)}
    assert all(row.tuned.startswith("shrink 0.") for row in plan.run().table)
    with pytest.raises(InputError, match="no optimizer has a number 'lr' to tune; they have initial_step, c1, shrink"):
        plan_study(experiment, tuning=Tuning(("lr",)))


@pytest.mark.parametrize(
    ("x", "y"), [("start", "start"), ("optimizers.newton.c1", "start.1"), ("steps", "optimizers.newton.shrink")]
)
def test_cells_of_a_sweep_are_single_runs(x, y):
    ranges = {"start": "", "start.1": "", "steps": ", range: [3, 9]"}
    axes = [f"{{setting: {name}{ranges.get(name, ', range: [0.1, 0.9]')}}}" for name in (x, y)]
    config = loads(f"""
objective: himmelblau
start: [1.5, 1.0]
steps: 12
optimizers: {{newton: {{}}, NM: {{class: scipy.Nelder-Mead}}}}
sweep: {{x: {axes[0]}, y: {axes[1]}, size: [4, 3], show: [solved, evaluations, final_value]}}
""")
    swept = gdsim.sweep(config)
    shown = ("final_value", "evaluations", "solved")
    for row in range(3):
        for column in range(4):
            for index, path in enumerate(paths_at(config, [swept.x.values[column], swept.y.values[row]])):
                found = [swept.figures[name][index, row, column] for name in shown]
                (told,) = gdsim.compare([path])
                spent = np.nan if told.evaluations_to_tolerance is None else told.evaluations_to_tolerance
                np.testing.assert_array_equal(found, [told.final_value, spent, told.solved])


@pytest.mark.parametrize(
    ("settings", "code", "key", "words"),
    [
        ("{class: newtn}", "unknown-name", ("class",), "did you mean 'newton'?"),
        ("{class: scipy.bfgs}", "unknown-name", ("class",), "did you mean 'scipy.BFGS'?"),
        ("{class: scipy.BFGS, gtoll: 1}", "unknown-argument", ("gtoll",), "did you mean 'gtol'?"),
        ("{class: scipy.L-BFGS-B, maxcor: many}", "wrong-type", ("maxcor",), "must be a whole number"),
        ("{class: newton, line_search: wolfe}", "wrong-type", ("line_search",), "'armijo', 'exact' or 'none'"),
        ("{class: newton, noise: 1.0}", "unsupported", ("noise",), "is for classes of torch.optim, not for newton"),
        ("{class: scipy.CG, schedule: {class: StepLR, step_size: 9}}", "unsupported", ("schedule",), "torch.optim"),
        ("{class: newton, shrink: 2}", "invalid-value", (), "shrink must be above 0 and below 1, not 2"),
        ("{class: scipy.Nelder-Mead, initial_simplex: [[1, 2]]}", "invalid-value", (), "refuses its settings"),
    ],
)
def test_mistakes_are_reported_with_their_key(settings, code, key, words):
    with pytest.raises(ConfigError) as caught:
        simulate(loads(f"objective: booth\nsteps: 5\noptimizers: {{A: {settings}}}"))
    (problem,) = caught.value.problems
    assert (problem.code, problem.key) == (code, ("optimizers", "A", *key))
    assert words in problem.message


def test_networks_and_wrappers_refuse_minimizers():
    network = "{network: mlp, data: moons}"
    for settings in ("{class: newton}", "{class: Muon, rest: {class: scipy.BFGS}}"):
        with pytest.raises(ConfigError) as caught:
            simulate(loads(f"objective: {network}\nsteps: 5\noptimizers: {{A: {settings}}}"))
        assert caught.value.problems[0].code == "unsupported"
    with pytest.raises(InputError, match=r"not a class of torch\.optim"):
        descend(ROSENBROCK, "pytorch_optimizer.Lookahead", args={"optimizer": "newton"}, start=START, steps=3)


@pytest.mark.parametrize(("start", "note"), [((0, 1), True), ((1, 1), False)])
def test_a_run_says_where_newtons_method_has_no_step(tmp_path, start, note):
    """The second derivative of |x|^1.5 is infinite at 0."""
    changes = ("optimizers={N: {class: newton}}", f"start={[*start]}", "steps=5", "view.size=[160, 120]")
    words = [word for each in changes for word in ("--set", each)]
    done = call("run", "abs(x)^1.5 + y^2", "--format", "png", "-o", str(tmp_path), *words)
    assert done.exit_code == 0
    said = "\nN has no step from (0, 1): second derivatives are not finite there.\n"
    assert (said in done.stderr) == note
