from __future__ import annotations

import inspect
import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.optim import lr_scheduler

from gdsim import Objective, Trajectory, descend, loads, objective, simulate
from gdsim.errors import ConfigError, InputError
from gdsim.optimizers import BatchingMode, optimizer_factory, rng
from gdsim.simulation.experiments import check

HIMMELBLAU = objective("himmelblau")
SPHERE = objective("sphere")
STARTS = [[-0.5, 4.2], [3.0, -3.5], [-4.0, -0.3]]

Build = Callable[[Tensor], torch.optim.Optimizer]

# A plain loop that creates the graph through backward() is warned of a cycle, which it then breaks.
pytestmark = pytest.mark.filterwarnings("ignore:Using backward:UserWarning")


def plain(
    of: Objective,
    build: Build,
    start: list[float],
    steps: int,
    *,
    closure: bool = False,
    graph: bool = False,
    seed: int | None = None,
    disturb: Callable[[Tensor], None] = lambda x: None,  # noqa: ARG005
    schedule: Callable[[torch.optim.Optimizer], Any] | None = None,
) -> dict[str, np.ndarray]:
    """What everyone writes: one point, one leaf tensor, one loop."""
    if seed is not None:
        torch.manual_seed(seed)
    x = torch.nn.Parameter(torch.tensor(start, dtype=torch.float64))
    optimizer = build(x)
    if callable(train := getattr(optimizer, "train", None)):
        train()
    scheduler = schedule(optimizer) if schedule else None
    rows: dict[str, list[Any]] = {"points": [], "values": [], "gradients": []}

    def evaluate() -> Tensor:
        optimizer.zero_grad()
        with torch.enable_grad():
            loss = of.f(x)
            loss.backward(create_graph=graph)
        return loss.detach()

    for _ in range(steps + 1):
        loss = evaluate()
        rows["points"].append(x.tolist())
        rows["values"].append(loss.item())
        rows["gradients"].append(x.grad.tolist())
        disturb(x)
        optimizer.step(evaluate) if closure else optimizer.step()
        if scheduler is not None:
            scheduler.step()
    return {name: np.array(row) for name, row in rows.items()}


def assert_same(trajectory: Trajectory, expected: Mapping[str, np.ndarray], start: int) -> None:
    end = len(trajectory.values)
    if trajectory.stops[start].failed:
        end = int(trajectory.stop_steps[start]) + 1
    assert end > 5
    for name, rows in expected.items():
        np.testing.assert_array_equal(getattr(trajectory, name)[:end, start], rows[:end], err_msg=name)


def assert_follows(
    class_: Any, arguments: dict[str, Any], build: Build, *, steps: int = 40, of: Objective = HIMMELBLAU, **how: Any
) -> Trajectory:
    """Descend from all starts, and hold each path to the plain loop."""
    path = descend(of, class_, start=STARTS, steps=steps, label="x", args=arguments)
    for index, start in enumerate(STARTS):
        seed = int(rng("torch x", 0, index).integers(2**63))
        state = torch.get_rng_state()
        assert_same(path, plain(of, build, start, steps, seed=seed, **how), index)
        torch.set_rng_state(state)
    return path


def third_party(name: str) -> Any:
    return getattr(pytest.importorskip("pytorch_optimizer"), name)


@pytest.mark.parametrize("of", [HIMMELBLAU, objective("rosenbrock"), objective("ackley"), objective("rastrigin")])
@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("AdaHessian", {"lr": 0.1}),
        ("AdaHessian", {"lr": 0.1, "num_samples": 3, "hessian_distribution": "gaussian", "update_period": 2}),
        ("AdaHessian", {"lr": 0.05, "weight_decay": 0.1, "foreach": False}),
        ("SophiaH", {"lr": 0.5, "p": 0.3, "update_period": 3}),
    ],
)
def test_a_class_that_differentiates_the_gradient_is_given_its_graph(
    name: str, arguments: dict[str, Any], of: Objective
) -> None:
    class_ = third_party(name)
    assert optimizer_factory("x", f"pytorch_optimizer.{name}", arguments).needs_graph
    path = assert_follows(f"pytorch_optimizer.{name}", arguments, lambda x: class_([x], **arguments), of=of, graph=True)
    assert path.evaluations[-1].tolist() == [41, 41, 41]


