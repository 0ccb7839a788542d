"""What a dataset of scenes is like: how many characters, how large, how much hidden."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from segmentation.dataset.compose import Sample

__all__ = ["SceneStatistics"]

TENTHS = 10


@dataclass
class SceneStatistics:
    """Counts over scenes; those of two parts of a dataset add up to those of both.

    Attributes:
        drawn: how many scenes had so many characters drawn.
        kept: how many scenes show so many characters.
        visible: how many characters are seen to so many tenths, 10 being all of them.
        size: how many characters' visible parts cover so many tenths of the picture's area.
    """

    drawn: Counter[int] = field(default_factory=Counter)
    kept: Counter[int] = field(default_factory=Counter)
    visible: Counter[int] = field(default_factory=Counter)
    size: Counter[int] = field(default_factory=Counter)

    def add(self, sample: Sample) -> None:
        """Count one more scene."""
        self.drawn[sample.drawn] += 1
        self.kept[len(sample.alphas)] += 1
        for alpha, amodal in zip(sample.alphas, sample.amodal, strict=True):
            seen = int((alpha > 127).sum())
            whole = max(int((amodal > 127).sum()), 1)
            self.visible[TENTHS if seen == whole else seen * TENTHS // whole] += 1
            self.size[seen * TENTHS // alpha.size] += 1

    def to_dict(self) -> dict[str, dict[str, int]]:
        """Plain numbers for a JSON file, in order."""
        return {
            name: {str(key): counter[key] for key in sorted(counter)}
            for name, counter in vars(self).items()
        }

    @classmethod
    def total(cls, parts: Iterable[Mapping[str, Mapping[str, int]]]) -> Self:
        """The sum of what `to_dict` gave for several parts."""
        result = cls()
        for part in parts:
            for name, counter in vars(result).items():
                counter.update({int(key): count for key, count in part[name].items()})
        return result

    @property
    def scenes(self) -> int:
        """How many scenes were counted."""
        return self.drawn.total()

    @property
    def instances(self) -> int:
        """How many characters they show."""
        return self.visible.total()

    def poisson_p_value(self, mean: float) -> float:
        """How likely counts at least as odd are, were they drawn from max(1, Poisson(``mean``)).

        Pearson's chi-squared test, rare counts taken together; NaN for too few scenes. Scenes that
        are empty on purpose do not count.
        """
        from scipy import stats

        scenes = self.scenes - self.drawn[0]
        shares = self._expected(mean, 60)
        observed: list[float] = []
        expected: list[float] = []
        seen = wanted = 0.0
        for count, share in enumerate(shares, start=1):
            seen, wanted = seen + self.drawn[count], wanted + share * scenes
            if wanted >= 5 and scenes * sum(shares[count:]) >= 5:
                observed, expected = [*observed, seen], [*expected, wanted]
                seen = wanted = 0.0
        observed, expected = (
            [*observed, scenes - sum(observed)],
            [*expected, scenes - sum(expected)],
        )
        if len(observed) < 2:
            return float("nan")
        return float(stats.chisquare(observed, expected).pvalue)

    def _expected(self, mean: float, largest: int) -> list[float]:
        """Shares of the counts 1, 2, ..., where 0 counts as 1."""
        from scipy import stats

        shares = stats.poisson.pmf(np.arange(largest + 1), mean)
        return [float(shares[0] + shares[1]), *shares[2:].tolist()]

    def rows(self, mean: float) -> list[tuple[str, ...]]:
        """A table for people: counts beside what is expected of them, then what is hidden."""
        largest = max([*self.drawn, *self.kept, 1])
        expected = [0.0, *self._expected(mean, max(largest, 2))]
        rows: list[tuple[str, ...]] = [("characters", "drawn", "expected", "shown")]
        for count in range(largest + 1):
            if not (self.drawn[count] or self.kept[count]):
                continue
            rows.append(
                (
                    str(count),
                    _percent(self.drawn[count], self.scenes),
                    f"{100 * expected[count]:.1f} %" if count < len(expected) else "0.0 %",
                    _percent(self.kept[count], self.scenes),
                )
            )
        return rows

    def summary(self, mean: float) -> list[str]:
        """Sentences for people."""
        scenes, instances = max(self.scenes, 1), max(self.instances, 1)
        hidden = self.instances - self.visible[TENTHS]
        much = sum(self.visible[tenth] for tenth in range(5))
        drawn = sum(count * number for count, number in self.drawn.items()) / scenes
        p_value = self.poisson_p_value(mean)
        return [
            f"{self.scenes} scenes, {self.instances} characters: {drawn:.2f} drawn a scene,"
            f" {self.instances / scenes:.2f} shown",
            f"drawn counts as of Poisson({mean:g}), at least 1: p = {p_value:.2f}",
            f"partly hidden: {_percent(hidden, instances)} of the characters;"
            f" more than half hidden: {_percent(much, instances)}",
        ]


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / max(whole, 1):.1f} %"
