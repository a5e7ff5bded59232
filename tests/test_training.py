from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import chain, repeat
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import lr_scheduler
from torch.utils.data import DataLoader, TensorDataset

from gdsim import Trajectory, loads, simulate
from gdsim.config import signatures
from gdsim.errors import ConfigError, InputError
from gdsim.networks import Data, Network
from gdsim.networks.evaluation import Evaluator
from gdsim.optimizers import OptimizerFactory, optimizer_factory, rng, warning
from gdsim.simulation import Stop
from gdsim.simulation.experiments import check
from gdsim.simulation.training import kept_steps, train

STEPS = 12
SEED = 5

YAML = """
objective: {network: mlp, data: {name: moons, n: 60}, hidden: [5], batch_size: 16}
steps: 12
seed: 5
optimizers: {Adam: {lr: 0.05}, Muon: {rest: {class: Adam, lr: 0.01}}}
view: {plane: random, panels: []}
"""

Build = Callable[[nn.Module], torch.optim.Optimizer | list[torch.optim.Optimizer]]

pytestmark = pytest.mark.filterwarnings("ignore:Using backward:UserWarning")


@pytest.fixture(scope="module")
def data() -> Data:
    draw = np.random.default_rng(1)
    x = draw.normal(size=(50, 4)).astype(np.float32)
    y = (x @ draw.normal(size=(4, 3)).astype(np.float32)).argmax(1).astype(np.int64)
    return Data("made", x[:42], y[:42], x[42:], y[42:], classes=3, image=None)


def small(data: Data, *layers: nn.Module | Callable[[], nn.Module], batch_size: int = 16) -> Network:
    """A network of layers that are made anew each time."""
    made = layers or (lambda: nn.Linear(4, 6), nn.Tanh, lambda: nn.Linear(6, 3))

    def make() -> nn.Module:
        return nn.Sequential(*(each() for each in made))

    weights = sum(each.numel() for each in make().parameters())
    return Network("own", "own", data, make, "cross_entropy", batch_size, None, weights)


@pytest.fixture(scope="module")
def net(data: Data) -> Network:
    return small(data)


def shapes(of: Network) -> list[tuple[int, ...]]:
    return [tuple(each.shape) for each in of.make().parameters()]


def trained(of: Network, class_: Any, *, steps: int = STEPS, **how: Any) -> Trajectory:
    settings = how.pop("settings", {})
    chosen = optimizer_factory("x", class_, settings, shapes(of), **how)
    return train(of, [chosen], steps=steps, seed=SEED)[0]


def plain(
    of: Network,
    build: Build,
    *,
    steps: int = STEPS,
    closure: str = "",
    graph: bool = False,
    sparse: bool = False,
    disturb: Callable[[nn.Module], object] = lambda module: None,  # noqa: ARG005
    schedule: Callable[[torch.optim.Optimizer], Any] = lambda optimizer: None,  # noqa: ARG005
) -> tuple[np.ndarray, np.ndarray]:
    """What everyone writes: the loss of each mini-batch, and all weights where it was taken.

    `closure` is "only" where the closure makes the first gradient too, as for LBFGS, and "more" where it comes after
    one, as for SAM.
    """
    torch.manual_seed(SEED)
    module = of.make()
    built = build(module)
    optimizers = built if isinstance(built, list) else [built]
    for optimizer in optimizers:
        if callable(to_train := getattr(optimizer, "train", None)):
            to_train()
    schedulers = [schedule(optimizer) for optimizer in optimizers]
    examples = TensorDataset(torch.from_numpy(of.data.x), torch.from_numpy(of.data.y))
    shuffled = torch.Generator().manual_seed(SEED)
    loader = DataLoader(examples, batch_size=of.batch_size, shuffle=True, generator=shuffled)
    losses, rows = [], []
    for x, y in chain.from_iterable(repeat(loader)):
        rows.append(torch.cat([each.detach().flatten() for each in module.parameters()]).numpy())

        def evaluate(x: Tensor = x, y: Tensor = y) -> Tensor:
            module.zero_grad()
            with torch.enable_grad():
                loss = functional.cross_entropy(module(x), y)
                loss.backward(create_graph=graph)
            disturb(module)
            for each in module.parameters() if sparse else ():
                each.grad = each.grad.to_sparse()
            return loss.detach()

        if closure == "only":
            (optimizer,) = optimizers
            loss = torch.as_tensor(optimizer.step(evaluate))
        else:
            loss = evaluate()
            for optimizer in optimizers:
                optimizer.step(evaluate) if closure else optimizer.step()
        losses.append(loss.item())
        for scheduler in schedulers:
            if isinstance(scheduler, lr_scheduler.ReduceLROnPlateau):
                scheduler.step(loss.item())
            elif scheduler is not None:
                scheduler.step()
        if len(losses) > steps:
            return np.array(losses), np.array(rows)
    raise AssertionError


