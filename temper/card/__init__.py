"""The card: what an artifact means, as JSON beside it (`model.int8.plan.json`)."""

from temper.card.adoption import Adoption, reference_title
from temper.card.agreement import Agreement, LabelFlip
from temper.card.files import card_path, read_card, write_card
from temper.card.latency_budget import LatencyBudget
from temper.card.records import (
    PRECISIONS,
    BatchRange,
    Calibration,
    Card,
    Dataset,
    FileReference,
    Host,
    LayerSensitivity,
    PlanInfo,
    Precision,
    Preprocessing,
    Provenance,
    Training,
    TrainingResult,
)

__all__ = [
    "PRECISIONS",
    "Adoption",
    "Agreement",
    "BatchRange",
    "Calibration",
    "Card",
    "Dataset",
    "FileReference",
    "Host",
    "LabelFlip",
    "LatencyBudget",
    "LayerSensitivity",
    "PlanInfo",
    "Precision",
    "Preprocessing",
    "Provenance",
    "Training",
    "TrainingResult",
    "card_path",
    "read_card",
    "reference_title",
    "write_card",
]
