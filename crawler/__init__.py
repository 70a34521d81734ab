"""Firsthand: finds machine-made copies of news, and names the earliest known source."""

__version__ = "0.1.0"
