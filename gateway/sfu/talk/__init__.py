"""Talkback: customers speak to the technician. Who may, who is heard, and whose packets go where."""