def assert_same(path: Trajectory, expected: tuple[np.ndarray, np.ndarray]) -> None:
    losses, rows = expected
    assert path.stops == (Stop.RAN,)
    assert path.training is not None
    np.testing.assert_array_equal(path.training.batch_losses, losses)
    np.testing.assert_array_equal(path.training.kept, np.arange(len(losses)))
    np.testing.assert_array_equal(path.training.weights, rows)
    assert path.training.weights.dtype == np.float32


def muon(module: nn.Module, **settings: Any) -> list[torch.optim.Optimizer]:
    matrices = [each for each in module.parameters() if each.ndim == 2]
    others = [each for each in module.parameters() if each.ndim != 2]
    return [torch.optim.Muon(matrices, **settings), torch.optim.AdamW(others)]


@pytest.mark.parametrize("name", sorted(signatures.optimizers()))
def test_every_class_of_torch_optim_trains_as_in_a_plain_loop(net: Network, name: str) -> None:
    build: Build = muon if name == "Muon" else lambda module: getattr(torch.optim, name)(module.parameters())
    how = {"LBFGS": {"closure": "only"}, "SparseAdam": {"sparse": True}}.get(name, {})
    assert_same(trained(net, name), plain(net, build, **how))


@pytest.mark.parametrize(
    "settings",
    [{"lr": 0.1, "momentum": 0.9, "nesterov": True}, {"lr": 0.1, "weight_decay": 0.1, "foreach": False}],
)
def test_settings_reach_the_class(net: Network, settings: dict[str, Any]) -> None:
    build: Build = lambda module: torch.optim.SGD(module.parameters(), **settings)  # noqa: E731
    assert_same(trained(net, "SGD", settings=settings), plain(net, build))


@pytest.mark.parametrize(
    "schedule",
    [
        {"class": "CosineAnnealingLR", "T_max": 12},
        {"class": "OneCycleLR", "max_lr": 0.1, "total_steps": 20},
        {"class": "ReduceLROnPlateau", "patience": 1, "factor": 0.5},
        {"class": "StepLR", "step_size": 3, "gamma": 0.3},
        {"class": "ExponentialLR", "gamma": 0.9},
    ],
    ids=lambda schedule: schedule["class"],
)
def test_a_schedule_takes_one_step_an_update(net: Network, schedule: dict[str, Any]) -> None:
    rates: list[float] = []

    def build(module: nn.Module) -> torch.optim.Optimizer:
        return torch.optim.SGD(module.parameters(), lr=0.5)

    def follow(optimizer: torch.optim.Optimizer) -> Any:
        settings = {name: value for name, value in schedule.items() if name != "class"}
        made = getattr(lr_scheduler, schedule["class"])(optimizer, **settings)
        optimizer.register_step_pre_hook(lambda *given: rates.append(given[0].param_groups[0]["lr"]))
        return made

    path = trained(net, "SGD", settings={"lr": 0.5}, schedule=schedule)
    assert_same(path, plain(net, build, schedule=follow))
    assert path.learning_rates[:, 0].tolist() == rates
    assert len(set(rates)) > 1


