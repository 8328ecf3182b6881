"""Writes the page of settings from the sources: python docs/settings_page.py > docs/settings.md."""

import ast
import inspect
import sys

from roadstead import config

HEAD = """# Settings

Made by `docs/settings_page.py` from `src/roadstead/config.py`; change them there.

Each setting has one name in three places. The first that gives it wins:

1. an option of the command line, where the command has it: `--data-dir`
2. an environment variable: `ROADSTEAD_DATA_DIR`. An empty one counts as not given.
3. a settings file: `data_dir = "/srv/roadstead"`. Read is the file named by `--config` or
   `ROADSTEAD_CONFIG`, else `roadstead.toml` in the data folder (which cannot move the data folder).
4. the default

Switches are `on` and `off` (in the file also `true` and `false`), lists are joined by commas (in
the file also `["a", "b"]`). A key that means nothing is refused in the file and warned about in the
environment. `roadstead doctor` says which settings do not go together. SIGHUP reads the certificate
again; everything else is read at the start.
"""


def render() -> str:
    """The page."""
    parts = [HEAD]
    for name, key in config._KEYS.items():
        default = f"`{key.default}`" if key.default else "none"
        parts.append(
            f"\n## `{name}`\n\n`{config.PREFIX}{name.upper()}` · default {default}\n\n"
            f"{_explanations()[name]}\n"
        )
    return "".join(parts)


def _explanations() -> dict[str, str]:
    """The texts under the fields of Settings, by key."""
    tree = ast.parse(inspect.getsource(config.Settings))
    body = tree.body[0].body  # type: ignore[attr-defined]
    found = {}
    for field, text in zip(body, body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr):
            name = field.target.id.replace("database", "database_url")  # type: ignore[union-attr]
            found[name] = inspect.cleandoc(text.value.value)  # type: ignore[attr-defined]
    return {name: text.replace("``", "`") for name, text in found.items()}


if __name__ == "__main__":
    sys.stdout.write(render())