@pytest.mark.parametrize("clip_norm", [None, 0.7])
@pytest.mark.parametrize("noise", [0.0, 0.3])
def test_a_disturbed_gradient_keeps_its_graph(noise: float, clip_norm: float | None) -> None:
    class_ = third_party("AdaHessian")
    path = descend(
        HIMMELBLAU, class_, start=STARTS, steps=20, label="x", noise=noise, clip_norm=clip_norm, lr=0.1, seed=3
    )
    for index, start in enumerate(STARTS):
        draw = rng("noise x", 3, index)
        normal = iter(noise * draw.standard_normal((64, 2)))

        def disturb(x: Tensor, normal: Any = normal) -> None:
            if noise:
                x.grad.add_(torch.from_numpy(next(normal)))
            if clip_norm is not None:
                torch.nn.utils.clip_grad_norm_([x], clip_norm)

        seed = int(rng("torch x", 3, index).integers(2**63))
        expected = plain(HIMMELBLAU, lambda x: class_([x], lr=0.1), start, 20, graph=True, seed=seed, disturb=disturb)
        assert_same(path, expected, index)


SGD = {"class": "SGD", "lr": 0.003, "momentum": 0.9}
SAM_LIKES: list[tuple[str, dict[str, Any], Callable[[Any, Tensor], torch.optim.Optimizer], list[int]]] = [
    (
        "SAM",
        {"base_optimizer": SGD, "rho": 0.1},
        lambda class_, x: class_([x], torch.optim.SGD, rho=0.1, lr=0.003, momentum=0.9),
        [1, 3, 5],
    ),
    (
        "SAM",
        {"base_optimizer": "Adam", "lr": 0.1, "adaptive": True},
        lambda class_, x: class_([x], torch.optim.Adam, lr=0.1, adaptive=True),
        [1, 3, 5],
    ),
    ("FriendlySAM", {"base_optimizer": SGD}, lambda c, x: c([x], torch.optim.SGD, lr=0.003, momentum=0.9), [1, 3, 5]),
    ("LookSAM", {"base_optimizer": SGD}, lambda c, x: c([x], torch.optim.SGD, lr=0.003, momentum=0.9), [1, 3, 4]),
    (
        "WSAM",
        {"base_optimizer": SGD},
        lambda c, x: c(torch.nn.ParameterList([x]), [x], torch.optim.SGD, lr=0.003, momentum=0.9),
        [1, 3, 5],
    ),
    ("BSAM", {"num_data": 9, "lr": 0.1}, lambda class_, x: class_([x], num_data=9, lr=0.1), [1, 4, 7]),
    ("AliG", {}, lambda class_, x: class_([x]), [1, 2, 3]),
    ("AliG", {"max_lr": 0.01, "momentum": 0.9}, lambda c, x: c([x], max_lr=0.01, momentum=0.9), [1, 2, 3]),
    ("EmoNavi", {"lr": 0.1}, lambda class_, x: class_([x], lr=0.1), [1, 2, 3]),
    ("EmoFact", {"lr": 0.1}, lambda class_, x: class_([x], lr=0.1), [1, 2, 3]),
]


@pytest.mark.parametrize(
    ("name", "arguments", "build", "evaluations"), SAM_LIKES, ids=[f"{each[0]}-{each[1]}" for each in SAM_LIKES]
)
def test_a_class_that_evaluates_by_itself_is_given_a_closure(
    name: str,
    arguments: dict[str, Any],
    build: Callable[[Any, Tensor], torch.optim.Optimizer],
    evaluations: list[int],
) -> None:
    class_ = third_party(name)
    assert optimizer_factory("x", f"pytorch_optimizer.{name}", arguments).needs_closure
    path = assert_follows(f"pytorch_optimizer.{name}", arguments, lambda x: build(class_, x), closure=True)
    assert path.evaluations[:3, 0].tolist() == evaluations