@pytest.mark.parametrize("sparse", [False, True])
def test_the_gradient_of_all_parameters_is_clipped_together(net: Network, sparse: bool) -> None:
    name = "SparseAdam" if sparse else "Adagrad"

    def clip(module: nn.Module) -> object:
        return nn.utils.clip_grad_norm_(module.parameters(), 0.3)

    path = trained(net, name, clip_norm=0.3)
    build: Build = lambda module: getattr(torch.optim, name)(module.parameters())  # noqa: E731
    assert_same(path, plain(net, build, disturb=clip, sparse=sparse))
    norms = np.linalg.norm(path.training.layer_gradients, axis=1)
    assert norms.max() <= 0.3 + 1e-6


@pytest.mark.parametrize("clip_norm", [None, 0.5])
def test_noise_is_that_of_the_label_and_the_seed(net: Network, clip_norm: float | None) -> None:
    normal = rng("noise x", SEED, 0)

    def disturb(module: nn.Module) -> None:
        drawn = torch.from_numpy(0.2 * normal.standard_normal(net.weights)).float()
        for each in module.parameters():
            part, drawn = drawn[: each.numel()], drawn[each.numel() :]
            each.grad += part.view_as(each)
        if clip_norm is not None:
            nn.utils.clip_grad_norm_(module.parameters(), clip_norm)

    build: Build = lambda module: torch.optim.Adam(module.parameters())  # noqa: E731
    expected = plain(net, build, disturb=disturb)
    assert_same(trained(net, "Adam", noise=0.2, clip_norm=clip_norm), expected)


def third_party(name: str) -> Any:
    return getattr(pytest.importorskip("pytorch_optimizer"), name)


@pytest.mark.parametrize("name", ["Lion", "Lamb", "ScheduleFreeAdamW", "AdaHessian", "SOAP"])
def test_a_class_from_elsewhere_trains_as_in_a_plain_loop(net: Network, name: str) -> None:
    class_ = third_party(name)
    path = trained(net, f"pytorch_optimizer.{name}")
    assert_same(path, plain(net, lambda module: class_(module.parameters()), graph=name == "AdaHessian"))


@pytest.mark.parametrize("name", ["SAM", "Lookahead"])
def test_a_class_that_wraps_another_trains_as_in_a_plain_loop(net: Network, name: str) -> None:
    class_ = third_party(name)

    def build(module: nn.Module) -> torch.optim.Optimizer:
        if name == "SAM":
            return class_(module.parameters(), torch.optim.SGD, lr=0.1)
        return class_(torch.optim.SGD(module.parameters(), lr=0.1))

    argument = "base_optimizer" if name == "SAM" else "optimizer"
    path = trained(net, f"pytorch_optimizer.{name}", settings={argument: {"class": "SGD", "lr": 0.1}})
    assert_same(path, plain(net, build, closure="more" if name == "SAM" else ""))
    assert path.evaluations[-1, 0] == (STEPS + 1) + (STEPS if name == "SAM" else 0)


def test_a_class_that_wants_the_model_is_given_the_module(net: Network) -> None:
    seen: list[Any] = []

    class Named(torch.optim.SGD):
        def __init__(self, model: nn.Module, lr: float = 0.1) -> None:
            seen.append(model)
            super().__init__(model.parameters(), lr)

    trained(net, Named)
    assert [*dict(seen[-1].named_parameters())] == ["0.weight", "0.bias", "2.weight", "2.bias"]


@pytest.mark.parametrize("name", ["Adam", "LBFGS"])
def test_dropout_draws_what_it_would_draw_in_a_plain_loop(data: Data, name: str) -> None:
    of = small(data, lambda: nn.Linear(4, 6), nn.Dropout, lambda: nn.Linear(6, 3))
    expected = plain(
        of, lambda module: getattr(torch.optim, name)(module.parameters()), closure="only" if name == "LBFGS" else ""
    )
    chosen = [optimizer_factory(label, name, {}, shapes(of)) for label in ("x", "y")]
    for path in train(of, chosen, steps=STEPS, seed=SEED):
        assert_same(path, expected)


