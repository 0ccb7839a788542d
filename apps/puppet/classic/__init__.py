"""Animated Drawings as it is: its files, its retargeting with all its quirks, and its frames."""