WRAPPERS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("Lookahead", {"k": 3, "alpha": 0.7}, {}),
    ("Lookahead", {"pullback_momentum": "pullback"}, {}),
    ("ScheduleFreeWrapper", {}, {}),
    ("TRAC", {}, {}),
    ("PCGrad", {}, {}),
    ("OrthoGrad", {}, {}),
    ("Magma", {}, {}),
]


@pytest.mark.parametrize(("name", "own", "how"), WRAPPERS)
def test_a_wrapper_is_given_what_it_wraps(name: str, own: dict[str, Any], how: dict[str, Any]) -> None:
    class_ = third_party(name)

    def build(x: Tensor) -> torch.optim.Optimizer:
        built: torch.optim.Optimizer = class_(torch.optim.SGD([x], lr=0.003, momentum=0.9), **own)
        return built

    path = assert_follows(f"pytorch_optimizer.{name}", {"optimizer": SGD, **own}, build, steps=70, **how)
    assert path.learning_rates[0, 0] == 0.003
    assert "optimizer SGD (lr 0.003, momentum 0.9)" in path.settings


@pytest.mark.parametrize(
    "arguments",
    [
        {"optimizer": {"class": "Adam", "lr": 0.1}, "k": 4},
        {"optimizer": "Adam", "lr": 0.1, "k": 4},
        {"optimizer": torch.optim.Adam, "lr": 0.1, "k": 4},
        {"optimizer": {"class": "torch.optim.Adam"}, "lr": 0.1, "k": 4},
    ],
)
def test_what_is_wrapped_is_written_in_one_place_or_beside(arguments: dict[str, Any]) -> None:
    class_ = third_party("Lookahead")
    assert_follows(class_, arguments, lambda x: class_(torch.optim.Adam([x], lr=0.1), k=4))


def test_wrappers_wrap_wrappers_and_what_wants_a_closure_or_a_matrix() -> None:
    lookahead, sam, trac, hessian = map(third_party, ["Lookahead", "SAM", "TRAC", "AdaHessian"])
    inner = {"class": "pytorch_optimizer.SAM", "base_optimizer": {"class": "SGD", "lr": 0.003}}
    assert_follows(
        lookahead,
        {"optimizer": inner},
        lambda x: lookahead(sam([x], torch.optim.SGD, lr=0.003)),
        closure=True,
    )
    nested = {"class": "pytorch_optimizer.Lookahead", "optimizer": {"class": "Adam", "lr": 0.1}}
    assert_follows(trac, {"optimizer": nested}, lambda x: trac(lookahead(torch.optim.Adam([x], lr=0.1))))
    path = descend(HIMMELBLAU, lookahead, start=STARTS, steps=9, args={"optimizer": "LBFGS"}, lr=0.1)
    assert path.evaluations[-1].min() > 10
    with pytest.raises(InputError) as caught:
        optimizer_factory("x", sam, {"base_optimizer": hessian})
    assert caught.value.key == ("optimizers", "x")
    assert_follows(lookahead, {"optimizer": hessian, "lr": 0.1}, lambda x: lookahead(hessian([x], lr=0.1)), graph=True)
    for matrix in ("Muon", "SparseAdam"):
        path = descend(HIMMELBLAU, lookahead, start=STARTS, steps=9, args={"optimizer": matrix, "lr": 0.1})
        assert np.isfinite(path.points).all()
        assert (path.points[-1] != path.points[0]).any()


def test_a_schedule_turns_the_rate_of_what_is_wrapped() -> None:
    class_ = third_party("Lookahead")
    path = descend(
        HIMMELBLAU,
        class_,
        start=STARTS,
        steps=30,
        args={"optimizer": SGD},
        schedule={"class": "StepLR", "step_size": 9},
    )
    for index, start in enumerate(STARTS):
        expected = plain(
            HIMMELBLAU,
            lambda x: class_(torch.optim.SGD([x], lr=0.003, momentum=0.9)),
            start,
            30,
            schedule=lambda optimizer: lr_scheduler.StepLR(optimizer, 9),
        )
        assert_same(path, expected, index)
    assert path.learning_rates[20, 0] == pytest.approx(0.003 / 100)


