"""Tying finished shards together: VRT, tile index and STAC item, each complete or absent."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ursat.io.creation_options import BLOCK
from ursat.run.shards.files import publish_text
from ursat.run.shards.gti import FROM_SHARDS, can_index, footprints_text, gti_text
from ursat.run.shards.stac import item_text
from ursat.run.shards.vrt import vrt_text

if TYPE_CHECKING:
    from pathlib import Path

    from ursat.run.shards.session import Session


def write_index(session: Session) -> Path:
    """Write what shows all shards as one; the VRT, which says that the run is complete, comes last.

    Raises:
        LimitError, OutputError: the disk would not take it.
    """
    places, whole = session.places, session.whole
    shards = []
    for shard in session.plan.shards:
        window = replace(shard.window, row=shard.window.row - whole.window.row, col=shard.window.col - whole.window.col)
        shards.append((str(places.shard(shard).relative_to(places.folder)), window))
    files = {}
    if len(shards) > FROM_SHARDS and can_index(whole.grid):
        files[places.footprints] = footprints_text(whole.grid, shards)
        files[places.gti] = gti_text(whole.grid, whole.encoding, places.footprints)
    facts = {"ursat:model": whole.model.name, "ursat:scale": whole.scale, "ursat:plan": session.plan_sha256}
    item = item_text(places, whole.grid, whole.scene.info, facts)
    if item is not None:
        files[places.item] = item
    given = {name.upper(): value for name, value in whole.options.creation_options}
    block = given.get("BLOCKSIZE", str(BLOCK))
    files[places.vrt] = vrt_text(whole.grid, whole.encoding, shards, int(block))
    for path, text in files.items():
        publish_text(path, text, overwrite=True)
    return places.vrt
