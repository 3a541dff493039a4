"""Outputs that cannot be are refused before any work, each with its own exit code."""

from __future__ import annotations

import os

import pytest

from ursat.errors import LimitError, OutputError, OutputExistsError, UsageError
from ursat.io.preflight import check_output


def test_a_possible_output_is_accepted_and_nothing_is_touched(tmp_path):
    check_output(tmp_path / "out.tif", overwrite=False, needed_bytes=1000, protected=[tmp_path / "in.tif"])
    assert list(tmp_path.iterdir()) == []


def test_missing_folder(tmp_path):
    with pytest.raises(UsageError, match="does not exist") as caught:
        check_output(tmp_path / "no" / "out.tif", overwrite=False, needed_bytes=0)
    assert "mkdir -p" in caught.value.hint


def test_existing_output(tmp_path):
    out = tmp_path / "out.tif"
    out.touch()
    with pytest.raises(OutputExistsError) as caught:
        check_output(out, overwrite=False, needed_bytes=0)
    assert caught.value.exit_code == 5
    check_output(out, overwrite=True, needed_bytes=0)


@pytest.mark.parametrize("name", ["in.tif", "link.tif", "hard.tif", "sub/../in.tif"])
def test_an_output_that_is_also_read_is_refused_by_any_name(tmp_path, name):
    source = tmp_path / "in.tif"
    source.touch()
    (tmp_path / "sub").mkdir()
    (tmp_path / "link.tif").symlink_to(source)
    os.link(source, tmp_path / "hard.tif")
    with pytest.raises(UsageError, match="also read"):
        check_output(tmp_path / name, overwrite=True, needed_bytes=0, protected=[tmp_path / "ref.tif", source])


@pytest.mark.parametrize("path", ["/dev/null", "/"])
def test_devices_and_folders_are_refused(path, tmp_path):
    target = tmp_path if path == "/" else tmp_path / "null"
    if path == "/dev/null":
        target.symlink_to(path)
    with pytest.raises(UsageError, match="not a regular file"):
        check_output(target, overwrite=True, needed_bytes=0)


def test_unwritable_folder(tmp_path, monkeypatch):
    """The superuser may write anywhere, so the system's answer is replaced."""
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(OutputError, match="no permission"):
        check_output(tmp_path / "out.tif", overwrite=False, needed_bytes=0)


def test_too_little_disk(tmp_path):
    with pytest.raises(LimitError, match=r"needs about 1000000\.0 TB") as caught:
        check_output(tmp_path / "out.tif", overwrite=False, needed_bytes=10**18)
    assert caught.value.exit_code == 7
    assert "--aoi" in caught.value.hint
