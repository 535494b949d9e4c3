"""Records of releases: signed statements that a tag passed and that an image is of that tag.

A record is a note on the tag object (`refs/notes/envhooks`) that travels with the repository. The other packages rely
on `read`; the ledger of builds is one clone's memory of work, and labels of images are claims.
"""

from envhooks.records.reader import find_image as find_image
from envhooks.records.reader import read as read
from envhooks.records.reader import read_all as read_all
from envhooks.records.types import Base as Base
from envhooks.records.types import ImageRecord as ImageRecord
from envhooks.records.types import Records as Records
from envhooks.records.types import Signer as Signer
from envhooks.records.types import TagRecord as TagRecord
