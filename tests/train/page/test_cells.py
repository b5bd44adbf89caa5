import numpy as np

from train.evaluation.metrics import Evaluation, evaluate
from train.page.cells import MAX_IN_ALL_CELLS, MAX_IN_CELL, MAX_PAIRS, cells_of, has_matrix


def random_evaluation(labels: int, images: int) -> Evaluation:
    random = np.random.default_rng(0)
    probabilities = random.dirichlet(np.full(labels, 0.5), images).astype(np.float32)
    return evaluate(probabilities, random.integers(0, labels, images), tuple(f"label {i}" for i in range(labels)))


def test_the_cells_are_those_of_the_confusion_matrix_with_the_right_images() -> None:
    evaluation = random_evaluation(3, 60)
    cells = cells_of(evaluation)
    assert {(cell.true, cell.predicted): cell.count for cell in cells} == {
        (i, j): count for (i, j), count in np.ndenumerate(evaluation.confusion) if count
    }
    for cell in cells:
        assert len(set(cell.shown)) == min(cell.count, MAX_IN_CELL)
        assert {(evaluation.targets[index], evaluation.predicted[index]) for index in cell.shown} == {
            (cell.true, cell.predicted)
        }


def test_wrong_predictions_begin_with_the_most_confident_and_correct_ones_with_the_least() -> None:
    evaluation = random_evaluation(2, 50)
    for cell in cells_of(evaluation):
        confidences = evaluation.confidence[list(cell.shown)].tolist()
        assert confidences == sorted(confidences, reverse=cell.true != cell.predicted)


def test_all_cells_together_show_a_limited_number_of_images_and_each_shows_one() -> None:
    evaluation = random_evaluation(12, 5000)
    assert has_matrix(evaluation)
    cells = cells_of(evaluation)
    assert sum(len(cell.shown) for cell in cells) == MAX_IN_ALL_CELLS
    assert min(len(cell.shown) for cell in cells) >= 1
    assert cells_of(random_evaluation(2, 5000))[0].shown[MAX_IN_CELL:] == ()


def test_of_a_thousand_labels_the_most_confused_pairs_are_listed() -> None:
    evaluation = random_evaluation(1000, 3000)
    cells = cells_of(evaluation)
    assert not has_matrix(evaluation)
    assert len(cells) == MAX_PAIRS
    assert all(cell.true != cell.predicted for cell in cells)
    counts = [cell.count for cell in cells]
    off_diagonal = evaluation.confusion - np.diag(evaluation.confusion.diagonal())
    assert counts == sorted(off_diagonal.ravel().tolist(), reverse=True)[:MAX_PAIRS]
