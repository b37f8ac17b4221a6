"""The strategy's stages, one a file, in the order in which the engine asks them."""
