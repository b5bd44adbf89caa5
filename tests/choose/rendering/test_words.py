from pathlib import Path

import msgspec

from choose.records import ChoiceReport, Failure
from choose.rendering.words import choice_sentences, next_steps, terminal_text
from choose.report import as_markdown
from choose.rule import Limits
from tests.choose.sample_choices import BASELINE, measured, report, several
from tests.source import ROOT

RESULTS = ROOT / "benchmarks" / "results"


def test_the_choice_says_what_it_is_worth_with_intervals_and_when_another_one_is_better() -> None:
    assert choice_sentences(report(*several())) == [
        "small at 224 pixels, int8 (model.int8.xml): use it. 3.5× [3.4, 3.6] the images/s of resnet50-224 int8.xml at "
        "batch 8, 3.5× [3.4, 3.6] at batch 1; +0.5 [-0.7, +1.7] points on test images, which proves no difference; "
        "95.0 % [93.0, 97.0] of 400 test images.",
        "It was chosen on 200 validation images, 96.5 % [93.0, 98.3] of them correct. The rule takes the fastest "
        "artifact with an accuracy at most 1 point below the most accurate artifact, on validation images.",
        "resnet50-224 int8.xml only if 0.5 more points on validation images are worth 3.5 times the latency.",
        "resnet50-224 fp32.xml only if 1.0 more points on validation images are worth 10.0 times the latency.",
    ]


def test_a_difference_that_is_proven_is_reported_without_a_doubt() -> None:
    worse = measured("small-224 int8.xml", 2.0, 97.0, points=-3.0)
    assert "-3.0 [-4.2, -1.8] points on test images; " in choice_sentences(report(*several()[:2], worse))[0]


def test_the_baseline_may_be_the_choice() -> None:
    sentence = choice_sentences(report(measured(BASELINE, 7.0, 97.0)))[0]
    assert sentence == (
        "resnet50 at 224 pixels, int8 (model.int8.xml): use it. It is the baseline: 7.00 ms, 95.0 % [93.0, 97.0] of "
        "400 test images."
    )


def test_without_a_choice_the_front_is_listed_with_the_limits_that_it_exceeds() -> None:
    sentences = choice_sentences(report(*several(), limits=Limits(max_ms=1.5)))
    assert sentences[0].startswith("No artifact is within the limits. The rule takes the fastest artifact with a ")
    assert sentences[1] == "small-160 int8.xml: 4.5 points below the most accurate, more than 1."
    assert sentences[2] == "small-224 int8.xml: 2.00 ms, more than 1.5."


def test_where_the_control_failed_nothing_is_recommended_and_the_measurement_is_to_be_repeated() -> None:
    made = report(*several(), control=1.05)
    first, second, third = choice_sentences(made)
    assert first.startswith("The machine is too noisy: resnet50-224 int8.xml against itself is 1.050")
    assert first.endswith("Close other programs and measure again. Nothing is recommended.")
    assert second.startswith(
        "By these figures the rule takes small at 224 pixels, int8 (model.int8.xml); after another measurement it may "
        "take another one. 3.5× [3.4, 3.6] the images/s of resnet50-224 int8.xml at batch 8"
    )
    assert third.startswith("It was chosen on 200 validation images")
    assert next_steps(made, Path("out")) == [
        "report:   out/report.md",
        "artifact: out/small-224/model.int8.xml",
        "again:    python choose/run.py --data photos",
    ]
    assert "use it" not in as_markdown(made) + terminal_text(made, Path("out"))


def test_a_busy_machine_is_reported_first_also_where_nothing_is_within_the_limits() -> None:
    first, second, *_ = choice_sentences(report(*several(), limits=Limits(max_ms=0.1), control=1.05))
    assert "too noisy" in first and second.startswith("No artifact is within the limits.")


def test_the_documentation_quotes_the_sentences_of_the_measurement_that_it_links() -> None:
    stored = msgspec.json.decode((RESULTS / "choose-photos" / "choice.json").read_bytes(), type=ChoiceReport)
    noise, choice, _ = choice_sentences(stored)
    documented = " ".join((ROOT / "docs" / "choose.md").read_text().split())
    assert noise in documented and choice in documented


def test_the_terminal_shows_the_path_of_the_artifact_and_a_command_that_uses_it() -> None:
    made = report(*several(), failures=(Failure(name="big-224", reason="no weights"),))
    text = terminal_text(made, Path("artifacts/choose"))
    assert text.splitlines()[-2:] == [
        "artifact: artifacts/choose/small-224/model.int8.xml",
        "use it:   python infer/run.py --engine artifacts/choose/small-224/model.int8.xml IMAGE",
    ]
    assert "big-224   no weights" in text
    assert next_steps(report(*several(), limits=Limits(max_ms=0.1)), Path("out")) == ["report:   out/report.md"]
