"""Parts of the engine's benchmark."""
