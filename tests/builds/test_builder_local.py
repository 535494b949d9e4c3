"""Images that are really built, pushed to a real registry, and read back by skopeo."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

import pytest
from builder_parts import (
    DOCKERFILE,
    EPOCH,
    PLAN,
    RUN,
    missing,
    need,
    new_log,
    plan_for,
    publish,
    python_that_says,
    registry,
    storage,
    write_context,
)
from image_parts import Layout, layer
from python_image import write_python_tree, write_torch
from support import run

from envhooks.base.dataclass import replace
from envhooks.base.errors import CannotJudge, PolicyError
from envhooks.builds import layout
from envhooks.builds.builders import local
from envhooks.builds.types import Job, Plan, Result

OPTIONS: dict[str, Any] = {"engine": "buildah", "tls_verify": False, "isolation": "chroot"}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    need("docker-registry", "skopeo", "buildah", "busybox")
    with registry(tmp_path_factory.mktemp("registry") / "own") as found:
        yield found


@pytest.fixture
def engine(tmp_path: Path, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    need("buildah", "busybox")
    made = storage(tmp_path / "storage", environ)
    tried = run(["buildah", "info"], tmp_path, made)
    if tried.code:
        missing(f"buildah does not work on this machine: {tried.err.strip()[-200:]}")
    for name in ("CONTAINERS_STORAGE_CONF", "XDG_RUNTIME_DIR"):
        monkeypatch.setenv(name, made[name])
    return made


def inspect(reference: str, environ: dict[str, str], *more: str) -> Any:
    argv = ["skopeo", "inspect", "--tls-verify=false", *more, reference]
    return json.loads(run(argv, Path("/"), environ, check=True).out)


def build(plan: Plan, tree: Path, log: TextIO, environ: dict[str, str]) -> Result:
    return publish(plan, local.build(plan, tree, log, environ), log, environ)


def is_there(reference: str, environ: dict[str, str]) -> bool:
    return run(["skopeo", "inspect", "--tls-verify=false", reference], Path("/"), environ).code == 0


def test_an_image_is_built_checked_pushed_and_named(
    address: str, engine: dict[str, str], tmp_path: Path
) -> None:
    """By the commands that a dry run prints; and on another machine it is the same to the bit."""
    tree = write_context(tmp_path / "tree", dockerfile=DOCKERFILE + RUN)
    plan = plan_for(f"{address}/team/whole", options=OPTIONS)
    promised = local.commands(plan, tree)
    assert '"$IMAGE"' in promised[1] and f"--timestamp {EPOCH}" in promised[0]
    log = new_log()
    result = build(plan, tree, log, engine)
    assert result.status == "done", log.getvalue()
    assert "holds Python 3.12.3, torch 2.8.0+cu128, built for CUDA 12.8" in result.message
    ran = [line[2:] for line in log.getvalue().split("\n") if line.startswith("$ ")]
    promised = tuple(line for line in promised if not line.startswith(("HEAD", "PUT")))
    assert list(dict.fromkeys(ran)) == [line for line in promised if "only where" not in line]
    found = inspect(f"docker://{plan.own}", engine)
    assert found["Digest"] == result.digest
    assert {key: found["Labels"][key] for key in dict(plan.labels)} == dict(plan.labels)
    assert "io.buildah.version" not in found["Labels"]
    assert found["Created"] == "2023-11-14T22:13:20Z"
    assert "CUDA=12.8.1" in found["Env"]
    manifest = inspect(f"docker://{plan.own}", engine, "--raw")
    assert manifest["annotations"] == dict(plan.annotations) | {
        key: value
        for key, value in manifest["annotations"].items()
        if key.startswith("org.opencontainers.image.base")
    }
    other = plan_for(f"{address}/team/twice", options=OPTIONS)
    tree = write_context(tmp_path / "other-tree", dockerfile=DOCKERFILE + RUN)
    again = build(other, tree, new_log(), storage(tmp_path / "other-machine", engine))
    assert again.status == "done" and again.digest == result.digest


@pytest.mark.parametrize(
    ("python", "said"),
    [
        (
            python_that_says('"torch": "2.7.1+cu128"'),
            "the image has torch 2.7.1+cu128, and the tag says 2.8.x",
        ),
        ("#!/bin/busybox sh\nexit 3\n", "the image did not answer what it holds"),
    ],
)
def test_an_image_that_is_not_what_its_tag_says_gets_no_tag(
    address: str, engine: dict[str, str], tmp_path: Path, python: str, said: str
) -> None:
    plan = plan_for(f"{address}/team/wrong", options=OPTIONS)
    log = new_log()
    result = build(plan, write_context(tmp_path / "tree", python), log, engine)
    assert result.status == "failed" and result.is_final and result.digest is None
    assert said in result.message and "no image tag was moved" in result.message
    assert not any(is_there(f"docker://{image}", engine) for image in plan.images)
    assert "buildah rm" in log.getvalue(), "the container stays behind"


def test_an_answer_that_the_engine_lost_is_asked_for_again(docker: dict[str, str], tmp_path: Path) -> None:
    """As buildah does it now and then: the program ended well, and what it said is gone."""
    lost = f'[ -e {tmp_path}/asked ] && printf "%s\\n" "$SAYS" || touch {tmp_path}/asked'
    (tmp_path / "bin" / "docker").write_text(STAND_IN.replace("printf '%s\\n' \"$SAYS\"", lost))
    log = new_log()
    result = local.build(replace(PLAN, options={}), tree(tmp_path), log, docker)
    assert result.status == "built", log.getvalue()
    assert log.getvalue().count("docker run ") == 2


def test_the_image_s_own_python_is_asked(address: str, engine: dict[str, str], tmp_path: Path) -> None:
    """No stand-in: an interpreter in the image runs the question, and finds torch without importing it."""
    tree = write_python_tree(tmp_path / "tree", "2.8.0+cpu", None)
    plan = plan_for(f"{address}/team/python", args=(), options=OPTIONS)
    log = new_log()
    result = build(plan, tree, log, engine)
    assert result.status == "failed" and not is_there(f"docker://{plan.own}", engine), log.getvalue()
    assert "the framework in the image is built for the CPU" in result.message
    write_torch(tree, "2.8.0+cu128", "12.8")
    log = new_log()
    built = local.build(plan, tree, log, engine, Job(tmp_path / "new"))  # and not the image that is kept
    result = publish(plan, built, log, engine)
    assert result.status == "done" and is_there(f"docker://{plan.own}", engine), log.getvalue()
    assert "torch 2.8.0+cu128, built for CUDA 12.8" in result.message


def test_python3_is_asked_where_there_is_no_python(
    address: str, engine: dict[str, str], tmp_path: Path
) -> None:
    dockerfile = "FROM scratch\nCOPY busybox /bin/busybox\nCOPY python /bin/python3\nENV PATH=/bin\n"
    tree = write_context(tmp_path / "tree", dockerfile=dockerfile)
    plan = plan_for(f"{address}/team/three", args=(), options=OPTIONS)
    assert build(plan, tree, new_log(), engine).status == "done"


def test_an_image_goes_into_a_layout_unchecked_for_a_reason(engine: dict[str, str], tmp_path: Path) -> None:
    need("skopeo")
    verify = {"verify": {"level": "off", "reason": "no Python in this image"}}
    options = {**OPTIONS, **verify, "output": f"oci:{tmp_path}/layout"}
    plan = plan_for("registry.example.com/team/x", options=options)
    result = build(plan, write_context(tmp_path / "tree", "#!/bin/busybox false\n"), new_log(), engine)
    assert result.status == "done"
    assert "not held against the tag: no Python in this image" in result.message
    assert inspect(f"oci:{tmp_path}/layout:{plan.own}", engine)["Digest"] == result.digest


def test_an_image_can_stay_here(engine: dict[str, str], tmp_path: Path) -> None:
    """Its context and its Dockerfile lie below the top."""
    write_context(tmp_path / "tree" / "images" / "torch")
    (tmp_path / "tree" / "files").mkdir()
    (tmp_path / "tree" / "images" / "torch" / "Dockerfile").rename(tmp_path / "tree" / "files" / "Dockerfile")
    plan = plan_for(
        "registry.example.com/team/x",
        options={**OPTIONS, "output": "none"},
        context="images/torch",
        dockerfile="files/Dockerfile",
    )
    result = build(plan, tmp_path / "tree", new_log(), engine)
    assert (result.status, result.digest) == ("done", None)
    assert plan.own in run(["buildah", "images", "--format", "{{.Name}}:{{.Tag}}"], tmp_path, engine).out


def test_storage_that_cannot_work_here_gives_way_to_vfs(engine: dict[str, str], tmp_path: Path) -> None:
    conf = Path(engine["CONTAINERS_STORAGE_CONF"])
    conf.write_text(conf.read_text().replace('"vfs"', '"btrfs"'))
    if run(["buildah", "info"], tmp_path, engine).code == 0:
        pytest.skip("this machine's file system is btrfs")
    plan = plan_for("registry.example.com/team/x", options={"engine": "buildah", "output": "none"})
    tree = write_context(tmp_path / "tree")
    assert local.commands(plan, tree)[0].startswith("buildah --storage-driver vfs build ")
    assert build(plan, tree, new_log(), engine).status == "done"
    chosen = replace(plan, options={**plan.options, "storage": "overlay", "isolation": "oci"})
    try:
        assert local.commands(chosen, tree)[0].startswith(
            "buildah --storage-driver overlay build --isolation oci "
        )
    except CannotJudge as error:
        assert "buildah does not work" in error.message


def test_a_build_that_fails_says_the_step_and_the_last_line(engine: dict[str, str], tmp_path: Path) -> None:
    script = "echo \x1b[2Jgone; exit 7"
    dockerfile = f'FROM scratch\nCOPY busybox /bin/busybox\nRUN ["/bin/busybox", "sh", "-c", "{script}"]\n'
    plan = plan_for("registry.example.com/team/x", args=(), options={**OPTIONS, "output": "none"})
    log = new_log()
    result = build(plan, write_context(tmp_path / "tree", dockerfile=dockerfile), log, engine)
    assert result.status == "failed" and not result.is_final
    assert result.message.startswith("could not build the image: buildah ended with ")
    assert "\x1b" not in log.getvalue() + result.message and "\\x1b[2Jgone" in log.getvalue()


def test_a_registry_that_is_down_is_a_failure_that_may_pass(tmp_path: Path, environ: dict[str, str]) -> None:
    plan = plan_for("127.0.0.1:9/team/x", options=OPTIONS)
    made = Layout(tmp_path / "layout")
    made.publish(made.image(layer()))
    built = Result("built", None, None, "", None, layout=tmp_path / "layout")
    result = publish(plan, built, new_log(), environ)
    assert result.status == "failed" and not result.is_final and result.may_help
    assert "could not publish: no connection to the registry 127.0.0.1:9" in result.message


def test_another_attempt_goes_on_with_the_same_image(
    address: str, engine: dict[str, str], tmp_path: Path
) -> None:
    """Built again, this one would be another: what it holds is the time of its build."""
    dockerfile = f'{DOCKERFILE}RUN ["/bin/busybox", "sh", "-c", "cat /proc/uptime > /when"]\n'
    tree = write_context(tmp_path / "tree", dockerfile=dockerfile)
    plan, log = plan_for(f"{address}/team/again", options=OPTIONS), new_log()
    job = Job(tmp_path / "kept")
    first = local.build(plan, tree, log, engine, job)
    assert first.layout is not None
    digest = layout.root(first.layout).digest
    second = local.build(plan, tree, log, engine, job)
    assert f"going on with the image that was built and checked before: {digest}" in log.getvalue()
    assert publish(plan, second, log, engine).digest == digest
    # killed while it wrote the layout: the engine has the image still
    (first.layout / "index.json").unlink()
    log = new_log()
    third = local.build(plan, tree, log, engine, job)
    assert third.layout is not None and layout.root(third.layout).digest == digest
    assert "going on with the image that was built before" in log.getvalue()
    assert "buildah build" not in log.getvalue() and "the image holds" in log.getvalue()
    # what another command would build is not gone on with
    log = new_log()
    other = local.build(replace(plan, args=(("CUDA_VERSION", "12.9"),)), tree, log, engine, job)
    assert other.layout is not None and layout.root(other.layout).digest != digest
    assert "buildah build" in log.getvalue()


def test_a_build_that_takes_too_long_is_ended_with_its_children(
    engine: dict[str, str], tmp_path: Path
) -> None:
    dockerfile = 'FROM scratch\nCOPY busybox /bin/busybox\nRUN ["/bin/busybox", "sleep", "600"]\n'
    plan = plan_for("registry.example.com/x", args=(), options={**OPTIONS, "output": "none", "timeout": 0.05})
    result = build(plan, write_context(tmp_path / "tree", dockerfile=dockerfile), new_log(), engine)
    assert result.message.startswith("could not build the image within 0.05 minutes")


@pytest.mark.parametrize("changes", [{"dockerfile": "Dockerfile"}, {"dockerfile": ""}, {"context": "out"}])
def test_a_link_does_not_lead_out_of_the_tree(
    engine: dict[str, str], tmp_path: Path, changes: dict[str, str]
) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "Dockerfile").symlink_to("/etc/hostname")
    (tmp_path / "tree" / "out").symlink_to("/")
    plan = plan_for("registry.example.com/x", options=OPTIONS, **changes)
    with pytest.raises(CannotJudge, match="is not in the tagged tree"):
        build(plan, tmp_path / "tree", new_log(), engine)


def test_no_engine_is_said_plainly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    text = "docker is not on PATH; podman is not on PATH; buildah is not on PATH"
    with pytest.raises(CannotJudge, match=text) as found:
        local.commands(PLAN, tmp_path)
    assert found.value.fix == "apt-get install buildah"
    with pytest.raises(CannotJudge, match="podman is not on PATH"):
        build(replace(PLAN, options={"engine": "podman"}), tmp_path, new_log(), {"PATH": str(tmp_path)})


def test_a_plan_without_a_promise_is_not_called_checked(tmp_path: Path) -> None:
    with pytest.raises(CannotJudge, match="does not say what the image has to hold"):
        local.commands(replace(PLAN, expected=None), tmp_path)


def test_a_plan_without_an_image_has_nowhere_to_go(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="names no image"):
        local.commands(replace(PLAN, own="", image="", images=()), tmp_path)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"engin": "docker"}, "did you mean `engine`"),
        ({"engine": "dockr"}, "did you mean `docker`"),
        ({"engine": 3}, "must be text"),
        ({"builder": "team", "engine": "buildah"}, "docker buildx's"),
        ({"builder": "-x"}, "the name of a builder"),
        ({"output": "oci:relative"}, "absolute path"),
        ({"output": "oci:/a:b"}, "absolute path"),
        ({"output": "oci:/a,push=true"}, "absolute path"),
        ({"tls_verify": "no"}, "true or false"),
        ({"timeout": 0}, "minutes"),
        ({"timeout": True}, "minutes"),
        ({"provenance": "most"}, '"max", "min" or false'),
        ({"verify": "off"}, "switched off with a reason"),
        ({"verify": {"level": "off"}}, "without a reason"),
        ({"verify": {"level": "of", "reason": "x"}}, "did you mean `off`"),
        ({"verify": {"python": "py thon"}}, "a program in the image"),
    ],
)
def test_what_a_local_build_may_not_say(options: dict[str, Any], said: str) -> None:
    with pytest.raises(PolicyError, match=said):
        local.check_options(options)


def test_what_a_person_is_shown() -> None:
    said = local.describe({"tls_verify": False, "verify": {"level": "off", "reason": "a trial"}})
    assert "RUN lines" in said[0] and "registry" in said[1]
    assert "NOT verified" in said[2] and "NOT held against the tag: a trial" in said[3]


# ------------------------------------------------------------------------------- docker's commands

DIGEST = "sha256:" + "d" * 64
# buildx needs a daemon, which few test machines have: this one writes down how it is called, and answers
# as docker's documentation says that docker does.
STAND_IN = f"""#!/bin/sh
echo "$SOURCE_DATE_EPOCH $*" >> "$CALLS"
case "$1 $2" in
  "buildx version") exit 0 ;;
  "buildx inspect") echo "Driver: $DRIVER" ;;
  "info --format") echo '[["driver-type","overlay2"]]' ;;
  "buildx build")
    while [ $# -gt 0 ]; do
      [ "$1" = --metadata-file ] && echo '{{"containerimage.digest": "{DIGEST}"}}' > "$2"
      [ "$1" = --iidfile ] && echo "sha256:1" > "$2"
      shift
    done ;;
  "run --rm") printf '%s\\n' "$SAYS" ;;
  "image inspect") echo '["registry.example.com/team/pytorch-cuda@{DIGEST}"]' ;;
