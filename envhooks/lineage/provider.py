"""MLflow's run context, from the stamp of the image: `mlflow.run_context_provider` of the extra `mlflow`.

The variable MLFLOW_RUN_CONTEXT is one JSON object: somebody who sets their own replaces the image's. This provider
reads the other variables, so that the stamp is on the run all the same.
"""

from __future__ import annotations

import os

from mlflow.tracking.context.abstract_context import RunContextProvider

from envhooks.base.stamps import run_context


class EnvhooksRunContext(RunContextProvider):  # type: ignore[misc,unused-ignore]
    """Tags of the environment that a run is made in."""

    def in_context(self) -> bool:
        """Whether this process runs in a stamped image."""
        return bool(run_context(os.environ))

    def tags(self) -> dict[str, str]:
        """`envhooks.tag`, `envhooks.commit`, `envhooks.tag_object`."""
        return run_context(os.environ)
