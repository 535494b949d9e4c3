"""Client of the OCI distribution API (distribution-spec 1.1): what a registry holds, and names given in it.

Written here, on the standard library, after reading the two clients that PyPI has. oras 0.2.43 (Apache-2.0, August
2026; requests, jsonschema) sets no time limit on a request, reads answers of any size into memory, compares no digest,
has neither HEAD of a manifest nor referrers, reads docker's file of credentials and not podman's, and tries a refused
login again for up to 80 s. python-dxf 12.1.1 (MIT, May 2025; requests, tqdm) reads no file of credentials at all. A
witness has to have just these: bounds, digests compared, and the login that the engine beside it uses.
"""

from envhooks.builds.registry.client import Descriptor, Manifest, Registry
from envhooks.builds.registry.errors import LoginWanted, RegistryError, RegistryUnavailable
from envhooks.builds.registry.reference import Reference, parse

__all__ = [
    "Descriptor",
    "LoginWanted",
    "Manifest",
    "Reference",
    "Registry",
    "RegistryError",
    "RegistryUnavailable",
    "parse",
]
