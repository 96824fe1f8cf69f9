"""From push to release; `runtime.environments` installs the requirements."""
