"""The applications that work on a scene, and the ways in to them."""