def test_a_fused_step_inside_is_no_more_shared_than_one_alone() -> None:
    arguments = {"optimizer": {"class": "Adam", "fused": True}}
    third_party("Lookahead")
    assert optimizer_factory("x", "pytorch_optimizer.Lookahead", arguments).batching_modes == (BatchingMode.SEPARATE,)


class Clearing(torch.optim.SGD):
    """Clears the gradient before it evaluates, as SAM does, here without a move."""

    def step(self, closure: Any) -> None:  # type: ignore[override]
        for parameter in self.param_groups[0]["params"]:
            parameter.grad.mul_(7)
        self.zero_grad()
        closure()
        super().step()


def test_a_closure_gives_the_gradient_anew() -> None:
    path = assert_follows(Clearing, {"lr": 0.003, "momentum": 0.9}, lambda x: Clearing([x], 0.003, 0.9), closure=True)
    assert path.evaluations[-1].tolist() == [41, 41, 41]


class LateDrawer(torch.optim.SGD):
    """SGD that draws of each kind of random numbers, for the first time after many steps."""

    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        self.count = getattr(self, "count", 0) + 1
        if self.count > 20:
            kick = {0: torch.randn(1).item(), 1: np.random.random(), 2: random.random()}  # noqa: NPY002, S311
            for parameter in self.param_groups[0]["params"]:
                parameter.grad += kick[self.count % 3]
        super().step(closure)


class DrawsAtFirst(torch.optim.SGD):
    """SGD that draws when it is built, and never after."""

    def __init__(self, params: Any, lr: float = 0.003) -> None:
        super().__init__(params, lr)
        self.kick = torch.randn(1).item()

    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        for parameter in self.param_groups[0]["params"]:
            parameter.grad += self.kick
        super().step(closure)


@pytest.mark.parametrize("class_", [LateDrawer, DrawsAtFirst, "AdaHessian", "SophiaH", "BSAM", "Magma", "Kron"])
def test_random_numbers_belong_to_a_start(class_: Any) -> None:
    clip = {"lr": 0.5, "p": 1.0}
    arguments = {"BSAM": {"num_data": 2}, "Magma": {"optimizer": SGD}, "SophiaH": clip}.get(class_, {})
    class_ = third_party(class_) if isinstance(class_, str) else class_
    paths = []
    for seed, few in ((0, STARTS), (0, STARTS), (0, STARTS[:1]), (5, STARTS)):
        random.seed(len(paths))
        np.random.seed(len(paths))  # noqa: NPY002
        torch.manual_seed(len(paths))
        before = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002
        paths.append(descend(HIMMELBLAU, class_, start=few, steps=110, seed=seed, args=arguments).points)
        after = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002
        assert torch.equal(before[0], after[0])
        assert before[1:] == after[1:]
    np.testing.assert_array_equal(paths[0], paths[1])
    np.testing.assert_array_equal(paths[0][:, :1], paths[2])
    assert (paths[0][-1] != paths[3][-1]).any()
    assert class_ in {DrawsAtFirst} or (paths[0][1:, 0] != paths[0][1:, 1]).any()


NEEDED = {"Ranger21": {"num_iterations": 5}, "BSAM": {"num_data": 1}}
REFUSED = {
    "AdaGO": "groups with flags of its own",
    "AdaLOMO": "no step() of its own",
    "AdaMuon": "groups with flags of its own",
    "DeMo": "install `einops`",
    "DistributedMuon": "groups with flags of its own",
    "FAdam": "single-precision",
    "GSAM": "needs the argument 'rho_scheduler'",
    "LOMO": "no step() of its own",
    "Muon": "groups with flags of its own",
    "MuonClip": "groups with flags of its own",
    "NorMuon": "groups with flags of its own",
    "SafeFP16Optimizer": "no param_groups",
    "SpectralSphere": "matrices only",
}
RAW = ("Traceback", "Error(", "object at 0x", "<class", "Tensor.__", "NoneType", "grad_fn", "unexpected keyword")