esac
"""


@pytest.fixture
def docker(tmp_path: Path, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "docker"
    program.write_text(STAND_IN)
    program.chmod(0o755)
    says = python_that_says().rpartition("echo '")[2].rstrip("'\n")
    more = {"CALLS": str(tmp_path / "calls"), "DRIVER": "docker-container", "SAYS": says}
    made = {**environ, **more, "PATH": f"{tmp_path}/bin:/usr/bin:/bin"}
    for name, value in made.items():
        monkeypatch.setenv(name, value)
    return made


def calls(environ: dict[str, str]) -> list[str]:
    return Path(environ["CALLS"]).read_text().replace("\n ", "\n").split("\n")


def tree(tmp_path: Path) -> Path:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "Dockerfile").write_text("FROM scratch\n")
    return tmp_path / "tree"


def test_buildx_pushes_without_a_tag_and_names_what_it_checked(
    docker: dict[str, str], tmp_path: Path
) -> None:
    plan: Plan = replace(PLAN, options={"builder": "team"}, target="runtime")
    result = local.build(plan, tree(tmp_path), new_log(), docker)
    assert (result.status, result.digest) == ("built", DIGEST), result.message
    build, ask = (line for line in calls(docker) if " build " in line or "run" in line or "create" in line)
    assert build.startswith(f"{EPOCH} buildx build --builder team ")
    for word in (
        "push-by-digest=true",
        "--provenance=mode=max",
        "--sbom=true",
        "--target runtime",
        "--metadata-file",
    ):
        assert word in build
    assert f"{plan.image}@{DIGEST} -c " in ask and plan.own not in build


def test_buildx_moves_no_tag_of_a_wrong_image(docker: dict[str, str], tmp_path: Path) -> None:
    context = tree(tmp_path)
    for says in (docker["SAYS"].replace("2.8.0", "2.7.0"), "envhooks-image [1"):
        result = local.build(replace(PLAN, options={}), context, new_log(), {**docker, "SAYS": says})
        assert result.status == "failed" and "no image tag was moved" in result.message
    assert not any("imagetools" in line for line in calls(docker))


def test_docker_with_its_classic_store_checks_before_it_pushes(
    docker: dict[str, str], tmp_path: Path
) -> None:
    result = local.build(PLAN, tree(tmp_path), new_log(), {**docker, "DRIVER": "docker"})
    assert (result.status, result.digest) == ("built", DIGEST), result.message
    ran = [line for line in calls(docker) if line]
    order = [
        next(i for i, line in enumerate(ran) if text in line)
        for text in ("buildx build", "run --rm", "push ")
    ]
    assert order == sorted(order)


def test_docker_without_buildx_is_passed_over(docker: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "bin" / "docker").write_text("#!/bin/sh\nexit 1\n")
    with pytest.raises(CannotJudge, match="docker has no buildx plugin"):
        local.build(replace(PLAN, options={"engine": "docker"}), tree(tmp_path), new_log(), docker)


def test_an_engine_that_cannot_run_the_image_is_not_the_image_s_fault(
    docker: dict[str, str], tmp_path: Path
) -> None:
    program = tmp_path / "bin" / "docker"
    program.write_text(STAND_IN.replace("printf '%s\\n' \"$SAYS\"", "echo no runtime; exit 125"))
    result = local.build(replace(PLAN, options={}), tree(tmp_path), new_log(), docker)
    assert result.message == "could not ask the image what it holds: no runtime: no image tag was moved"
    assert not result.is_final
