"""All tables of the program, gathered from the capabilities' stores."""

import importlib
import pkgutil

import roadstead


def load_stores() -> None:
    """Imports every module that puts tables on the one MetaData."""
    for module in pkgutil.walk_packages(roadstead.__path__, "roadstead."):
        if module.name.rsplit(".", 1)[-1].endswith("store") or module.name.endswith(".outbox"):
            importlib.import_module(module.name)
