"""Pages of the node for people. Everything that a page needs comes from the node itself."""
