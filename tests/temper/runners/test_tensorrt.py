import dataclasses
from pathlib import Path

import pytest

from temper.card import read_card
from temper.errors import MissingRuntime
from temper.formats import load_runner
from temper.gpu import find_gpu


@pytest.mark.skipif(bool(find_gpu()), reason="there is a GPU here")
def test_without_a_gpu_a_plan_is_one_sentence_and_what_to_run_instead(bundle: Path) -> None:
    fp32 = bundle.with_name("model.fp32.onnx")
    card = dataclasses.replace(read_card(fp32), made_from={"file": fp32.name})
    with pytest.raises(MissingRuntime, match="there is none here") as caught:
        load_runner(bundle.with_name("model.fp32.plan"), card)
    assert str(caught.value).endswith(f"--engine {fp32}")
