"""Getting code live, and back."""
