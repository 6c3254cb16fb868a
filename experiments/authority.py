"""The lab's own certificate authority: made anew for every run, and gone with it.

     Authority(folder) ──► ca.pem                          what clients are told to trust, and nothing else
           └── issue("shop.lab", "*.shop.lab") ──► shop.lab.pem, shop.lab.key       what the proxy shows, and proves

In a capsule `folder` is in /run, a tmpfs: when the run ends, no key of it is left anywhere. The authority's own key is
never written at all.
"""

from __future__ import annotations

import datetime
from pathlib import Path

import trustme

from l7proxy.config import Certificate


class Authority:
    """Who signs. bundle: the file for clients to verify by (curl --cacert, requests' verify=)."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.bundle = folder, folder / "ca.pem"
        self._ca = trustme.CA(organization_name="Layer Lab", organization_unit_name="made for one run")
        folder.mkdir(parents=True, exist_ok=True)
        self._ca.cert_pem.write_to_path(str(self.bundle))

    def issue(self, *names: str, until: datetime.datetime | None = None) -> Certificate:
        """A certificate for `names` (DNS names, wildcards, addresses), valid `until` then, and its key.

        Files are called after the first name; issued again, the new ones take the place of the old.
        """
        issued = self._ca.issue_cert(*names, not_after=until)
        stem = self.folder / names[0].replace("*", "any").replace(":", "-")
        files = Certificate(names[0], stem.with_name(f"{stem.name}.pem"), stem.with_name(f"{stem.name}.key"))
        files.cert.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        files.key.touch(mode=0o600)
        issued.private_key_pem.write_to_path(str(files.key))
        return files

    def __repr__(self) -> str:
        return f"<Authority in {self.folder}>"
