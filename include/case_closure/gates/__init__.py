"""The gates: Great Expectations suites, and the engine that runs them.

Belongs here: which expectation carries which rule code, running suites, turning results into findings.
Does not belong here: sums of money (int64, made before the gate), what a finding leads to, storing anything.
This package alone imports great_expectations, which takes seconds: import it inside the tasks that gate.
"""

from case_closure.gates import loading  # noqa: F401  before anything else here imports GX
