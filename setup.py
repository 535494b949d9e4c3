"""Packages of the wheel: those below envhooks/, and the scripts in hooks/, which `find:` of setup.cfg cannot add."""

from setuptools import find_packages, setup

setup(packages=[*find_packages(include=["envhooks", "envhooks.*"]), "envhooks.hooks.scripts"])
