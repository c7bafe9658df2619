"""Final balances to each CSA system: a debt as the nine rules left it, in the very columns in which balances come in (B28, B71).

Belongs here: one file a system, from which the next night's csa_balances could be made. Does not belong here: reading the store,
the rules. A file with no rows is written too: that no debt was judged is said.
"""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from case_closure.domain.cases import CSA_SYSTEMS
from case_closure.outbound.folder import WrittenFile, write_csv
from case_closure.tables.landed import FILES

SCHEMA = FILES["csa_balances"].schema


def write(folder: Path, final_balances: pa.Table) -> list[WrittenFile]:
    """final_balances_<system>.csv; the table as ``store.outgoing`` has it: SCHEMA, in the order in which it is written [37]."""
    return [
        write_csv(
            folder,
            f"final_balances_{system}.csv",
            final_balances.filter(pc.equal(final_balances["csa_system"], system)),
            ("total_pence",),
            for_a_system=True,
        )
        for system in CSA_SYSTEMS
    ]
