"""Taking a character apart into sheets that move over each other."""
