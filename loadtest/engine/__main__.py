"""`python -m loadtest.engine`: one worker."""

import sys

import uvloop

from loadtest.engine.worker import work

if __name__ == "__main__":
    sys.exit(uvloop.run(work()))
