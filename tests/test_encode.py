"""Written files are decoded, by Pillow or by ffmpeg, and held against the frames they were made from."""

from __future__ import annotations

import re
import struct
import subprocess
import tracemalloc
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import accumulate, groupby, pairwise
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

import gdsim
from gdsim.encode import TooLargeError, formats, write
from gdsim.encode.pixels import planes
from gdsim.errors import GdsimError, InputError
from tests.decode import decode_video

PATHS = np.array([(0, 114, 178), (213, 94, 0), (0, 158, 115), (204, 121, 167)], np.uint8)
LUMA = np.array([0.2126, 0.7152, 0.0722])
INK, PAPER = (20, 20, 20), (255, 255, 255)
ANIMATIONS = [f".{each.name}" for each in formats().values() if each.kind == "animation"]
SUFFIXES = [f".{each.name}" for each in formats().values() if each.kind != "page"]


@dataclass
class Pictures:
    """Frames that are made when asked for, as a renderer makes them."""

    draw: Callable[[int], np.ndarray]
    count: int
    colors: np.ndarray
    transparent: bool = False

    @property
    def size(self) -> tuple[int, int]:
        height, width, _ = self.poster().shape
        return width, height

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[np.ndarray]:
        return map(self.draw, range(self.count))

    def poster(self) -> np.ndarray:
        return self.draw(self.count - 1)

    def save_poster(self, path: Path, words: Mapping[str, str]) -> None:
        path.write_text(f"the poster as {path.suffix} with {list(words)}")


@cache
def map_fills(width: int, height: int) -> np.ndarray:
    """28 flat fills, 2 units apart, with smooth edges."""
    y, x = np.mgrid[: 2 * height, : 2 * width] / (2 * height)
    level = np.floor(28 * (0.5 + 0.45 * np.sin(5 * x) * np.cos(4 * y))).astype(int)
    fills = np.stack([200 + 2 * np.arange(28), 195 + 2 * np.arange(28), 240 - np.arange(28)], 1)
    return np.rint(fills[level].reshape(height, 2, width, 2, 3).mean((1, 3))).astype(np.uint8)


def growing_paths(count: int = 20, size: tuple[int, int] = (320, 240)) -> Pictures:
    """Four smooth coloured paths on a quiet map, each with a head, and a step counter."""
    width, height = size

    def draw(step: int) -> np.ndarray:
        image = Image.fromarray(map_fills(width, height).repeat(2, 0).repeat(2, 1))
        pen = ImageDraw.Draw(image)
        angle = np.linspace(0, 4 * (step + 1) / count, 40)
        for turn, color in enumerate(PATHS):
            x = width * (1 + (1 - angle / 6) * np.cos(angle + 1.6 * turn) * 0.9)
            y = height * (1 + (1 - angle / 6) * np.sin(angle + 1.6 * turn) * 0.9)
            pen.line([*zip(x.tolist(), y.tolist(), strict=True)], tuple(color.tolist()), 5)
            pen.ellipse((x[-1] - 9, y[-1] - 9, x[-1] + 9, y[-1] + 9), tuple(color.tolist()))
        small = image.resize(size, Image.Resampling.BOX)
        ImageDraw.Draw(small).rectangle((4, 4, 70, 20), PAPER)
        ImageDraw.Draw(small).text((6, 6), f"step {step}", INK)
        return np.array(small)

    return Pictures(draw, count, np.vstack([PATHS, INK, PAPER]).astype(np.uint8))


def flat(count: int, color: Callable[[int], int], size: tuple[int, int] = (16, 12)) -> Pictures:
    """Frames of one grey each."""
    greys = np.repeat(np.arange(256, dtype=np.uint8), 3).reshape(-1, 3)[:250]
    return Pictures(lambda number: np.full((*size[::-1], 3), color(number), np.uint8), count, greys)


def decode(path: Path) -> list[tuple[np.ndarray, int]]:
    """Return each picture of a GIF, APNG or WebP and its duration in ms, as Pillow sees them."""
    with Image.open(path) as image:
        pictures = []
        for number in range(image.n_frames):  # type: ignore[attr-defined]
            image.seek(number)
            pixels = np.array(image.convert("RGB"))
            pictures.append((pixels, image.info.get("duration")))
        return pictures