def test_every_optimizer_trains_as_it_would_alone(net: Network) -> None:
    methods = [optimizer_factory(name, name, {}, shapes(net)) for name in ("SGD", "Muon", "LBFGS", "Adam")]
    methods[0] = replace(methods[0], color="#112233")
    together = train(net, methods, steps=STEPS, seed=SEED)
    assert [path.label for path in together] == ["SGD", "Muon", "LBFGS", "Adam"]
    assert [path.color for path in together] == ["#112233", None, None, None]
    assert len({id(path.objective) for path in together}) == 1
    for method, path in zip(methods, together, strict=True):
        (alone,) = train(net, [method], steps=STEPS, seed=SEED)
        np.testing.assert_array_equal(path.training.weights, alone.training.weights)
        np.testing.assert_array_equal(path.training.batch_losses, alone.training.batch_losses)
    np.testing.assert_array_equal(
        [path.training.weights[0] for path in together[1:]], [together[0].training.weights[0]] * 3
    )


def test_what_is_recorded_agrees_with_the_weights(net: Network) -> None:
    path = trained(net, "Adam", settings={"lr": 0.05}, steps=300)
    training, weights = path.training, path.training.weights.astype(float)
    assert training.layers == ("0", "2")
    for layer, part in enumerate((weights[:, :30], weights[:, 30:])):
        np.testing.assert_allclose(training.layer_weights[:, layer], np.linalg.norm(part, axis=1), rtol=1e-6)
    moves = np.linalg.norm(np.diff(weights, axis=0), axis=1)
    np.testing.assert_allclose(training.figures["step_size"][:-1], moves, rtol=1e-5)
    assert np.isnan(training.figures["step_size"][-1])
    module, row = net.module(SEED), 299
    batches = net.batches(SEED)
    for _ in range(row + 1):
        x, y = next(batches)
    nn.utils.vector_to_parameters(torch.from_numpy(training.weights[row]), module.parameters())
    net.loss(module(x), y).backward()
    gradients = [torch.cat([each.grad.flatten() for each in module[index].parameters()]).norm() for index in (0, 2)]
    np.testing.assert_allclose(training.layer_gradients[row], gradients, rtol=1e-5)
    assert path.points.shape == (301, 1, 2)
    assert path.objective.landscape is not None
    assert np.isnan(path.values).all()  # until the landscape is evaluated


def test_parameters_without_a_gradient_stay_and_count_as_zero(data: Data) -> None:
    class Frozen(nn.Linear):
        def __init__(self) -> None:
            super().__init__(4, 6)
            self.weight.requires_grad_(False)

    of = small(data, Frozen, lambda: nn.Linear(6, 3))
    path = trained(of, "Adam", clip_norm=0.1, noise=0.1)
    np.testing.assert_array_equal(path.training.weights[:, :24], path.training.weights[:1, :24].repeat(STEPS + 1, 0))
    assert path.training.layer_gradients.all()


def test_weights_are_kept_as_often_as_the_yaml_says(net: Network) -> None:
    every = trained(net, "SGD", settings={"lr": 0.1})
    seldom = trained(replace(net, record_every=5), "SGD", settings={"lr": 0.1})
    assert seldom.training.kept.tolist() == [0, 5, 10, 12]
    np.testing.assert_array_equal(seldom.training.weights, every.training.weights[[0, 5, 10, 12]])
    np.testing.assert_array_equal(seldom.training.batch_losses, every.training.batch_losses)
    np.testing.assert_array_equal(seldom.training.figures["step_size"], every.training.figures["step_size"])


@pytest.mark.parametrize(
    ("weights", "steps", "optimizers"), [(9610, 200, 4), (9610, 3000, 4), (100_000, 997, 3), (2_000_000, 50, 64)]
)
def test_weights_are_kept_as_often_as_64_mib_allow(net: Network, weights: int, steps: int, optimizers: int) -> None:
    kept = kept_steps(replace(net, weights=weights), steps, optimizers)
    assert kept[0] == 0
    assert kept[-1] == steps
    every, row = int(kept[1]), 4 * weights * optimizers
    assert len(kept) * row <= 2**26 or every == steps
    if every > 1:
        assert (len(np.arange(0, steps, every - 1)) + 1) * row > 2**26


