from pathlib import Path

import numpy as np
import pytest

from experiments.distillation.digits import write_dataset
from experiments.distillation.students import SETTINGS, Widths, run_seed

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]


def test_a_seed_trains_the_student_alone_and_with_every_setting(tmp_path: Path) -> None:
    images = np.zeros((120, 8, 8), np.uint8)
    images[::2, 3:5], images[1::2, :, 3:5] = 255, 255
    write_dataset(tmp_path / "digits", (images, np.arange(120) % 2), seed=0, copies=1)
    seed = run_seed(tmp_path, 0, epochs=2, widths=Widths(student=2, teacher=4))
    assert [each.setting for each in seed.taught] == list(SETTINGS)
    assert seed.n_test == 60
    assert 40 < seed.n_train < 60
    assert seed.teacher_parameters > 2 * seed.student_parameters
    assert all(0 <= each.agreement <= 1 for each in seed.taught)
