"""How many files and connections the operating system lets the server open."""

import logging
from dataclasses import replace

from temper.errors import ResourceError
from temper.serve.settings import Limits

LOGGER = logging.getLogger("temper.serve")
# Sockets of connections that were accepted and are refused next: as many as the listener's queue holds.
PER_CONNECTION = 2
# Channels to processes, copies of artifacts, libraries; each of a few models and twice during a swap.
OTHER_FILES = 128


def limited_by_open_files(limits: Limits) -> Limits:
    """Allow the process to open what the limits need; where that is forbidden, the same limits with fewer connections.

    Otherwise a server that can open nothing more writes an error for each connection. Raises ResourceError when not one
    connection would be possible.
    """
    try:
        # Windows has no such module.
        import resource
    except ImportError:
        return limits
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = PER_CONNECTION * limits.connections + OTHER_FILES
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return limits
    allowed = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    connections = min(limits.connections, (allowed - OTHER_FILES) // PER_CONNECTION)
    if connections < 1:
        raise ResourceError(f"the server may open {hard} files only", fix="Raise the limit: ulimit -n 4096.")
    if connections < limits.connections:
        LOGGER.warning("at most %d connections: the server may open %d files (ulimit -n)", connections, allowed)
    return replace(limits, connections=connections)
