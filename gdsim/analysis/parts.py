"""One objective of a study: what is tuned and walked there, and what of it is finished already."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from gdsim.analysis.derive import for_tuning, tuned
from gdsim.analysis.grouping import lowest_value
from gdsim.analysis.hyperparameters import setting
from gdsim.analysis.keys import keys_of
from gdsim.analysis.progress import Pace, Step
from gdsim.analysis.results import Result, failed, result_of
from gdsim.analysis.resuming import Finished
from gdsim.analysis.search import Found, search
from gdsim.analysis.tuning import Tuning
from gdsim.config import Experiment
from gdsim.errors import InputError
from gdsim.simulation import Trajectory

__all__ = ["Part"]

CHUNK = 2**26
"""So many bytes of trajectories are held at once while values are tried."""


class Part:
    """One objective of a study."""

    def __init__(
        self,
        experiment: Experiment,
        title: str,
        names: Mapping[str, Sequence[str]],
        tuning: Tuning | None,
        finished: Finished,
    ) -> None:
        self.experiment, self.title, self.names = experiment, title, names
        self._tuning, self._finished = tuning, finished
        self._keys = keys_of(experiment, title, names, tuning)
        self._objective = experiment.objectives[0].build()
        self._is_network = experiment.objectives[0].to_train() is not None
        self._found: dict[str, Found] = {}
        self._starts = 1 if experiment.start is None else experiment.start.count

    def work(self) -> int:
        """Return how many steps are still to be taken, those with different values counted apart."""
        return sum(self._search_work(label) + self._walk_work(label) for label in self.names)

    def _search_work(self, label: str) -> int:
        if not self.names[label] or self._keys[label].found in self._finished or self._tuning is None:
            return 0
        # Where no minimum is known, what stands for it is only found by a first round.
        return self._tuning.budget * self._rows * (2 if self._objective.minimum is None else 1)

    def _walk_work(self, label: str) -> int:
        return 0 if self._keys[label].result in self._finished else self._rows

    @property
    def _rows(self) -> int:
        return self.experiment.steps + 1

    def results(self, pace: Pace) -> dict[str, Result]:
        """Return what each optimizer adds; each is kept as soon as nothing can change it any more."""
        self._found = {label: self._searched(label, pace) for label in self.names}
        ahead = [label for label in self.names if self._keys[label].result not in self._finished]
        if self._objective.minimum is not None:
            for label in ahead:
                self._keep({label: self._walked(label, pace)})
        elif ahead:
            # What stands for the minimum is the lowest value that any of them finds.
            all_of = self._trained if self._is_network else self._walked_each
            self._keep(all_of(pace))
        return {label: Result.read(self._finished[self._keys[label].result]) for label in self.names}

    def _searched(self, label: str, pace: Pace) -> Found:
        """Return the tuned values of one optimizer."""
        names, key = self.names[label], self._keys[label].found
        if self._tuning is None or not names:
            return Found({})
        if key not in self._finished:
            with pace.share(self._search_work(label)) as step:
                spread = partial(self._spread, for_tuning(self.experiment), label, step)
                found = search(self.experiment, label, names, self._tuning, spread)
            self._finished.keep(key, asdict(found))
        return Found(**self._finished[key])

    def _spread(
        self, experiment: Experiment, label: str, step: Step, settings: Sequence[Mapping[str, Any]]
    ) -> Iterator[Trajectory | InputError]:
        """Descend with several settings, so many at a time as there is room for."""
        from gdsim.simulation import simulate_settings

        each = self._rows * self._starts * (2 * self._objective.dim + 3) * 8
        together = max(1, CHUNK // each)
        for first in range(0, len(settings), together):
            chunk = settings[first : first + together]
            yield from simulate_settings(experiment, label, chunk, progress=step(len(chunk)))

    def _trained(self, pace: Pace) -> dict[str, Trajectory | str]:
        """Return how each optimizer trains the network: they are seen on a plane of all of them."""
        from gdsim.simulation import simulate

        with pace.share(sum(map(self._walk_work, self.names))) as step:
            trained = simulate(self.experiment, progress=step(1))
        return dict(zip(self.names, trained, strict=True))

    def _walked_each(self, pace: Pace) -> dict[str, Trajectory | str]:
        return {label: self._walked(label, pace) for label in self.names}

    def _walked(self, label: str, pace: Pace) -> Trajectory | str:
        """Return the path of one optimizer as it is tuned, or why there is none."""
        with pace.share(self._walk_work(label)) as step:
            if reason := self._found[label].reason:
                return reason
            (outcome,) = self._spread(self.experiment, label, step, [self._settings(label)])
        return str(outcome) if isinstance(outcome, InputError) else outcome

    def _settings(self, label: str) -> Mapping[str, Any]:
        return setting(self.experiment, label, self._found[label].values)

    def _keep(self, walked: Mapping[str, Trajectory | str]) -> None:
        paths = [each for each in walked.values() if not isinstance(each, str)]
        lowest = lowest_value(paths) if paths else float("nan")
        for label, each in walked.items():
            if isinstance(each, str):
                name = self.experiment.optimizers[label].class_name
                result = failed(self.title, label, name, each, self._starts)
            else:
                result = result_of(each, lowest, self.title, self._found[label])
            self._finished.keep(self._keys[label].result, result.plain())

    def tuned(self, labels: Sequence[str]) -> Experiment:
        """Return the experiment of some optimizers with what was found written in."""
        return tuned(self.experiment, {label: self._settings(label) for label in labels})
