"""Motions of our own: BVH files, and the script that makes them."""