def test_every_class_of_pytorch_optimizer_runs_or_says_in_a_line_why_not() -> None:
    package = pytest.importorskip("pytorch_optimizer")
    offered = {
        name: class_
        for name in dir(package)
        if inspect.isclass(class_ := getattr(package, name))
        and issubclass(class_, torch.optim.Optimizer)
        and class_ is not torch.optim.Optimizer
    }
    quadratic = objective("quadratic")
    refused: dict[str, str] = {}
    for name, class_ in offered.items():
        wrapped = [each for each in inspect.signature(class_).parameters if each in {"optimizer", "base_optimizer"}]
        arguments = NEEDED.get(name, {}) | {each: {"class": "SGD", "lr": 0.01} for each in wrapped}
        dotted = f"pytorch_optimizer.{name}"
        try:
            path = descend(quadratic, dotted, start=[[1.0, 2.0], [-2.0, 0.5]], steps=5, args=arguments)
        except InputError as error:
            refused[name] = error.message
        else:
            assert path.points.shape == (6, 2, 2), name
            assert np.isfinite(path.points).all(), name
    assert len(offered) - len(refused) >= 110
    assert [line for name, line in refused.items() if not line.startswith(name) or len(line.splitlines()) != 1] == []
    assert [line for line in refused.values() if not 20 < len(line) < 160] == []
    assert [line for line in refused.values() if any(raw in line for raw in RAW)] == []
    if package.__version__ == "4.1.0" if hasattr(package, "__version__") else len(offered) == 139:
        assert refused.keys() == REFUSED.keys() or refused.keys() == REFUSED.keys() - {"DeMo"}
        assert all(REFUSED[name] in line for name, line in refused.items())


class Backward(torch.optim.SGD):
    def step(self, closure: Any) -> None:  # type: ignore[override]
        closure().backward()


class Stepless(torch.optim.Optimizer):
    def __init__(self, params: Any) -> None:
        super().__init__(params, {})


class Particular(torch.optim.SGD):
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        if closure is None:
            raise RuntimeError("a closure is needed")
        raise RuntimeError("only on Sundays")


@pytest.mark.parametrize(
    ("class_", "arguments", "key", "code"),
    [
        (Backward, {}, "", "invalid-value"),
        (Stepless, {}, "", "invalid-value"),
        (Particular, {}, "", "invalid-value"),
        ("Lookahead", {}, "", "missing"),
        ("SAM", {}, "", "missing"),
        ("Lookahead", {"optimizer": {"lr": 1}}, "optimizer", "missing"),
        ("Lookahead", {"optimizer": 3}, "optimizer", "missing"),
        ("Lookahead", {"optimizer": "SDG"}, "optimizer.class", "unknown-name"),
        ("Lookahead", {"optimizer": "SGD", "lerning_rate": 1}, "optimizer.lerning_rate", "unknown-argument"),
        ("SAM", {"base_optimizer": "SGD", "lerning_rate": 1}, "base_optimizer.lerning_rate", "unknown-argument"),
        ("Lookahead", {"optimizer": {"class": "SGD", "lr": 1}, "lr": 2}, "lr", "duplicate"),
        ("Lookahead", {"optimizer": {"class": "SGD", "lr": -1}}, "", "invalid-value"),
        (
            "SAM",
            {"base_optimizer": {"class": "pytorch_optimizer.Lookahead", "optimizer": "SGD"}},
            "",
            "invalid-value",
        ),
    ],
)
def test_what_cannot_run_is_refused(class_: Any, arguments: dict[str, Any], key: str, code: str) -> None:
    class_ = third_party(class_) if isinstance(class_, str) else class_
    with pytest.raises(InputError) as caught:
        optimizer_factory("x", class_, arguments)
    assert "\n" not in str(caught.value)
    assert (".".join(caught.value.key[2:]), caught.value.code) == (key, code)


