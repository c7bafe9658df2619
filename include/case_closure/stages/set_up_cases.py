"""Set up cases: which required cases are on CMS already, which can be created, which cannot and why.

Serves B30, B31, B35-B43, R8, R9, R17-R19.
Belongs here: contact details, CIS, method of payment, casegroup, region, benefit of cases that must be created.
Does not belong here: balances, dues, or the exceptions' life.

In: the cases of casegroups that are ready and owe something (``required_cases``), ``PeopleGathered``, ``Gathered``. Out:
``SetUp``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated

import numpy as np
import pandas as pd

from case_closure.domain import nino, postcode
from case_closure.domain.cases import BANK_METHODS, EMPLOYER_METHODS, PAYING_PARENT, RECEIVING_PARENT
from case_closure.domain.names import comparable_names
from case_closure.stages.common import findings
from case_closure.stages.common.letters import with_addresses_judged
from case_closure.tables import handed
from case_closure.tables.frames import among, chosen, lookup, take, take_flags, take_pence, typed
from case_closure.tables.handing import Handed, cut, empty
from case_closure.tables.resolutions import lay_over, of_people

PAYING, RECEIVING = PAYING_PARENT, RECEIVING_PARENT
_PARTY_ROW = [
    "csa_system", "csa_case_id", "party_id", "title", "forenames", "surname", "date_of_birth", "nino",
    "address_line_1", "postcode", "country", "date_of_death",
]  # fmt: skip
_CASE_ROW = [
    "csa_system", "csa_case_id", "casegroup_id", "paying_parent_id", "receiving_parent_id", "method_of_payment",
    "pp_sort_code", "pp_account_number", "employer_reference", "postcode",
]  # fmt: skip


@dataclass(frozen=True)
class PeopleGathered(Handed):
    """Parents as they are held, and what was entered for them."""

    parties: Annotated[pd.DataFrame, handed.PARTIES]
    entered_for_people: Annotated[pd.DataFrame, handed.ENTERED_FOR_PEOPLE]


@dataclass(frozen=True)
class Gathered(Handed):
    """What CIS and CMS know of the required cases and their parents (see ``store.casegroups``). ``children``: the cases that
    have one; ``cms_cases``: those of these casegroups that are recorded already."""

    children: Annotated[pd.DataFrame, handed.CASE_KEYS]
    cms_cases: Annotated[pd.DataFrame, handed.CMS_CASES_STANDING]
    cis: Annotated[pd.DataFrame, handed.CIS_PERSONS]
    register: Annotated[pd.DataFrame, handed.CMS_REGISTER]
    payer_casegroups: Annotated[pd.DataFrame, handed.PAYER_CASEGROUPS]


@dataclass(frozen=True)
class SetUp(Handed):
    """What case set-up concludes: new lines of ``cms_cases``, and the cases whose old line goes; the casegroups that got this
    far, and whether every required case is set up; their required cases, and the parents of these; the exceptions and warnings
    found; new interest flags."""

    cms_cases: Annotated[pd.DataFrame, handed.CMS_CASES]
    cms_cases_gone: Annotated[pd.DataFrame, handed.CASE_KEYS]
    casegroups: Annotated[pd.DataFrame, handed.CASEGROUPS_SET_UP]
    required: Annotated[pd.DataFrame, handed.CASES_REQUIRED]
    people: Annotated[pd.DataFrame, handed.PEOPLE]
    exceptions_found: Annotated[pd.DataFrame, handed.EXCEPTIONS_FOUND]
    interest_flags: Annotated[pd.DataFrame, handed.INTEREST_FLAGS]


def required_cases(cases: pd.DataFrame, balances: pd.DataFrame, casegroups: pd.DataFrame) -> pd.DataFrame:
    """The cases with at least one positive bucket (R8) of casegroups that are ready, by system and case number.

    Adds ``first_system`` and ``first_case_id``: the first case of its casegroup, nil cases included.
    """
    members = cases[among(cases["casegroup_id"], chosen(casegroups["casegroup_id"], casegroups["ready"]))]
    members = members.sort_values(["casegroup_id", "csa_system", "csa_case_id"], kind="stable").reset_index(
        drop=True
    )
    first = members.drop_duplicates("casegroup_id")
    places = lookup(members["casegroup_id"], first, "casegroup_id")
    members = members.assign(
        first_system=take(first["csa_system"], places), first_case_id=take(first["csa_case_id"], places)
    )
    owed = among(members["case_key"], chosen(balances["case_key"], balances["positive"]))
    return members[owed].reset_index(drop=True)


@dataclass
class Facts:
    """What the gates judge, and the required cases they are about."""

    required: pd.DataFrame
    parties: pd.DataFrame
    cases: pd.DataFrame
    warnings: pd.DataFrame
    everyone: pd.DataFrame


def people(required: pd.DataFrame, gathered: PeopleGathered) -> pd.DataFrame:
    """Both parents of each required case, with what caseworkers entered for them: two lines a case.

    Columns: case_key, role, party_id, party_held, the party's own, ``nino_given`` (as sent) and ``nino`` (cleaned).
    What was entered for one of them counts on whichever case they stand.
    """
    ids = pd.concat([required["paying_parent_id"], required["receiving_parent_id"]], ignore_index=True)
    places = lookup(ids, gathered.parties, "party_id")
    # Column by column of both sides at once, and the frame of all of them: pandas takes as long for a line as for a thousand.
    twice = np.tile(np.arange(len(required)), 2)
    columns: dict[str, object] = {
        name: take(required[name], twice)
        for name in ("case_key", "csa_system", "csa_case_id", "casegroup_id")
    }
    columns["sensitive"] = np.tile(required["sensitive"].to_numpy(), 2)
    columns["role"] = pd.Series(np.repeat([PAYING, RECEIVING], len(required)), dtype="str")
    columns["party_held"] = places >= 0
    for name in gathered.parties.columns.tolist():
        values = gathered.parties[name]
        columns[name] = take_flags(values, places) if name == "dlo" else take(values, places)
    both = typed(columns | {"party_id": ids}, len(ids))
    entered = of_people(gathered.entered_for_people)
    # Of somebody who was never received there is nothing to mend.
    keys = both["party_id"].where(both["party_held"])
    both = lay_over(both, entered, keys=keys, by=entered["party_id"], fields=gathered.parties.columns)
    for name in ("surname", "forenames", "address_line_1", "country"):
        blank = both[name].str.strip() == ""
        if blank.any():
            both[name] = both[name].mask(blank)
    both["postcode"] = postcode.cleaned(both["postcode"])
    both["nino"] = nino.cleaned(both["nino"])
    both["matched_on"] = nino.matched_on(both["nino"])
    return both


def known_people(cases: pd.DataFrame, gathered: PeopleGathered, cis: pd.DataFrame) -> pd.DataFrame:
    """Both parents of each case, with what CIS knows of them: what letters need of a person, in the shape PEOPLE.

    ``cases``: case_key, csa_system, csa_case_id, casegroup_id, sensitive and the two parents' party ids. ``cis``: CIS_PERSONS.
    """
    return cut(_with_cis(people(cases, gathered), cis), handed.PEOPLE)


def facts(required: pd.DataFrame, everyone: pd.DataFrame, gathered: Gathered) -> Facts:
    """Facts of the cases that must be created (no match on CMS, not created before)."""
    required = _with_register(required, everyone, gathered)
    with_cis = _with_cis(everyone, gathered.cis)
    must = among(with_cis["case_key"], chosen(required["case_key"], required["must_create"]))
    # The paying parent is judged once a casegroup, on its first case (nil or not); a receiving parent on each.
    paying = np.flatnonzero(must & (with_cis["role"] == PAYING).to_numpy(bool))
    again = with_cis["casegroup_id"].iloc[paying].duplicated().to_numpy(bool)
    payers = with_cis.iloc[paying[~again]].reset_index(drop=True)
    places = lookup(payers["casegroup_id"], required, "casegroup_id")
    payers = payers.assign(
        csa_system=take(required["first_system"], places), csa_case_id=take(required["first_case_id"], places)
    )
    receivers = with_cis[must & (with_cis["role"] == RECEIVING)]
    parties = pd.concat([payers, receivers], ignore_index=True)
    return Facts(
        required=required,
        parties=parties,
        cases=_case_facts(required[required["must_create"]].reset_index(drop=True), with_cis, gathered),
        warnings=_warning_facts(required, with_cis),
        everyone=with_cis,
    )


def _with_register(required: pd.DataFrame, everyone: pd.DataFrame, gathered: Gathered) -> pd.DataFrame:
    """Which required cases CMS has already, by both parents' NINO, and which casegroup their paying parent has there."""
    sides = {role: everyone[everyone["role"] == role].reset_index(drop=True) for role in (PAYING, RECEIVING)}
    payer, receiver = sides[PAYING]["matched_on"], sides[RECEIVING]["matched_on"]
    register = gathered.register.sort_values("cms_case_id", kind="stable")
    pairs = register[register["pp_matched_on"].notna() & register["rp_matched_on"].notna()]
    pairs = pairs.assign(pair=pairs["pp_matched_on"] + "/" + pairs["rp_matched_on"]).drop_duplicates("pair")
    wanted = (payer + "/" + receiver).fillna("")
    places = lookup(wanted, pairs, "pair")
    required = required.assign(
        pp_matched_on=payer,
        cms_case_id=take(pairs["cms_case_id"], places),
        cms_casegroup_id=take(pairs["cms_casegroup_id"], places),
        case_owner=take(pairs["case_owner"], places),
        register_pp_nino=take(pairs["pp_nino"], places),
        register_rp_nino=take(pairs["rp_nino"], places),
    )
    on_register = required["cms_case_id"].notna().to_numpy()
    casegroups = register[register["pp_matched_on"].notna()].sort_values("cms_casegroup_id", kind="stable")
    payers = casegroups.drop_duplicates("pp_matched_on")
    places = lookup(payer.fillna(""), payers, "pp_matched_on")
    required["payer_casegroup_id"] = take(payers["cms_casegroup_id"], places)
    required["payer_register_nino"] = take(payers["pp_nino"], places)
    created = among(required["case_key"], _standing(required, gathered.cms_cases)["case_key"])
    required["created_before"] = created
    required["on_register"] = on_register & ~created
    required["must_create"] = ~on_register & ~created
    return required


