"""What a file says of how it was made comes back from every format, and one clear line from every other file."""

from __future__ import annotations

import shutil
import struct
import subprocess
import tracemalloc
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

import gdsim
from gdsim.encode import formats, image_size, output_format, source, write, yaml_of
from gdsim.errors import InputError
from gdsim.metadata import Provenance, versions

SUFFIXES = [f".{each.name}" for each in formats().values() if each.kind != "page"]
HOSTILE = "a: '</script> </svg> <dc:source> ]]> (((\\ )) ;=# \\n % \u2028 é 火 😀 /gdsim ('\n# " + "x" * 300_000 + "\n"
MADE = Provenance(
    title="Race = a; #1 \\ (x)\n</svg> é 火",
    alt_text="Adam reaches (3.00, 2.00) <&> \"after\" 'so many' steps;\n\\SGD = stops\x01\x7f",
    yaml=HOSTILE,
    seed=2**63 - 1,
    versions=versions(),
    caption=("Adam reaches (3.00, 2.00)", "\\SGD = stops\x01"),
)
EXPERIMENT = """
objective: himmelblau
steps: 5
optimizers: {SGD: {lr: 0.01}}
view: {size: [320, 180], panels: []}
animation: {fps: 10, seconds: 0.3, hold: 0.2}
"""


