"""Where the joints of a character are: from a file, a pose network, or the silhouette."""
