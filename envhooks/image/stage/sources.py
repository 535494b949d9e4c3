"""Where the packages of one install come from, and what that says of their build."""

from __future__ import annotations

from envhooks.base.dataclass import dataclass, field
from envhooks.image.requirements.specs import Requirement
from envhooks.image.stage import accelerators
from envhooks.image.text.unknowns import unknown


@dataclass
class Sources:
    """Where the packages of one call come from."""

    index: str = ""
    extra: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    backend: str = ""
    """uv's torch backend: `cu128`, `cpu`, `auto`, ..."""
    first_index_wins: bool = False
    """uv takes a package from the first index that has it, extra indexes before the default one."""

    def stated(self, name: str) -> str:
        """The index to show for a package: the one that decides its build, where one does."""
        urls = [url for url in (*self.extra, self.index, *self.links) if url]
        telling = [url for url in urls if not unknown(url) and accelerators.of_url(url)]
        if name in accelerators.FROM_INDEX and telling:
            return telling[0]
        return self.index or next(iter(self.extra), "")


def _published(requirement: Requirement, variant: str) -> bool:
    """Whether torch is known to be published in that build: `cu128`, `cpu`."""
    from envhooks.image.compat.table import load_table, release

    row = load_table().torch.get(release(requirement.version or ""))
    return row is not None and (variant == "cpu" or variant in (*row.cuda_variants, *row.cuda_variants_seen))
