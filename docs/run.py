"""Build the documentation as a site: the pages of docs/, the measured results, and a reference made from the code.

    python docs/run.py             the site: dist/docs/index.html
    python docs/run.py tutorial    execute docs/tutorial.ipynb, and store it with its outputs

`make docs` and `make tutorial` install what they need first. The site needs neither a connection nor a server when it
is read. A link that leads nowhere, and every other warning of the builder, ends the command with exit code 3; so does
a cell of the tutorial that fails.
"""

import os
import sys

if not __package__:
    # Without pathlib, whose import takes longer than all before the next statement.
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))  # noqa: PTH120
if __name__ == "__main__":
    # Before the other imports: a signal in the middle of them ends the command with one line.
    from temper.system.early_signals import exit_at_signals

    exit_at_signals()

import argparse
import logging
import shutil
import tempfile
from pathlib import Path

from temper.cli.console import CommandParser, ConsoleHandler, add_verbosity_options
from temper.cli.entry_point import run_command
from temper.errors import DataError, MissingRuntime

ROOT = Path(__file__).resolve().parents[1]
CONFIG = ROOT / "mkdocs.yml"
PAGES = ROOT / "build" / "docs"
SITE = ROOT / "dist" / "docs"
TUTORIAL = ROOT / "docs" / "tutorial.ipynb"


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = CommandParser(
        prog="python docs/run.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", nargs="?", choices=("site", "tutorial"), default="site", help="default: %(default)s")
    add_verbosity_options(parser)
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> int:
    """Build the site, or execute the tutorial; returns the exit code."""
    if options.what == "tutorial":
        from docs.notebook_execution import execute, write

        write(execute(TUTORIAL), TUTORIAL)
        print(TUTORIAL)
        return 0
    from docs.pages import collect

    shutil.rmtree(PAGES, ignore_errors=True)
    collect(PAGES)
    SITE.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=SITE.parent) as scratch:
        built = Path(scratch) / SITE.name
        build(PAGES, built)
        shutil.rmtree(SITE, ignore_errors=True)
        built.rename(SITE)
    print(SITE / "index.html")
    return 0


def build(pages: Path, site: Path) -> None:
    """Build the site of a folder of pages; what is in the folder `site` is deleted.

    Raises DataError when the builder warns of anything, MissingRuntime when it is not installed.
    """
    try:
        from mkdocs.commands.build import build as build_site
        from mkdocs.config import load_config
        from mkdocs.exceptions import MkDocsException
    except ModuleNotFoundError as error:
        raise MissingRuntime(
            f"{error.name}, which builds the site, is not installed", fix="Run `make docs`, which installs it."
        ) from None
    handler = ConsoleHandler(logging.WARNING)
    logging.getLogger("mkdocs").addHandler(handler)
    try:
        config = load_config(str(CONFIG), docs_dir=str(pages), site_dir=str(site), strict=True)
        config.plugins.on_startup(command="build", dirty=False)
        build_site(config)
        config.plugins.on_shutdown()
    except MkDocsException as error:
        raise DataError(f"the site was not built: {error}", fix="Correct the pages that the warnings name.") from None
    finally:
        logging.getLogger("mkdocs").removeHandler(handler)


if __name__ == "__main__":
    run_command(parse, run, writes_artifacts=False)
