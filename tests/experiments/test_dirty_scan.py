from pathlib import Path

from experiments.dirty_scan import parse, run


def test_the_report_lists_every_planted_issue_as_detected(tmp_path: Path) -> None:
    run(parse(["--out", str(tmp_path / "scan.md")]))
    text = (tmp_path / "scan.md").read_text()
    planted, undetected = text.split("Copies that the scan is not made for:")
    assert "23 of 23 planted issues were detected; 0 issues were reported that were not planted." in planted
    assert "| train/cat/leak.jpg | equal to test/cat/0.jpg | leak | yes | yes |" in planted
    assert "| train/dog/wide.png | a PNG with 16 bits for each channel | 16 bits | yes | no |" in planted
    assert undetected.count("| no | no |") == 3
