"""Packages, with the scripts in hooks/, and a README whose links hold on an index: what setup.cfg cannot say."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HOME = "https://github.com/envhooks/envhooks"
readme = Path(__file__).with_name("README.md").read_text(encoding="utf-8")
readme = re.sub(r"(!\[[^]]*\]\()(?!https?:)", rf"\1{HOME}/raw/main/", readme)
readme = re.sub(r"(?<!!)(\[[^]]*\]\()(?!https?:|#)", rf"\1{HOME}/blob/main/", readme)

setup(
    long_description=readme,
    long_description_content_type="text/markdown",
    packages=[*find_packages(include=["envhooks", "envhooks.*"]), "envhooks.hooks.scripts"],
)
