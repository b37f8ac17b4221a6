"""The recorder: keeps every frame that the feeds receive, and has no part in trading."""