# As torch_optimizer and timm write it: an instance, whose parameter groups it shares, and nothing beside.
PACKAGE = """\
import torch

class Lookahead(torch.optim.Optimizer):
    def __init__(self, base_optimizer, alpha=0.5, k=6):
        self._base_optimizer = base_optimizer
        self.param_groups, self.state = base_optimizer.param_groups, base_optimizer.state
        self._optimizer_step_pre_hooks, self._optimizer_step_post_hooks = {}, {}
        self.defaults = base_optimizer.defaults
        self.alpha, self.k, self.count, self.slow = alpha, k, 0, None

    @torch.no_grad()
    def step(self, closure=None):
        points = self.param_groups[0]["params"]
        self.slow = self.slow or [point.clone() for point in points]
        loss = self._base_optimizer.step(closure)
        self.count += 1
        if self.count % self.k == 0:
            for point, slow in zip(points, self.slow):
                slow.add_(point - slow, alpha=self.alpha)
                point.copy_(slow)
        return loss

class SAM(torch.optim.Optimizer):
    def __init__(self, params, base_optimizer, rho=0.05, **kwargs):
        super().__init__(params, dict(rho=rho, **kwargs))
        self.base_optimizer = base_optimizer(self.param_groups, **kwargs)
        self.param_groups = self.base_optimizer.param_groups

    @torch.no_grad()
    def step(self, closure=None):
        assert closure is not None, "Sharpness Aware Minimization requires closure, but it was not provided"
        point, = self.param_groups[0]["params"]
        old = point.clone()
        point.add_(point.grad, alpha=self.param_groups[0]["rho"] / (point.grad.norm() + 1e-12).item())
        self.zero_grad()
        torch.enable_grad()(closure)()
        point.copy_(old)
        self.base_optimizer.step()
"""