def mistake(read: Callable[[Path], object], path: Path) -> str:
    """Return the code of the error that reading a file raises."""
    with pytest.raises(InputError) as caught:
        read(path)
    return caught.value.code


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One file of each format, by suffix."""
    folder = tmp_path_factory.mktemp("written")
    experiment = gdsim.loads(EXPERIMENT, name="race")
    trajectories = gdsim.simulate(experiment)
    scene = gdsim.build_scene(trajectories, view=experiment.view, animation=experiment.animation)
    frames = gdsim.frames(scene)
    paths = {
        suffix: write(frames, folder / f"race{suffix}", fps=scene.fps, hold=scene.hold, provenance=MADE)
        for suffix in SUFFIXES
    }
    paths[".npz"] = folder / "race.npz"
    gdsim.save(paths[".npz"], trajectories, experiment)
    paths[".html"] = folder / "race.html"
    words = MADE.to_json().replace("<", "\\u003c")
    page = (
        f'<!-- a page --><!DOCTYPE html>\n<p></p><script type="application/json" id="gdsim-source">\n{words}</script>'
    )
    paths[".html"].write_text(f"{page}</html>\n")
    return paths


# ------------------------------------------------------------------------- there and back


@pytest.mark.parametrize("suffix", [*SUFFIXES, ".html"])
def test_every_word_comes_back_from_every_format(written: dict[str, Path], tmp_path: Path, suffix: str) -> None:
    assert source(written[suffix]) == MADE
    assert yaml_of(str(written[suffix])) == HOSTILE
    assert output_format(written[suffix]) is not None
    # The first bytes decide, not the suffix.
    assert source(shutil.copy(written[suffix], tmp_path / "race.jpg")) == MADE


def test_a_recording_gives_its_configuration_and_its_seed(written: dict[str, Path], tmp_path: Path) -> None:
    assert source(written[".npz"]) == Provenance("race", "", EXPERIMENT, 0, versions())
    assert output_format(written[".npz"]) == "npz"
    assert image_size(written[".npz"]) is None
    older = tmp_path / "older.npz"
    with zipfile.ZipFile(written[".npz"]) as before, zipfile.ZipFile(older, "w") as after:
        for name in before.namelist():
            if name != "seed.npy":
                after.writestr(name, before.read(name))
    assert source(older) == Provenance("older", "", EXPERIMENT, None, versions())
    assert gdsim.read(older)[0].yaml == EXPERIMENT


def test_pictures_tell_their_size(written: dict[str, Path]) -> None:
    for suffix in SUFFIXES:
        # 3.2 inches are 307 pixels of a web page.
        assert image_size(written[suffix]) == ((307, 173) if suffix in (".svg", ".pdf") else (320, 180))
    assert image_size(written[".html"]) is None


@pytest.mark.parametrize("kind", [{"lossless": True}, {"lossless": False}, {"save_all": True}])
def test_every_kind_of_webp_tells_its_size(tmp_path: Path, kind: dict[str, bool]) -> None:
    pictures = [Image.new("RGB", (301, 177), color) for color in ("red", "blue")]
    pictures[0].save(tmp_path / "a.webp", append_images=pictures[1:] if "save_all" in kind else [], **kind)
    assert image_size(tmp_path / "a.webp") == (301, 177)


def test_a_single_frame_is_told_of_as_well(tmp_path: Path) -> None:
    class One:
        size, colors, transparent = (31, 17), np.zeros((1, 3), np.uint8), False

        def __len__(self) -> int:
            return 1

        def __iter__(self):
            yield self.poster()

        def poster(self) -> np.ndarray:
            return np.full((17, 31, 3), 40, np.uint8)

    for suffix in (".gif", ".apng", ".webp"):
        path = write(One(), tmp_path / f"one{suffix}", fps=10, hold=0, provenance=MADE)
        assert source(path) == MADE
        assert image_size(path) == (31, 17)
        with Image.open(path) as image:
            assert image.convert("RGB").getpixel((0, 0)) == (40, 40, 40)


@pytest.mark.parametrize("suffix", [".gif", ".png", ".apng", ".webp", ".mp4", ".webm"])
def test_other_programs_read_the_pictures_as_before(written: dict[str, Path], suffix: str) -> None:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", written[suffix], "-f", "null", "-"]
    if suffix != ".webp":  # which ffmpeg does not read where it moves
        assert subprocess.run(command, capture_output=True, check=True).stderr == b""
    if suffix in (".gif", ".png", ".apng", ".webp"):
        with Image.open(written[suffix]) as image:
            image.load()
            words = image.info
        if suffix in (".png", ".apng"):
            assert words["Description"].startswith("Adam reaches (3.00, 2.00) <&>")
            assert words["Title"] == "Race = a; #1 \\ (x) </svg> é 火"


def test_videos_name_title_and_words_where_players_look_for_them(written: dict[str, Path]) -> None:
    for suffix in (".mp4", ".webm"):
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", written[suffix], "-f", "ffmetadata", "-"]
        told = subprocess.run(command, capture_output=True, check=True).stdout.decode()
        assert "title=Race \\= a\\; \\#1 \\\\ (x) </svg> é 火\n" in told
        assert "Adam reaches (3.00, 2.00) <&>" in told


def test_vectors_name_title_and_words(written: dict[str, Path]) -> None:
    text = written[".svg"].read_text(encoding="utf-8")
    assert "<title>Race = a; #1 \\ (x) &lt;/svg&gt; é 火</title>" in text
    assert "Adam reaches (3.00, 2.00) &lt;&amp;&gt;" in text
    assert b"/Subject (Adam reaches \\(3.00, 2.00\\) <&>" in written[".pdf"].read_bytes()


def test_no_file_names_a_folder(written: dict[str, Path]) -> None:
    for suffix in SUFFIXES:
        content = written[suffix].read_bytes()
        assert str(written[suffix].parent).encode() not in content
        assert str(Path.home()).encode() not in content


def test_what_has_no_provenance_says_nothing(tmp_path: Path, written: dict[str, Path]) -> None:
    experiment = gdsim.loads(EXPERIMENT)
    scene = gdsim.build_scene(gdsim.simulate(experiment), view=experiment.view, animation=experiment.animation)
    frames = gdsim.frames(scene)
    for suffix in (".gif", ".apng", ".webp", ".mp4", ".svg", ".pdf"):
        path = write(frames, tmp_path / f"race{suffix}", fps=10, hold=0.2)
        assert path.stat().st_size < written[suffix].stat().st_size - len(HOSTILE)
        assert mistake(source, path) == "missing"


def test_a_picture_drawn_in_python_has_no_yaml(written: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / "race.html"
    made = replace(MADE, yaml="", seed=None)
    path.write_text(f'<html><script id="gdsim-source">{made.to_json()}</script></html>')
    assert source(path) == made
    assert mistake(yaml_of, path) == "missing"


# ------------------------------------------------------------------------- what is wrong


def test_what_is_no_such_file_is_told_in_one_line(tmp_path: Path, written: dict[str, Path]) -> None:
    for path in (written[".gif"].with_name("rase.gif"), tmp_path / "nowhere" / "a.gif"):
        assert mistake(source, path) == mistake(image_size, path) == "not-found"
    assert mistake(source, tmp_path) == "unreadable"
    assert output_format(tmp_path) is None
    assert output_format(tmp_path / "a.gif") is None


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "unreadable"),
        (b"objective: himmelblau\n", "unreadable"),
        (b"\xff\xd8\xff\xe0 a photograph", "unreadable"),
        (b"GIF89a\x01\x00", "unreadable"),
        (b'<html><script id="gdsim-source">{"made by": "gdsim", "a": 1}</script></html>', "unreadable"),
        (b'<html><script id="gdsim-source">{"made by": "gdsim", </script></html>', "unreadable"),
        (
            b'<html><script id="gdsim-source">{"made by": "gdsim", "a": ' + b"[" * 99_999 + b"</script></html>",
            "unreadable",
        ),
        (b"<html>\n<p>a page</p></html>\n", "missing"),
        (b"<?xml version='1.0'?>\n<!-- x --><svg width='3'></svg>", "missing"),
        (b"%PDF-1.4\n/gdsim (nothing)\n%%EOF\n", "missing"),
    ],
)
def test_other_files_are_refused_in_one_line(tmp_path: Path, content: bytes, code: str) -> None:
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(InputError) as caught:
        source(tmp_path / "a")
    assert caught.value.code == code
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", [".gif", ".png", ".webp"])
def test_a_picture_of_another_program_is_told_so(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    Image.new("RGB", (30, 20)).save(path, comment=b"made elsewhere", exif=b"Exif\x00\x00")
    assert mistake(source, path) == "missing"
    assert image_size(path) == (30, 20)


@pytest.mark.parametrize("suffix", [*SUFFIXES, ".html"])
def test_a_file_that_breaks_off_is_told_so(written: dict[str, Path], tmp_path: Path, suffix: str) -> None:
    content, path = written[suffix].read_bytes(), tmp_path / f"race{suffix}"
    for share in (0.001, 0.1, 0.5, 0.99):
        path.write_bytes(content[: max(40, round(share * len(content)))])
        assert mistake(source, path) == "unreadable"
    path.write_bytes(content[:-9])
    assert mistake(source, path) in ("unreadable", "missing")


@pytest.mark.parametrize("suffix", [*SUFFIXES, ".html"])
def test_a_file_that_a_copy_has_filled_up_with_zeros_is_whole(
    written: dict[str, Path], tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"race{suffix}"
    path.write_bytes(written[suffix].read_bytes() + bytes(100))
    assert source(path) == MADE


def test_a_video_that_breaks_off_between_its_boxes_is_told_so(written: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / "race.mp4"
    path.write_bytes(written[".mp4"].read_bytes()[:32])
    assert mistake(source, path) == "unreadable"


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(suffix=st.sampled_from([*SUFFIXES, ".html", ".npz"]), draw=st.data())
def test_whatever_a_file_holds_it_is_read_or_the_input_is_at_fault(
    written: dict[str, Path], tmp_path: Path, suffix: str, draw: st.DataObject
) -> None:
    small = written[suffix].read_bytes().replace(b"x" * 290_000, b"")
    content = bytearray(small)
    places = st.one_of(st.integers(0, min(400, len(small) - 1)), st.integers(0, len(small) - 1))
    for place in draw.draw(st.lists(places, max_size=6)):
        content[place : place + 4] = draw.draw(st.binary(min_size=1, max_size=8))
    path = tmp_path / "race"
    path.write_bytes(content)
    with suppress(InputError):
        assert isinstance(source(path), Provenance)
    with suppress(InputError):
        size = image_size(path)
        assert size is None or min(size) > 0
    output_format(path)


# ------------------------------------------------------------------------- made to harm


def traps() -> dict[str, bytes]:
    """Files that are small or plain, and cost much to one who believes them."""
    png = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4s2I5BI", 13, b"IHDR", 9, 9, 8, 2, 0, 0, 0, 0)
    gif = b"GIF89a\x01\x00\x01\x00\x00\x00\x00"
    return {
        "comments": gif + b"!\xfe\x01a\x00" * 600_000,
        "one comment": gif + b"!\xfe" + (b"\xff" + b"a" * 255) * 60_000,
        "a large text": png + struct.pack(">I4s", 2**32 - 1, b"tEXt") + b"gdsim\0",
        "chunks": png + struct.pack(">I4sI", 0, b"teXt", 0) * 300_000,
        "boxes": b"\x00\x00\x00\x10ftypisom" + b"\x00" * 4 + b"\x00\x00\x00\x08moov" * 200_000,
        "boxes in boxes": b"\x00\x00\x00\x10ftypisom"
        + b"\x00" * 4
        + b"\xff\xff\xff\xffmoov\xff\xff\xff\xfftrak" * 300_000,
        "boxes that reach out": b"\x00\x00\x00\x08ftyp" + b"\x00\x00\x00\x10moov\x7f\xff\xff\xfftrak" * 60_000,
        "elements": b"\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67\xff" + b"\x12\x54\xc3\x67\xff\x73\x73\xff" * 300_000,
        "scripts": b"<html>" + b'<script id="gdsim-source"' * 600_000,
        "brackets": b"%PDF-1.4" + b"/gdsim (\\" * 1_500_000,
        "images": b"RIFF\xff\xff\xff\x7fWEBP" + b"XMP \x00\x00\x00\x00" * 1_000_000,
        "svg": b"<svg " * 3_000_000,
    }


@pytest.mark.timeout(30)
@pytest.mark.parametrize("trap", traps())
def test_a_file_made_to_harm_costs_little(tmp_path: Path, trap: str) -> None:
    (tmp_path / "a").write_bytes(traps()[trap])
    assert mistake(source, tmp_path / "a") in ("unreadable", "missing")
    tracemalloc.start()
    if trap in ("one comment", "a large text", "scripts", "brackets"):
        with pytest.raises(InputError):
            source(tmp_path / "a")
    assert tracemalloc.get_traced_memory()[1] < 80 * 2**20
    tracemalloc.stop()


@pytest.mark.parametrize("share", [0.01, 0.5, 0.99])
def test_a_recording_that_breaks_off_is_refused(written: dict[str, Path], tmp_path: Path, share: float) -> None:
    content, path = written[".npz"].read_bytes(), tmp_path / "race.npz"
    path.write_bytes(content[: round(share * len(content))])
    with pytest.raises(InputError):
        source(path)


def test_a_recording_that_declares_too_much_is_refused(written: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / "large.npz"
    with np.load(written[".npz"]) as arrays:
        np.savez_compressed(path, **{**arrays, "yaml": np.array("x" * 5_000_000)})
    with pytest.raises(InputError):
        source(path)
