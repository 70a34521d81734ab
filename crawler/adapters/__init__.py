"""The outside world; no adapter knows another."""