def _standing(required: pd.DataFrame, cms_cases: pd.DataFrame) -> pd.DataFrame:
    """Of the cases recorded on CMS, those that count for their casegroup: on the account of its paying parent.

    One that moved here was set up on the account of the parent it had then: another's arrears would be added to it.
    ``required``: casegroup_id, pp_matched_on. Shape: CMS_CASES_STANDING.
    """
    if cms_cases.empty:
        return cms_cases.reset_index(drop=True)
    payers = required[required["pp_matched_on"].notna()]
    payer = take(payers["pp_matched_on"], lookup(cms_cases["casegroup_id"], payers, "casegroup_id"))
    set_up_for = cms_cases["paying_parent_matched_on"].reset_index(drop=True)
    other = payer.notna() & set_up_for.notna() & (payer != set_up_for)
    return cms_cases[~other.to_numpy(bool)].reset_index(drop=True)


_SEEN = (
    "forenames", "surname", "date_of_birth", "date_of_death", "nino", "superseded_by_nino", "benefit_code",
)  # fmt: skip


def _with_cis(everyone: pd.DataFrame, cis: pd.DataFrame) -> pd.DataFrame:
    """Each parent with what CIS says under their NINO (first eight characters). Nothing is said of a bad NINO."""
    dead = chosen(cis["matched_on"], cis["date_of_death"].notna())
    places = lookup(cis["matched_on"], cis, "matched_on")
    first = cis.assign(matches=np.bincount(places, minlength=len(cis))[places])
    first = first.sort_values("nino", kind="stable").drop_duplicates("matched_on")
    valid = nino.is_valid(everyone["nino"])
    places = np.where(valid, lookup(everyone["matched_on"], first, "matched_on"), -1)
    matches = take_pence(first["matches"], places)
    one = matches == 1
    places = np.where(one, places, -1)
    seen = {name: take(first[name], places) for name in _SEEN}
    name = comparable_names(everyone["forenames"], everyone["surname"])
    cis_name = comparable_names(seen["forenames"], seen["surname"])
    born = everyone["date_of_birth"]
    return with_addresses_judged(everyone).assign(
        # Of case set-up alone; a letter's address needs more.
        place_known=(
            postcode.is_uk(everyone["postcode"]) | postcode.is_overseas(everyone["country"])
        ).to_numpy(bool),
        nino_valid=valid,
        cis_matches=np.where(valid, matches, 1),
        cis_one=one,
        # Where CIS itself holds no surname or birth date there is nothing to differ from.
        cis_name_agrees=(~one | seen["surname"].isna() | (name == cis_name)).to_numpy(bool),
        cis_date_of_birth_agrees=(
            ~one | seen["date_of_birth"].isna() | (born == seen["date_of_birth"])
        ).to_numpy(bool),
        cis_nino_current=(~one | seen["superseded_by_nino"].isna()).to_numpy(bool),
        cis_alive=(~one | seen["date_of_death"].isna()).to_numpy(bool),
        cis_nino=nino.cleaned(seen["nino"]),
        cis_death_recorded=among(everyone["matched_on"], dead),
        cis_interest=take_flags(first["interest_registered"], places),
        cis_benefit_code=seen["benefit_code"],
        cis_benefit_live=take_flags(first["benefit_live"], places),
    )


