"""Python environments in an image's file tree, and what is installed in them: read, not asked.

The environment that counts is that of the interpreter which `python`, then `python3`, means on the image's own PATH.
Its folders are put in the order in which Python would have them on `sys.path`; the first distribution of a name is the
one that an import takes.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from envhooks.base.dataclass import dataclass, field
from envhooks.builds.imagefiles.system import RPM, UNREAD, system, toolkits, unread
from envhooks.builds.imagefiles.tree import Tree
from envhooks.image.requirements.specs import normal_name

_METADATA = 64 << 10
_DPKG = 16 << 20
_SMALL = 16 << 10
_INTERPRETERS = re.compile(r"(?:python|pypy)[0-9.]*")
_DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"  # Docker's, where ENV has none
_MAX_ENVIRONMENTS = 200
TORCH = "torch/version.py"
TENSORFLOW = "tensorflow/python/platform/build_info.py"


def keep(path: str) -> int | None:
    """Bytes to keep of a file, for `read_layers`: 0 for its name only, None for a file without evidence."""
    folder, _, name = path.rpartition("/")
    if name == "METADATA":
        return _METADATA if folder.endswith(".dist-info") else None
    if name == "PKG-INFO":
        return _METADATA if folder.endswith(".egg-info") else None
    if name.endswith(".egg-info"):
        return _METADATA
    if name.endswith(".json"):
        if folder.endswith("conda-meta"):
            return 0  # its name says it all
        return _SMALL if name == "version.json" and re.fullmatch(r"usr/local/cuda[^/]*", folder) else None
    if name in ("pyvenv.cfg", "os-release") or name.endswith((".pth", ".egg-link")):
        return _SMALL
    if path.endswith((f"/{TORCH}", f"/{TENSORFLOW}")):
        return _METADATA
    if folder.endswith("bin") and _INTERPRETERS.fullmatch(name):
        return 0
    if path in UNREAD:
        return 0  # that there is one is all that is known
    if path == "var/lib/dpkg/status":
        return _DPKG
    if folder == "var/lib/dpkg/status.d":
        return _METADATA
    if path.startswith("opt/rocm") and folder.endswith(".info"):
        return _SMALL if name == "version" else None
    return None


@dataclass(frozen=True)
class Python:
    """One environment."""

    prefix: str
    """`/opt/venv`, `/opt/conda`, `/usr`."""
    version: str
    """`3.11.9`, or `3.11` where no more is stated; empty where nothing is."""
    packages: Mapping[str, str]
    """Normalised name -> version."""
    torch: Mapping[str, Any] = field(default_factory=dict)
    """`cuda`, `hip`, `xpu` and `__version__` of torch's version file; empty where there is none."""
    tensorflow: Mapping[str, Any] = field(default_factory=dict)
    """Fields of TensorFlow's build information; empty where there is none."""
    conda: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """conda's packages: name -> (version, build)."""
    doubts: tuple[str, ...] = ()
    """Parts of it that could not be read, one sentence each."""


