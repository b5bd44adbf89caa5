import pytest

from experiments.distillation.networks import add_network
from train.network.backbones import BACKBONES

pytestmark = pytest.mark.tensorflow


def test_a_network_of_any_width_is_known_to_the_training() -> None:
    from train.network.build import build_model

    narrow, wide = (build_model(10, 32, 0, backbone=add_network(width)) for width in (2, 4))
    assert narrow.get_layer("features").output.shape == (None, 8)
    assert wide.get_layer("features").output.shape == (None, 16)
    assert wide.count_params() > 3 * narrow.count_params()
    assert [layer.name for layer in narrow.layers] == [layer.name for layer in wide.layers]
    for name in ("width2", "width4"):
        del BACKBONES[name]