def test_wrappers_of_any_installed_package_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "some_optimizers.py").write_text(PACKAGE)
    (tmp_path / "some_optimizers-1.dist-info").mkdir()
    (tmp_path / "some_optimizers-1.dist-info/METADATA").write_text("Name: some_optimizers\nRequires-Dist: torch\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    import some_optimizers  # type: ignore[import-not-found]

    inner = {"class": "Adam", "lr": 0.1}
    assert_follows(
        "some_optimizers.Lookahead",
        {"base_optimizer": inner, "k": 3},
        lambda x: some_optimizers.Lookahead(torch.optim.Adam([x], lr=0.1), k=3),
    )
    assert_follows(
        "some_optimizers.SAM",
        {"base_optimizer": inner, "rho": 0.2},
        lambda x: some_optimizers.SAM([x], torch.optim.Adam, rho=0.2, lr=0.1),
        closure=True,
    )


OWN = """\
import torch
from numbers_of_mine import RATE

class Mine(torch.optim.SGD):
    def __init__(self, params, lr=RATE):
        super().__init__(params, lr)

class Deep:
    class Mine(Mine):
        pass

nothing = 3
"""
YAML = "objective: himmelblau\nstart: [1, 2]\nsteps: 9\noptimizers:\n  x: {{class: {}}}\n"


@pytest.mark.parametrize("reference", ["mine_too.py:Mine", "mine_too:Mine", "mine_too:Deep.Mine"])
def test_a_class_of_a_file_beside_the_configuration_runs_when_it_may(tmp_path: Path, reference: str) -> None:
    (tmp_path / "mine_too.py").write_text(OWN)
    (tmp_path / "numbers_of_mine.py").write_text("RATE = 0.004")
    experiment = loads(YAML.format(f'"{reference}"'), folder=tmp_path, allow_code=True)
    check(experiment)
    (path,) = simulate(experiment)
    expected = descend(HIMMELBLAU, "SGD", start=[1.0, 2.0], steps=9, lr=0.004)
    np.testing.assert_array_equal(path.points, expected.points)
    assert path.settings == "Mine · lr 0.004"
    assert loads(YAML.format(reference), folder=tmp_path, allow_code=True) == experiment


def test_a_class_of_a_file_may_be_wrapped(tmp_path: Path) -> None:
    third_party("Lookahead")
    (tmp_path / "mine_too.py").write_text(OWN)
    (tmp_path / "numbers_of_mine.py").write_text("RATE = 0.004")
    text = YAML.format("pytorch_optimizer.Lookahead, args: {optimizer: {class: mine_too.py:Mine, lr: 0.01}}")
    (path,) = simulate(loads(text, folder=tmp_path, allow_code=True))
    assert path.settings == "Lookahead · optimizer Mine (lr 0.01)"
    with pytest.raises(ConfigError) as caught:
        check(loads(text, folder=tmp_path))
    assert caught.value.code == "not-allowed"


@pytest.mark.parametrize(
    ("reference", "allowed", "code"),
    [
        ("mine_three.py:Mine", False, "not-allowed"),
        ("mine_three.py:Nothing", True, "unknown-name"),
        ("mine_three.py:nothing", True, "wrong-type"),
        ("mine_three.py:helper", True, "wrong-type"),
        ("not_here.py:Mine", True, "not-found"),
        ("os:Mine", True, "unsupported"),
    ],
)
def test_a_class_that_a_file_does_not_have_is_refused(tmp_path: Path, reference: str, allowed: bool, code: str) -> None:
    ran = tmp_path / "ran"
    (tmp_path / "mine_three.py").write_text(f"open({str(ran)!r}, 'w')\nnothing = 3\ndef helper(): pass\n")
    with pytest.raises(ConfigError, match=r"^race\.yaml:5:14: optimizers\.x\.class: ") as caught:
        check(loads(YAML.format(reference), file="race.yaml", folder=tmp_path, allow_code=allowed))
    assert caught.value.code == code
    assert ran.exists() == (allowed and "three" in reference)


@pytest.mark.parametrize(
    ("written", "location", "key", "code"),
    [
        ("class: 'mine.py:'", "5:14", "class", "invalid-value"),
        ("class: a/mine.py:Mine", "5:14", "class", "invalid-value"),
        ("class: mine:__init__", "5:14", "class", "not-allowed"),
        ("class: gdsim.X, optimizer: SDG", "5:34", "optimizer", "unknown-name"),
        ("class: gdsim.X, base_optimizer: {class: SDG}", "5:47", "base_optimizer.class", "unknown-name"),
        ("class: gdsim.X, optimizer: {class: SGD, lr: fast}", "5:51", "optimizer.lr", "wrong-type"),
        (
            "class: gdsim.X, args: {optimizer: {class: SGD, lerning_rate: 1}}",
            "5:54",
            "args.optimizer.lerning_rate",
            "unknown-argument",
        ),
        ("class: gdsim.X, optimizer: {lr: 1}", "5:34", "optimizer", "missing"),
        ("class: gdsim.X, optimizer: 3", "5:34", "optimizer", "missing"),
        ("class: SGD, optimizer: Adam", "5:19", "optimizer", "not-allowed"),
    ],
)
def test_a_mistake_in_what_is_wrapped_is_found_without_torch(written: str, location: str, key: str, code: str) -> None:
    text = YAML.replace("{{class: {}}}", f"{{{written}}}")
    with pytest.raises(ConfigError) as caught:
        loads(text, file="race.yaml")
    (problem,) = caught.value.problems
    assert str(problem.location) == f"race.yaml:{location}"
    assert (".".join(map(str, problem.key)), problem.code) == (f"optimizers.x.{key}", code)


class TakesTuple(torch.optim.Adam):
    def __init__(self, params: Any, lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999)) -> None:
        assert isinstance(betas, tuple)
        super().__init__(params, lr, betas)


def test_a_pair_reaches_the_class_as_a_tuple() -> None:
    given, plain = (
        descend(objective("sphere"), class_, start=[1.0, 2.0], steps=3, lr=0.1, betas=[0.5, 0.9])
        for class_ in (TakesTuple, torch.optim.Adam)
    )
    np.testing.assert_array_equal(given.points, plain.points)