def still(drawn: list[np.ndarray]) -> Pictures:
    """Frames that are there already, all of whose colours matter."""
    colors = np.unique(np.concatenate([frame.reshape(-1, 3) for frame in drawn]), axis=0)
    return Pictures(drawn.__getitem__, len(drawn), colors)


def assert_same(decoded: list[tuple[np.ndarray, int]], expected: list[tuple[np.ndarray, int]]) -> None:
    assert [duration for _, duration in decoded] == [duration for _, duration in expected]
    for (shown, _), (drawn, _) in zip(decoded, expected, strict=True):
        np.testing.assert_array_equal(shown, drawn)


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    """Return the likeness in dB, 150 for equal pictures."""
    return float(10 * np.log10(255**2 / (np.square(one.astype(float) - other).mean() + 6.5e-11)))


def without_subsampling(picture: np.ndarray) -> np.ndarray:
    """Return the mean of each 2 by 2 pixels: all that 4:2:0 keeps of colour."""
    height, width, _ = picture.shape
    return picture.reshape(height // 2, 2, width // 2, 2, 3).mean((1, 3))


def mask(picture: np.ndarray, color: np.ndarray) -> np.ndarray:
    return (picture == color).all(-1)


def no_child_is_left() -> bool:
    """Return whether no ffmpeg runs below this process, in which a browser may run for other tests."""
    return not any("ffmpeg" in child.name() for child in psutil.Process().children(recursive=True))


# ------------------------------------------------------------------------- GIF


def test_a_gif_keeps_every_reserved_colour_exactly_in_every_frame(tmp_path: Path) -> None:
    frames = growing_paths(8)
    pictures = decode(write(frames, tmp_path / "race.gif", fps=25, hold=2))
    assert len(pictures) == len(frames)
    values, counts = np.unique(frames.poster().reshape(-1, 3), axis=0, return_counts=True)
    kept = np.vstack([frames.colors, values[counts > 100]])
    assert len(kept) > 30
    for drawn, (shown, _) in zip(frames, pictures, strict=True):
        for color in kept:
            np.testing.assert_array_equal(mask(shown, color)[mask(drawn, color)], True)
        assert psnr(shown, drawn) > 45


def test_a_gif_has_one_global_palette_loops_for_ever_and_has_an_opaque_first_frame(tmp_path: Path) -> None:
    content = write(growing_paths(3), tmp_path / "race.gif", fps=25, hold=0).read_bytes()
    assert content[:6] == b"GIF89a"
    assert struct.unpack("<HH", content[6:10]) == (320, 240)
    assert content[10] == 0b1111_0111
    after_palette = content[13 + 3 * 256 :]
    assert after_palette.startswith(b"!\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00!\xf9\x04\x04")
    with Image.open(tmp_path / "race.gif") as image:
        assert "transparency" not in image.info
    assert content.endswith(b"\x00;")


def test_a_smooth_map_of_many_colours_leaves_the_paths_exact(tmp_path: Path) -> None:
    y, x = np.mgrid[:120, :160]
    smooth = np.stack([x + 60, 2 * y, 255 - x], -1).astype(np.uint8)

    def draw(number: int) -> np.ndarray:
        picture = smooth.copy()
        for row, color in enumerate(PATHS):
            picture[20 + 20 * row, : 10 * (number + 1)] = color
        return picture

    frames = Pictures(draw, 12, PATHS)
    for drawn, (shown, _) in zip(frames, decode(write(frames, tmp_path / "a.gif", fps=10, hold=1)), strict=True):
        for color in PATHS:
            np.testing.assert_array_equal(mask(shown, color), mask(drawn, color))
        assert psnr(shown, drawn) > 32


def test_a_gif_stores_no_blended_colours_that_look_as_before(tmp_path: Path) -> None:
    y, x = np.mgrid[:120, :160]
    smooth = np.stack([100 + x // 8, 100 + y // 6, 130 - x // 8], -1)

    def draw(number: int, tremble: int = 2) -> np.ndarray:
        picture = (smooth + tremble * (number % 2)).astype(np.uint8)
        picture[20:40, : 10 * (number + 1)] = PATHS[0]
        return picture

    steady = write(Pictures(lambda number: draw(number, 0), 12, PATHS), tmp_path / "steady.gif", fps=10, hold=1)
    frames = Pictures(draw, 12, PATHS)
    path = write(frames, tmp_path / "trembling.gif", fps=10, hold=1)
    for drawn, (shown, _) in zip(frames, decode(path), strict=True):
        np.testing.assert_array_equal(mask(shown, PATHS[0]), mask(drawn, PATHS[0]))
        assert np.abs(shown.astype(int) - drawn).max() <= 12
    assert path.stat().st_size < 1.1 * steady.stat().st_size


@pytest.mark.parametrize("fps", [1, 7, 10, 24, 25, 30, 33, 49, 50])
def test_gif_delays_add_up_exactly_and_never_fall_under_what_browsers_honour(tmp_path: Path, fps: int) -> None:
    pictures = decode(write(flat(60, lambda number: number), tmp_path / "a.gif", fps=fps, hold=1.5))
    delays = [duration // 10 for _, duration in pictures]
    assert sum(delays) == round(100 * 60 / fps) + 150
    assert set(delays[:-1]) <= {100 // fps, 100 // fps + 1}
    assert min(delays) >= 2


def test_thirty_frames_a_second_alternate_between_3_and_4(tmp_path: Path) -> None:
    pictures = decode(write(flat(7, lambda number: number), tmp_path / "a.gif", fps=30, hold=0))
    assert [duration for _, duration in pictures] == [30, 40, 30, 30, 40, 30, 30]


def test_frames_equal_to_the_one_before_lengthen_it(tmp_path: Path) -> None:
    pictures = decode(write(flat(10, lambda number: number // 4), tmp_path / "a.gif", fps=10, hold=2))
    assert [(int(picture[0, 0, 0]), duration) for picture, duration in pictures] == [
        (0, 400),
        (1, 400),
        (2, 2200),
    ]


def test_a_hold_past_the_longest_delay_is_kept(tmp_path: Path) -> None:
    pictures = decode(write(flat(2, lambda number: number), tmp_path / "a.gif", fps=10, hold=1200))
    assert sum(duration for _, duration in pictures) == 1_200_200
    assert max(duration for _, duration in pictures) <= 655_350
    assert all((picture == 1).all() for picture, _ in pictures[1:])


@st.composite
def animations(draw: st.DrawFn) -> list[np.ndarray]:
    """Small frames, each the one before with some rectangles painted over, in at most 250 colours."""
    width, height = draw(st.integers(1, 40)), draw(st.integers(1, 30))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    colors = random.integers(0, 256, (draw(st.integers(1, 250)), 3), np.uint8)
    frames = [colors[random.integers(0, len(colors), (height, width))]]
    for patches in draw(st.lists(st.integers(0, 3), max_size=12)):
        frame = frames[-1].copy()
        for _ in range(patches):
            (top, bottom), (left, right) = (np.sort(random.integers(0, side + 1, 2)) for side in (height, width))
            patch = frame[top:bottom, left:right]
            patch[:] = colors[random.integers(0, len(colors), patch.shape[:2])]
        frames.append(frame)
    return frames


@settings(deadline=None, max_examples=60)
@given(drawn=animations(), fps=st.integers(1, 50), hold=st.integers(0, 300))
def test_any_gif_of_few_colours_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[np.ndarray], fps: int, hold: int
) -> None:
    path = write(still(drawn), tmp_path_factory.getbasetemp() / "any.gif", fps=fps, hold=hold / 100)
    decoded = decode(path)
    different = [[*group] for _, group in groupby(range(len(drawn)), key=lambda number: drawn[number].tobytes())]
    shown = [duration for _, duration in decoded]
    assert_same(decoded, [(drawn[numbers[0]], each) for numbers, each in zip(different, shown, strict=True)])
    for numbers, end in zip(different, accumulate(shown), strict=True):
        exact = Fraction(1000 * (numbers[-1] + 1), fps) + 10 * hold * (numbers[-1] == len(drawn) - 1)
        assert end % 10 == 0
        assert abs(end - exact) <= 5  # a GIF counts in 10 ms, and an end between two of them may be rounded to either


@settings(deadline=None, max_examples=30)
@given(drawn=animations())
def test_any_apng_comes_back_as_it_was(tmp_path_factory: pytest.TempPathFactory, drawn: list[np.ndarray]) -> None:
    path = write(still(drawn), tmp_path_factory.getbasetemp() / "any.apng", fps=20, hold=1.5)
    assert_same(decode(path), [(frame, 50) for frame in drawn[:-1]] + [(drawn[-1], 1550)])


# ------------------------------------------------------------------------- before and after what moves

RASTERS = [".gif", ".apng", ".webp"]


def greys(path: Path) -> list[tuple[int, int]]:
    """Return the grey and the duration in ms of each picture of a `flat` animation."""
    return [(int(picture[0, 0, 0]), duration) for picture, duration in decode(path)]


@pytest.mark.parametrize("suffix", RASTERS)
def test_the_end_fades_to_the_beginning_within_the_hold(tmp_path: Path, suffix: str) -> None:
    frames = flat(3, lambda number: 40 + 60 * number)
    *moving, (last, held), one, two = greys(write(frames, tmp_path / f"a{suffix}", fps=10, hold=2, fade=0.3))
    assert [(grey, round(time)) for grey, time in moving] == [(40, 100), (100, 100)]
    assert (last, held) == (160, pytest.approx(1900, abs=2))
    assert [grey for grey, _ in (one, two)] == [120, 80]
    assert sum(time for _, time in (*moving, one, two)) + held == pytest.approx(3 * 100 + 2000, abs=1)


@pytest.mark.parametrize("suffix", RASTERS)
def test_what_plays_once_ends_with_its_last_frame(tmp_path: Path, suffix: str) -> None:
    frames = flat(3, lambda number: 40 + 60 * number)
    path = write(frames, tmp_path / f"a{suffix}", fps=10, hold=2, fade=0.3, loop=False)
    assert greys(path) == [(40, 100), (100, 100), (160, 2100)]


@pytest.mark.parametrize("suffix", RASTERS)
def test_the_opening_is_first_for_one_tick_and_fades_to_the_start(tmp_path: Path, suffix: str) -> None:
    frames = flat(3, lambda number: 40 + 60 * number)
    path = write(frames, tmp_path / f"a{suffix}", fps=10, hold=2, opening=frames.poster(), fade=0.3)
    assert [grey for grey, _ in greys(path)] == [160, 120, 80, 40, 100, 160]
    assert greys(path)[0] == (160, 100)
    assert sum(time for _, time in greys(path)) == pytest.approx(2300, abs=1)


@pytest.mark.parametrize("suffix", RASTERS)
def test_the_ending_is_shown_once_in_the_hold(tmp_path: Path, suffix: str) -> None:
    frames = flat(2, lambda number: 40 + 60 * number)
    path = write(frames, tmp_path / f"a{suffix}", fps=10, hold=2, ending=flat(1, lambda _: 200).poster())
    assert [(grey, round(time)) for grey, time in greys(path)] == [(40, 100), (100, 500), (200, 800), (100, 800)]


def test_a_video_fades_in_every_frame_and_is_not_longer(tmp_path: Path) -> None:
    frames = flat(10, lambda number: 40 + 16 * number, (64, 48))
    path = write(frames, tmp_path / "a.mp4", fps=25, hold=2, fade=0.4)
    pictures, _ = decode_video(path, frames.size)
    assert len(pictures) == 10 + 50
    levels = np.array([float((picture @ LUMA).mean()) for picture in pictures])
    np.testing.assert_allclose(levels[9:50], levels[9], atol=2)
    assert (np.diff(levels[50:]) < -5).all()


def test_a_fade_of_transparent_pictures_has_no_dark_edge(tmp_path: Path) -> None:
    pictures = [np.full((12, 16, 4), (200, 100, 50, opacity), np.uint8) for opacity in (255, 0)]
    pictures[1][..., :3] = 0
    frames = Pictures(pictures.__getitem__, 2, PATHS, transparent=True)
    with Image.open(write(frames, tmp_path / "a.webp", fps=10, hold=2, fade=0.3)) as image:
        image.seek(2)
        assert image.convert("RGBA").getpixel((3, 3)) == pytest.approx((200, 100, 50, 85), abs=1)


# ------------------------------------------------------------------------- the other formats


@pytest.mark.parametrize("suffix", [".apng", ".webp"])
def test_true_colour_animations_are_exact(tmp_path: Path, suffix: str) -> None:
    frames = growing_paths(8)
    pictures = decode(write(frames, tmp_path / f"race{suffix}", fps=25, hold=1))
    assert sum(duration for _, duration in pictures) == 8 * 40 + 1000
    for number, drawn in enumerate(frames):
        np.testing.assert_array_equal(pictures[number][0], drawn)
    np.testing.assert_array_equal(pictures[-1][0], frames.poster())


@pytest.mark.parametrize("suffix", [".gif", ".apng", ".webp"])
def test_animations_loop_for_ever(tmp_path: Path, suffix: str) -> None:
    with Image.open(write(growing_paths(2), tmp_path / f"race{suffix}", fps=25, hold=0)) as image:
        assert image.info["loop"] == 0
        assert image.size == (320, 240)


@pytest.mark.parametrize("suffix", [".mp4", ".webm"])
def test_a_video_shows_every_frame_for_its_time_and_holds_the_last(tmp_path: Path, suffix: str) -> None:
    frames = growing_paths(20)
    pictures, words = decode_video(write(frames, tmp_path / f"race{suffix}", fps=10, hold=1.5), frames.size)
    assert len(pictures) == 20 + 15
    assert "Duration: 00:00:03.50" in words
    for shown, drawn in zip(pictures, [*frames, frames.poster()], strict=False):
        assert psnr(without_subsampling(shown), without_subsampling(drawn)) > 38
        assert psnr(shown @ LUMA, drawn @ LUMA) > 40
    assert psnr(pictures[-1] @ LUMA, frames.poster() @ LUMA) > 40


@pytest.mark.parametrize("suffix", [".mp4", ".webm"])
def test_a_video_is_tagged_as_what_its_colours_are(tmp_path: Path, suffix: str) -> None:
    bars = PATHS.repeat(40, 0)[None].repeat(120, 0)
    path = write(still([bars] * 3), tmp_path / f"bars{suffix}", fps=10, hold=0)
    pictures, words = decode_video(path, (160, 120))
    assert re.search(r"Video: .*yuv420p\(tv, bt709, progressive\), 160x120", words)
    np.testing.assert_allclose(pictures[-1][60, 20::40].astype(int), PATHS, atol=3)


def test_an_mp4_starts_with_its_table_of_contents(tmp_path: Path) -> None:
    content = write(growing_paths(3), tmp_path / "race.mp4", fps=25, hold=0).read_bytes()
    assert 0 < content.index(b"moov") < content.index(b"mdat")


def test_a_png_is_the_poster(tmp_path: Path) -> None:
    frames = growing_paths(5)
    with Image.open(write(frames, tmp_path / "race.png", fps=25, hold=1)) as image:
        np.testing.assert_array_equal(np.array(image), frames.poster())


@pytest.mark.parametrize("suffix", [".svg", ".pdf"])
def test_vectors_are_drawn_by_the_frames_themselves(tmp_path: Path, suffix: str) -> None:
    path = write(growing_paths(5), tmp_path / f"race{suffix}", fps=25, hold=1)
    assert path.read_text() == f"the poster as {suffix} with []"


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ANIMATIONS)
@pytest.mark.parametrize("size", [(160, 120), (1282, 722), (3840, 2160)])
def test_every_size_is_written(tmp_path: Path, suffix: str, size: tuple[int, int]) -> None:
    drawn = [np.array(Image.fromarray(frame).resize(size, 0)) for frame in growing_paths(2)]
    frames = Pictures(drawn.__getitem__, 2, PATHS)
    path = write(frames, tmp_path / f"race{suffix}", fps=10, hold=0)
    if suffix in (".mp4", ".webm"):
        shown = decode_video(path, size)[0]
    else:
        shown = [picture for picture, _ in decode(path)]
    assert len(shown) == 2
    middle = (slice(None), slice(size[0] // 4 * 2 - 80, size[0] // 4 * 2 + 80))
    assert psnr(without_subsampling(shown[-1][middle]), without_subsampling(frames.poster()[middle])) > 36


# ------------------------------------------------------------------------- smaller files


@cache
def quickstart() -> tuple[gdsim.Frames, int, float]:
    """The frames of a real picture, small and few."""
    path = Path(__file__).parent.parent / "configs" / "quickstart.yaml"
    small = ["view.size=[480, 270]", "animation={seconds: 1, fps: 10, hold: 0.5}"]
    experiment = gdsim.load(path, overrides=small)
    scene = gdsim.build_scene(gdsim.simulate(experiment), view=experiment.view, animation=experiment.animation)
    return gdsim.frames(scene), scene.fps, scene.hold


@pytest.mark.parametrize("suffix", ANIMATIONS)
def test_each_quality_level_makes_a_smaller_file_of_the_same_picture(tmp_path: Path, suffix: str) -> None:
    frames, fps, hold = quickstart()
    sizes = []
    for stage in range(len(formats()[suffix[1:]].quality_levels)):
        path = write(frames, tmp_path / f"{stage}{suffix}", fps=fps, hold=hold, quality_level=stage)
        sizes.append(path.stat().st_size)
        if suffix in (".gif", ".webp"):
            assert psnr(decode(path)[-1][0], frames.poster()) > 30
    assert all(after < 0.95 * before for before, after in pairwise(sizes))


@pytest.mark.parametrize("stage", [1, 2, 3])
def test_a_gif_of_few_colours_has_a_small_palette_and_keeps_every_reserved_colour(tmp_path: Path, stage: int) -> None:
    frames, fps, hold = quickstart()
    path = write(frames, tmp_path / "race.gif", fps=fps, hold=hold, quality_level=stage)
    content = path.read_bytes()
    bits = 8 - stage
    assert content[10] & 7 == bits - 1
    # The size of the first picture's codes follows its descriptor.
    first = content.index(b",", 13 + (3 << bits) + 19 + 8)
    assert content[first + 10] == bits
    assert f"{1 << bits} colours" == formats()["gif"].quality_levels[stage]
    shown = decode(path)[-1][0]
    for color in frames.colors:
        np.testing.assert_array_equal(mask(shown, color)[mask(frames.poster(), color)], True)


def test_colours_to_keep_are_kept_also_where_they_are_more_than_a_stage_has(tmp_path: Path) -> None:
    frames = still([np.stack([np.arange(60), np.arange(60) * 4, 255 - np.arange(60)], -1).astype(np.uint8)[None]] * 2)
    shown = decode(write(frames, tmp_path / "a.gif", fps=10, hold=0, quality_level=3))
    np.testing.assert_array_equal(shown[-1][0], frames.poster())


@pytest.mark.parametrize("suffix", ANIMATIONS)
def test_a_file_that_becomes_too_large_is_given_up(tmp_path: Path, suffix: str) -> None:
    frames, asked = growing_paths(40), []

    def progress(pictures: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        for picture in pictures:
            asked.append(1)
            yield picture

    size = write(frames, tmp_path / f"race{suffix}", fps=25, hold=0).stat().st_size
    written = write(frames, tmp_path / f"race{suffix}", fps=25, hold=0, max_bytes=size)
    assert written.stat().st_size == size
    written.unlink()
    with pytest.raises(TooLargeError, match=rf"race{suffix}: would have more than {size // 2:,} bytes; show less"):
        write(frames, tmp_path / f"race{suffix}", fps=25, hold=0, max_bytes=size // 2, progress=progress)
    assert not [*tmp_path.iterdir()]
    assert no_child_is_left()
    if suffix in (".gif", ".apng"):
        assert len(asked) < 35
    assert write.__kwdefaults__["max_bytes"] == 2 * 10**9


@pytest.mark.parametrize("suffix", [".gif", ".apng", ".webp"])
def test_an_animation_that_is_to_play_once_says_so(tmp_path: Path, suffix: str) -> None:
    path = write(growing_paths(2), tmp_path / f"race{suffix}", fps=25, hold=0, loop=False)
    with Image.open(path) as image:
        assert image.info.get("loop", 1) == 1
    assert b"NETSCAPE" not in path.read_bytes()


@pytest.mark.parametrize("suffix", ANIMATIONS)
def test_the_same_frames_are_the_same_file(tmp_path: Path, suffix: str) -> None:
    one, other = (write(growing_paths(4), tmp_path / f"{name}{suffix}", fps=25, hold=0) for name in "ab")
    assert one.read_bytes() == other.read_bytes()


# ------------------------------------------------------------------------- see-through pages


def growing_disc(count: int = 6) -> Pictures:
    """A disc with a smooth edge that grows over nothing, where black lies under no opacity."""
    y, x = np.mgrid[:120, :160]

    def draw(number: int) -> np.ndarray:
        opacity = np.clip(20 + 4 * number - np.hypot(x - 80, y - 60), 0, 1)
        picture = np.dstack([np.where(opacity[..., None] > 0, (213, 194, 120), (0, 0, 0)), 255 * opacity])
        return np.rint(picture).astype(np.uint8)

    return Pictures(draw, count, PATHS, transparent=True)


def test_a_png_keeps_its_opacity(tmp_path: Path) -> None:
    frames = growing_disc()
    with Image.open(write(frames, tmp_path / "disc.png", fps=25, hold=1)) as image:
        np.testing.assert_array_equal(np.array(image), frames.poster())


@pytest.mark.parametrize("quality_level", [0, 1, 4])
def test_a_webp_keeps_its_opacity(tmp_path: Path, quality_level: int) -> None:
    frames = growing_disc()
    with Image.open(write(frames, tmp_path / "disc.webp", fps=25, hold=1, quality_level=quality_level)) as image:
        for number, drawn in enumerate(frames):
            image.seek(number)
            shown = np.array(image.convert("RGBA")).astype(int)
            assert np.abs(shown[..., 3] - drawn[..., 3]).max() <= (8 if quality_level else 0)
            seen = shown[..., 3] > 0
            np.testing.assert_array_equal(shown[seen][:, :3], drawn[seen][:, :3])


def test_a_webm_keeps_its_opacity_and_no_black_bleeds_into_its_edges(tmp_path: Path) -> None:
    frames = growing_disc()
    path = write(frames, tmp_path / "disc.webm", fps=10, hold=1)
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-c:v", "libvpx-vp9", "-i", path, "-f", "rawvideo", "-pix_fmt", "rgba"]
    done = subprocess.run([*command, "-"], capture_output=True, check=True)
    shown = np.frombuffer(done.stdout, np.uint8).reshape(-1, 120, 160, 4)
    assert len(shown) == len(frames) + 10
    for picture, drawn in zip(shown, frames, strict=False):
        assert np.abs(picture[..., 3].astype(int) - drawn[..., 3]).max() < 40
        seen = drawn[..., 3] > 0
        assert np.abs(picture[seen][:, :3].astype(int) - (213, 194, 120)).max() < 8


@pytest.mark.parametrize("suffix", [".gif", ".apng", ".mp4"])
def test_formats_without_opacity_refuse_what_is_see_through(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(InputError) as caught:
        write(growing_disc(), tmp_path / f"disc{suffix}", fps=25, hold=1)
    assert caught.value.code == "unsupported"
    assert not [*tmp_path.iterdir()]


# ------------------------------------------------------------------------- what holds for all


@pytest.mark.parametrize("suffix", ANIMATIONS)
def test_frames_pass_through_progress_once(tmp_path: Path, suffix: str) -> None:
    seen = []

    def progress(frames: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        for frame in frames:
            seen.append(frame.shape)
            yield frame

    path = tmp_path / "made" / f"RACE{suffix.upper()}"
    assert write(growing_paths(4), path, fps=25, hold=0, progress=progress) == path
    assert seen == [(240, 320, 3)] * 4
    assert [*path.parent.iterdir()] == [path]
    assert no_child_is_left()


@pytest.mark.parametrize("suffix", ANIMATIONS)
@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_an_interrupt_leaves_no_file_and_no_child(tmp_path: Path, suffix: str, error: type[BaseException]) -> None:
    path = tmp_path / f"race{suffix}"
    path.write_text("what was there before")

    def interrupted(frames: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        for number, frame in enumerate(frames):
            if number == 5:
                raise error
            yield frame

    with pytest.raises(error):
        write(growing_paths(), path, fps=25, hold=1, progress=interrupted)
    assert [*tmp_path.iterdir()] == [path]
    assert path.read_text() == "what was there before"
    assert no_child_is_left()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_place_that_cannot_be_written_to_is_named(tmp_path: Path, suffix: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(GdsimError, match=f"race{suffix}"):
        write(growing_paths(2), tmp_path / "file" / f"race{suffix}", fps=25, hold=1)
    assert no_child_is_left()


@pytest.mark.parametrize("name", ["race.gfi", "race", "race.mp4.old"])
def test_an_unknown_suffix_is_a_mistake_of_the_user(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError) as caught:
        write(growing_paths(2), tmp_path / name, fps=25, hold=1)
    assert caught.value.code == "unknown-name"
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("suffix", [".gif", ".mp4", ".webp", ".apng", ".png"])
@pytest.mark.parametrize(
    "wrong",
    [{"fps": 0}, {"fps": 2.5}, {"hold": -1}, {"hold": float("nan")}, {"quality_level": 9}, {"quality_level": -1}],
)
def test_an_option_out_of_range_is_named(tmp_path: Path, suffix: str, wrong: dict[str, float]) -> None:
    with pytest.raises(InputError) as caught:
        write(growing_paths(2), tmp_path / f"race{suffix}", **{"fps": 25, "hold": 1, **wrong})
    assert (caught.value.code, caught.value.key) == ("invalid-value", tuple(wrong))
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("suffix", ANIMATIONS)
def test_the_longest_hold_finds_room_in_every_format(tmp_path: Path, suffix: str) -> None:
    frames = flat(2, lambda number: 100 * number, (8, 8))
    assert write(frames, tmp_path / f"race{suffix}", fps=2, hold=1200).exists()


def test_a_missing_ffmpeg_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(tmp_path / "nowhere"))
    with pytest.raises(GdsimError, match="pip install"):
        write(growing_paths(2), tmp_path / "race.mp4", fps=25, hold=1)
    assert not [*tmp_path.iterdir()]


def test_what_ffmpeg_says_is_passed_on(tmp_path: Path) -> None:
    wide = still([np.zeros((2, 16_400, 3), np.uint8)])
    with pytest.raises(GdsimError, match=r"^ffmpeg cannot write \.mp4: invalid width x height"):
        write(wide, tmp_path / "race.mp4", fps=25, hold=1)
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("size", [(161, 120), (160, 121)])
def test_video_takes_even_sizes_only(tmp_path: Path, size: tuple[int, int]) -> None:
    with pytest.raises(InputError) as caught:
        write(growing_paths(60, size), tmp_path / "race.mp4", fps=25, hold=1)
    assert caught.value.code == "unsupported"
    assert not [*tmp_path.iterdir()]


def test_planes_are_those_of_bt_709() -> None:
    """The formulas of ITU-R BT.709-6, items 3.2 to 3.4 and 4.6, written out for each pixel of some random frames."""
    rng = np.random.default_rng(0)
    first = rng.integers(0, 256, (38, 8, 3), dtype=np.uint8)
    second = first.copy()
    second[1:3, 2:5] = rng.integers(0, 256, (2, 3, 3))
    # Few pixels change first, then all.
    frames = (first, second, 255 - second)
    for frame, made in zip(frames, planes(iter(frames)), strict=True):
        red, green, blue = np.moveaxis(frame / 255, -1, 0)
        luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue
        quarter = [
            ((color - luma) / scale).reshape(19, 2, 4, 2).mean((1, 3))
            for color, scale in ((blue, 1.8556), (red, 1.5748))
        ]
        expected = [219 * luma + 16, *(224 * plane + 128 for plane in quarter)]
        assert np.abs(made - np.concatenate([plane.ravel() for plane in expected])).max() <= 0.5001


@pytest.mark.parametrize(
    ("words", "told"), [("echo '[muxer @ 0x1] disk full' >&2", "disk full"), ("echo >&2", "status 3")]
)
def test_an_ffmpeg_that_gives_up_half_way_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str, told: str
) -> None:
    ffmpeg = tmp_path / "ffmpeg"
    ffmpeg.write_text(f"#!/bin/sh\n{words}\nyes words | head -c 200000 >&2\nhead -c 500000 >/dev/null\nexit 3\n")
    ffmpeg.chmod(0o755)
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(ffmpeg))
    with pytest.raises(GdsimError, match=told):
        write(growing_paths(), tmp_path / "race.mp4", fps=25, hold=1)
    assert [*tmp_path.iterdir()] == [ffmpeg]
    assert no_child_is_left()


@pytest.mark.parametrize("suffix", ANIMATIONS)
def test_memory_does_not_grow_with_the_frames(tmp_path: Path, suffix: str) -> None:
    def peak(count: int) -> int:
        frames = flat(count, lambda number: number % 250, (160, 120))
        tracemalloc.start()
        write(frames, tmp_path / f"race{suffix}", fps=25, hold=0)
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return top

    peak(10)
    assert peak(300) < 1.1 * peak(30)
