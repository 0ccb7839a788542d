"""Dataset synthesis: cut-outs of characters composed into scenes whose masks are known (section 3)."""
