"""Budgets: what is written keeps within them, gives up no more than it must, and says what that is."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from PIL import Image

import gdsim
from gdsim.config import Animation, Output, View
from gdsim.encode.size_limit import write_within_limit
from gdsim.errors import GdsimError, InputError
from gdsim.metadata import Provenance
from gdsim.scene.build import build_scene


@cache
def race():
    valley = gdsim.objective("himmelblau")
    paths = [
        gdsim.descend(valley, name, start=[-0.5, 4.2], steps=60, lr=lr) for name, lr in [("SGD", 0.01), ("Adam", 0.3)]
    ]
    return build_scene(paths, view=View(size=[640, 360]), animation=Animation(seconds=2, hold=1, pace="even"))


@cache
def drawn():
    return gdsim.frames(race())


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> int:
    """How large a GIF is of which nothing was given up."""
    path = tmp_path_factory.mktemp("whole") / "race.gif"
    assert write_within_limit(race(), path, output=Output(), drawn=drawn()) == ()
    return path.stat().st_size


def within(path, limit, **more) -> tuple[str, ...]:
    return write_within_limit(race(), path, output=Output(max_bytes=limit), **{"drawn": drawn(), **more})


ENDING = 3  # the pictures of the fade to the beginning are two, and those of a stressed label none or two


def told(words: str) -> tuple[int, int, int]:
    """The colours, the frames a second and the width that a sentence tells of; as they were where it does not."""
    found = [
        re.search(pattern, words)
        for pattern in (r"(\d+) colours instead of 256 col", r"(\d+) frames/s instead of 25 f", r"(\d+) × ")
    ]
    return tuple(int(match[1]) if match else was for match, was in zip(found, (256, 25, 640), strict=True))


def test_what_fits_is_written_as_it_is(tmp_path, whole):
    assert within(tmp_path / "a.gif", whole) == ()
    assert within(tmp_path / "b.gif", None) == ()
    assert (tmp_path / "a.gif").read_bytes() == (tmp_path / "b.gif").read_bytes()


def test_the_tighter_the_budget_the_more_is_given_up_in_the_order_of_its_worth(tmp_path, whole):
    path, kept = tmp_path / "race.gif", []
    for share in (0.9, 0.6, 0.3):
        limit = int(share * whole)
        (sentence, *_) = within(path, limit)
        assert path.stat().st_size <= limit
        assert sentence.startswith(f"To keep within {limit / 1e3:.4g} kB, race.gif has ")
        assert sentence.endswith(f"; it takes {path.stat().st_size / 1e3:.4g} kB.")
        colors, fps, width = told(sentence)
        kept.append((width, fps, colors))
        with Image.open(path) as gif:
            assert gif.size == (width, round(width * 9 / 16 / 2) * 2)
            assert gif.n_frames == pytest.approx(2 * fps + ENDING, abs=1)
            lasting = 0
            for index in range(gif.n_frames):
                gif.seek(index)
                lasting += gif.info["duration"]
            assert lasting == pytest.approx(3000, abs=60)
            assert len(np.unique(np.asarray(gif.convert("RGB")).reshape(-1, 3), axis=0)) <= colors
        # Frames are only given up when colours have been, and pixels when both have.
        assert fps == 25 or colors == 32
        assert width == 640 or fps == 12
    assert kept == sorted(set(kept), reverse=True)
    assert kept[0][:2] == (640, 25)
    assert kept[-1][0] < 640


def test_a_budget_that_cannot_be_met_says_how_near_it_came_and_that_near_it_comes(tmp_path):
    path = tmp_path / "race.gif"
    path.write_bytes(b"what was there before")
    with pytest.raises(GdsimError) as caught:
        within(path, 2000)
    words = str(caught.value)
    assert words.startswith(f"{path}: cannot be kept within 2 kB: with 32 colours, 12 frames/s, 320 × 180 pixels it ")
    assert not isinstance(caught.value, InputError)
    near = float(re.search(r"still takes ([\d.]+) kB", words)[1])
    assert "\n" not in words
    assert path.read_bytes() == b"what was there before"
    assert list(tmp_path.iterdir()) == [path]
    _, *left = within(path, round(near * 1000) + 10)
    assert left
    assert left == list(gdsim.frames(replace(race(), size=(320, 180))).left_out)
    assert path.stat().st_size == pytest.approx(near * 1000, abs=10)


def test_the_words_inside_count_too(tmp_path):
    made = Provenance("t", "a", "# " + "".join(map(chr, np.random.default_rng(0).integers(33, 127, 60_000))), 0, {})
    with pytest.raises(GdsimError, match="still takes"):
        within(tmp_path / "race.gif", 50_000, provenance=made)


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".webp", ".mp4"])
def test_every_format_that_moves_keeps_within(tmp_path, suffix):
    path = tmp_path / f"race{suffix}"
    assert within(path, None) == ()
    limit = path.stat().st_size * 2 // 3
    (sentence, *_) = within(path, limit)
    assert path.stat().st_size <= limit
    assert f"race{suffix} has " in sentence


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_posters_are_not_held_to_it(tmp_path, suffix):
    assert within(tmp_path / f"race.{suffix}", 1000) == ()
    assert (tmp_path / f"race.{suffix}").stat().st_size > 1000


def test_a_see_through_background_reaches_the_file_and_is_refused_where_it_cannot(tmp_path):
    output = Output(background="transparent")
    write_within_limit(race(), tmp_path / "a.png", output=output)
    with Image.open(tmp_path / "a.png") as picture:
        alpha = np.asarray(picture.convert("RGBA"))[..., 3]
    assert alpha[0, 0] == 0
    assert alpha[180, 160] == 255
    with pytest.raises(InputError) as caught:
        write_within_limit(race(), tmp_path / "a.gif", output=output)
    assert (caught.value.code, caught.value.key) == ("unsupported", ("output", "background"))


def test_each_try_is_tracked(tmp_path, whole):
    seen = []

    def progress(frames):
        seen.append(len(frames))
        return frames

    within(tmp_path / "a.gif", whole // 2, progress=progress)
    assert seen[0] == 50
    assert 2 <= len(seen) <= 8
