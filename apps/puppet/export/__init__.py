"""Puppets for other programs: sprite sheets, Animated Drawings, Spine."""