@dataclass(frozen=True)
class Contents:
    """Software that an image holds, by its files."""

    pythons: tuple[Python, ...]
    """The one that `python` means first, where there is one; then all others."""
    has_default: bool
    """Whether the first of `pythons` is what `python` or `python3` on PATH means."""
    toolkits: tuple[tuple[str, str, str], ...]
    """(kind, version, source) of accelerator toolkits: ("CUDA", "12.8", "dpkg")."""
    system: str
    """PRETTY_NAME of the operating system; empty where it is not stated."""
    strays: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Normalised name -> (version, folder), of distributions that no interpreter of the image finds by itself."""
    unread: tuple[str, ...] = ()
    """Package databases that the image has and that are not read, one sentence each."""


def contents(
    tree: Tree, config: Mapping[str, Any], pythons: Sequence[str] = ("python", "python3")
) -> Contents:
    """Software that is installed in an image with this configuration; `pythons` are tried in turn."""
    environ = _environ(config)
    path = environ.get("PATH") or _DEFAULT_PATH
    programs = (_which(tree, path, name) for name in pythons)
    default = next((found for found in programs if found), "")
    found: dict[str, Python] = {}
    if default:
        one = _Interpreter(tree, default, environ, str(config.get("User") or "")).read()
        found[one.prefix] = one
    for program in _others(tree):
        one = _Interpreter(tree, program, {}, "").read()
        if one.prefix not in found and (one.packages or one.torch or one.tensorflow or one.conda):
            found[one.prefix] = one
        if len(found) >= _MAX_ENVIRONMENTS:
            break
    known = {name for one in found.values() for name in one.packages}
    strays = {name: told for name, told in _everywhere(tree) if name not in known}
    return Contents(
        tuple(found.values()),
        bool(default),
        tuple(toolkits(tree, environ)),
        system(tree),
        strays,
        tuple(unread(tree)),
    )


def _everywhere(tree: Tree) -> Iterator[tuple[str, tuple[str, str]]]:
    """Every distribution that lies anywhere but in a cache."""
    for path, name in tree.paths():
        if name in ("METADATA", "PKG-INFO") and not re.search(r"/(?:pkgs|\.?cache|archive-v0)/", path):
            found = headers(tree.read(path) or b"")
            if found is not None:
                yield found[0], (found[1], path.rsplit("/", 2)[0] or "/")


def _environ(config: Mapping[str, Any]) -> dict[str, str]:
    entries = config.get("Env")
    pairs = (
        (one.partition("=") for one in entries if isinstance(one, str)) if isinstance(entries, list) else ()
    )
    return {name: value for name, _, value in pairs}


def _which(tree: Tree, path: str, name: str) -> str:
    """The program that a name means; empty where it is not there."""
    folders = path.split(":") if "/" not in name else [""]
    for folder in folders:
        program = f"{folder}/{name}" if folder or "/" not in name else name
        if program.startswith("/") and _is_program(tree, program):
            return program
    return ""


def _is_program(tree: Tree, program: str) -> bool:
    node = tree.at(program)
    return node is not None and node.is_file


def _others(tree: Tree) -> Iterator[str]:
    """Interpreters that are not on PATH: of every folder called `bin` that has one."""
    for folder in sorted(tree.folders("bin")):
        for name in ("python", "python3", *tree.names(folder)):
            if _INTERPRETERS.fullmatch(name) and _is_program(tree, f"{folder}/{name}"):
                yield f"{folder}/{name}"
                break


class _Interpreter:
    """One interpreter: where it looks for packages, as CPython works it out at its start."""

    def __init__(self, tree: Tree, program: str, environ: Mapping[str, str], user: str) -> None:
        self._tree = tree
        self._program = program
        self._environ = environ
        self._user = user
        self._doubts: list[str] = []

    def read(self) -> Python:
        tree = self._tree
        bin_folder = self._program.rpartition("/")[0]
        prefix = bin_folder.rpartition("/")[0] or "/"
        settings = self._settings(bin_folder, prefix)
        real = tree.resolve(self._program) or self._program
        base = real.rpartition("/")[0].rpartition("/")[0] or "/"
        if settings is None:
            prefix = base
        minor = self._minor(settings or {}, real, base)
        folders = [
            *filter(None, self._environ.get("PYTHONPATH", "").split(":")),
            *(self._user_site(minor) if settings is None else ()),
            *self._sites(prefix, minor),
        ]
        if settings is not None and settings.get("include-system-site-packages", "").lower() == "true":
            folders += self._sites(base, minor)
        packages: dict[str, str] = {}
        files: dict[str, bytes] = {}
        for folder in self._with_pth(folders):
            for name, version in self._distributions(folder):
                packages.setdefault(name, version)
            for name in (TORCH, TENSORFLOW):
                data = tree.read(f"{folder}/{name}")
                if data is not None:
                    files.setdefault(name, data)
        conda = dict(_conda(tree, prefix))
        version = (settings or {}).get("version_info") or (settings or {}).get("version") or ""
        version = ".".join(re.findall(r"[0-9]+", version)[:3]) or conda.get("python", ("", ""))[0]
        if (
            not version
            and self._environ.get("PYTHON_VERSION", "").startswith(minor + ".")
            and base == "/usr/local"
        ):
            version = self._environ["PYTHON_VERSION"]
        return Python(
            prefix,
            version if version.startswith(minor) else minor,
            packages,
            assigned(files.get(TORCH, b""), ("__version__", "cuda", "hip", "xpu")),
            build_info(files.get(TENSORFLOW, b"")),
            conda,
            tuple(dict.fromkeys(self._doubts)),
        )

    def _settings(self, bin_folder: str, prefix: str) -> dict[str, str] | None:
        """pyvenv.cfg, beside the program or above it; None where this is not a virtual environment."""
        for folder in (bin_folder, prefix):
            data = self._tree.read(f"{folder.rstrip('/')}/pyvenv.cfg")
            if data is not None:
                lines = (line.partition("=") for line in data.decode("utf-8", "replace").split("\n"))
                return {key.strip().lower(): value.strip() for key, _, value in lines}
        return None

    def _minor(self, settings: Mapping[str, str], real: str, base: str) -> str:
        """`3.11`, by the settings, the program's real name, or the one folder that there is."""
        for text in (settings.get("version_info", ""), settings.get("version", ""), real.rpartition("/")[2]):
            match = re.search(r"([0-9]+\.[0-9]+)", text)
            if match:
                return match[1]
        found = {
            m[1]
            for name in self._tree.names(f"{base}/lib")
            if (m := re.fullmatch(r"python(3\.[0-9]+)", name))
        }
        return found.pop() if len(found) == 1 else ""

    def _user_site(self, minor: str) -> tuple[str, ...]:
        user = self._user.partition(":")[0]
        home = self._environ.get("HOME") or ("/root" if user in ("", "0", "root") else f"/home/{user}")
        return (f"{home}/.local/lib/python{minor}/site-packages",)

    def _sites(self, prefix: str, minor: str) -> list[str]:
        top = prefix.rstrip("/")
        found = [f"{top}/{lib}/python{minor}/site-packages" for lib in ("lib", "lib64")]
        if (
            top == "/usr"
        ):  # Debian's own interpreter: what pip installs first, and packages of the distribution
            found = [f"/usr/local/lib/python{minor}/dist-packages", *found, "/usr/lib/python3/dist-packages"]
            found.append(f"/usr/lib/python{minor}/dist-packages")
            if any(self._tree.names(f"/{folder}") for folder in RPM):
                # Fedora, RHEL and openSUSE have pip install there, and look there first
                found = [f"/usr/local/{lib}/python{minor}/site-packages" for lib in ("lib64", "lib")] + found
        return found

    def _with_pth(self, folders: Sequence[str]) -> list[str]:
        """The folders, and those that their .pth files add at the end."""
        seen: dict[str, None] = {}
        for folder in folders:
            seen.setdefault(self._tree.resolve(folder) or folder)
        for folder in list(seen):
            for name in self._tree.names(folder):
                if name.endswith(".pth"):
                    text = (self._tree.read(f"{folder}/{name}") or b"").decode("utf-8", "replace")
                    for line in text.split("\n")[:200]:
                        added = line.strip()
                        if added and not added.startswith(("#", "import ", "import\t")):
                            where = added if added.startswith("/") else f"{folder}/{added}"
                            seen.setdefault(self._tree.resolve(where) or where)
        return list(seen)

    def _distributions(self, folder: str) -> Iterator[tuple[str, str]]:
        for name in self._tree.names(folder):
            stem, _, kind = name.rpartition(".")
            if kind == "dist-info":
                path = f"{folder}/{name}/METADATA"
            elif kind == "egg-info":
                node = self._tree.at(f"{folder}/{name}")
                path = f"{folder}/{name}" + (
                    "/PKG-INFO" if node is not None and node.children is not None else ""
                )
            elif kind == "egg-link":
                self._doubts.append(f"{stem} is linked to a source tree, whose version is not told")
                continue
            else:
                continue
            node = self._tree.at(path)
            if node is None or not node.is_file:
                continue
            found = headers(node.data or b"")
            if found is None:
                self._doubts.append(f"{name} in {folder} cannot be read")
            else:
                yield found


