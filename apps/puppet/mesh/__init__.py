"""From a mask to a mesh that follows joints."""
