"""Rows of the compatibility table, made from the metadata of released packages."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from email.message import Message

from envhooks.base.dataclass import dataclass
from envhooks.base.errors import CannotJudge
from envhooks.base.run import Step, no_step
from envhooks.image.compat.table import Table, key, release
from envhooks.image.compat.ties import load_ties, order, ties_of
from envhooks.indexes.client import File, Index
from envhooks.indexes.ties import asked, grouped

Row = dict[str, object]
_COMPANIONS = ("torchvision", "torchaudio")
_PACKAGES = ("torch", *_COMPANIONS, "tensorflow", "jax")
_FINAL = re.compile(r"(?a)[0-9]+(?:\.[0-9]+){1,3}")
_POST = re.compile(r"(?a)[0-9]+(?:\.[0-9]+){1,3}(?:\.post[0-9]{1,4})?")
_REQUIRES = re.compile(
    r"(?P<name>[A-Za-z0-9._-]+)\s*(?:\[[^]]*\])?\s*\(?(?P<specifier>[^;()]*)\)?\s*(?:;(?P<marker>.*))?"
)


@dataclass(frozen=True)
class Refreshed:
    """Rows for releases that a table does not have, or contradicts."""

    rows: Mapping[str, tuple[Row, ...]]
    """`torch`, `tensorflow`, `jax`, `ties` -> rows in the form of `[[compat.torch]]`."""
    differences: tuple[str, ...]
    """Contradictions between the index and the table, one sentence each."""
    unread: tuple[str, ...]
    """Releases whose metadata could not be had, with the reason."""


def refresh(
    index: Index,
    table: Table,
    builds: Index | None = None,
    *,
    everything: bool = False,
    since: Mapping[str, str] | None = None,
    tied: Iterable[str] = (),
    step: Step = no_step,
) -> Refreshed:
    """Rows for what the index has and the table lacks.

    Args:
        builds: an index with the builds of torch for CUDA and ROCm, by local version; None: those are not known.
        everything: compare the releases that the table has as well.
        since: the oldest release of each framework that is read; default: the oldest that the table has.
        tied: more packages whose metadata ties them to a framework than the table has.
        step: receives how many packages are read, of how many.

    Raises:
        CannotJudge: the index does not answer.
    """
    tying = sorted({*load_ties(), *table.own_ties, *tied})
    reader = _Reader(index, since or {}, {*_PACKAGES, *tying}, step)
    rows = {
        "torch": tuple(_torch(reader, table, builds, everything)),
        "tensorflow": tuple(_tensorflow(reader, table, everything)),
        "jax": tuple(_jax(reader, table, everything)),
        "ties": tuple(_ties(reader, table, tying, everything)),
    }
    return Refreshed(
        {name: found for name, found in rows.items() if found},
        tuple(reader.differences),
        tuple(reader.unread),
    )


class _Reader:
    """Reader of one index, release by release."""

    def __init__(
        self, index: Index, since: Mapping[str, str], packages: Collection[str] = (), step: Step = no_step
    ) -> None:
        self.index = index
        self.since = since
        self._packages = packages
        self._step = step
        self._begun: set[str] = set()
        self.differences: list[str] = []
        self.unread: list[str] = []
        self._known: dict[tuple[str, str], Message | None] = {}

    def releases(
        self, package: str, after: str | None = None, form: re.Pattern[str] = _FINAL
    ) -> dict[str, list[File]]:
        """Final release -> its wheels, oldest first; those that were yanked are left out."""
        self._begun.add(package)
        self._step(f"packages read, now {package}", len(self._begun) - 1, len(self._packages))
        found: dict[str, list[File]] = {}
        for file in self.index.wheels(package):
            if (
                form.fullmatch(file.version)
                and not file.yanked
                and (after is None or key(file.version) > key(after))
            ):
                found.setdefault(file.version, []).append(file)
        return dict(sorted(found.items(), key=lambda item: key(item[0])))

    def metadata(self, package: str, version: str, files: Iterable[File]) -> Message | None:
        """The metadata of a release on Linux x86-64; None where it cannot be had, which is then reported."""
        if (package, version) not in self._known:
            linux = sorted(
                files,
                key=lambda file: ("x86_64" not in file.platform, "linux" not in file.platform, file.python),
            )
            try:
                self._known[package, version] = self.index.metadata(linux[0])
            except CannotJudge as error:
                self.unread.append(f"{package} {version}: {error.message}")
                self._known[package, version] = None
        return self._known[package, version]

    def compare(self, name: str, version: str, ours: Mapping[str, object], row: Row) -> Row | None:
        """The keys of a row in which the index says otherwise than the table."""
        other = {
            k: v
            for k, v in row.items()
            if k != "version" and k in ours and _same(ours[k], ours) != _same(v, row) and v not in ("", [])
        }
        for field, value in other.items():
            self.differences.append(
                f"{name} {version}: {field} is {_text(value)}, the table says {_text(_plain(ours[field]))}"
            )
        return {"version": version, **other} if other else None


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def _same(value: object, row: Mapping[str, object]) -> object:
    """A value in a form in which two that mean the same are equal: order and spaces of a list do not count."""
    if value == "lockstep":
        value = row.get("jaxlib", value)  # as jaxlib's
    if isinstance(value, (tuple, list)):
        return sorted(str(one).replace("_", "-") for one in value)
    return sorted(value.replace(" ", "").split(",")) if isinstance(value, str) else value


def _text(value: object) -> str:
    return ", ".join(map(str, value)) or "nothing" if isinstance(value, list) else str(value or "nothing")


def requirements(metadata: Message, extra: str = "") -> Iterator[tuple[str, str]]:
    """(normalised name, specifier) of what a release requires on Linux: always, or with one extra.

    Markers of other systems, machines and Pythons are passed over; the first requirement of a name counts.
    """
    seen = set()
    for line in metadata.get_all("Requires-Dist", ()):
        match = _REQUIRES.fullmatch(line.strip())
        if match is None:
            continue
        marker = match["marker"] or ""
        extras = re.findall(r"extra\s*==\s*['\"]([A-Za-z0-9._-]+)['\"]", marker)
        if (extras and extra not in extras) or (extra and not extras):
            continue
        if (
            re.search(r"(?:platform_system|sys_platform)\s*==\s*['\"](?!linux|Linux)", marker)
            or "aarch64" in marker
        ):
            continue
        name = re.sub(r"[-_.]+", "-", match["name"]).lower()
        if name not in seen:
            seen.add(name)
            yield name, match["specifier"].replace(" ", "")


def _exactly(specifier: str) -> str | None:
    match = re.fullmatch(r"===?(?P<version>[0-9][0-9A-Za-z.+]*?)(?:\.\*)?", specifier)
    return match["version"] if match else None


def _span(specifier: str) -> str:
    """A specifier with its lower end first, and `==` where both ends are one: `<=1,>=1` -> `==1`."""
    parts = sorted(specifier.split(","), key=lambda part: not part.startswith(">"))
    if len(parts) == 2 and parts[0].startswith(">=") and parts[1] == "<=" + parts[0][2:]:
        return "==" + parts[0][2:]
    return ",".join(parts)


# --------------------------------------------------------------------------------------------- torch


def _torch(reader: _Reader, table: Table, builds: Index | None, everything: bool) -> Iterator[Row]:
    oldest = reader.since.get("torch") or min(table.torch, key=key)
    companions = {name: _companions(reader, table, name, everything) for name in _COMPANIONS}
    variants = _variants(builds) if builds is not None else {}
    rocm = _variants(builds, r"(?a)rocm[0-9.]{1,9}") if builds is not None else {}
    for version, files in reader.releases("torch").items():
        ours = table.torch.get(release(version))
        if key(version) < key(oldest) or (
            ours and not everything and not any(version in c for c in companions.values())
        ):
            continue
        row: Row = {"version": release(version)}
        for name, found in companions.items():
            row[name] = found.get(release(version), list(getattr(ours, name, ())))
        if ours is None or everything:
            metadata = reader.metadata("torch", version, files)
            if metadata is None:
                continue
            row |= _of_torch(metadata, files)
        if release(version) in rocm:
            row["rocm_variants"] = rocm[release(version)]
        row["cuda_variants"] = variants.get(release(version), list(ours.cuda_variants) if ours else [])
        if ours is None:
            yield row
        else:
            if ours.python_max and key(str(row.get("python_max", ""))) <= key(ours.python_max):
                row.pop("python_max", None)  # its release notes promise more than PyPI has wheels for
            changed = reader.compare("torch", release(version), vars(ours), row)
            if changed:
                yield changed


def _of_torch(metadata: Message, files: Iterable[File]) -> Row:
    row: Row = {"requires_python": str(metadata.get("Requires-Python") or ">=3.7.0").replace(" ", "")}
    needs = dict(requirements(metadata))
    for name, specifier in needs.items():
        version = _exactly(specifier)
        if version is None:
            continue
        if re.fullmatch(r"nvidia-cuda-runtime(?:-cu[0-9]+)?|cuda-toolkit", name):
            row["pypi_cuda"] = ".".join(version.split(".")[:2])
        elif re.fullmatch(r"nvidia-cudnn(?:-cu[0-9]+)?", name):
            row["cudnn"] = version
    pythons = _pythons(files)
    if pythons:
        row["python_max"] = pythons[-1]
    return row


def _companions(reader: _Reader, table: Table, name: str, everything: bool) -> dict[str, list[str]]:
    """torch release -> releases of a companion that require it exactly."""
    listed = {version for row in table.torch.values() for version in getattr(row, name)}
    newest = max(listed, key=key)
    found: dict[str, list[str]] = {}
    if everything:
        for row in table.torch.values():
            found[row.version] = list(getattr(row, name))
    whole = everything or "torch" in reader.since
    for version, files in reader.releases(name, None if whole else newest).items():
        if everything and version not in listed and key(version) < key(newest) and not reader.since:
            continue
        metadata = reader.metadata(name, version, files)
        exact = _exactly(dict(requirements(metadata)).get("torch", "")) if metadata else None
        if exact:
            both = found.setdefault(release(exact), list(getattr(table.torch.get(release(exact)), name, ())))
            if version not in both:
                both.append(version)
    return found


def _variants(builds: Index, form: str = r"cu[0-9]{2,3}") -> dict[str, list[str]]:
    """torch release -> the local versions of its Linux wheels: `cu126`, `cu128`, or those of another form."""
    found: dict[str, set[str]] = {}
    for file in builds.wheels("torch"):
        version, plus, local = file.version.partition("+")
        if plus and re.fullmatch(form, local) and "linux" in file.platform and not file.yanked:
            found.setdefault(release(version), set()).add(local)
    return {version: sorted(locals_, key=_numbers) for version, locals_ in found.items()}


def _numbers(text: str) -> list[int]:
    return [int(number) for number in re.findall(r"[0-9]+", text)]


def _pythons(files: Iterable[File]) -> list[str]:
    """The CPythons for which there is a wheel, in order: `3.9`, `3.12`."""
    tags = {match[1] for file in files for match in re.finditer(r"cp3([0-9]{1,2})(?![0-9t])", file.python)}
    return [f"3.{minor}" for minor in sorted(map(int, tags))]


# --------------------------------------------------------------------------------- TensorFlow and JAX


def _tensorflow(reader: _Reader, table: Table, everything: bool) -> Iterator[Row]:
    """One row for each X.Y, by its last release."""
    oldest = reader.since.get("tensorflow") or min(table.tensorflow, key=key)
    lines: dict[str, tuple[str, list[File]]] = {}
    for version, files in reader.releases("tensorflow").items():
        line = ".".join(version.split(".")[:2])
        lines[line] = (version, files)
    for line, (version, files) in lines.items():
        ours = table.tensorflow.get(line)
        if key(line) < key(oldest) or (ours and not everything):
            continue
        metadata = reader.metadata("tensorflow", version, files)
        if metadata is None:
            continue
        needs = dict(requirements(metadata, "and-cuda"))
        row: Row = {"version": line, "python": _pythons(files)}
        for name, specifier in needs.items():
            exact = _exactly(specifier)
            if exact and re.fullmatch(r"nvidia-cuda-runtime(?:-cu[0-9]+)?", name):
                row["and_cuda_runtime"] = exact
            elif re.fullmatch(r"nvidia-cudnn(?:-cu[0-9]+)?", name):
                row["and_cuda_cudnn"] = exact or specifier
        if ours is not None:
            if set(_pythons(files)) <= set(ours.python):
                del row["python"]  # its last release may have dropped one that an earlier one was tested with
            changed = reader.compare("tensorflow", line, vars(ours), row)
            if changed:
                yield changed
        elif "and_cuda_runtime" in row:
            # the toolkit that it was tested with is on a page only; that of its own extra is a fact of the release
            runtime = str(row["and_cuda_runtime"])
            yield {
                "cuda": ".".join(runtime.split(".")[:2]),
                "cudnn": str(row.get("and_cuda_cudnn", "")),
                **row,
            }


def _jax(reader: _Reader, table: Table, everything: bool) -> Iterator[Row]:
    oldest = reader.since.get("jax") or min(table.jax, key=key)
    for version, files in reader.releases("jax").items():
        ours = table.jax.get(version)
        if key(version) < key(oldest) or (ours and not everything):
            continue
        metadata = reader.metadata("jax", version, files)
        if metadata is None:
            continue
        extras = [name for name in metadata.get_all("Provides-Extra", ()) if re.match("cuda[0-9]", name)]
        by_extra = {extra: dict(requirements(metadata, extra)) for extra in extras}
        jaxlib = _span(dict(requirements(metadata)).get("jaxlib", ""))
        row: Row = {"version": version, "jaxlib": jaxlib, "cuda_extras": extras}
        if not jaxlib:
            # before 0.4.29 each extra asked for a build of jaxlib of its own
            asked = sorted({needs["jaxlib"] for needs in by_extra.values() if "jaxlib" in needs})
            local = [text.removeprefix("==") for text in asked if "+" in text]
            plain = _span(dict(requirements(metadata, "cpu")).get("jaxlib", f"=={version}"))
            row |= {"jaxlib": plain, "jaxlib_per_extra": True, "jaxlib_local": local}
        row["requires_python"] = str(metadata.get("Requires-Python") or "")
        for extra in ("cuda12", "cuda13"):
            plugin = _span(by_extra.get(extra, {}).get(f"jax-{extra}-plugin", ""))
            if plugin and "plugin" not in row:
                row["plugin"] = "lockstep" if plugin == row["jaxlib"] == f"=={version}" else plugin
        if ours is None:
            yield row
        else:
            changed = reader.compare("jax", version, vars(ours), row)
            if changed:
                yield changed


# ---------------------------------------------------------------------------------------------- ties


def read_ties(
    index: Index, packages: Iterable[str]
) -> tuple[dict[str, dict[str, tuple[str, ...]]], tuple[str, ...]]:
    """(package -> release -> what it asks for, of every release; releases that could not be read, with the reason)."""
    reader = _Reader(index, {})
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for package in packages:
        for version, files in reader.releases(package, form=_POST).items():
            metadata = reader.metadata(package, version, files)
            if metadata is not None:
                found.setdefault(package, {})[version] = asked(metadata)
    return found, tuple(reader.unread)


def _ties(reader: _Reader, table: Table, packages: Iterable[str], everything: bool) -> Iterator[Row]:
    """One row for each set of requirements that releases of a package have, and the table does not."""
    for package in packages:
        ours = ties_of(table, package)
        newest = max(ours, key=order, default="")
        found = {}
        for version, files in reader.releases(package, form=_POST).items():
            if not everything and (version in ours or (newest and order(version) < order(newest))):
                continue
            metadata = reader.metadata(package, version, files)
            if metadata is None:
                continue
            requires = asked(metadata)
            if version in ours and requires != ours[version]:
                said, known = ", ".join(requires) or "nothing", ", ".join(ours[version])
                reader.differences.append(f"{package} {version}: requires {said}, the table says {known}")
            if requires != ours.get(version, ()):
                found[version] = requires
        for group, versions in grouped(found):
            yield {"package": package, "version": list(versions), "requires": list(group)}
