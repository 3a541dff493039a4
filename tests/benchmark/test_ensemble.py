import numpy as np
import pytest
from made_places import place_image

from ursat.benchmark.ensemble import MeanOfSamples, mean_of_samples
from ursat.benchmark.evaluate import run
from ursat.benchmark.judge import Answer
from ursat.benchmark.methods import make_methods
from ursat.benchmark.observation import make_observation
from ursat.benchmark.scores import Cell
from ursat.benchmark.tables import difference_table
from ursat.benchmark.tool import Ursat
from ursat.errors import UsageError

IMAGE = place_image(0, (64, 64))
SIGMA = 100.0


@pytest.fixture(autouse=True)
def exact_posterior(monkeypatch):
    """A tool whose error is white noise of 100 DN, and whose samples deviate by as much from its mean."""

    def call(self, o):
        mean = o.gt + SIGMA * np.random.default_rng(99).standard_normal(o.gt.shape)
        options = dict(self.options)
        if options["mode"] == "faithful":
            return Answer(mean)
        return Answer(mean + SIGMA * np.random.default_rng(int(options.get("seed", 0))).standard_normal(o.gt.shape))

    monkeypatch.setattr(Ursat, "__call__", call)


def test_the_mean_of_samples_approaches_the_posterior_mean():
    texts = ["ursat:faithful,psf=box,ursat:realistic,psf=box,ursat:realistic,psf=box,mean=9"]
    methods = make_methods(texts, Ursat())
    assert list(methods) == [
        "ursat:faithful,psf=box", "ursat:realistic,psf=box", "ursat:realistic,psf=box,mean=9",
    ]  # fmt: skip
    table = run(methods, [Cell(4, "bicubic", "noref")], [IMAGE])
    faithful, one, mean = (table.mean(table.cells[0], name) for name in methods)
    assert one - faithful == pytest.approx(-3.01, abs=0.15)
    assert mean - faithful == pytest.approx(-10 * np.log10(1 + 1 / 9), abs=0.1)
    assert table.mean(table.cells[0], table.methods[2], "spread") == pytest.approx(SIGMA, rel=0.02)
    first, second = difference_table(table, ["psnr"]).rows
    assert first[3] == list(methods)[1]
    assert first[4].startswith(f"{one - faithful:+.2f} [")
    assert first[5] == "-"  # one sample has no spread
    assert second[4].startswith(f"{mean - faithful:+.2f} [")
    assert second[5] == f"{table.mean(table.cells[0], table.methods[2], 'spread'):.2f}"


def test_seeds_differ_from_sample_to_sample():
    o = make_observation(IMAGE, 4, "bicubic", "noref")
    two = MeanOfSamples(Ursat((("mode", "realistic"),)), 2)(o)
    first, second = (Ursat((("mode", "realistic"), ("seed", s)))(o).pixels for s in "01")
    np.testing.assert_allclose(two.pixels, (first + second) / 2)
    assert two.figures["spread"] == pytest.approx(np.sqrt(np.mean((first - second) ** 2) / 2))


@pytest.mark.parametrize(("options", "count"), [((), "1"), ((), "many"), ((("seed", "3"),), "4")])
def test_what_makes_no_ensemble_is_refused(options, count):
    with pytest.raises(UsageError, match="mean=N"):
        mean_of_samples(Ursat(options), count)
