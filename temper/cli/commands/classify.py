"""Classify images with an artifact; its suffix decides which runtime runs it.

    %(prog)s --engine artifacts/model.int8.onnx cat.jpg
    %(prog)s --engine artifacts/ photos/ 'more/*.png' --top-k 3 --json
    %(prog)s --engine artifacts/ photos/ shards/*.tar --out results.jsonl
    find photos -name '*.jpg' | %(prog)s --engine artifacts/ --list - --csv
    %(prog)s --engine artifacts/ video.mp4 --fps 5 --save labeled.mp4

An IMAGE is an image file, a folder of images, a quoted pattern, a tar shard (.tar, .tar.gz), a video (.mp4, .mkv, …), a
camera (/dev/video0), an http(s) address, or - for the content of one image on stdin. An image that cannot be read is
reported, the others are classified, and the exit code is 1.
"""

import argparse
import contextlib
import logging
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from temper.cli.console import add_verbosity_options, stderr_console
from temper.cli.options import add_decoding_options, decoding_of, whole_number
from temper.cli.results import HEADER, show
from temper.cli.text import plural
from temper.errors import UsageError
from temper.exit_codes import ExitCode
from temper.formats import suffixes
from temper.system.garbage import paused_collection

if TYPE_CHECKING:
    from temper.card import Card
    from temper.infer.flow import StageTimes
    from temper.infer.job import Job
    from temper.infer.results import Result
    from temper.infer.sources import ImageSource
    from temper.runners.base import Runner

MAX_FPS = 1000
MAX_TOP_K = 1_000_000
LOGGER = logging.getLogger("temper.cli")


def add_parsers(commands: Any) -> None:
    """Add the command `classify`."""
    parser = commands.add_parser(
        "classify", help="classify images", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    sources = parser.add_argument_group("images")
    named = sources.add_mutually_exclusive_group(required=True)
    named.add_argument("images", nargs="*", default=[], metavar="IMAGE", help="what to classify; see above")
    help_of_list = "a file with one name a line, or - for stdin; a name is any IMAGE but - and no pattern"
    named.add_argument("--list", metavar="FILE", help=help_of_list)
    help_of_fps = "frames to take of each second of a video (default: %(default)g)"
    sources.add_argument("--fps", type=_frames, default=1.0, metavar="N", help=help_of_fps)
    help_of_private = "read addresses of this machine and of private networks too"
    sources.add_argument("--allow-private", action="store_true", help=help_of_private)
    add_decoding_options(sources)
    _add_classifier_options(parser.add_argument_group("classifier"))
    _add_result_options(parser.add_argument_group("results"))
    add_verbosity_options(parser)


def _add_classifier_options(group: Any) -> None:
    add = group.add_argument
    help_of_engine = f"an artifact ({', '.join(suffixes())}), or a folder of which the best one that runs here is used"
    add("--engine", type=Path, required=True, metavar="ARTIFACT", help=help_of_engine)
    help_of_top_k = "number of labels to show for each image (default: %(default)s)"
    add("--top-k", type=whole_number(1, MAX_TOP_K), default=1, metavar="K", help=help_of_top_k)
    add(
        "--unknown",
        action="store_true",
        help="mark an image as unknown when the probability of its label is below the artifact's confidence threshold",
    )
    add("--ray", metavar="ADDRESS", help="classify on the Ray cluster at ADDRESS, or on one of its own (local)")


def _add_result_options(group: Any) -> None:
    group.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="write the results to FILE (.jsonl, .csv or .parquet) as they come. The same command goes on after an "
        "interruption: an image with the same name and content is classified once. With --ray, FILE is a folder",
    )
    form = group.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print one JSON object for each image, each on its own line")
    form.add_argument("--csv", action="store_true", help=f"print a table with the columns {', '.join(HEADER)}")
    group.add_argument(
        "--save",
        type=Path,
        metavar="PATH",
        help="also write each image, with its labels drawn below it, to the folder PATH as NAME.labeled.png; or all of "
        "them to the video PATH (.mp4, .mkv, …)",
    )


def run(options: argparse.Namespace) -> int:
    """Classify and print or write; SOME_FAILED when an image could not be read."""
    _refuse_contradictions(options)
    if options.ray:
        return _run_on_ray(options)
    from temper.choose import choose
    from temper.runners.load import open_runner

    with contextlib.ExitStack() as stack:
        with paused_collection():
            # What is a file needs no check, so it can wait until the runtime loads.
            images = None if _are_files(options) else _images(options)
            artifact = choose(options.engine)
            threshold = _threshold(options, artifact.card)
            runner = stack.enter_context(open_runner(artifact, meanwhile=_import_decoders))
            images = images or _images(options)
        if options.out:
            return _write(options, runner, images)
        from temper.infer.classify import classify
        from temper.infer.flow import Flow
        from temper.infer.sources import is_live

        flow = Flow(is_live=is_live(options.images), decoding=decoding_of(options))
        results = _saved(classify(runner, images, options.top_k, threshold, flow), options, runner)
        return show(results, "json" if options.json else "csv" if options.csv else "text")


def _import_decoders() -> None:
    from PIL import Image

    import temper.infer.classify  # noqa: F401 - used later

    Image.preinit()


