"""The rules table: from an event to the tags of its image."""
