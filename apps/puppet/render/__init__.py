"""From deformed meshes to frames."""