def _case_facts(create: pd.DataFrame, everyone: pd.DataFrame, gathered: Gathered) -> pd.DataFrame:
    """Facts of each case that must be created. None where a rule cannot be judged."""
    payer = _side(create, everyone, PAYING, "cis_one", "cis_benefit_live")
    receiver = _side(create, everyone, RECEIVING, "postcode", "country", "party_held")
    method = create["method_of_payment"]
    needs_bank = method.isin(BANK_METHODS)
    bank = create["pp_sort_code"].str.fullmatch(r"[0-9]{6}").fillna(False).astype(bool) & create[
        "pp_account_number"
    ].str.fullmatch(r"[0-9]{8}").fillna(False).astype(bool)
    employer = create["employer_reference"].str.strip().fillna("") != ""
    benefit_judged = (method == "BENEFIT_DEDUCTION").to_numpy() & payer["cis_one"].to_numpy(bool)
    region = postcode.maintenance_region(receiver["postcode"], receiver["country"])
    return create.assign(
        child_held=among(create["case_key"], gathered.children["case_key"]),
        bank_details_given=(~needs_bank | bank).to_numpy(bool),
        employer_given=(~method.isin(EMPLOYER_METHODS) | employer).to_numpy(bool),
        benefit_live=~benefit_judged | payer["cis_benefit_live"].to_numpy(bool),
        region_known=region.notna().to_numpy(bool) | ~receiver["party_held"].to_numpy(bool),
        maintenance_region=region,
        postcode=receiver["postcode"],
    )