@pytest.mark.parametrize("name", ["SGD", "LBFGS"])
def test_a_divergence_repeats_the_last_real_row(data: Data, name: str) -> None:
    numbers = np.ones((42, 1), dtype=np.float32)
    of = replace(
        small(replace(data, y=numbers, classes=None), lambda: nn.Linear(4, 1)), loss_name="mse", record_every=7
    )
    methods = [optimizer_factory(label, name, {"lr": 30.0}, shapes(of)) for label in ("x", "y")]
    seen: list[int] = []

    def progress(steps: Iterable[int]) -> Iterator[int]:
        for step in steps:
            seen.append(step)
            yield step
        seen.append(-1)

    path, again = train(of, methods, steps=400, seed=SEED, progress=progress)
    assert seen == [*range(802), -1]
    np.testing.assert_array_equal(path.training.weights, again.training.weights)
    assert path.stops == (Stop.DIVERGED,)
    last, training = int(path.stop_steps[0]), path.training
    assert last < 300
    assert (last > 1) == (name == "SGD")
    everything = trained(replace(of, record_every=1), name, settings={"lr": 30.0}, steps=400).training
    assert np.isfinite(everything.weights).all()
    np.testing.assert_array_equal(everything.weights[last:], everything.weights[[last] * (401 - last)])
    np.testing.assert_array_equal(training.weights, everything.weights[training.kept])
    for figures in (training.batch_losses, training.layer_gradients, training.layer_weights, path.evaluations):
        assert np.isfinite(figures).all()
        np.testing.assert_array_equal(figures[last:], figures[[last] * (401 - last)])
    assert np.isnan(training.figures["step_size"][last:]).all()
    assert np.isfinite(training.figures["step_size"][:last]).all()


def test_data_without_a_loss_diverge_at_the_start(data: Data) -> None:
    of = small(replace(data, x=np.full_like(data.x, 1e38)))
    path = trained(of, "SGD", settings={"lr": 1.0})
    assert path.stops[0] in (Stop.DIVERGED, Stop.RAN, Stop.CONVERGED)
    of = small(replace(data, x=np.full_like(data.x, 3e38)), lambda: nn.Linear(4, 3))
    path = trained(of, "SGD", settings={"lr": 1.0})
    assert path.stops == (Stop.DIVERGED,)
    assert path.stop_steps.tolist() == [0]
    np.testing.assert_array_equal(path.training.weights, path.training.weights[[0] * (STEPS + 1)])


@pytest.mark.parametrize(("rate", "stop", "step"), [(1e-30, Stop.CONVERGED, 0), (0.0, Stop.RAN, STEPS)])
def test_weights_that_move_no_more_are_at_rest(net: Network, rate: float, stop: Stop, step: int) -> None:
    path = trained(net, "SGD", settings={"lr": rate})
    assert path.stops == (stop,)
    assert path.stop_steps.tolist() == [step]


def test_random_numbers_and_threads_are_left_as_they_were(net: Network) -> None:
    chosen = optimizer_factory("x", "Adam", {}, shapes(net))
    torch.manual_seed(1)
    before = torch.get_rng_state(), random.getstate(), torch.get_num_threads()
    train(net, [chosen], steps=STEPS, seed=SEED)
    assert torch.equal(before[0], torch.get_rng_state())
    assert before[1:] == (random.getstate(), torch.get_num_threads())


def test_muon_moves_the_matrices_and_its_rest_the_others(net: Network) -> None:
    path = trained(net, "Muon", settings={"lr": 0.02}, rest={"class": "SGD", "lr": 0.3}, clip_norm=1.0)
    assert path.settings == "Muon · lr 0.02 · rest SGD · lr 0.3 · clip 1"

    def build(module: nn.Module) -> list[torch.optim.Optimizer]:
        matrices, others = muon(module, lr=0.02)
        return [matrices, torch.optim.SGD(others.param_groups[0]["params"], lr=0.3)]

    expected = plain(net, build, disturb=lambda module: nn.utils.clip_grad_norm_(module.parameters(), 1.0))
    assert_same(path, expected)


