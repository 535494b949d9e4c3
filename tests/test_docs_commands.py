"""Every command that a page shows in a block: run as it stands, by a person with an empty home, in a fresh clone.

Each page's commands are those of `RUN`, which are run here in their order, and of `NOT_RUN`, each with the reason and
the test that runs its like. A page with a command that is in neither fails.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from record_parts import make_key, verifier
from support import DOCKERFILE, Done, Repo, isolated_environment, run

ROOT = Path(__file__).parent.parent
PROGRAMS = (
    r"(?:[A-Z_]+=(?:\"[^\"]*\"|\S+) )?(?:envhooks|git|gh|pip|make|openssl|cosign|slsa-verifier)\s"
    r"|\.venv/bin/|\.ci/run"
)
OWN_TESTS = {"README.md": "tests/test_readme.py", "tutorial.md": "tests/cli/test_tutorial.py"}
"""Pages whose commands are a story of their own."""
STABLE, OLD, NEW = "PyTorch-CUDA-v2.8", "PyTorch-CUDA-v2.5", "PyTorch-CUDA-v2.9-rc1"
VERSIONS = {"2.5": ("2.5.1", "0.20.1", "cu124", "12.4.1"), "2.7": ("2.7.1", "0.22.1", "cu128", "12.8.1")}
POLICY = '[deploy.production]\nstages = ["stable", "post"]\n'


@dataclass(frozen=True)
class Step:
    """One command of a page, and what has to come of it."""

    command: str
    code: int = 0
    says: str = ""
    typed: str = ""
    """What is typed instead, where the page has a placeholder in angle brackets or an address of nobody."""
    stdin: str = ""


RUN: Mapping[str, tuple[Step, ...]] = {
    "index.md": (Step("envhooks init --yes", says="hooks"), Step("envhooks doctor", says="all is well here")),
    "install.md": (
        Step("envhooks install", says="envhooks is installed"),
        Step("envhooks doctor", says="all is well here"),
        Step("envhooks uninstall", says="remove"),
    ),
    "servers.md": (
        Step("envhooks install --server", says="pushes to this repository", typed="cd ../server.git && {}"),
    ),
    "troubleshooting.md": (
        Step("envhooks doctor", 1, "fix: envhooks install"),
        Step("envhooks version", says="git"),
    ),
    "ci.md": (
        Step("envhooks check --fetch", says=f"{STABLE}: good"),
        Step("envhooks check --fetch --format text --format sarif=envhooks.sarif", says=f"{STABLE}: good"),
        Step("envhooks check --all --format json=report.json"),
        Step("envhooks check --as PyTorch-CUDA-v2.8-rc1", 2, "there is a tag PyTorch-CUDA-v2.8-rc1 already"),
        Step("envhooks check --as PyTorch-CUDA-v2.8-rc1 origin/main", 2, "already"),
        Step(
            "git tag -s PyTorch-CUDA-v2.8 && git push origin PyTorch-CUDA-v2.8",
            says="[new tag]",
            typed=f"git push -q origin :{STABLE} && git tag -d {STABLE} && {{}}",
        ),
    ),
    "deploy.md": (
        Step("envhooks gate PyTorch-CUDA-v2.8 --for production", says="judged by its tag alone"),
        Step("envhooks gate - --for production", 2, "no image", stdin="kind: ConfigMap\n"),
        Step("envhooks rollback PyTorch-CUDA-v2.8", says="PyTorch-CUDA-v2.7"),
        Step("envhooks rollback PyTorch-CUDA-v2.8 --for production --patch kustomize", 2, "image"),
    ),
    "policy.md": (
        Step("envhooks init", says="kept"),
        Step("envhooks init --yes", says="hooks"),
        Step("envhooks signers add", 2, "is there already"),
        Step(
            "envhooks signers add bob.pub --principal bob@example.org --valid-before 2028-01-01", says="+bob"
        ),
        Step("envhooks signers add carol@example.org", says="+carol@example.org"),
        Step("envhooks signers add bob.keys --principal bob@example.org", says="+bob@example.org"),
        Step("envhooks signers list", says="carol@example.org"),
        Step("envhooks signers revoke bob@example.org --reason 'laptop stolen'", 2, "has 2 keys"),
        Step("envhooks lock", says="locked"),
        Step("envhooks lock --legacy v1.0 v1.1 --reason 'older than the policy'", says="v1.1"),
    ),
    "records.md": (
        Step("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out record.pem"),
        Step("openssl pkey -in record.pem -pubout", says="BEGIN PUBLIC KEY"),
        Step("envhooks record PyTorch-CUDA-v2.8-rc1", says="PyTorch-CUDA-v2.8-rc1: proved"),
        Step(
            "git clone -q https://git.example.com/team/environments && cd environments",
            typed="git clone -q ../server.git environments && cd environments",
        ),
        Step("envhooks records PyTorch-CUDA-v2.8-rc1 --fetch", says="PyTorch-CUDA-v2.8-rc1: proved"),
        Step("git cat-file tag PyTorch-CUDA-v2.8-rc1 > tag.bytes"),
    ),
    "releases.md": (
        Step("envhooks list", says=STABLE),
        Step("envhooks list --line PyTorch-CUDA --stage stable", says=STABLE),
        Step("envhooks list --has 'torch<2.6'", says=OLD),
        Step("envhooks show PyTorch-CUDA-v2.8-rc1", says="torch"),
        Step("envhooks diff PyTorch-CUDA-v2.5 PyTorch-CUDA-v2.8", says="2.5.1"),
        Step("envhooks diff PyTorch-CUDA-v2.8", says='"differences": []'),
        Step("envhooks driver PyTorch-CUDA-v2.8 --have 570.195", says="570"),
        Step("envhooks site public"),
        Step("envhooks site public --title team/environments --url https://team.example.org/environments"),
        Step(
            "envhooks propose --framework 2.9.1 --hardware cu130", says="+RUN pip install torch==2.9.1+cu130"
        ),
        Step("envhooks propose PyTorch-CUDA-v2.8 --framework 2.9 --apply", says="2.9"),
        Step("envhooks propose --framework 2.9.1 --hardware cu130 --apply", says="CUDA 13.0"),
        Step(
            "envhooks changelog PyTorch-CUDA-v2.9-rc1 --commit", typed="git commit -qam 2.9 && {}", says="2.9"
        ),
        Step("envhooks tag PyTorch-CUDA-v2.9-rc1 --push", says="pushed"),
    ),
    "security.md": (
        Step("git switch main && git pull"),
        Step("envhooks signers list", says="bob@example.org"),
        Step("envhooks signers revoke bob@example.org --reason 'laptop stolen on 2026-03-03'", says=STABLE),
        Step("git show <tag>", typed=f"git show {STABLE}", says="tag PyTorch-CUDA-v2.8"),
        Step("envhooks lock <the tags that Bob stands by>", says="bob@", typed=f"envhooks lock {STABLE}"),
        Step('git add .envhooks && git commit -m "Revoke Bob\'s key" && git push origin main'),
    ),
}
_PYPI = ("a release on PyPI", "tests/test_wheel.py")
_CONFIG_HOOKS = ("Git 2.54, which has config hooks", "tests/hooks/test_install_everywhere.py")
_REGISTRY = ("a registry with the image", "tests/builds/test_verify_published.py")
_LAYOUT = ("an image on this machine", "tests/builds/test_verify_files.py")
_GATE = ("a registry and a record of the image", "tests/releases/test_gate_registry.py")
_REPRODUCE = ("a recorded build by buildah", "tests/releases/test_reproduce.py")
_RECORD = ("a registry with the image", "tests/records/test_after_build.py")
_LINEAGE = ("a tracking server", "tests/lineage/test_lineage.py")
_BENCH = ("minutes on a quiet machine", "tests/test_benchmarks.py")
_WHOLE = ("the whole suite, or what starts it", ".ci/run")
NOT_RUN: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "index.md": {"pip install envhooks==0.2.0": _PYPI},
    "install.md": {
        "pip install envhooks==0.2.0": _PYPI,
        "envhooks install --global": _CONFIG_HOOKS,
        "envhooks uninstall --global": _CONFIG_HOOKS,
    },
    "builds.md": {
        "envhooks verify registry.example.com/team/pytorch-cuda:2.8 PyTorch-CUDA-v2.8": _REGISTRY,
        "envhooks verify --no-tls-verify localhost:5000/pytorch-cuda:2.8": _REGISTRY,
        "envhooks verify oci:FOLDER:2.8 PyTorch-CUDA-v2.8": _LAYOUT,
        "envhooks verify docker-archive:saved.tar PyTorch-CUDA-v2.8": _LAYOUT,
        "envhooks verify --ask podman localhost/pytorch-cuda:try PyTorch-CUDA-v2.8": _LAYOUT,
    },
    "ci.md": {
        "gh release create PyTorch-CUDA-v2.8 --verify-tag --notes-from-tag": ("GitHub", "docs/ci.md"),
    },
    "deploy.md": {
        "envhooks gate registry.example.com/team/pytorch-cuda@sha256:5f0c… --for production": _GATE,
        "envhooks gate registry.example.com/team/pytorch-cuda:2.8 --for production": _GATE,
    },
    "lineage.md": {
        "pip install 'envhooks[mlflow]==0.2.0'": _PYPI,
        "envhooks lineage PyTorch-CUDA-v2.8": _LINEAGE,
        "envhooks lineage runs:/4b1f0c": _LINEAGE,
        "envhooks lineage models:/detector/7": _LINEAGE,
        "envhooks lineage models:/detector@champion": _LINEAGE,
    },
    "records.md": {
        "envhooks record PyTorch-CUDA-v2.8-rc1 --image"
        " registry.example.com/team/pytorch-cuda:2.8-rc1@sha256:... --key record.pem": _RECORD,
        "envhooks record PyTorch-CUDA-v2.8-rc1 --image ... --no-verify": _RECORD,
        "cosign verify-blob-attestation --key record.pub --insecure-ignore-tlog=true --type"
        " https://slsa.dev/verification_summary/v1 --signature tag.dsse.json tag.bytes": (
            "cosign, which the page says was not run",
            "tests/records/test_others.py",
        ),
        "slsa-verifier verify-vsa --subject-digest sha256:... --attestation-path image.dsse.json --verifier-id"
        " https://github.com/envhooks/envhooks --resource-uri"
        " 'pkg:oci/pytorch-cuda?repository_url=registry.example.com/team/pytorch-cuda&tag=2.8-rc1'"
        " --verified-level ENVHOOKS_IMAGE_OF_TAG --public-key-path record.pub --public-key-id <keyid>"
        " --public-key-signing-hash-algo SHA256": (
            "slsa-verifier, which the page says was not run",
            "tests/records/test_others.py",
        ),
    },
    "releases.md": {
        "envhooks reproduce PyTorch-CUDA-v2.8": _REPRODUCE,
        "envhooks reproduce PyTorch-CUDA-v2.8 --print": _REPRODUCE,
        "envhooks reproduce PyTorch-CUDA-v2.8 --engine buildah": _REPRODUCE,
    },
    "scale.md": {'BENCH="scale server" make bench': _BENCH, "BENCH=server make bench": _BENCH},
    "speed.md": {"make bench": _BENCH, 'BENCH="everyday audit" make bench': _BENCH},
    "CONTRIBUTING.md": dict.fromkeys(
        (
            "make test",
            ".venv/bin/python -m pytest tests/git/test_settings.py -k branch",
            ".venv/bin/python -m pytest -n auto tests/hooks",
            "make coverage",
            "make fuzz",
            "make corpus",
            ".venv/bin/python scripts/compare_peers.py",
            "make lint",
            "make docs",
            ".ci/run",
            "make matrix",
            ".venv/bin/python scripts/compare_peers.py",
        ),
        _WHOLE,
    )
    | dict.fromkeys(
        (
            "envhooks signers add",
            "git add .envhooks/allowed_signers",
            'git commit -m "Allow releases by me" -- .envhooks/allowed_signers',
        ),
        ("a clone of this project", "tests/test_own_releases.py"),
    ),
}


def commands(page: Path) -> list[str]:
    """The commands in the blocks of a page, without their comments."""
    text = page.read_text(encoding="utf-8")
    found, block = [], ""
    for line in re.sub(r"\\\n\s*", "", text).split("\n"):
        fence = re.match(r"\s*```(\S*)", line)
        if fence:
            block = "" if block else fence.group(1) or "plain"
            continue
        shown = line.strip().removeprefix("$ ")
        is_output = (
            block == "plain" and not line.strip().startswith("$ ") and "$ " in text.split("```", 1)[-1][:9]
        )
        in_block = block in ("sh", "console", "plain") or (not block and line.startswith("    "))
        if in_block and not is_output and re.match(PROGRAMS, f"{shown} "):
            found.append(re.split(r"\s+#\s", shown)[0].strip())
    return found


PAGES = [ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_command_of_a_page_is_run_or_says_why_not(page: Path) -> None:
    if page.name in OWN_TESTS or page.name == "refusals.md":  # written by what it shows
        return
    shown = commands(page)
    run_here = [step.command for step in RUN.get(page.name, ())]
    assert sorted({*run_here, *NOT_RUN.get(page.name, {})}) == sorted(set(shown))
    for _, file in NOT_RUN.get(page.name, {}).values():
        assert (ROOT / file).exists(), file


# --------------------------------------------------------------------------------------- a person and a team


def dockerfile(version: str) -> str:
    torch, vision, build, cuda = VERSIONS[version]
    text = DOCKERFILE.replace("2.8.0", torch).replace("0.23.0", vision)
    return text.replace("cu128", build).replace("12.8.1", cuda).replace("24.04", "22.04")


@pytest.fixture(scope="session")
def team(tmp_path_factory: pytest.TempPathFactory, home: Path) -> Path:
    """Folder with a server of a team that has released 2.5, 2.7, 2.8-rc1 and 2.8, and the home of one of its people."""
    folder = tmp_path_factory.mktemp("team")
    own = folder / "home"
    (own / ".ssh").mkdir(parents=True)
    for suffix in ("", ".pub"):
        shutil.copy(home / f"id{suffix}", own / ".ssh" / f"id_ed25519{suffix}")
    (own / ".gitconfig").write_text(
        "[user]\n\tname = Alice\n\temail = alice@example.org\n\tsigningkey = ~/.ssh/id_ed25519.pub\n"
        "[gpg]\n\tformat = ssh\n[core]\n\teditor = sh -c 'echo PyTorch 2.8.0 >\"$1\"' -\n"
        "[init]\n\tdefaultBranch = main\n[maintenance]\n\tauto = false\n"
    )
    environ = isolated_environment(own)
    run(["git", "init", "-q", "--bare", "server.git"], folder, environ, check=True)
    run(["git", "init", "-q", "first"], folder, environ, check=True)
    repo = Repo(folder / "first", environ)
    key = (own / ".ssh/id_ed25519.pub").read_text().rsplit(" ", 1)[0]
    log = "# Changelog\n"
    for version in ("2.5", "2.7", "2.8-rc1", "2.8"):
        stage = "For trying out; risky." if "rc" in version else "No known issues. Upgrading needs nothing."
        log = log.replace("# Changelog\n", f"# Changelog\n\n## {version} - 2026-10-12\n\n{stage}\n", 1)
        files = {
            "Dockerfile": dockerfile(version) if version in VERSIONS else DOCKERFILE,
            "CHANGELOG.md": log,
            ".envhooks/policy.toml": POLICY,
            ".envhooks/allowed_signers": f'alice@example.org namespaces="git" {key}\n',
        }
        repo.commit_files(files, f"PyTorch {version}")
        repo.git("tag", "-s", "-m", f"PyTorch {version}", f"PyTorch-CUDA-v{version}")
    repo.git("remote", "add", "origin", "../server.git")
    repo.git("push", "-q", "origin", "main", "--tags")
    return folder


@pytest.fixture
def person(team: Path, tmp_path: Path, on_the_path: Path) -> Iterator[Repo]:
    """A fresh clone, and nothing in the home but a name, an address and a key."""
    with tempfile.TemporaryDirectory(prefix="eh-", ignore_cleanup_errors=True) as folder:
        home = Path(folder) / "home"  # an agent's socket has to have a short path
        shutil.copytree(team / "home", home)
        shutil.copytree(team / "server.git", tmp_path / "server.git")
        environ = isolated_environment(home)
        environ["PATH"] = f"{on_the_path}:{environ['PATH']}"
        run(["git", "clone", "-q", "server.git", "clone"], tmp_path, environ, check=True)
        yield Repo(tmp_path / "clone", environ)
        run(["gpgconf", "--kill", "all"], tmp_path, environ)


def another_key(person: Repo, name: str) -> str:
    """The public key of a new pair in the home."""
    file = Path(person.environ["HOME"]) / name
    argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"{name}@example.org", "-f", str(file)]
    run(argv, person.path, person.environ, check=True)
    return file.with_suffix(".pub").read_text()


def prepared(person: Repo, page: str) -> None:
    """What the text of a page supposes beside the clone."""
    if page == "index.md":
        person.git("rm", "-qr", ".envhooks")
        person.git("commit", "-qm", "As it was before")
        person.git("push", "-q", "origin", "main")
    if page == "policy.md":
        person.write({"bob.pub": another_key(person, "bob"), "bob.keys": another_key(person, "laptop")})
        gpg = ["gpg", "--batch", "--pinentry-mode", "loopback", "--passphrase", "", "--quick-generate-key"]
        Path(person.environ["GNUPGHOME"]).mkdir(mode=0o700)
        run([*gpg, "carol@example.org", "ed25519", "sign", "1y"], person.path, person.environ, check=True)
        for tag in ("v1.0", "v1.1"):
            person.git("tag", tag, f"{OLD}^{{commit}}")
        person.git("push", "-q", "origin", "v1.0", "v1.1")
    if page == "records.md":
        file, public = make_key(person.path.parent, "ci")
        person.commit_files({".envhooks/policy.toml": POLICY + verifier("ci", public)})
        person.git("push", "-q", "origin", "main")
        person.git("config", "envhooks.recordkey", str(file))
    if page == "security.md":
        bob = another_key(person, "bob")
        signers = person.path / ".envhooks/allowed_signers"
        signers.write_text(f'{signers.read_text()}bob@example.org namespaces="git" {bob}')
        person.git("commit", "-qam", "Bob may release")
        person.git("push", "-q", "origin", "main")
        person.git("tag", "-d", STABLE)
        person.git("-c", f"user.signingkey={person.environ['HOME']}/bob", "tag", "-s", "-m", "2.8", STABLE)


@pytest.mark.parametrize("page", RUN)
def test_the_commands_of_a_page_do_what_it_says(person: Repo, page: str) -> None:
    prepared(person, page)
    at = person.path
    for step in RUN[page]:
        line = step.typed.replace("{}", step.command) or step.command
        done: Done = run(["sh", "-c", line], at, person.environ, step.stdin)
        if done.code != step.code or step.says not in done.said:
            pytest.fail(f"wanted {step.code} and {step.says!r}\n$ {line}\n{done.said}(exit code {done.code})")
        if "&& cd " in line:
            at = at / line.rpartition(" ")[2]
