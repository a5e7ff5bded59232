"""Maps of what pixels do to a score: Captum's own, and what a hand finds; and the picture of them."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from captum import attr
from PIL import Image

from gdsim.cli.saliency import saliency
from gdsim.config import View, load
from gdsim.encode import write, yaml_of
from gdsim.errors import ConfigError, GdsimError, InputError
from gdsim.networks import Data, network
from gdsim.networks.attribution import attribution, inner_method
from gdsim.networks.evaluation import set_weights
from gdsim.render import frames
from gdsim.scene.saliency import build_saliency_scene
from gdsim.simulation import Explanation, Stop, Training, save
from gdsim.simulation.experiments import simulate
from gdsim.simulation.saliency import MAX_MAPS, explain, saliency_maps
from gdsim.themes import theme

CONFIG = """
objective: {network: cnn, data: {name: digits, n: 60}, channels: [2], hidden: [4], batch_size: 16}
steps: 3
optimizers: {SGD: {lr: 0.1}, Adam: {lr: 0.01}}
view: {size: [480, 270], saliency: {image: 4}}
"""


def small() -> torch.nn.Module:
    torch.manual_seed(0)
    parts = {
        "conv1": torch.nn.Conv2d(3, 4, 3, padding=1),
        "relu": torch.nn.ReLU(inplace=True),
        "conv2": torch.nn.Conv2d(4, 5, 3, padding=1, stride=2),
        "tanh": torch.nn.Tanh(),
        "flat": torch.nn.Flatten(),
        "output": torch.nn.Linear(45, 4),
    }
    return torch.nn.Sequential(torch.nn.modules.container.OrderedDict(parts)).requires_grad_(False)


@pytest.fixture(scope="module")
def picture() -> torch.Tensor:
    return torch.rand(3, 6, 6, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A folder with a config and a recording of it."""
    folder = tmp_path_factory.mktemp("saliency")
    (folder / "net.yaml").write_text(CONFIG)
    experiment = load(folder / "net.yaml")
    save(folder / "net.npz", simulate(experiment), experiment)
    return folder


# Maps


def test_of_a_linear_model_the_gradient_is_the_row_of_weights_and_saliency_its_absolute_value():
    weights = torch.randn(5, 24, generator=torch.Generator().manual_seed(0))
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(24, 5))
    model[1].weight.data.copy_(weights)
    for image, size in ((torch.rand(2, 3, 4), None), (torch.rand(24), (3, 4))):
        by_hand = weights[2].reshape(2, 3, 4).numpy()
        assert np.allclose(attribution(model, image, 2, "gradient", size=size), by_hand.mean(0), atol=1e-7)
        assert np.allclose(attribution(model, image, 2, "saliency", size=size), np.abs(by_hand).mean(0), atol=1e-7)
        # Noise and the way from black change nothing about a slope that is the same everywhere.
        assert np.allclose(attribution(model, image, 2, "smoothgrad", size=size), by_hand.mean(0), atol=1e-6)
        part = (by_hand * image.reshape(2, 3, 4).numpy()).mean(0)
        assert np.allclose(attribution(model, image, 2, "integrated", size=size), part, atol=1e-6)


def test_maps_are_captums_own(picture):
    model, inputs = small(), picture[None].clone().requires_grad_()
    noise = 0.15 * float(picture.max() - picture.min())
    torch.manual_seed(5)
    smooth = attr.NoiseTunnel(attr.Saliency(model)).attribute(
        inputs, nt_type="smoothgrad", nt_samples=32, stdevs=noise, target=1, abs=False
    )
    coarse = attr.LayerGradCam(model, model.conv2).attribute(inputs, 1, relu_attributions=True)
    expected = {
        "gradient": attr.Saliency(model).attribute(inputs, target=1, abs=False),
        "saliency": attr.Saliency(model).attribute(inputs, target=1),
        "smoothgrad": smooth,
        "integrated": attr.IntegratedGradients(model).attribute(inputs, target=1, n_steps=50),
        "gradcam": attr.LayerAttribution.interpolate(coarse, (6, 6), interpolate_mode="bilinear"),
    }
    for method, found in expected.items():
        own = attribution(model, picture, 1, method, seed=5)
        assert own.shape == (6, 6)
        assert np.allclose(own, found[0].mean(0).detach().numpy(), rtol=1e-5, atol=1e-8), method


