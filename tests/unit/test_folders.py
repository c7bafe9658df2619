"""What goes out is never written over what came in: landing and outbound compared as what they are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from upath import UPath

from case_closure.cli import main as cli
from case_closure.folders import why_not_apart
from case_closure.settings import LANDING, OUTBOUND, Settings, SettingsInvalid

SAME, INSIDE, AROUND = "the same folder", "goes out lies inside", "comes in lies inside"


@pytest.fixture
def zone(tmp_path: Path) -> Path:
    """A folder with landing/ there, outbound/ not yet, and links to it."""
    (tmp_path / "landing" / "2017-08-10").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "landing", target_is_directory=True)
    (tmp_path / "to link").symlink_to("link")
    (tmp_path / "not yet").symlink_to(tmp_path / "landing" / "made later")
    (tmp_path / "above").symlink_to(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("outbound", "why"),
    [
        ("landing", SAME), ("landing/", SAME), ("landing/.", SAME), ("./landing//", SAME), ("x/../landing", SAME),
        ("landing/2017-08-10/..", SAME), ("link", SAME), ("to link/", SAME), ("above/landing", SAME),
        ("landing/out", INSIDE), ("link/out/deeper", INSIDE), ("landing/2017-08-10", INSIDE), ("not yet", INSIDE),
        ("above/link/out", INSIDE), (".", AROUND), ("above", AROUND), ("landing/..", AROUND),
        ("outbound", None), ("landing2", None), ("landing/../outbound", None), ("above/out", None), ("link/../out", None),
    ],
)  # fmt: skip
def test_local_folders_are_compared_by_what_stands_there(zone: Path, outbound: str, why: str | None) -> None:
    landing = zone / "landing"
    for given in (f"{zone}/{outbound}", f"file://{zone}/{outbound}", UPath(f"{zone}/{outbound}")):
        for other in (landing, f"{landing}/", landing.as_uri(), UPath(landing.as_uri())):
            found = why_not_apart(other, given)
            assert (found is None) if why is None else (found is not None and why in found), (other, given)


def test_a_folder_named_from_where_one_stands_or_from_home(
    zone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(zone / "landing")
    monkeypatch.setenv("HOME", str(zone))
    assert why_not_apart(zone / "landing", ".")
    assert why_not_apart("~/landing", zone / "link")
    assert why_not_apart(zone / "landing", "../out") is None


def test_letters_of_another_case_are_another_folder_only_where_the_disk_says_so(
    zone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (zone / "LANDING").mkdir()
    assert why_not_apart(zone / "landing", zone / "LANDING") is None
    # As a disk answers on which letters do not count: the same inode by either name.
    asked = os.stat
    monkeypatch.setattr(
        os, "stat", lambda path, **more: asked(str(path).replace("LANDING", "landing"), **more)
    )
    assert why_not_apart(zone / "landing", zone / "LANDING")
    assert why_not_apart(zone / "landing", zone / "LANDING" / "out")
    # Where neither is made yet nobody can be asked, and the careful answer is given.
    assert why_not_apart(zone / "new", zone / "NEW")


@pytest.mark.parametrize(
    ("landing", "outbound", "apart"),
    [
        ("s3://bucket/a", "s3://bucket/a", False), ("s3://bucket/a", "s3://bucket/a/", False),
        ("s3://bucket/a", "s3://Bucket//a/./", False), ("s3://bucket/a", "S3A://bucket/b/../a", False),
        ("s3://bucket/a", "s3://bucket/a/out", False), ("s3://bucket/a/in", "s3://bucket/a", False),
        ("s3://bucket", "s3://bucket/out", False), ("s3://bucket/a b", "s3://bucket/a%20b", False),
        ("gs://b/a", "gcs://b/a", False), ("s3://b/a", "simplecache::s3://b/a", False),
        ("s3://bucket/a", "s3://bucket/ab", True), ("s3://bucket/a", "s3://bucket/A", True),
        ("s3://bucket/a", "s3://other/a", True), ("s3://bucket/a", "gs://bucket/a", True),
        ("s3://bucket/in", "/bucket/in", True), ("memory://in", "memory://out", True),
    ],
)  # fmt: skip
def test_urls_are_compared_by_store_host_and_names(landing: str, outbound: str, apart: bool) -> None:
    assert (why_not_apart(landing, outbound) is None) is apart
    assert (why_not_apart(outbound, landing) is None) is apart


# --- every door


@pytest.mark.parametrize(
    ("landing", "outbound"), [("in", "in/"), ("in", "in/out"), ("in/deep", "in"), ("in", "link")]
)
def test_the_settings_refuse_them(tmp_path: Path, landing: str, outbound: str) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "in")
    with pytest.raises(SettingsInvalid, match=f"{LANDING}, {OUTBOUND}: expected two folders apart"):
        Settings.from_environment({LANDING: f"{tmp_path}/{landing}", OUTBOUND: f"{tmp_path}/{outbound}"})


def test_the_command_line_refuses_them_before_anything_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CASE_CLOSURE_HOME", str(tmp_path / "home"))
    (tmp_path / "in").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "in")
    for more in ([], ["--in-process"]):
        asked = [
            "nightly",
            "--date",
            "2017-08-10",
            "--landing",
            f"{tmp_path}/in",
            "--outbound",
            f"{tmp_path}/link/out",
        ]
        assert cli.main([*asked, *more]) == 1
        said = capsys.readouterr().err
        assert "what goes out lies inside the folder of what comes in" in said
        assert "Give another folder as outbound" in said
    assert not (tmp_path / "home").exists()
