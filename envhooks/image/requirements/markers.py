"""Whether a requirement's marker holds in a Linux container image."""

from __future__ import annotations

_MACHINES = ("x86_64", "aarch64")
_PYTHONS = tuple(f"3.{minor}" for minor in range(8, 16))


def marker_holds(marker: str, python: str | None = None) -> bool | None:
    """True or False where every image would agree, None where it depends or cannot be told.

    Args:
        marker: the text after `;`; an empty one always holds.
        python: `3.12` or longer where the image's Python is known. No extra is asked for.
    """
    if not marker:
        return True
    if len(marker) > 2000 or "platform_release" in marker or "platform_version" in marker:
        return None
    from packaging.markers import InvalidMarker, Marker, UndefinedComparison, UndefinedEnvironmentName

    try:
        parsed = Marker(marker)
        answers = {
            parsed.evaluate(_environment(machine, version))
            for machine in _MACHINES
            for version in ((python,) if python else _PYTHONS)
        }
    except (InvalidMarker, UndefinedComparison, UndefinedEnvironmentName, RecursionError, ValueError):
        return None
    return answers.pop() if len(answers) == 1 else None


def _environment(machine: str, python: str) -> dict[str, str]:
    full = python if python.count(".") >= 2 else f"{python}.0"
    return {
        "implementation_name": "cpython",
        "implementation_version": full,
        "os_name": "posix",
        "platform_machine": machine,
        "platform_python_implementation": "CPython",
        "platform_system": "Linux",
        "python_full_version": full,
        "python_version": ".".join(python.split(".")[:2]),
        "sys_platform": "linux",
        "extra": "",
    }
