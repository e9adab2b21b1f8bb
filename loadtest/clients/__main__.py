"""`python -m loadtest.clients`: a worker process for a PagesJob or a LoginJob, see `loadtest.messages`."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys

from loadtest.clients.login import Logins
from loadtest.clients.pages import Pages
from loadtest.clients.serving import Client, say, serve
from loadtest.messages import LoginJob, PagesJob, read_job


def main() -> int:
    """Do the job of the first line; 1 when it is none of ours."""
    try:
        job = read_job(sys.stdin.readline())
    except (ValueError, KeyError, TypeError):
        say({"event": "error", "text": "the job cannot be read"})
        return 1
    client: Client
    if isinstance(job, PagesJob):
        client = Pages(job)
    elif isinstance(job, LoginJob):
        client = Logins(job)
    else:
        say({"event": "error", "text": f"a {job.role} job is not for this worker"})
        return 1
    if job.core is not None:
        with contextlib.suppress(OSError):  # a core that is not ours: then wherever the kernel likes
            os.sched_setaffinity(0, {job.core})
    asyncio.run(serve(client))
    return 0


if __name__ == "__main__":
    sys.exit(main())
