"""The silhouette estimator: joints from a mask alone."""
