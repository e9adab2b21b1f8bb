"""How to start GStreamer's client, which lives under the system's own interpreter."""

from __future__ import annotations

import functools
import subprocess
from pathlib import Path
from typing import Literal

INTERPRETER = "/usr/bin/python3"
CLIENT = Path(__file__).with_name("gstreamer_client.py")
PROBE = """
import gi
gi.require_version("Gst", "1.0"); gi.require_version("GstWebRTC", "1.0")
from gi.repository import Gst
Gst.init(None)
missing = [n for n in ("webrtcbin", "nicesrc", "x264enc", "avdec_h264", "vp8enc", "opusenc", "dtlssrtpdec")
           if not Gst.ElementFactory.find(n)]
assert not missing, missing
print(".".join(str(n) for n in Gst.version()[:2]))
"""


@functools.cache
def version() -> str | None:
    """Major and minor version, or None where an element or the bindings are missing."""
    try:
        probe = subprocess.run([INTERPRETER, "-c", PROBE], capture_output=True, text=True, timeout=30)
    except OSError:
        return None
    return probe.stdout.strip() or None if probe.returncode == 0 else None


def client_command(mode: Literal["publish", "play"], codec: Literal["h264", "vp8"], url: str) -> list[str]:
    """The bearer token goes into the environment as TOKEN."""
    return [INTERPRETER, str(CLIENT), mode, codec, url]
