"""The broker: topics, the batch producer, and the batch consumer with the one delivery policy."""
