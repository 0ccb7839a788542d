"""Puppets: every character of a picture dances (paper section 6.3)."""