def _are_files(options: argparse.Namespace) -> bool:
    return not options.list and all(os.path.isfile(name) for name in options.images)  # noqa: PTH113


def _images(options: argparse.Namespace) -> Iterator["ImageSource"]:
    from temper.infer.sources import SourceOptions, iterate_listed, iterate_named

    iterate = iterate_listed if options.list else iterate_named
    return iterate(_names(options), SourceOptions(fps=options.fps, allow_private=options.allow_private))


def _refuse_contradictions(options: argparse.Namespace) -> None:
    if options.out and (options.json or options.csv):
        raise UsageError("--json and --csv print results, and --out writes them", fix="Leave one of them out.")
    if options.ray:
        unfit = {"--save": options.save, "--list": options.list, "--allow-private": options.allow_private}
        unfit |= {"--full-decode": options.full_decode, "--max-pixels": options.max_pixels}
        if names := ", ".join(name for name, value in unfit.items() if value):
            raise UsageError(f"--ray takes no {names}", fix="Leave it out, or classify without --ray.")
        if not options.out:
            raise UsageError("--ray needs --out, the folder of the results", fix="Use --out FOLDER.")


def _names(options: argparse.Namespace) -> Iterable[str]:
    """Names of a list as they are needed, or those of the command line after a check."""
    from temper.infer.sources import check_sources, names_in_list

    if options.list:
        return names_in_list(options.list)
    check_sources(options.images)
    return list(options.images)


def _threshold(options: argparse.Namespace, card: "Card") -> float | None:
    threshold = card.confidence_threshold
    if options.unknown and threshold is None:
        raise UsageError(
            f"--unknown needs a confidence threshold, and the card of {options.engine} has none",
            fix="Train and convert again, or leave --unknown out.",
        )
    return threshold if options.unknown else None


def _write(options: argparse.Namespace, runner: "Runner", images: Iterator["ImageSource"]) -> int:
    from temper.cli.progress import ProgressDisplay
    from temper.infer.classify import classify
    from temper.infer.flow import Flow
    from temper.infer.job import Job, run_job
    from temper.infer.job_settings import JobSettings
    from temper.infer.save import refuse_half_video
    from temper.infer.sources import count_images, is_live

    threshold, artifact, decoding = runner.card.confidence_threshold, runner.artifact, decoding_of(options)
    settings = JobSettings(
        artifact=artifact.name,
        sha256=artifact.card.sha256,
        top_k=options.top_k,
        threshold=threshold,
        fps=options.fps,
        full_decode=decoding.full,
        max_pixels=decoding.max_pixels,
    )
    with Job(options.out, settings) as job, ProgressDisplay() as progress:
        is_watched = stderr_console().is_terminal and LOGGER.isEnabledFor(logging.INFO)
        total = count_images(options.images) if is_watched and not options.list else 0
        refuse_half_video(options.save, options.out, len(job.written.keys))
        flow = Flow(is_done=job.is_done, is_live=is_live(options.images), decoding=decoding)
        results = _saved(classify(runner, images, options.top_k, threshold, flow), options, runner)
        run_job(job, results, runner.best_batch, flow, lambda done: progress("classifying", done, total))
    _summarize(job, flow.times)
    return ExitCode.SOME_FAILED if job.failed else ExitCode.OK


def _summarize(job: "Job", times: "StageTimes") -> None:
    """Say what was done, and how long each stage took; decoding runs in threads beside the network."""
    from temper.cli.progress import format_duration, format_rate

    before = f"; {plural(times.done_before, 'image')} done before" if times.done_before else ""
    failed = f", {job.failed:,} could not be read" if job.failed else ""
    rate = f" ({format_rate(job.classified / job.seconds)})" if job.classified > 1 else ""
    done = f"{plural(job.classified, 'image')} in {format_duration(job.seconds)}"
    LOGGER.info("%s: %s%s%s%s", job.out, done, rate, before, failed)
    stages = {"reading and decoding": times.decoding, "waiting for images": times.waiting}
    stages |= {"network": times.network, "writing": times.writing}
    LOGGER.info("%s", ", ".join(f"{name} {format_duration(seconds)}" for name, seconds in stages.items()))


def _run_on_ray(options: argparse.Namespace) -> int:
    from temper.choose import choose
    from temper.cluster.job import run_on_ray

    names, artifact = list(_names(options)), choose(options.engine).verified()
    _threshold(options, artifact.card)
    return run_on_ray(artifact=artifact, sources=names, out=options.out, address=options.ray, top_k=options.top_k)


def _saved(results: Iterator["Result"], options: argparse.Namespace, runner: "Runner") -> Iterator["Result"]:
    """The same results, after each image is written where --save says."""
    if not options.save:
        return results
    from temper.infer.save import is_video, save_images, save_video

    if is_video(options.save):
        lines = min(options.top_k, len(runner.card.labels)) + (runner.card.confidence_threshold is not None)
        return save_video(results, options.save, options.fps, lines)
    return save_images(results, options.save, goes_on=bool(options.out))


def _frames(text: str) -> float:
    with contextlib.suppress(ValueError):
        if 0 < float(text) <= MAX_FPS:
            return float(text)
    raise argparse.ArgumentTypeError(f"expected a number above 0, at most {MAX_FPS}, got {text!r}")
