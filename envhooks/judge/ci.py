"""The tag that a CI run is for, by the variables that each CI sets: one table, no process."""

from __future__ import annotations

from collections.abc import Mapping

from envhooks.base.dataclass import dataclass
from envhooks.base.refs import TAGS


@dataclass(frozen=True)
class System:
    """One CI: how its runs are known, and where it puts the tag."""

    name: str
    marker: str
    """A variable that every run of this CI has, and no run of another."""
    refs: tuple[str, ...] = ()
    """Variables that hold a full ref where the run is for a tag, and another ref where it is not."""
    names: tuple[str, ...] = ()
    """Variables that hold the tag's name, and are empty or not set where the run is for none."""
    value: str = ""
    """Value that the marker must have; empty: any."""

    def is_running(self, environ: Mapping[str, str]) -> bool:
        """Whether this is a run of it."""
        found = environ.get(self.marker, "")
        return found == self.value if self.value else bool(found)

    def tag(self, environ: Mapping[str, str]) -> str | None:
        """The tag's full ref."""
        refs = (environ.get(name, "") for name in self.refs)
        names = (TAGS + environ[name].removeprefix(TAGS) for name in self.names if environ.get(name))
        return next((ref for ref in (*refs, *names) if ref.startswith(TAGS) and ref != TAGS), None)


# Jenkins' BUILD_TAG and Azure's BUILD_SOURCEBRANCHNAME look right and are not: the one is the job's name
# with its number, the other the last part of a ref of any kind.
SYSTEMS = (
    System("Woodpecker", "CI", ("CI_COMMIT_REF",), ("CI_COMMIT_TAG",), value="woodpecker"),
    System("GitHub Actions", "GITHUB_ACTIONS", ("GITHUB_REF",)),  # Gitea's and Forgejo's set the same
    System("GitLab", "GITLAB_CI", (), ("CI_COMMIT_TAG",)),
    System("Jenkins", "JENKINS_URL", ("GIT_BRANCH",), ("TAG_NAME",)),
    System("CircleCI", "CIRCLECI", (), ("CIRCLE_TAG",)),
    System("Azure Pipelines", "TF_BUILD", ("BUILD_SOURCEBRANCH",)),
    System("Buildkite", "BUILDKITE", (), ("BUILDKITE_TAG",)),
)


def tag_of_run(environ: Mapping[str, str]) -> str | None:
    """The full ref of the tag that this CI run is for; None where it is for none, or outside of CI.

    Where a CI is known by its marker, only its own variables count: a job may well have a `TAG_NAME` of
    its own for an image. Where none is (a container that was given a few variables), each may speak.
    """
    running = next((system for system in SYSTEMS if system.is_running(environ)), None)
    candidates = (running,) if running else SYSTEMS
    return next((ref for ref in (system.tag(environ) for system in candidates) if ref), None)
