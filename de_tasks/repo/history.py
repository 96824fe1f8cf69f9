"""What was deployed before, fetched from the remote as far as it is needed here."""

from __future__ import annotations

from de_tasks.errors import NotPermitted
from de_tasks.repo.bare import Bare
from de_tasks.repo.environment import Remote
from de_tasks.repo.refusal import Failed

FETCH = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance")


class Past:
    """Earlier deploys, fetched into a deploy repository where they are missing."""

    def __init__(self, bare: Bare) -> None:
        self._bare = bare
        self._git = bare.git

    def need(self, sha: str, remote: Remote) -> bool:
        """Fetch a commit that is not here, with the names of its files and not their content.

        Whether it is here then: a server may not give out what it has.
        """
        if self._bare.tree_of(sha):
            return True
        try:
            self._git.reach(remote, *FETCH, "--depth=1", "--filter=blob:none", remote.url, sha)
        except (Failed, NotPermitted):
            return False
        finally:
            self._bare.restore_settings()
        return bool(self._bare.tree_of(sha))

    def differing(self, before: str, after: str) -> int | None:
        """How many files differ between two trees or commits; None when one is not here."""
        options = ("-r", "--name-only", "-z", "--no-renames")
        done = self._git.run("diff-tree", *options, before, after)
        return None if done.returncode else done.stdout.count("\0")

    def complete(self, remote: Remote, before: str, after: str) -> None:
        """Fetch the content of the files of `after` that differ from those of `before`."""
        listing = self._git("diff-tree", "-r", "--raw", "-z", "--no-renames", before, after)
        entries = [entry.split() for entry in listing.split("\0") if entry.startswith(":")]
        wanted = {new for _, _, _, new, _ in entries if new.strip("0")}
        checked = self._git("cat-file", "--batch-check", stdin="".join(f"{s}\n" for s in wanted))
        missing = [line.split()[0] for line in checked.splitlines() if line.endswith(" missing")]
        if missing:
            self._git.reach(
                remote, *FETCH, "--stdin", remote.url, stdin="".join(f"{s}\n" for s in missing)
            )
