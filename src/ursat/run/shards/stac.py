"""A STAC item for a run in shards (STAC 1.1, with the projection extension), where pystac is installed."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ursat.grid import Grid
    from ursat.run.shards.places import Places
    from ursat.types import SceneInfo

_DENSE = 21  # points an edge: edges are curves on the globe
_VRT_TYPE = "application/xml"
_log = logging.getLogger("ursat")


def item_text(places: Places, grid: Grid, info: SceneInfo, properties: dict[str, Any]) -> str | None:
    """The item as JSON, or None, with a message, where it cannot be made.

    Args:
        places: the run's folder; the item's assets are named relative to it.
        grid: of the output.
        info: of the input, whose date the item has.
        properties: more of them.
    """
    when = _moment(info.acquired)
    if when is None or not grid.crs:
        _log.info("no STAC item is written: the input does not tell its %s", "CRS" if when else "date")
        return None
    try:
        import pystac  # noqa: PLC0415  (an extra)
    except ImportError:
        _log.info("no STAC item is written: pystac is not installed (pip install 'ursat[stac]')")
        return None
    footprint = _footprint(grid)
    item = pystac.Item(
        id=places.stem,
        geometry=footprint,
        bbox=_bounds(footprint),
        datetime=when,
        properties={
            **_projection(grid),
            "gsd": grid.gsd_m,
            **properties,
        },
        stac_extensions=["https://stac-extensions.github.io/projection/v2.0.0/schema.json"],
    )
    item.add_asset("data", pystac.Asset(places.vrt.name, media_type=_VRT_TYPE, roles=["data"], title="All shards"))
    item.add_asset("plan", pystac.Asset(places.plan.name, media_type="application/json", roles=["metadata"]))
    return json.dumps(item.to_dict(include_self_link=False), indent=2, sort_keys=True) + "\n"


def _moment(text: str | None) -> datetime | None:
    try:
        found = None if text is None else datetime.fromisoformat(text)
    except ValueError:
        return None
    if found is None or found.tzinfo is not None:
        return found
    return found.replace(tzinfo=UTC)


def _projection(grid: Grid) -> dict[str, Any]:
    from pyproj import CRS  # noqa: PLC0415

    crs = CRS.from_user_input(grid.crs)
    code = crs.to_authority()
    named = {"proj:code": ":".join(code)} if code else {"proj:code": None, "proj:wkt2": crs.to_wkt()}
    return {**named, "proj:shape": list(grid.shape), "proj:transform": list(grid.transform)[:6]}


def _footprint(grid: Grid) -> dict[str, Any]:
    """The grid's outline as a GeoJSON polygon of longitudes and latitudes."""
    outline: dict[str, Any] = grid.geobox.footprint("OGC:CRS84", npoints=_DENSE).json
    return outline


def _bounds(footprint: dict[str, Any]) -> list[float]:
    xs, ys = zip(*footprint["coordinates"][0], strict=True)
    return [min(xs), min(ys), max(xs), max(ys)]
