"""What a command says of the time that it takes where no progress bar can be shown."""

import re
from itertools import count

import pytest

from gdsim.cli import console
from tests.commands import call

LONG = """
objective: himmelblau
steps: 400
optimizers: {SGD: {lr: 0.001}}
output: {formats: [png]}
"""


@pytest.fixture
def clock(monkeypatch):
    """Make each step take this many seconds."""

    def set_pace(seconds):
        times = count(0.0, seconds)
        monkeypatch.setattr(console, "perf_counter", lambda: next(times))

    return set_pace


def run(tmp_path, *words):
    config = tmp_path / "long.yaml"
    config.write_text(LONG)
    result = call("run", str(config), "--out", str(tmp_path), *words)
    assert result.exit_code == 0, result.stderr
    return re.findall(r"long: simulating, (\d+) % done, about (.+) left", result.stderr)


def test_a_long_run_says_at_once_and_each_minute_how_long_it_takes(tmp_path, clock):
    clock(0.5)  # 400 steps take 200 s
    told = run(tmp_path)
    assert told[0] == ("0", "3 min")
    assert [int(percent) for percent, _ in told[1:]] == [30, 60, 90]
    assert told[-1][1] == "20 s"


def test_a_short_run_and_a_quiet_one_say_nothing(tmp_path, clock):
    clock(0.01)
    assert run(tmp_path) == []
    clock(0.5)
    assert run(tmp_path, "--quiet") == []
