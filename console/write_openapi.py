"""Writes ``console/openapi.json``, from which the console's types are made, from the operations.

``make console-types`` runs it and then makes ``src/api/schema.d.ts``; a test fails while the two
differ from what the server offers.
"""

import json
from pathlib import Path

from roadstead.http.openapi import describe
from roadstead.http.operations import OPERATIONS

TARGET = Path(__file__).parent / "openapi.json"


def render() -> str:
    """The document as it is kept: sorted, one address of no server in particular."""
    document = describe(OPERATIONS, version="0", origin="/")
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    TARGET.write_text(render())
