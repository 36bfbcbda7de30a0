"""Pictures of a stack, drawn from its resources."""
