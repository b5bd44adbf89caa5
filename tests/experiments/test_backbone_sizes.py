import re

import pytest

from experiments.backbone_sizes import count
from experiments.support import RESULTS
from tests.source import ROOT
from train.disk_space import MILLIONS_OF_PARAMETERS

TABLE = (RESULTS / "backbone-sizes.md").read_text(encoding="utf-8")
ROWS = {
    name: (millions, gmac) for name, millions, gmac in re.findall(r"^\| (\w+) \| ([\d.]+) \| ([\d.]+) \|", TABLE, re.M)
}


@pytest.mark.tensorflow
def test_a_backbone_is_counted_as_in_the_table() -> None:
    parameters, operations = count("mobilenetv3small")
    assert ROWS["mobilenetv3small"] == (f"{parameters / 1e6:.1f}", f"{operations / 1e9:.2f}")


def test_the_page_and_the_estimate_of_disk_space_have_the_numbers_of_the_table() -> None:
    page = (ROOT / "docs" / "backbones.md").read_text(encoding="utf-8")
    assert {name: float(millions) for name, (millions, _) in ROWS.items()} == MILLIONS_OF_PARAMETERS
    for name, (millions, gmac) in ROWS.items():
        assert re.search(rf"^\| `{name}`[^|]*\| {millions} \| {gmac} \|", page, re.M), name
