"""What git and pre-commit run.

`check`, `deploy`, `preview` and `prune_previews` are hooks, each with `main(argv) -> int`; the
other modules are what they share.

They run at every commit or push, mostly to find that there is nothing to do: what the first
answer needs must import in milliseconds, so invoke and all that stands on it come later.
"""
