"""The recorder: stores every frame that the feeds receive, and takes no part in trading."""
