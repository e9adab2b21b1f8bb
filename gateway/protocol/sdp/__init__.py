"""SDP: model, parser, writer, and the negotiation of answers."""
