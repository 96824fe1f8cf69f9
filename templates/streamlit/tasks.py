# Type `inv deploy` to deploy this folder, `inv --list` to see the rest.
from de_tasks import ns  # noqa: F401