def test_the_gradient_in_a_layer_is_that_of_the_score_in_what_it_gives(picture):
    model = small()
    given = model.conv1(picture[None]).requires_grad_()
    after = model.conv2(given.relu())
    after.retain_grad()
    model.output(model.flat(model.tanh(after)))[0, 2].backward()
    # The activation that follows writes over what the first layer gives.
    assert np.allclose(attribution(model, picture, 2, "layer:conv1"), given.grad[0].mean(0).numpy())
    assert np.allclose(attribution(model, picture, 2, "layer:conv2"), after.grad[0].mean(0).numpy())


@pytest.mark.parametrize(("units", "shape", "open_"), [(12, (3, 4), 0), (128, (8, 16), 0), (13, (3, 5), 2)])
def test_the_units_of_a_layer_fill_a_rectangle(units, shape, open_):
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, units), torch.nn.Linear(units, 3))
    found = attribution(model, torch.rand(1, 2, 2), 1, "layer:1")
    assert found.shape == shape
    assert np.isnan(found).sum() == open_
    assert np.allclose(found.ravel()[:units], model[2].weight[1].detach().numpy())


@pytest.mark.parametrize(
    ("method", "suggestion"),
    [
        ("gradiant", "'gradient'"),
        ("conv1", "'layer:conv1'"),
        ("Layer:Conv2", "'layer:conv2'"),
        ("", "gradient"),
        ("lime", "gradient, saliency, smoothgrad, integrated, gradcam and layer:NAME"),
        ("layer:conv3", "'conv"),
        ("layer:block", "conv1, relu, conv2, tanh, flat, output"),
        ("layer:", "conv1"),
    ],
)
def test_a_method_or_layer_that_does_not_exist_is_told_with_what_exists(picture, method, suggestion):
    with pytest.raises(InputError, match=suggestion) as caught:
        attribution(small(), picture, 0, method)
    assert (caught.value.key, caught.value.code) == (("method",), "unknown-name")
    assert "\n" not in str(caught.value)


def test_gradcam_needs_a_convolution_and_a_layer_a_part_in_the_score(picture):
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(108, 3))
    with pytest.raises(InputError, match=r"0, 1$"):
        attribution(model, picture, 0, "gradcam")
    model.add_module("idle", torch.nn.Identity())
    model.forward = lambda inputs: model[1](model[0](inputs))
    with pytest.raises(InputError, match=r"0, 1$"):
        attribution(model, picture, 0, "layer:idle")