def _side(cases: pd.DataFrame, everyone: pd.DataFrame, role: str, *names: str) -> pd.DataFrame:
    """Of the parent of that role of each case the columns of these names, line by line."""
    side = everyone.loc[everyone["role"] == role, ["case_key", *names]]
    return side.iloc[lookup(cases["case_key"], side, "case_key")].reset_index(drop=True)


def _warning_facts(required: pd.DataFrame, everyone: pd.DataFrame) -> pd.DataFrame:
    """Both parents of each required case: does the NINO's suffix agree with CIS and with CMS (R18)?

    ``nino_set_up`` is the NINO of cases that must be created alone: only those are judged for its prefix.
    """
    places = lookup(everyone["case_key"], required, "case_key")
    asked = ["must_create", "created_before", "register_pp_nino", "register_rp_nino", "payer_register_nino"]
    at = required[asked].iloc[places].reset_index(drop=True)
    paying = (everyone["role"] == PAYING).to_numpy()
    must = at["must_create"].to_numpy(bool)
    own = everyone["nino"]
    agrees = np.ones(len(everyone), dtype=bool)
    judged = everyone["nino_valid"].to_numpy(bool) & ~at["created_before"].to_numpy(bool)
    registered = at["register_pp_nino"].where(paying, at["register_rp_nino"])
    registered = registered.where(~(paying & must), at["payer_register_nino"])
    for other, when in ((everyone["cis_nino"], must), (registered, np.ones(len(everyone), dtype=bool))):
        named = other.notna().to_numpy() & judged & when
        agrees &= ~(named & (own != other).to_numpy(bool))
    return everyone.assign(
        nino_set_up=own.where(judged & must),
        suffix_agrees=agrees,
    )


