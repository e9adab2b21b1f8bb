"""Real WebRTC endpoints that the tests drive: Chromium, Firefox, GStreamer, FFmpeg and aiortc.

Nothing here knows the gateway; `tests/interop` and `tests/browser` point these peers at one.
"""