class Recurrent(torch.nn.Module):
    """Its first layer gives several tensors, and another one does not depend on the image."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn = torch.nn.LSTM(6, 3, batch_first=True)
        self.place = torch.nn.Embedding(1, 3)
        self.output = torch.nn.Linear(3, 4)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return self.output(self.rnn(inputs.mean(1))[0][:, -1] + self.place(torch.zeros(1, dtype=torch.long)))


def test_a_layer_that_gives_no_map_is_told_and_is_not_what_is_shown_by_itself(picture):
    model = Recurrent().requires_grad_(False)
    with pytest.raises(InputError, match=r"place, output$"):
        attribution(model, picture, 0, "layer:rnn")
    with pytest.raises(InputError, match=r"rnn, output$"):
        attribution(model, picture, 0, "layer:place")
    assert inner_method(model, picture, 0) == "layer:output"
    assert inner_method(small(), picture, 0) == "layer:conv2"


@pytest.mark.parametrize("method", ["gradient", "saliency", "integrated"])
def test_a_score_that_does_not_hang_on_the_image_is_told_in_a_line(picture, method):
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(108, 3)).requires_grad_(False)
    model.forward = lambda inputs: model[1](model[0](inputs.detach()))
    with pytest.raises(InputError, match=f"{method} cannot [^\n]+$") as caught:
        attribution(model, picture, 0, method)
    assert caught.value.key == ("method",)


def test_gradcam_looks_at_a_layer_before_what_follows_writes_over_it(picture):
    model = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3, padding=1), torch.nn.ReLU(inplace=True), torch.nn.Flatten(), torch.nn.Linear(144, 3)
    ).requires_grad_(False)
    given = model[0](picture[None]).requires_grad_()
    (slope,) = torch.autograd.grad(model[3](given.relu().flatten(1))[0, 1], given)
    by_hand = (slope.mean((2, 3), keepdim=True) * given).sum((0, 1)).relu()
    assert by_hand.any()
    assert np.allclose(attribution(model, picture, 1, "gradcam"), by_hand.detach().numpy(), atol=1e-6)


def test_without_captum_plain_gradients_still_come(picture, monkeypatch):
    monkeypatch.setitem(sys.modules, "captum", None)
    assert attribution(small(), picture, 0, "gradient").shape == (6, 6)
    with pytest.raises(GdsimError, match=r"pip install 'gdsim\[networks\]'") as caught:
        attribution(small(), picture, 0, "integrated")
    assert caught.value.exit_status == 1


def test_smoothgrad_draws_by_its_seed_and_leaves_no_trace_in_what_is_random(picture):
    model = small()
    before = torch.get_rng_state()
    first, second, other = (attribution(model, picture, 0, "smoothgrad", seed=seed) for seed in (3, 3, 4))
    assert torch.equal(torch.get_rng_state(), before)
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


# Networks


def of(x: np.ndarray, classes: int | None = 2, tests: int = 3) -> Data:
    y = np.arange(len(x)) % 2
    kind = y if classes else y[:, None].astype(np.float32)
    return Data("own", x, kind, x[:tests], kind[:tests], classes, (2, 2) if x.ndim == 4 else None)


def images(count: int = 12, channels: int = 1) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(count, channels, 2, 2)).astype(np.float32)


def trained(net, count: int) -> Training:
    """Weights at random, as if so many had been kept, two steps apart."""
    weights = np.random.default_rng(1).normal(size=(count, net.weights)).astype(np.float32)
    nothing = np.zeros((2 * count, 1))
    return Training(2 * np.arange(count), weights, nothing[:, 0], {}, ("output",), nothing, nothing)


def test_an_example_is_normalised_as_the_training_data_is():
    data = of(images())
    module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.BatchNorm1d(4, track_running_stats=False))
    weights = np.array([1, 2, 3, 4, 0, 1, 0, 1], np.float32)
    set_weights(module, weights, data)
    flat = data.x.reshape(12, 4)
    by_hand = (flat - flat.mean(0)) / np.sqrt(flat.var(0, ddof=1) + 1e-5) * weights[:4] + weights[4:]
    alone = torch.cat([module(torch.from_numpy(each[None])) for each in data.x])
    assert np.allclose(alone.numpy(), by_hand, atol=1e-5)


def test_maps_follow_the_weights_along_the_path():
    net = network("mlp", of(images(channels=3)), hidden=[])
    training = trained(net, 5)
    seen = []
    wanted = View(panels=["saliency"], saliency={"image": 1}).saliency
    made = saliency_maps(net, training, wanted, seed=0, progress=lambda rows: seen.extend(rows) or rows)
    assert np.array_equal(made.steps, [0, 2, 4, 6, 8])
    assert len(seen) == 5
    assert (made.number, made.target, made.method) == (1, 1, "gradient")
    assert np.allclose(made.image, net.data.x_test[1].mean(0))
    by_hand = training.weights[:, :24].reshape(5, 2, 3, 2, 2)[:, 1].mean(1)
    assert np.allclose(made.maps, by_hand, atol=1e-7)


def test_of_a_long_path_only_so_many_maps_are_made_the_first_and_the_last_among_them():
    net = network("mlp", of(images()), hidden=[])
    made = saliency_maps(net, trained(net, 3 * MAX_MAPS), View().saliency, seed=0)
    assert len(made.steps) == len(made.maps) == MAX_MAPS
    assert (made.steps[0], made.steps[-1]) == (0, 6 * MAX_MAPS - 2)


def test_what_has_no_number_is_told_so():
    net = network("mlp", of(images()), hidden=[3])
    training = trained(net, 1)
    training.weights[:] = 1e30
    assert np.isnan(saliency_maps(net, training, View().saliency, seed=0).maps).any()
    assert explain(net, training, seed=0).predicted is None


@pytest.mark.parametrize(
    ("data", "asked", "key", "code"),
    [
        (of(images()), {"image": 3}, "image", "invalid-value"),
        (of(images(), tests=0), {}, "image", "unsupported"),
        (of(images().reshape(12, 4)), {}, "image", "unsupported"),
        (of(images()), {"class": 2}, "class", "invalid-value"),
        (of(images(), classes=None), {}, "image", "invalid-value"),
        (of(images()), {"method": "gradcam"}, "method", "unsupported"),
    ],
)
def test_a_panel_that_fits_no_network_is_told_with_its_key(data, asked, key, code):
    net = network("mlp", data, hidden=[])
    with pytest.raises(InputError) as caught:
        saliency_maps(net, trained(net, 1), View(saliency=asked).saliency, seed=0)
    assert (caught.value.key, caught.value.code) == ((key,), code)


def test_an_explanation_says_what_the_network_says():
    net = network("mlp", of(images()), hidden=[])
    training = trained(net, 1)
    matrix, bias = training.weights[0, :8].reshape(2, 4), training.weights[0, 8:]
    scores = matrix @ net.data.x_test[2].ravel() + bias
    found = explain(net, training, number=2, seed=0)
    assert (found.label, found.target, found.predicted) == (0, 0, int(scores.argmax()))
    assert found.probability == pytest.approx(np.exp(scores).max() / np.exp(scores).sum(), rel=1e-5)
    assert list(found.maps) == ["gradient", "saliency", "layer:output"]
    assert list(explain(net, training, method="gradient", seed=0).maps) == ["gradient", "saliency"]
    assert np.allclose(explain(net, training, target=1, seed=0).maps["gradient"], matrix[1].reshape(2, 2))


# The picture


def explanation(scale: float = 1.0, said: int | None = 3) -> Explanation:
    found = scale * np.linspace(-1, 1, 16).reshape(4, 4)
    return Explanation(np.linspace(0, 1, 16).reshape(4, 4), 7, 3, 3, said, 0.987, {"gradient": found})


def trajectory(label: str, stop: Stop = Stop.RAN) -> SimpleNamespace:
    """What the picture asks of one."""
    return SimpleNamespace(
        label=label,
        settings="SGD · lr 0.1",
        color=None,
        stops=(stop,),
        stopped_at=lambda _: 5,
        off_plane=0.0,
        objective=SimpleNamespace(title="A network"),
    )


def assembled(*explained: Explanation, look: str = "light", size: tuple[int, int] = (1280, 720)):
    own = [trajectory(f"Optimizer {index}") for index in range(len(explained))]
    return build_saliency_scene([(own, explained)], title=None, theme=theme(look), size=size)


def end_of_scale(scene) -> float:
    return scene.groups[0].panels[0].rows[0].images[0].limits[1]


def test_the_numbers_of_all_rows_share_their_colours():
    scene = assembled(explanation(), explanation(0.25))
    (group,) = scene.groups
    assert end_of_scale(scene) == 1.0
    for stops, limit in (([Stop.RAN, Stop.DIVERGED], 0.25), ([Stop.DIVERGED, Stop.DIVERGED], 1e9)):
        own = [trajectory(f"Optimizer {index}", stop) for index, stop in enumerate(stops)]
        wild = build_saliency_scene(
            [(own, [explanation(0.25), explanation(1e9)])], title=None, theme=theme("light"), size=(640, 360)
        )
        assert end_of_scale(wild) == limit
    assert group.facets[0].heading == "image 7 · label 3"
    pixels = frames(scene).poster().reshape(-1, 3)
    assert len(np.unique(pixels, axis=0)) > 30


def test_words_say_what_is_right_and_what_went_wrong():
    wrong = assembled(explanation(said=5), explanation(said=None))
    says = [row.words for row in wrong.groups[0].panels[0].rows]
    assert says[0] == "says 5 · 98.7 %, not 3"
    assert says[1] == "says nothing: its scores are not finite"
    assert "Optimizer 0 says 5, 98.7 %, not 3" in wrong.alt_text
    diverged = build_saliency_scene(
        [([trajectory("SGD", Stop.DIVERGED)], [explanation()])], title=None, theme=theme("light"), size=(640, 360)
    )
    assert diverged.styles[0].settings == "diverged at step 5"


@pytest.mark.parametrize(
    ("look", "size"),
    [("light", (480, 270)), ("slide", (480, 270)), ("dark", (1280, 720)), ("slide", (1920, 1080))],
)
def test_a_picture_fits_its_size_and_grows_only_with_its_rows(look, size):
    few = frames(assembled(explanation(), explanation(), look=look, size=size))
    assert few.poster().shape == (size[1], size[0], 3)


def test_many_rows_make_a_picture_higher_and_too_many_are_refused():
    many = frames(assembled(*[explanation()] * 30))
    assert many.size[1] > 1500
    with pytest.raises(InputError, match="65 trained networks are more than the 64 rows"):
        assembled(*[explanation()] * 65)


def test_what_is_open_has_the_colour_of_the_page():
    found = explanation()
    found.maps["gradient"][:] = np.nan
    found.maps["gradient"][0, 0] = 1.0
    sparse, full = (frames(assembled(each, look="dark")).poster() for each in (found, explanation()))
    page = np.array([0x0B, 0x0F, 0x17])
    assert (sparse == page).all(-1).sum() > (full == page).all(-1).sum()


def written(folder: Path, *explained: Explanation, size: tuple[int, int] = (1280, 720)) -> list[str]:
    """What is written in a picture, as its vectors have it."""
    write(frames(assembled(*explained, size=size)), folder / "written.svg", fps=1, hold=0)
    found = re.findall("<!-- (.*?) -->", (folder / "written.svg").read_text("utf-8"), re.DOTALL)
    return [" ".join(words.split()) for words in found]


def test_a_map_where_nothing_is_seen_says_so_in_words(tmp_path):
    nothing, tiny, open_ = explanation(0.0), explanation(1e-8), explanation()
    open_.maps["gradient"][:] = np.nan
    # Vectors have each line of a text separately.
    words = " ".join(written(tmp_path, explanation(), nothing, tiny, open_))
    assert [words.count(each) for each in ("0 everywhere", "up to 10⁻⁸", "no numbers")] == [1, 1, 1]
    shown = " ".join(written(tmp_path, explanation(), explanation(0.05)))
    assert "0 everywhere" not in shown
    assert "no numbers" not in shown


def test_the_numbers_of_the_colours_are_one_where_two_have_no_room(tmp_path):
    assert {"−1", "1"} <= {*written(tmp_path, explanation())}
    small_ = written(tmp_path, *[explanation(3.14159e6)] * 6, size=(480, 270))
    assert "±3.1·10⁶" in small_
    assert "−3.1·10⁶" not in small_


@pytest.mark.parametrize("suffix", ["svg", "pdf"])
def test_vectors_are_the_same_each_time(tmp_path, suffix):
    for name in ("one", "two"):
        write(frames(assembled(explanation())), tmp_path / f"{name}.{suffix}", fps=1, hold=0)
    assert (tmp_path / f"one.{suffix}").read_bytes() == (tmp_path / f"two.{suffix}").read_bytes()


# The command


def test_the_command_draws_a_recording_without_training(run, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("gdsim.simulation.training.train", None)
    saliency(run / "net.npz", out=tmp_path, formats="png,svg,pdf", method="layer:conv1")
    path = tmp_path / "net" / "net_saliency.png"
    said = capsys.readouterr()
    assert said.out.splitlines() == [str(path.with_suffix(f".{each}")) for each in ("png", "svg", "pdf")]
    assert "gradient at conv1. SGD says" in said.err
    assert yaml_of(path) == yaml_of(path.with_suffix(".svg")) == CONFIG
    with Image.open(path) as found:
        assert found.text["Description"].startswith("Saliency of image 4, label ")


def test_a_config_is_trained_and_gives_the_same_picture(run, tmp_path, capsys):
    saliency(run / "net.yaml", out=tmp_path / "a", quiet=True)
    saliency(run / "net.npz", out=tmp_path / "b", quiet=True)
    assert capsys.readouterr().err == ""
    one, two = (tmp_path / each / "net" / "net_saliency.png" for each in "ab")
    assert one.read_bytes() == two.read_bytes()


def test_a_network_that_sees_no_images_is_told_where_its_data_stands(tmp_path):
    (tmp_path / "net.yaml").write_text("objective: {network: mlp, data: moons}\nsteps: 3\noptimizers: {SGD: }\n")
    for asked in ({}, {"image": 3}):
        with pytest.raises(
            InputError, match=r"net\.yaml:1:33: objective\.data: the data moons has no images; digits has"
        ):
            saliency(tmp_path / "net.yaml", out=tmp_path / "out", **asked)


@pytest.mark.parametrize(
    ("asked", "place"),
    [
        ({"image": 15}, "--image 15: view.saliency.image: "),
        ({"image": -1}, "--image -1: view.saliency.image: "),
        ({"target": 10}, "--class 10: view.saliency.class: "),
        ({"method": "layer:conv2"}, "--method: "),
        ({"method": "lime"}, "--method: "),
        ({"method": "smoothgrad,gradcam"}, "--method: "),
        ({"formats": "gif"}, "--format: "),
        ({"theme": "drak"}, "--theme: "),
        ({"changes": ["view.saliency.image=99"]}, "--set view.saliency.image=99: view.saliency.image: "),
    ],
)
def test_a_mistake_is_reported_in_one_line_before_anything_is_trained(run, tmp_path, monkeypatch, asked, place):
    monkeypatch.setattr("gdsim.simulation.experiments.simulate", None)
    with pytest.raises(InputError) as caught:
        saliency(run / "net.yaml", out=tmp_path, **asked)
    (line,) = str(caught.value).splitlines()
    assert line.startswith(place)
    assert not [*tmp_path.iterdir()]


def test_why_a_map_is_blank_is_told_once_for_each_reason(run, tmp_path, capsys, monkeypatch):
    unspoken, dark, plain = explanation(), explanation(0.0), explanation()
    for each, height in ((unspoken, 0.0), (dark, 0.0), (plain, 1.0)):
        each.maps["gradcam"] = np.full((4, 4), height)

    def told(*answers: Explanation) -> str:
        found = iter([plain, *answers])  # the first before anything is trained
        monkeypatch.setattr("gdsim.simulation.saliency.explain", lambda *_, **__: next(found))
        saliency(run / "net.npz", out=tmp_path)
        return capsys.readouterr().err

    words = told(unspoken, dark)
    assert "Grad-CAM is blank for SGD: " in words
    assert "The input gradient is 0 everywhere for Adam: " in words
    assert "Grad-CAM is blank for SGD and Adam: " in told(unspoken, unspoken)
    assert "blank" not in told(plain, plain)


def test_a_file_that_is_no_recording_is_told_as_one(tmp_path):
    (tmp_path / "broken.npz").write_text("x")
    with pytest.raises(InputError) as caught:
        saliency(tmp_path / "broken.npz", out=tmp_path)
    assert caught.value.code == "unreadable"


def test_what_trains_no_network_is_refused(tmp_path):
    (tmp_path / "plain.yaml").write_text("{objective: himmelblau, steps: 3, optimizers: {SGD: {lr: 0.01}}}")
    with pytest.raises(InputError, match=r"plain\.yaml: trains no network"):
        saliency(tmp_path / "plain.yaml", out=tmp_path)
    with pytest.raises(ConfigError, match="no such file"):
        saliency(tmp_path / "missing.yaml", out=tmp_path)


def test_older_results_stay_where_they_may_not_be_replaced(run, tmp_path):
    saliency(run / "net.npz", out=tmp_path, quiet=True)
    with pytest.raises(InputError) as caught:
        saliency(run / "net.npz", out=tmp_path, quiet=True, overwrite=False)
    assert caught.value.code == "conflict"


def test_captum_is_missed_before_anything_is_trained(run, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "captum", None)
    monkeypatch.setattr("gdsim.simulation.experiments.simulate", None)
    with pytest.raises(GdsimError, match="captum"):
        saliency(run / "net.yaml", out=tmp_path, method="integrated")
