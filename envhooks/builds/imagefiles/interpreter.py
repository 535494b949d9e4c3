"""Interpreters in an image's file tree: where each looks for packages, as CPython works it out at its start."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from envhooks.base.dataclass import dataclass, field
from envhooks.builds.imagefiles.metadata import Distribution, assigned, build_info, distributions
from envhooks.builds.imagefiles.system import RPM
from envhooks.builds.imagefiles.tree import Tree
from envhooks.catalog.lookup import MODULES

TORCH = "torch/version.py"
TENSORFLOW = "tensorflow/python/platform/build_info.py"
VERSION_FILES = {TORCH: "torch", TENSORFLOW: "tensorflow"}
"""File that states what a framework was built for -> its module."""
METADATA_SIZE = 64 << 10
"""Bytes that are kept of a file which states something."""


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
    unsure: Mapping[str, str] = field(default_factory=dict)
    """Module, or empty for all of them -> why nobody can tell which version of it an import takes."""
    bare: Mapping[str, str] = field(default_factory=dict)
    """Module of a framework -> the folder in which it lies, whether its version is stated or not."""


class Interpreter:
    """One interpreter: where it looks for packages, as CPython works it out at its start."""

    def __init__(self, tree: Tree, program: str, environ: Mapping[str, str], user: str) -> None:
        """`program` is its path in the tree; `environ` and `user` are the image's own."""
        self._tree = tree
        self._program = program
        self._environ = environ
        self._user = user
        self._doubts: list[str] = []
        self._unsure: dict[str, str] = {}
        self._bare: dict[str, str] = {}
        self._packages: dict[str, list[Distribution]] = {}
        self._files: dict[str, bytes] = {}

    def read(self) -> Python:
        """What is known of it."""
        bin_folder = self._program.rpartition("/")[0]
        prefix = bin_folder.rpartition("/")[0] or "/"
        settings = self._settings(bin_folder, prefix)
        real = self._tree.resolve(self._program) or self._program
        base = real.rpartition("/")[0].rpartition("/")[0] or "/"
        if settings is None:
            prefix = base
        self._look_at_program()
        minor = self._minor(settings or {}, real, base)
        sees_system = settings is None or settings.get("include-system-site-packages", "").lower() == "true"
        folders = [
            *filter(None, self._environ.get("PYTHONPATH", "").split(":")),
            *(self._user_site(minor) if sees_system else ()),
            *self._sites(prefix, minor),
            *(self._sites(base, minor) if sees_system and settings is not None else ()),
        ]
        for folder in self._with_pth(folders):
            self._look_into(folder)
        torch = assigned(self._files.get(TORCH, b""), ("__version__", "cuda", "hip", "xpu"))
        self._compare(torch.get("__version__"))
        conda = dict(_conda(self._tree, prefix))
        version = (settings or {}).get("version_info") or (settings or {}).get("version") or ""
        version = ".".join(re.findall(r"[0-9]+", version)[:3]) or conda.get("python", ("", ""))[0]
        stated = self._environ.get("PYTHON_VERSION", "")
        if not version and stated.startswith(minor + ".") and base == "/usr/local":
            version = stated
        return Python(
            prefix,
            version if version.startswith(minor) else minor,
            {name: found[0].version for name, found in self._packages.items()},
            torch,
            build_info(self._files.get(TENSORFLOW, b"")),
            conda,
            tuple(dict.fromkeys(self._doubts)),
            self._unsure,
            self._bare,
        )

    def _look_at_program(self) -> None:
        node = self._tree.at(self._program)
        if node is not None and (node.data or b"").startswith(b"#!"):
            self._unsure[""] = f"{self._program} is a script, and which interpreter it starts is not told"
        if self._environ.get("PYTHONHOME"):
            self._unsure[""] = "PYTHONHOME is set, which moves the folders that Python looks into"

    def _look_into(self, folder: str) -> None:
        """What one folder of `sys.path` adds: what an earlier one has stays what it is."""
        here: dict[str, list[Distribution]] = {}
        for found in distributions(self._tree, folder):
            if isinstance(found, str):
                self._doubts.append(found)
            elif found.name not in self._packages:
                here.setdefault(found.name, []).append(found)
        self._packages |= here
        for name, module in VERSION_FILES.items():
            self._take_file(folder, name, module)
        for module in dict.fromkeys(MODULES.values()):
            if self._tree.at(f"{folder}/{module}/__init__.py", follow=False) is not None:
                self._bare.setdefault(module, folder)

    def _take_file(self, folder: str, name: str, module: str) -> None:
        """The version file of a framework, of the first folder that has it; one that cannot be read is not absent."""
        if name in self._files:
            return
        path = f"{folder}/{name}"
        data = self._tree.read(path)
        if data is not None and len(data) < METADATA_SIZE:
            self._files[name] = data
            return
        top = self._tree.at(f"{folder}/{module}", follow=False)
        leads_away = top is not None and top.link is not None
        if data is not None or leads_away or self._tree.at(path, follow=False) is not None:
            self._files[name] = b""
            self._unsure[module] = f"{path} cannot be read, which says what {module} was built for"

    def _compare(self, own: object) -> None:
        """Look for two versions of one thing: metadata beside metadata, and beside `own` of torch's version file."""
        for name, found in self._packages.items():
            module = MODULES.get(name)
            if module is None:
                continue
            versions = list(dict.fromkeys(one.version for one in found))
            if name == "torch" and isinstance(own, str):
                fitting = [one for one in found if _numbers(one.version) == _numbers(own)]
                if not fitting:
                    said = (
                        f"{module} is {' and '.join(versions)} by its metadata and {own} by its version file"
                    )
                    self._unsure.setdefault(module, said)
                self._packages[name] = fitting or found
            elif len(versions) > 1:
                said = f"{name} states several versions in one folder: {' and '.join(versions)}"
                self._unsure.setdefault(module, said)
            elif any(one.is_in_place for one in found):
                said = f"{name} is installed in place, and its source tree may hold another version by now"
                self._unsure.setdefault(module, said)

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
        """The person's own folder, as `site` finds it."""
        if self._environ.get("PYTHONNOUSERSITE"):
            return ()
        top = self._environ.get("PYTHONUSERBASE") or f"{self._home()}/.local"
        return (f"{top}/lib/python{minor}/site-packages",)

    def _home(self) -> str:
        """The home that an engine gives to the image's user: by its configuration, else by /etc/passwd."""
        if self._environ.get("HOME"):
            return self._environ["HOME"]
        user = self._user.partition(":")[0] or "root"
        for line in (self._tree.read("/etc/passwd") or b"").decode("utf-8", "replace").split("\n"):
            fields = line.split(":")
            if len(fields) >= 6 and (fields[0] == user or fields[2] == ("0" if user == "root" else user)):
                return fields[5] or "/"
        return "/root" if user in ("0", "root") else "" if user.isdigit() else f"/home/{user}"

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


def _numbers(version: str) -> list[int]:
    """The numbers of a release, without zeros at the end: a local version and a stage do not count."""
    found = re.match(r"(?:[0-9]+!)?([0-9]+(?:\.[0-9]+)*)", version, re.ASCII)
    numbers = [int(number[:20]) for number in found[1].split(".")] if found else []
    while numbers and not numbers[-1]:
        numbers.pop()
    return numbers


def _conda(tree: Tree, prefix: str) -> Iterator[tuple[str, tuple[str, str]]]:
    """conda's packages by the names of their files: NAME-VERSION-BUILD.json."""
    for name in tree.names(f"{prefix}/conda-meta"):
        parts = name.removesuffix(".json").rsplit("-", 2)
        if name.endswith(".json") and len(parts) == 3:
            yield parts[0].lower(), (parts[1], parts[2])
