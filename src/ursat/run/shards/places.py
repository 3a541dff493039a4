"""What lies where in the folder of a sharded run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ursat.errors import InputError

if TYPE_CHECKING:
    from ursat.run.shards.lattice import Shard

SUFFIX = ".shards"


@dataclass(frozen=True, slots=True)
class Places:
    """Paths inside ``folder``: nothing of a run lies outside of it."""

    folder: Path

    @property
    def plan(self) -> Path:
        """The plan; its presence makes the folder a run's."""
        return self.folder / "plan.json"

    @property
    def stem(self) -> str:
        """'scene_x32' for the folder 'scene_x32.shards'."""
        return self.folder.name.removesuffix(SUFFIX)

    @property
    def vrt(self) -> Path:
        """The mosaic that ties the shards together; there once all are done."""
        return self.folder / f"{self.stem}.vrt"

    @property
    def gti(self) -> Path:
        """The tile index of very many shards."""
        return self.folder / f"{self.stem}.gti"

    @property
    def footprints(self) -> Path:
        """The vector layer behind `gti`."""
        return self.folder / f"{self.stem}.geojson"

    @property
    def item(self) -> Path:
        """The STAC item."""
        return self.folder / f"{self.stem}.json"

    @property
    def leases(self) -> Path:
        """Folder of the locks."""
        return self.folder / "leases"

    def shard(self, shard: Shard) -> Path:
        """The shard's COG; one folder a row keeps listings short."""
        return self.folder / "shards" / f"r{shard.row:04d}" / f"c{shard.col:04d}.tif"

    def done(self, shard: Shard) -> Path:
        """The marker that says the shard is complete."""
        return self.shard(shard).with_suffix(".done")

    def lease(self, shard: Shard) -> Path:
        """The lock of whoever makes the shard."""
        return self.leases / f"{shard.name}.lock"

    def manifest(self, worker: str) -> Path:
        """One worker's own record."""
        return self.folder / f"manifest-{worker}.jsonl"


def run_folder(path: str) -> Places:
    """The run that a user names by its folder or its plan.

    Raises:
        InputError: there is no plan.
    """
    named = Path(path)
    places = Places((named.parent if named.name == "plan.json" else named).absolute())
    if not places.plan.is_file():
        raise InputError(
            f"{path} is not the folder of a sharded run: it holds no plan.json",
            hint="name the folder that ursat upscale made",
        )
    return places


def shards_folder(output: str | None, file: Path) -> tuple[Path, bool]:
    """(the folder of a run whose one file would be ``file``, whether ``-o`` asked for a folder).

    A name that ends in a slash, or a folder that holds a plan, is the folder itself; 'out.tif' becomes 'out.shards'.
    """
    if output is not None and (output.endswith("/") or (Path(output) / "plan.json").is_file()):
        return Path(output), True
    return file.with_name(f"{file.stem}{SUFFIX}"), False
