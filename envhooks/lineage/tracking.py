"""Runs and models of an MLflow tracking server, joined with the records of this repository. Read-only.

MLflow stamps the runs that its fluent API starts, and the models that they log. A run that was made by the client API
carries no stamp, and neither does a tag of a registered version: that is joined through its run or its logged model.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from envhooks.base.errors import CannotJudge, UsageError
from envhooks.base.hygiene import printable
from envhooks.base.refs import Hook
from envhooks.base.stamps import STAMPS
from envhooks.base.urls import split_url
from envhooks.git.repository import Git
from envhooks.lineage.facts import Origin, Use
from envhooks.policy.trust import trust_context
from envhooks.records.reader import read
from envhooks.records.types import Records

MOST = 50_000
"""Runs or models that are listed."""
_PAGE = 1_000
_TOGETHER = 200
"""Experiments that are asked about at once."""
_TAG, _COMMIT, _OBJECT = STAMPS.values()


def of_run(run_id: str, tracking_uri: str | None = None, git: Git | None = None) -> Use:
    """The release that a run was made in.

    Args:
        run_id: MLflow's id, with or without `runs:/`.
        tracking_uri: as MLflow takes it; None: as MLflow finds it.
        git: the repository of the releases; None: that of the current folder.

    Raises:
        UsageError: there is no such run, or MLflow is not installed.
        CannotJudge: the tracking server does not answer.
    """
    client = _client(tracking_uri)
    # `runs:/ID/model` is how MLflow writes what a run has logged
    alone = run_id.removeprefix("runs:/").strip("/").partition("/")[0]
    run = _ask(lambda: client.get_run(alone), f"the run {run_id}")
    return _of_run(run, _Joined(git))


def of_version(name: str, version: int | str, tracking_uri: str | None = None, git: Git | None = None) -> Use:
    """The release behind a registered model's version, through its logged model or its run.

    Raises:
        UsageError, CannotJudge: as for `of_run`.
    """
    client = _client(tracking_uri)
    found = _ask(
        lambda: client.get_model_version(name, str(version)), f"version {version} of the model {name}"
    )
    return _of_version(client, found, _Joined(git))


def of_model(uri: str, tracking_uri: str | None = None, git: Git | None = None) -> Use:
    """The release behind a model, by an address that MLflow loads one by.

    Args:
        uri: `models:/NAME/VERSION`, `models:/NAME@ALIAS`, `models:/NAME/latest`, `models:/NAME/STAGE`, or
            `models:/m-ID` of a logged model.

    Raises:
        UsageError: it is none of these, or names no model.
        CannotJudge: as for `of_run`.
    """
    rest = uri.removeprefix("models:/").strip("/")
    name, slash, version = rest.rpartition("/")
    if slash and name and version.isdigit():
        return of_version(name, version, tracking_uri, git)
    client = _client(tracking_uri)
    if re.fullmatch(r"m-[0-9a-f]{32}", rest):
        model = _ask(lambda: client.get_logged_model(rest), f"the logged model {rest}")
        return _of_model(client, model, _Joined(git), "")
    if "@" in rest and not slash:
        name, _, alias = rest.rpartition("@")
        found = _ask(lambda: client.get_model_version_by_alias(name, alias), f"the model {name}@{alias}")
        return _of_version(client, found, _Joined(git))
    if not slash or not name:
        raise UsageError(f"{printable(uri)} names no version", fix="envhooks lineage models:/NAME/VERSION")
    # a stage is what MLflow had before aliases
    stages = None if version.casefold() == "latest" else [version]
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", FutureWarning
        )  # MLflow's advice to whoever calls it is none for a person
        among = _ask(lambda: client.get_latest_versions(name, stages), f"{version} of the model {name}")
    if not among:
        raise UsageError(f"the model {printable(name, 200)} has no version {printable(version, 200)}")
    return _of_version(client, max(among, key=lambda one: int(one.version)), _Joined(git))


def uses(tag: str, tracking_uri: str | None = None, git: Git | None = None) -> tuple[Use, ...]:
    """The runs, logged models and registered versions that were made in a release, oldest first.

    Raises:
        UsageError: MLflow is not installed.
        CannotJudge: the tracking server does not answer, or has more than can be listed.
    """
    client = _Known(_client(tracking_uri))
    joined = _Joined(git)
    # a model may serve long after its run or experiment was deleted
    everything = _view_all()
    experiments = {
        one.experiment_id: one.name
        for one in _pages(partial(client.search_experiments, view_type=everything))
    }
    ids = list(experiments)
    found: list[Use] = []
    wanted = f"tags.`{_TAG}` = '{_quoted(tag)}'"
    search = partial(client.search_runs, filter_string=wanted, run_view_type=everything)
    for some in _groups(ids):
        for run in _pages(partial(search, some)):
            client.runs[run.info.run_id] = run
            found.append(_of_run(run, joined, experiments.get(run.info.experiment_id, "")))
    runs = {use.id.removeprefix("runs:/") for use in found}
    models = [
        model
        for model in _models(client, ids)
        if dict(model.tags or {}).get(_TAG) == tag or model.source_run_id in runs
    ]
    client.models |= {model.model_id: model for model in models}
    found += [_of_model(client, model, joined, experiments.get(model.experiment_id, "")) for model in models]
    model_ids = {model.model_id for model in models}
    for version in _pages(client.search_model_versions):
        if (version.run_id and version.run_id in runs) or _model_id(version) in model_ids:
            found.append(_of_version(client, version, joined))
    return tuple(sorted(found, key=lambda use: (use.time, use.kind, use.id)))


class _Known:
    """A client that asks nothing about what was listed before: a version and a model lead to a run each."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.runs: dict[str, Any] = {}
        """Id -> run."""
        self.models: dict[str, Any] = {}
        """Id -> logged model."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def get_run(self, run_id: str) -> Any:
        return self.runs[run_id] if run_id in self.runs else self._client.get_run(run_id)

    def get_logged_model(self, model_id: str) -> Any:
        return self.models[model_id] if model_id in self.models else self._client.get_logged_model(model_id)


# ------------------------------------------------------------------------------------------- joining


class _Joined:
    """Stamps compared with the tags and records of a repository, each tag read once."""

    def __init__(self, git: Git | None) -> None:
        self._git = git
        self._root: Any = None
        self._known: dict[str, Records | str] = {}

    def origin(self, tags: Mapping[str, str], unstamped: str) -> Origin:
        """The origin that the tags of a run or model claim, and what the repository says of it."""
        tag = tags.get(_TAG, "")
        if not tag:
            return Origin("unknown", unstamped)
        claimed = {"tag": tag, "tag_object": tags.get(_OBJECT, ""), "commit": tags.get(_COMMIT, "")}
        records = self._records(tag)
        if isinstance(records, str):
            return Origin("claimed", records, **claimed)
        if not claimed["tag_object"]:
            return Origin(
                "claimed",
                "the stamp names no tag object, so that it may be of another tag of this name",
                **claimed,
            )
        if claimed["tag_object"] != records.object:
            ours, theirs = records.object[:12], claimed["tag_object"][:12]
            why = f"the stamp names the tag object {theirs}, and {tag} is {ours} here"
            return Origin("contradicted", why, **claimed)
        if claimed["commit"] and records.commit and claimed["commit"] != records.commit:
            ours, theirs = records.commit[:12], claimed["commit"][:12]
            return Origin(
                "contradicted", f"the stamp names the commit {theirs}, and {tag} is of {ours}", **claimed
            )
        if records.state == "contradicted":
            return Origin(
                "contradicted",
                records.faults[0] if records.faults else "its record is contradicted",
                **claimed,
            )
        if not records.is_proved:
            return Origin(
                "claimed", records.notes[0] if records.notes else "no record of the release", **claimed
            )
        image = records.image.reference if records.image else ""
        return Origin("proved", image=image, **claimed)

    def _records(self, tag: str) -> Records | str:
        """The records of a tag, or why there are none."""
        if tag not in self._known:
            try:
                if self._git is None:
                    self._git = Git.open()
                if self._root is None:
                    self._root = trust_context(self._git, Hook.CHECK).root
                self._known[tag] = read(self._git, self._root, tag)
            except (UsageError, CannotJudge) as error:
                self._known[tag] = error.message
        return self._known[tag]


def _of_run(run: Any, joined: _Joined, experiment: str = "") -> Use:
    tags = {str(key): str(value) for key, value in dict(run.data.tags).items()}
    # the fluent API names user and source; the client API sets what it is told to
    by_client = not ({"mlflow.user", "mlflow.source.type"} & tags.keys())
    why = (
        "the run carries no stamp: it was made by the client API, which sets none"
        if by_client
        else "the run carries no stamp: its image has none, or it ran in no image"
    )
    return Use(
        "run", f"runs:/{run.info.run_id}", str(run.info.run_name or ""), joined.origin(tags, why), experiment,
        _time(run.info.start_time), run.info.run_id, _metrics(run.data.metrics), run.info.lifecycle_stage == "deleted",
    )  # fmt: skip


def _of_model(client: Any, model: Any, joined: _Joined, experiment: str) -> Use:
    return Use(
        "model", f"models:/{model.model_id}", str(model.name or ""), _model_origin(client, model, joined), experiment,
        _time(model.creation_timestamp), model.source_run_id or "",
    )  # fmt: skip


def _model_origin(client: Any, model: Any, joined: _Joined) -> Origin:
    tags = {str(key): str(value) for key, value in dict(model.tags or {}).items()}
    if _TAG in tags or not model.source_run_id:
        return joined.origin(tags, "the model carries no stamp, and names no run")
    return _run_origin(client, model.source_run_id, joined)


def _run_origin(client: Any, run_id: str, joined: _Joined) -> Origin:
    """The origin of the run that a model or a version names; MLflow collects deleted runs for good."""
    try:
        run = _ask(lambda: client.get_run(run_id), f"the run {run_id}")
    except UsageError:
        return Origin("unknown", f"the run {printable(run_id, 60)} that it names is not there any more")
    return _of_run(run, joined).origin


def _of_version(client: Any, version: Any, joined: _Joined) -> Use:
    name = f"models:/{version.name}/{version.version}"
    model_id = _model_id(version)
    run_id = version.run_id or ""
    origin = Origin("unknown", "the version names neither a run nor a logged model")
    if model_id:
        try:
            model = _ask(lambda: client.get_logged_model(model_id), f"the logged model {model_id}")
        except UsageError:  # a deleted one is not told any more
            why = f"the logged model {printable(model_id, 60)} that it names is not there any more"
            origin = _run_origin(client, run_id, joined) if run_id else Origin("unknown", why)
        else:
            origin, run_id = _model_origin(client, model, joined), run_id or model.source_run_id or ""
    elif run_id:
        origin = _run_origin(client, run_id, joined)
    return Use("version", name, str(version.name), origin, "", _time(version.creation_timestamp), run_id)


def _model_id(version: Any) -> str:
    """The logged model of a version: its own field, else its source `models:/m-...`."""
    found = getattr(version, "model_id", None) or ""
    source = str(getattr(version, "source", "") or "")
    if not found and source.startswith("models:/m-"):
        found = source.removeprefix("models:/").split("/")[0]
    return str(found)


# -------------------------------------------------------------------------------------------- asking


def _client(tracking_uri: str | None) -> Any:
    try:
        from mlflow.tracking import MlflowClient, get_tracking_uri
    except ImportError:
        raise UsageError(
            "MLflow is not installed beside envhooks", fix="pip install 'envhooks[mlflow]'"
        ) from None
    where = tracking_uri or str(get_tracking_uri())
    if not _is_there(where):
        raise UsageError(
            "MLflow has kept nothing there, and would begin a store of its own",
            place=where,
            fix="name the tracking server: MLFLOW_TRACKING_URI or --tracking-uri",
        )
    return _ask(lambda: MlflowClient(where), "the tracking server")


def _is_there(uri: str) -> bool:
    """Whether a store of files or of SQLite exists: MLflow makes one that does not. True of any other store."""
    scheme, _, rest = uri.partition(":")
    if scheme == "sqlite":
        return Path(rest.removeprefix("///").partition("?")[0]).is_file()
    if scheme == "file":
        path = unquote(split_url(uri).path)
        return Path(path[1:] if re.match("/[A-Za-z]:", path) else path).is_dir()
    return "://" in uri or Path(uri).is_dir() or uri == "databricks" or uri.startswith("databricks:")


def _ask(question: Callable[[], Any], what: str) -> Any:
    from mlflow.exceptions import MlflowException

    try:
        return question()
    except MlflowException as error:
        missing = getattr(error, "error_code", "") in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")
        kind = UsageError if missing else CannotJudge
        raise kind(f"MLflow about {printable(what, 200)}: {printable(_first(error), 300)}") from None
    except Exception as error:  # a store of any kind: a database, files, HTTP
        raise CannotJudge(
            f"MLflow cannot be asked about {printable(what, 200)}: {printable(_first(error), 300)}"
        ) from None


def _first(error: Exception) -> str:
    return (str(error).strip().split("\n") or [""])[0] or type(error).__name__


def _pages(ask: Callable[..., Any]) -> Iterator[Any]:
    token: str | None = None
    count = 0
    while True:
        page = _ask(partial(ask, max_results=_PAGE, page_token=token), "its list")
        yield from page
        count += len(page)
        token = page.token
        if not token:
            return
        if count >= MOST:
            raise CannotJudge(f"the tracking server lists more than {MOST} of them")


def _models(client: Any, experiments: Sequence[str]) -> Iterator[Any]:
    """Logged models, which MLflow has since version 3."""
    if not hasattr(client, "search_logged_models"):
        return
    for some in _groups(experiments):
        yield from _pages(partial(client.search_logged_models, experiment_ids=some))


def _groups(experiments: Sequence[str]) -> Iterator[list[str]]:
    """Experiments that one question names: each is a variable of a database's statement, or a part of an address."""
    for at in range(0, len(experiments), _TOGETHER):
        yield list(experiments[at : at + _TOGETHER])


def _view_all() -> Any:
    from mlflow.entities import ViewType

    return ViewType.ALL


def _quoted(text: str) -> str:
    if "'" in text or "\\" in text:
        raise UsageError(f"{printable(text)} is no release tag")
    return text


def _time(milliseconds: int | None) -> str:
    if not milliseconds:
        return ""
    try:
        return datetime.fromtimestamp(milliseconds / 1000, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return ""


def _metrics(found: Mapping[str, Any]) -> dict[str, float]:
    return {str(name): float(value) for name, value in list(dict(found).items())[:20]}