def conclude(judged: Facts, broke: Mapping[str, pd.DataFrame], gathered: Gathered, on: date) -> SetUp:
    """New CMS cases, exceptions and warnings. ``broke``: suite -> findings over the frame of that name."""
    exceptions_found = pd.concat(
        [
            findings.exceptions_found(broke["set_up_parties"], judged.parties, original_columns=_PARTY_ROW),
            findings.exceptions_found(broke["set_up_cases"], judged.cases, original_columns=_CASE_ROW),
            findings.exceptions_found(broke["nino_warnings"], judged.warnings, original_columns=_PARTY_ROW),
        ],
        ignore_index=True,
    )
    exceptions_found = findings.one_each(exceptions_found) if len(exceptions_found) else exceptions_found
    parties, required = judged.parties, judged.required
    failing = np.zeros(len(parties), dtype=bool)
    failing[broke["set_up_parties"]["position"].to_numpy(np.int64)] = True
    # A case needs both parents: the paying parent's fault stops every case of the casegroup that must be created.
    payer_fails = chosen(parties["casegroup_id"], failing & (parties["role"] == PAYING).to_numpy(bool))
    receiver_fails = chosen(parties["case_key"], failing & (parties["role"] == RECEIVING).to_numpy(bool))
    case_failing = np.zeros(len(judged.cases), dtype=bool)
    case_failing[broke["set_up_cases"]["position"].to_numpy(np.int64)] = True
    fails = (
        among(required["casegroup_id"], payer_fails)
        | among(required["case_key"], receiver_fails)
        | among(required["case_key"], chosen(judged.cases["case_key"], case_failing))
    )
    fails &= required["must_create"].to_numpy(bool)
    created = _created(judged, ~fails, gathered, on)
    groups = required["casegroup_id"].drop_duplicates().reset_index(drop=True)
    set_up = pd.DataFrame(
        {"casegroup_id": groups, "all_set_up": ~among(groups, chosen(required["casegroup_id"], fails))}
    )
    gone = among(created["case_key"], gathered.cms_cases["case_key"])
    return SetUp(
        cms_cases=created,
        cms_cases_gone=cut(created[gone].reset_index(drop=True), handed.CASE_KEYS),
        casegroups=set_up,
        required=cut(required, handed.CASES_REQUIRED),
        people=cut(judged.everyone, handed.PEOPLE),
        exceptions_found=exceptions_found,
        interest_flags=_interest_flags(
            judged.everyone, chosen(created["case_key"], created["origin"] == "ARREARS_ONLY")
        ),
    )


