"""What is said on the wire. Imports pydantic and the standard library only: a publisher can vendor it as it is."""