def test_a_schedule_moves_both_rates(net: Network) -> None:
    path = trained(net, "Muon", schedule={"class": "ExponentialLR", "gamma": 0.5})
    assert path.settings == "Muon · lr 0.001 · rest AdamW · lr 0.001 · ExponentialLR"
    follow = lambda optimizer: lr_scheduler.ExponentialLR(optimizer, 0.5)  # noqa: E731
    assert_same(path, plain(net, muon, schedule=follow))


def refusal(of: Network, class_: Any, **how: Any) -> str:
    """Return key and code of the error: `"rest unsupported"`."""
    with pytest.raises(InputError) as raised:
        optimizer_factory("x", class_, how.pop("settings", {}), shapes(of), **how)
    assert "\n" not in str(raised.value)
    return f"{'.'.join(raised.value.key[2:])} {raised.value.code}".strip()


def test_what_muon_and_its_rest_cannot_take_is_refused(data: Data, net: Network) -> None:
    assert refusal(small(data, lambda: nn.LayerNorm(4)), "Muon") == "unsupported"
    matrices = small(data, lambda: nn.Linear(4, 3, bias=False))
    assert trained(matrices, "Muon").settings == "Muon · lr 0.001"
    assert refusal(matrices, "Muon", rest={"class": "SGD"}) == "rest unsupported"
    assert refusal(net, "Muon", rest={"class": "SGD", "lr": -1}) == "rest invalid-value"
    assert refusal(net, "Muon", rest={"class": "Muon"}) == "rest unsupported"
    assert refusal(net, "Muon", rest={"class": "LBFGS"}) == "rest unsupported"


@pytest.mark.parametrize(
    ("optimizers", "expected"),
    [
        ("{Adam: {rest: SGD}}", "rest unsupported"),
        ("{Muon: {rest: {lr: 1}}}", "rest missing"),
        ("{Muon: {rest: 3}}", "rest wrong-type"),
        ("{Muon: {rest: Adm}}", "rest unknown-name"),
        ("{Muon: {rest: {class: Adam, betas: 1}}}", "rest.betas wrong-type"),
        ("{Muon: {rest: {class: Adam, lrr: 1}}}", "rest.lrr unknown-argument"),
        ("{Muon: {rest: {class: Adam, schedule: StepLR}}}", "rest.schedule conflict"),
    ],
)
def test_a_wrong_rest_is_one_problem(optimizers: str, expected: str) -> None:
    with pytest.raises(ConfigError) as raised:
        loads(YAML.replace("{Adam: {lr: 0.05}, Muon: {rest: {class: Adam, lr: 0.01}}}", optimizers))
    (problem,) = raised.value.problems
    assert f"{'.'.join(map(str, problem.key[2:]))} {problem.code}" == expected


def test_a_rest_is_the_same_in_every_form() -> None:
    long = "{class: torch.optim.SGD}"
    assert loads(YAML.replace("{class: Adam, lr: 0.01}", "SGD")) == loads(YAML.replace("{class: Adam, lr: 0.01}", long))


class Picky(nn.Sequential):
    def forward(self, x: Tensor) -> Tensor:
        if x.isnan().any() or self[1].weight.abs().max() > 10:
            raise ZeroDivisionError("too large")
        found: Tensor = super().forward(x)
        return found


def test_a_module_that_fails_only_far_out_is_told_in_one_line(net: Network) -> None:
    size, outputs = int(np.prod(net.data.x.shape[1:])), net.data.outputs
    found = Evaluator(replace(net, make=lambda: Picky(nn.Flatten(), nn.Linear(size, outputs))), SEED)
    near, examples = np.zeros((size + 1) * outputs), found.examples()
    assert found.score(near, examples).loss == pytest.approx(np.log(outputs))
    for evaluate in (found.score, found.gradient):
        with pytest.raises(InputError, match=r"ZeroDivisionError: too large$") as raised:
            evaluate(near + 11, examples)
        assert raised.value.key == ("network",)


def test_notes_on_networks_are_their_own() -> None:
    assert "AdamW" in warning("torch.optim.Muon", network=True)
    assert "mini-batch" in warning("LBFGS", network=True)
    assert warning("ASGD", network=True) == warning("ASGD")
    assert warning("Adam", network=True) == ""


