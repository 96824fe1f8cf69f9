"""Git: the snapshot of a folder, pushed from a repository of our own."""
