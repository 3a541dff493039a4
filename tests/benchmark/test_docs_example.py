"""The worked example of docs/benchmark.md, run as it stands there."""

import re
from pathlib import Path

import pytest
from made_places import place_image
from PIL import Image

from ursat.benchmark import baselines, judge, peers
from ursat.benchmark.datasets import registry as datasets
from ursat.benchmark.metrics import registry as metrics
from ursat.cli.app import run

PAGE = (Path(__file__).parents[2] / "docs" / "benchmark.md").read_text("utf-8")


@pytest.fixture
def extended(monkeypatch):
    """The registries with the page's three lines, for one test."""
    names = {
        "REGISTRY": dict(metrics.REGISTRY),
        "BASELINES": dict(baselines.BASELINES),
        "DATASETS": dict(datasets.DATASETS),
    }
    blocks = re.findall(r"```python\n# (metric|method|dataset)\n(.*?)```", PAGE, re.DOTALL)
    assert [kind for kind, _ in blocks] == ["metric", "method", "dataset"]
    for _, code in blocks:
        exec(compile(code, "docs/benchmark.md", "exec"), names)
    for added in (names["REGISTRY"]["brightness"], names["BASELINES"]["grey"], names["DATASETS"]["atlas"]):
        assert added
    monkeypatch.setitem(metrics.REGISTRY, "brightness", names["REGISTRY"]["brightness"])
    monkeypatch.setitem(judge.METRICS, "brightness", ("brightness",))
    monkeypatch.setitem(baselines.BASELINES, "grey", names["BASELINES"]["grey"])
    monkeypatch.setitem(peers.RIVALS, "grey", names["BASELINES"]["grey"])
    monkeypatch.setitem(datasets.DATASETS, "atlas", names["DATASETS"]["atlas"])


def test_the_example_is_measured(extended, tmp_path, capsys):
    (tmp_path / "sheets").mkdir()
    Image.fromarray(place_image(0, (64, 64)).pixels.transpose(1, 2, 0)).save(tmp_path / "sheets" / "north.png")
    command = PAGE.rsplit("```sh\n", 1)[1].split("\n", 1)[0].replace("DIR", str(tmp_path))
    assert run([*command.split()[1:], "--cache", "none", "--tracks", "none"]) == 0
    shown = capsys.readouterr().out
    lines = [line for line in shown.splitlines() if line.startswith("| x4 | bicubic | none | ")]
    rows = {row[3]: row for row in ([word.strip() for word in line.strip("| ").split("|")] for line in lines)}
    assert "| PSNR dB | brightness % |" in shown
    assert float(rows["grey"][5]) < float(rows["bicubic"][5])
    assert abs(float(rows["grey"][6])) < 1