def test_an_interrupt_leaves_everything_as_it_was(net: Network) -> None:
    def progress(steps: Iterable[int]) -> Iterator[int]:
        for step in steps:
            if step == 20:
                raise KeyboardInterrupt
            yield step

    chosen = [optimizer_factory(name, name, {}, shapes(net)) for name in ("SGD", "Adam")]
    before = torch.get_rng_state(), torch.get_num_threads()
    with pytest.raises(KeyboardInterrupt):
        train(net, chosen, steps=STEPS, seed=SEED, progress=progress)
    assert torch.equal(before[0], torch.get_rng_state())
    assert before[1] == torch.get_num_threads()


def test_a_class_of_ones_own_may_leave_the_vectors_to_rest(net: Network) -> None:
    class Matrices(torch.optim.SGD):
        def step(self, closure: Any = None) -> Any:
            if any(each.ndim != 2 for group in self.param_groups for each in group["params"]):
                raise ValueError("no")
            return super().step(closure)

    assert refusal(net, Matrices) == "invalid-value"
    chosen = optimizer_factory("x", Matrices, {}, shapes(net), rest={"class": "SGD"})
    assert isinstance(chosen, OptimizerFactory)
    assert chosen.text == "Matrices · lr 0.001 · rest SGD · lr 0.001"


def test_a_class_that_fails_in_training_is_named(net: Network) -> None:
    class Tired(torch.optim.SGD):
        taken = 0

        def step(self, closure: Any = None) -> Any:
            self.taken += 1
            if self.taken > 5:
                raise RuntimeError("tired\nand more")
            return super().step(closure)

    with pytest.raises(InputError, match=r"tired$") as raised:
        trained(net, Tired)
    assert raised.value.key == ("optimizers", "x")


@pytest.mark.parametrize("closure", [False, True])
def test_a_class_that_fails_at_what_is_no_number_ends_its_path(net: Network, closure: bool) -> None:
    class Careful(torch.optim.SGD):
        def step(self, again: Any = None) -> Any:
            super().step()
            loss = 0.0 if again is None else float(again())
            moved = [each.detach() for group in self.param_groups for each in group["params"]]
            if not np.isfinite(loss) or not all(each.isfinite().all() for each in moved):
                raise FloatingPointError

    class Asking(Careful):
        def step(self, again: Any) -> Any:
            super().step(again)

    numbers = np.ones((42, 1), dtype=np.float32)
    of = replace(small(replace(net.data, y=numbers, classes=None), lambda: nn.Linear(4, 1)), loss_name="mse")
    path = trained(of, Asking if closure else Careful, settings={"lr": 30.0}, steps=400)
    assert path.stops == (Stop.DIVERGED,)
    assert 1 < path.stop_steps[0] < 300
    assert (path.evaluations[10, 0] > 11) == closure
    assert np.isfinite(path.training.weights).all()


