"""The build of a Dockerfile as a file of the repository states it: `[dockerfile] built-by`."""

from __future__ import annotations

from collections.abc import Mapping

from envhooks.base.dataclass import replace
from envhooks.base.errors import CannotJudge
from envhooks.base.place import Place
from envhooks.image import CannotTell, Named
from envhooks.image.files import Budgeted, Files
from envhooks.image.statedbuilds import followed
from envhooks.policy import DockerfilePolicy

ADVICE = "mend that file, or what [dockerfile] built-by in .envhooks/policy.toml says of it"


def stated(
    files: Files, section: DockerfilePolicy, path: str
) -> tuple[DockerfilePolicy, Mapping[str, Named]] | CannotTell:
    """The section with the context, the stage and the arguments of its file, and the images of the tree below.

    Arguments of the section come before those of the file. What is not followed is a doubt: the tag is refused
    like one whose Dockerfile is not there.

    Raises:
        CannotJudge: the tree does not answer, or the budget of the tag is spent.
    """
    assert section.built_by is not None
    file, name = section.built_by
    files.read(file)  # what the tree refuses is no fault of the file
    try:
        found = followed(files, file, name, path, dict(section.args))
    except CannotJudge as error:
        if isinstance(files, Budgeted):
            files.budget.file(0)  # it may be that which ended it
        return CannotTell("dockerfile", error.message, Place(file), ADVICE)
    args = tuple({**dict(found.args), **dict(section.args)}.items())
    return replace(section, context=found.context, target=found.target, args=args), found.named
