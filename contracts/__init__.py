"""What is said on the wire. Imports pydantic and the standard library only, so that a publisher can vendor it as it
is."""
