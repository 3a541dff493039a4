"""A small run for the tests of its outputs: two images, two scales, two tracks, three methods, figures of the judge."""

from made_places import place_image

from ursat.benchmark.baselines import bicubic, reference_bicubic
from ursat.benchmark.facts import RunFacts
from ursat.benchmark.judge import Answer, Judge
from ursat.benchmark.observation import make_observation
from ursat.benchmark.scores import Cell, Score, Table

CELLS = tuple(Cell(scale, "bicubic", track) for track in ("noref", "ref") for scale in (2, 4))
IMAGES = (place_image(1, (72, 64)), place_image(2, (64, 80), place="harbour"))
NASTY = 'mine<script>alert("x")</script>'
FACTS = RunFacts(
    dataset="ddisr",
    description="Two made images.",
    licence="CC0",
    command="ursat benchmark --dataset ddisr --html 'my report.html'",
    protocol="bicubic",
    scales=(2, 4),
    tracks=("noref", "ref"),
    seeds=(0,),
    images=2,
    embedded=True,
    versions={"ursat": "0.1.0"},
    weights={NASTY: "5f" * 32},
    notes=("One image was left out.",),
)


def answers(o):
    """By method; the reference's enlargement stands for the measured one, and is perfect in one cell."""
    mine = o.gt if o.scale == 4 and o.ref is not None else (bicubic(o) if o.ref is None else reference_bicubic(o))
    return {NASTY: mine, "bicubic": bicubic(o)} | ({"hpf": reference_bicubic(o)} if o.ref is not None else {})


def made_table(keep=None):
    """Its table; ``keep`` is called as `evaluate.run` does."""
    scores = []
    for cell in CELLS:
        for image in IMAGES:
            o = make_observation(image, cell.scale, cell.degradation, cell.track)
            judge = Judge(o.gt, o.scale, lr=o.lr)
            for method, pixels in answers(o).items():
                if keep is not None and not (method == "bicubic" and cell.track == "ref"):
                    keep(o, method, pixels)  # a baseline is measured once, without a reference
                scores.append(Score(o.image_id, o.place, cell, method, 0, 0.1, judge.figures(Answer(pixels))))
    failed = Score("meadow/1", "meadow", CELLS[0], "hpf", 0, 0.0, note="UrsatError: out of <memory>")
    return Table((*scores, failed), CELLS, (NASTY, "bicubic", "hpf"))
