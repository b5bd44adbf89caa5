import pytest

from temper.runners.trt.batches import Profile, allocate_slot, choose_profile
from tests.temper.runners.simulated_gpu import SimulatedCuda


def profile(index: int, smallest: int, largest: int) -> Profile:
    return Profile(index=index, min_batch=smallest, max_batch=largest, context=None)


@pytest.mark.parametrize(("n", "index"), [(1, 1), (2, 0), (8, 2), (9, 0), (16, 0)])
def test_the_narrowest_profile_that_fits_is_chosen(n: int, index: int) -> None:
    assert choose_profile([profile(0, 1, 16), profile(1, 1, 1), profile(2, 8, 8)], n).index == index


def test_fewer_images_than_any_profile_takes_go_to_the_smallest() -> None:
    assert choose_profile([profile(0, 16, 32), profile(1, 4, 8)], 2).index == 1


def test_a_slot_has_memory_for_a_batch_on_both_sides() -> None:
    cuda = SimulatedCuda()
    slot = allocate_slot(cuda, 4, 16, 2)
    assert slot.images.shape == (4, 16, 16, 3) and slot.probabilities.shape == (4, 2)
    assert cuda.memory[slot.device_images].nbytes == slot.images.nbytes
    assert cuda.memory[slot.device_probabilities].nbytes == slot.probabilities.nbytes
