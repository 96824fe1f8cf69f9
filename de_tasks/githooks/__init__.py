"""What git and pre-commit run: a module for each hook, `main(argv) -> int`.

They run at every commit or push, mostly to find that there is nothing to do: what the first
answer needs must import in milliseconds, so invoke and all that stands on it come later.
"""