def headers(data: bytes) -> tuple[str, str] | None:
    """(normalised name, version) of a METADATA or PKG-INFO file; None where it does not state both."""
    text = data.decode("utf-8", "replace").replace("\r\n", "\n").split("\n\n", 1)[0]
    name = re.search(r"^Name:[ \t]*([^\n]+)$", text, re.MULTILINE | re.IGNORECASE)
    version = re.search(r"^Version:[ \t]*([^\n]+)$", text, re.MULTILINE | re.IGNORECASE)
    return (normal_name(name[1].strip()), version[1].strip()) if name and version else None


def assigned(data: bytes, names: Sequence[str]) -> dict[str, Any]:
    """Literals that a Python file assigns to these names at its top; nothing of it is run."""
    found: dict[str, Any] = {}
    for node in _statements(data):
        if not isinstance(node, (ast.Assign, ast.AnnAssign)):
            continue
        value = node.value
        for target in node.targets if isinstance(node, ast.Assign) else (node.target,):
            if isinstance(target, ast.Name) and target.id in names and isinstance(value, ast.Constant):
                found[target.id] = value.value
    return found


def build_info(data: bytes) -> dict[str, Any]:
    """TensorFlow's build_info: a dictionary, or an OrderedDict of pairs, in its source."""
    for node in _statements(data):
        if isinstance(node, ast.Assign) and [getattr(t, "id", "") for t in node.targets] == ["build_info"]:
            value: ast.AST = node.value
            if isinstance(value, ast.Call) and len(value.args) == 1:
                value = value.args[0]
            try:
                return dict(ast.literal_eval(value))
            except (ValueError, TypeError, RecursionError):
                return {}
    return {}


def _statements(data: bytes) -> list[ast.stmt]:
    try:
        return ast.parse(data).body if data else []
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []


def _conda(tree: Tree, prefix: str) -> Iterator[tuple[str, tuple[str, str]]]:
    """conda's packages by the names of their files: NAME-VERSION-BUILD.json."""
    for name in tree.names(f"{prefix}/conda-meta"):
        parts = name.removesuffix(".json").rsplit("-", 2)
        if name.endswith(".json") and len(parts) == 3:
            yield parts[0].lower(), (parts[1], parts[2])
