"""What a forwarder must know of each codec: where a keyframe starts."""
