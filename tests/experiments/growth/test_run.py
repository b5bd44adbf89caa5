from pathlib import Path

import pytest

from experiments.growth.run import growth, parse, small_photos
from experiments.growth.stages import Cost
from temper.errors import DataError


def test_growth_is_what_each_added_image_costs() -> None:
    before = Cost(seconds=1, cpu=10, mebibytes=100, with_files=200)
    after = Cost(seconds=2, cpu=28, mebibytes=109, with_files=400)
    assert growth(before, after, (1000, 10_000)) == (2.0, 1.024)


def test_help_names_the_defaults(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["--help"])
    assert "efficientnetlite0" in capsys.readouterr().out


def test_a_folder_without_photos_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    with pytest.raises(DataError, match=r"no files that end in \.jpg\. Name a folder"):
        small_photos(tmp_path, tmp_path / "small", 64)
