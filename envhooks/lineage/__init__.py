"""Lineage: which environment trained a run or a model, and which runs and models an environment made.

    from envhooks import lineage

    lineage.of_run("4b1f...")          # the release that a run was made in
    lineage.of_version("detector", 7)  # the release behind a registered model
    lineage.of_model("models:/detector@champion")  # the same by any address that MLflow loads a model by
    lineage.uses("PyTorch-CUDA-v2.8")  # runs and models that were made in a release

Tags of a run are claims; what is proved is proved by the records of the repository. Nothing is ever written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from envhooks.base.stamps import STAMPS, run_context
    from envhooks.lineage.facts import Origin, Use
    from envhooks.lineage.tracking import of_model, of_run, of_version, uses

__all__ = ["STAMPS", "Origin", "Use", "of_model", "of_run", "of_version", "run_context", "uses"]
_MODULES = {
    "Origin": "lineage.facts",
    "Use": "lineage.facts",
    "STAMPS": "base.stamps",
    "run_context": "base.stamps",
}


def __getattr__(name: str) -> Any:
    # MLflow imports this package in every training process, for the stamp alone
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"envhooks.{_MODULES.get(name, 'lineage.tracking')}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