@pytest.mark.parametrize("error", [ValueError("only sixteen at once"), SystemExit(0)])
def test_a_module_that_fails_is_named(data: Data, error: BaseException) -> None:
    class Odd(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            if len(x) < 16:
                raise error
            return super().forward(x)

    with pytest.raises(InputError, match=f"{type(error).__name__}: {error}$") as raised:
        trained(small(data, lambda: Odd(4, 3)), "SGD")
    assert raised.value.key == ("network",)


def test_a_class_whose_hooks_fail_is_named(net: Network) -> None:
    def fail(_: Tensor) -> None:
        raise ValueError("hooked")

    class Hooked(torch.optim.SGD):
        def __init__(self, params: Iterable[Tensor], lr: float = 0.1) -> None:
            super().__init__(params, lr)
            for each in self.param_groups[0]["params"]:
                each.register_hook(fail)

        def step(self, closure: Any = None) -> None:  # noqa: ARG002
            raise ValueError("no grad_fn")

    with pytest.raises(InputError, match=r"hooked$"):
        trained(net, Hooked)


def test_simulate_trains_and_looks() -> None:
    experiment = loads(YAML)
    check(experiment)
    paths = simulate(experiment)
    assert [path.settings for path in paths] == ["Adam · lr 0.05", "Muon · lr 0.001 · rest Adam · lr 0.01"]
    assert paths[0].objective is paths[1].objective
    assert paths[0].objective.landscape.plane == "random"
    of = experiment.objectives[0].build().network
    assert_same(paths[0], plain(of, lambda module: torch.optim.Adam(module.parameters(), lr=0.05)))


def test_functions_and_networks_stand_beside_each_other() -> None:
    experiment = loads(YAML.replace("objective: {", "objective:\n- sphere\n- {").replace("steps: 12", "steps: 3"))
    paths = simulate(experiment)
    assert [path.objective.kind for path in paths] == ["function"] * 2 + ["network"] * 2
    assert [path.label for path in paths] == ["Adam", "Muon"] * 2
    assert paths[1].settings == "Muon · lr 0.001"


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("{lr: 0.05}", "{lr: -1}", "optimizers.Adam"),
        ("{lr: 0.05}", "{schedule: {class: OneCycleLR, max_lr: 1, total_steps: 5}}", "optimizers.Adam.schedule"),
        ("hidden: [5]", "hidden: [5], record_every: 1", ""),
        (", lr: 0.01}", ", lr: -1}", "optimizers.Muon.rest"),
        ("{network: mlp, data: {name: moons, n: 60}, hidden: [5], batch_size: 16}", "sphere", "optimizers.Muon.rest"),
    ],
)
def test_mistakes_are_found_without_training(monkeypatch: pytest.MonkeyPatch, old: str, new: str, key: str) -> None:
    monkeypatch.setattr(Network, "batches", None)
    view = "view: {plane: random, panels: []}\n"
    experiment = loads(YAML.replace(old, new).replace(view, ""))
    if not key:
        check(experiment)
        return
    with pytest.raises(ConfigError) as raised:
        check(experiment)
    assert [".".join(problem.key) for problem in raised.value.problems] == [key]


class SparseEmbedding(nn.Module):
    """A table of rows, of which a mini-batch uses a few; their gradients are sparse."""

    def __init__(self) -> None:
        super().__init__()
        self.rows = nn.Embedding(4, 3, sparse=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.rows((x[:, 0] > 0).long())


@pytest.mark.parametrize("adjusted", [{"noise": 0.1}, {"clip_norm": 1.0}])
def test_sparse_gradients_of_a_network_are_neither_clipped_nor_noisy(data: Data, adjusted: dict[str, float]) -> None:
    path = trained(small(data, SparseEmbedding), "SGD", settings={"lr": 0.1})
    assert np.isfinite(path.training.batch_losses).all()
    with pytest.raises(InputError) as raised:
        trained(small(data, SparseEmbedding), "SGD", settings={"lr": 0.1}, **adjusted)
    assert raised.value.key == ("optimizers", "x")
    assert raised.value.code == "unsupported"


def test_digits_are_learnt_exactly_as_in_a_plain_loop() -> None:
    pytest.importorskip("sklearn")
    text = "{network: mlp, data: digits, hidden: [128], activation: relu, loss: cross_entropy, batch_size: 64}"
    of = loads(f"objective: {text}\nsteps: 100\noptimizers: {{Adam: {{lr: 0.003}}}}").objectives[0].build().network
    path = trained(of, "Adam", settings={"lr": 0.003}, steps=100)

    def make() -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))

    losses, rows = plain(
        replace(of, make=make), lambda module: torch.optim.Adam(module.parameters(), lr=0.003), steps=100
    )
    assert_same(path, (losses, rows))

    def accuracy(module: nn.Module, weights: np.ndarray) -> float:
        nn.utils.vector_to_parameters(torch.from_numpy(weights), module.parameters())
        with torch.no_grad():
            found = module.eval()(torch.from_numpy(of.data.x_test)).argmax(1)
        return float((found == torch.from_numpy(of.data.y_test)).float().mean())

    assert accuracy(of.module(SEED), path.training.weights[-1]) == accuracy(make(), rows[-1]) > 0.85