def _created(judged: Facts, passes: np.ndarray, gathered: Gathered, on: date) -> pd.DataFrame:
    """A line for each required case that passes and is not recorded yet: existing on CMS, or created (B31, B40).

    Two CSA cases of one casegroup with the same two parents make one CMS case, named after the first.
    """
    new = judged.required[passes & ~judged.required["created_before"].to_numpy(bool)].reset_index(drop=True)
    if new.empty:
        return empty(handed.CMS_CASES)
    before = _standing(judged.required, gathered.cms_cases)
    parents = (
        new["casegroup_id"]
        + "/"
        + new["paying_parent_id"].fillna("")
        + "/"
        + new["receiving_parent_id"].fillna("")
    )
    earlier = before[before["origin"] == "ARREARS_ONLY"].drop_duplicates("parents")
    places = lookup(parents, earlier, "parents")
    own_id = "CMS-" + new["csa_system"] + "-" + new["csa_case_id"]
    # That name is taken where the case was set up on another parent's account.
    taken = among(new["case_key"], gathered.cms_cases["case_key"])
    own_id = own_id.mask(taken, own_id + "-" + new["casegroup_id"])
    ours = pd.DataFrame({"parents": parents, "id": own_id})[~new["on_register"]].drop_duplicates("parents")
    made_here = take(ours["id"], lookup(parents, ours, "parents"))
    case_id = new["cms_case_id"].where(
        new["on_register"], take(earlier["cms_case_id"], places).fillna(made_here)
    )
    casegroup_id = new["cms_casegroup_id"].where(new["on_register"], new["payer_casegroup_id"])
    known_by_casegroup = before.drop_duplicates("casegroup_id")
    known_by_payer = gathered.payer_casegroups.drop_duplicates("matched_on")
    for known, key, by in (
        (known_by_casegroup, "casegroup_id", new["casegroup_id"]),
        (known_by_payer, "matched_on", new["pp_matched_on"].fillna("")),
    ):
        casegroup_id = casegroup_id.fillna(take(known["cms_casegroup_id"], lookup(by, known, key)))
    casegroup_id = casegroup_id.fillna("CMS-" + new["casegroup_id"])
    payer = _side(new, judged.everyone, PAYING, "cis_benefit_live", "cis_benefit_code")
    receiver = _side(new, judged.everyone, RECEIVING, "postcode", "country")
    deducted = (new["method_of_payment"] == "BENEFIT_DEDUCTION") & payer["cis_benefit_live"]
    lines = pd.DataFrame(
        {
            "case_key": new["case_key"],
            "csa_system": new["csa_system"],
            "csa_case_id": new["csa_case_id"],
            "casegroup_id": new["casegroup_id"],
            "cms_case_id": case_id,
            "cms_casegroup_id": casegroup_id,
            "scheme": new["scheme"],
            "origin": np.where(new["on_register"], "EXISTING", "ARREARS_ONLY"),
            "created_on": pd.Series(pd.Timestamp(on), index=new.index).astype("datetime64[s]"),
            "maintenance_region": postcode.maintenance_region(receiver["postcode"], receiver["country"]),
            "method_of_payment": new["method_of_payment"],
            "benefit_code": payer["cis_benefit_code"].where(deducted),
            "case_owner": new["case_owner"],
            "paying_parent_matched_on": new["pp_matched_on"],
        }
    )
    return cut(lines, handed.CMS_CASES)


def _interest_flags(everyone: pd.DataFrame, created: pd.Series) -> pd.DataFrame:
    """Parents of created cases that CIS knows and has no interest flag for yet (B37, B38): one line a person."""
    asked = everyone["cis_one"] & ~everyone["cis_interest"]
    wanted = everyone[among(everyone["case_key"], created) & asked.to_numpy(bool)]
    return cut(wanted.drop_duplicates("party_id"), handed.INTEREST_FLAGS).reset_index(drop=True)
