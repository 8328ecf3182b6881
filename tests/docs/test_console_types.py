"""The console's types are made from the API as it is."""

import runpy
from pathlib import Path

CONSOLE = Path(__file__).parents[2] / "console"


def test_the_description_that_the_types_are_made_from_is_that_of_the_server():
    rendered = runpy.run_path(str(CONSOLE / "write_openapi.py"))["render"]()
    kept = (CONSOLE / "openapi.json").read_text(encoding="utf-8")
    assert kept == rendered, "run: make console-types"
