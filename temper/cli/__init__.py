"""The command line: entry point, logging, progress, tables, and the commands that use an artifact."""


def start() -> None:
    """The console command `temper`."""
    # Before the other imports: a signal in the middle of them ends the command with one line.
    from temper.system.early_signals import exit_at_signals

    exit_at_signals()
    from temper.cli.main import main

    main()
