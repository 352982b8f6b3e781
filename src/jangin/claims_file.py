"""A file of claims, for a review and for a repository: the same language as on the command line, one claim an entry.

    schema: jangin-claims/1
    claims:
      - success >= 0.99 @ 0.95
      - {claim: "q95(cycle_s) <= 2.0", name: takt, why: "line 3 needs a part every 2.4 s"}

    claims = read_claims("cell7.yaml")        # BadFile or BadClaim names the entry and what belongs there

The published schema is claims.schema.json. The user's words `name` and `why` go into the plan and the report; they
decide nothing.
"""

from __future__ import annotations

from pathlib import Path

from jangin.claim import Claim
from jangin.errors import BadClaim
from jangin.schema import read_yaml

__all__ = ["read_claims"]


def read_claims(path: str | Path) -> tuple[Claim, ...]:
    """The claims of a file, in its order; raises BadFile or BadClaim in one sentence."""
    claims = []
    for k, entry in enumerate(read_yaml(path, "claims.schema.json")["claims"], start=1):
        try:
            claims.append(Claim.of_entry(entry))
        except BadClaim as e:
            raise BadClaim(f"{path}, claim {k}: {e}") from e
    return tuple(claims)
