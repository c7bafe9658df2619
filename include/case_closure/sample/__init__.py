"""A synthetic population: landing folders of any size with every behaviour and every rule code in them.

Belongs here: making data. Does not belong here: judging it; what is planted is told to whoever wants to
check.

    people, cases, balances   sound rows in bulk
    activity                  the other files of an ordinary day
    faults                    the table of all that can be wrong
    showcase, stories         single things to see, on one night and over several
    afterwards                the same of what comes around a transition: money, corrections, debts, orders, entries
    planting, nights          who gets what, and the writing
    mark                      that it is a sample, and all of it

Nobody in it exists: names are drawn from lists, NINOs and addresses are made up.
"""

from case_closure.sample.faults import FAULTS, Fault
from case_closure.sample.nights import generate
from case_closure.sample.planting import Planted, PlantedFault

__all__ = ["FAULTS", "Fault", "Planted", "PlantedFault", "generate"]
