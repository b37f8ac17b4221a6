"""The strategy's stages, one per file, called by the engine."""
