"""FFmpeg's `whip` muxer, in the binary that `imageio-ffmpeg` brings."""

from __future__ import annotations

import imageio_ffmpeg

FPS = 30
"""Pictures a second of what `publish_command` sends."""


def executable() -> str | None:
    """The path of a binary, or None where the package carries none for this machine."""
    try:
        return imageio_ffmpeg.get_ffmpeg_exe()
    except RuntimeError:
        return None


def version() -> str:
    """For example "9.0.2"."""
    return imageio_ffmpeg.get_ffmpeg_version().lstrip("n").split("-")[0]


def publish_command(
    url: str, *, token: str = "", seconds: float = 60.0, group: int = FPS, filters: str = "null"
) -> list[str]:
    """Test picture and tone as H264 and Opus to a WHIP endpoint, in real time.

    `group` is how many pictures there are from one keyframe to the next, `filters` what is done to them.
    """
    ffmpeg = executable()
    assert ffmpeg, "imageio-ffmpeg has no binary for this machine"
    video = "-c:v libx264 -profile:v baseline -preset ultrafast -tune zerolatency -bf 0 -b:v 800k"
    return [
        *(ffmpeg, "-hide_banner", "-loglevel", "verbose", "-nostdin"),
        *("-re", "-f", "lavfi", "-i", f"testsrc2=size=640x360:rate={FPS}"),
        *("-re", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000"),
        *("-t", str(seconds), "-vf", filters, "-pix_fmt", "yuv420p", *video.split(), "-g", str(group)),
        *("-c:a", "libopus", "-ar", "48000", "-ac", "2", "-b:a", "64k"),
        *("-f", "whip", *(("-authorization", token) if token else ()), url),
    ]
