"""Dataset synthesis: characters composed into scenes whose masks are known (section 3)."""
