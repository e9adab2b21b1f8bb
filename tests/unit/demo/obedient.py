"""A stand-in for the camera's process: appends what it is told to a file, then ends as its order says."""

import json
import sys

order = json.loads(sys.stdin.readline())
with open(order["log"], "a", encoding="utf-8") as log:
    log.write(order["token"] + "\n")
if order["then"] == "wait":
    sys.stdin.read()
    with open(order["log"], "a", encoding="utf-8") as log:
        log.write("goodbye\n")
else:
    sys.exit(3)
