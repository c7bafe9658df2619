"""People: who they are on CSA, and who they are on CIS.

Belongs here: names and the way CIS writes them, NINOs, addresses, deaths, representatives, benefits.
Does not belong here: which of them share a case (`cases`), and what is wrong with some (`faults`):
everybody made here is sound, found on CIS, and of a known region.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from case_closure.domain.nino import ADMINISTRATIVE_PREFIXES
from case_closure.sample.columns import (
    Flags,
    Ints,
    days,
    digits,
    fixed_text,
    numbered,
    pick,
    table_of,
    unless,
)

FORENAMES = (
    "Aaron", "Abigail", "Alex", "Amy", "Andrew", "Anne-Marie", "Anthony", "Ashley", "Ben", "Bethany",
    "Callum", "Catherine", "Chloë", "Craig", "Daniel", "David", "Dawn", "Donna", "Emma", "Gareth", "Gemma",
    "George", "Hannah", "Ian", "Jade", "James", "Jamie", "Jo", "John", "José", "Karen", "Kelly", "Kevin",
    "Kim", "Laura", "Lee", "Lisa", "Louise", "Mark", "Mary Jane", "Michael", "Mohammed", "Nicola", "Paul",
    "Priya", "Rachel", "Ryan", "Sarah", "Seán", "Shaun", "Siân", "Sophie", "Stephen", "Steven", "Tracey",
    "Wayne", "Zoë",
)  # fmt: skip
SURNAMES = (
    "Ahmed", "Ali", "Allen", "Anderson", "Bailey", "Baker", "Begum", "Bell", "Bennett", "Brown", "Campbell",
    "Carter", "Clark", "Collins", "Cook", "Cooper", "Cox", "Davies", "Davis", "Edwards", "Evans", "Fox",
    "Graham", "Gray", "Green", "Griffiths", "Hall", "Harris", "Harrison", "Hill", "Hughes", "Hussain",
    "Jackson", "James", "Johnson", "Jones", "Kaur", "Kelly", "Khan", "King", "Lee", "Lewis", "Marshall",
    "Martin", "Miller", "Mitchell", "Moore", "Morgan", "Morris", "Murphy", "Murray", "Parker", "Patel",
    "Phillips", "Price", "Reid", "Richardson", "Roberts", "Robertson", "Robinson", "Rogers", "Ross",
    "Scott", "Shaw", "Simpson", "Singh", "Smith", "Stevens", "Stewart", "Taylor", "Thomas", "Thompson",
    "Turner", "Walker", "Ward", "Watson", "White", "Williams", "Wilson", "Wood", "Wright", "Young",
    "O'Brien", "O\u2019Neill", "D'Souza", "Smith-Jones", "Lloyd\u2010Hughes", "Mac Donald", "de la Cruz",
    "García", "Müller", "Weiß", "Łukasz", "Nguyễn", "Ó Súilleabháin", "Ferreira-Gonçalves",
)  # fmt: skip
STREETS = (
    "High Street", "Station Road", "Church Lane", "Mill Lane", "Victoria Road", "Park Avenue",
    "The Crescent", "Manor Drive", "Chapel Street", "King's Court", "Queensway", "Albert Terrace",
    "Oak Close", "Elm Grove",
)  # fmt: skip
OVERSEAS = ("IE", "ES", "AU", "US", "DE", "PL", "GG", "JE", "IM", "NZ")
# Theirs is the only post abroad here that sorts by postcode: without it no letter could be sent.
ISLAND_POSTCODES = {"GG": "GY1 1AA", "JE": "JE2 3AB", "IM": "IM1 1AA"}

_INWARD_LETTERS = "ABDEFGHJLNPQRSTUWXYZ"
_AREAS = (
    ("LS", "Leeds", "GB-ENG", 20), ("M", "Manchester", "GB-ENG", 9), ("B", "Birmingham", "GB-ENG", 49),
    ("NE", "Newcastle", "GB-ENG", 30), ("PL", "Plymouth", "GB-ENG", 9), ("CR", "Croydon", "GB-ENG", 9),
    ("L", "Liverpool", "GB-ENG", 40), ("S", "Sheffield", "GB-ENG", 14), ("FY", "Blackpool", "GB-ENG", 8),
    ("CH", "Birkenhead", "GB-ENG", 49), ("DY", "Dudley", "GB-ENG", 9), ("HA", "Harrow", "GB-ENG", 9),
    ("EH", "Edinburgh", "GB-SCT", 17), ("G", "Glasgow", "GB-SCT", 46), ("FK", "Falkirk", "GB-SCT", 9),
    ("CF", "Cardiff", "GB-WLS", 24), ("SA", "Swansea", "GB-WLS", 20), ("BT", "Belfast", "GB-NIR", 17),
)  # fmt: skip
_LITERAL_PLACES = (
    ("EC1A 1BB", "London", "GB-ENG"), ("W1A 0AX", "London", "GB-ENG"), ("SW1A 1AA", "London", "GB-ENG"),
    ("DN55 1PT", "Doncaster", "GB-ENG"), ("B33 8TH", "Birmingham", "GB"), ("BT48 6HJ", "Londonderry", "GB"),
)  # fmt: skip
_PLACES_PER_AREA = 60


def _places() -> list[tuple[str, str, str]]:
    places = list(_LITERAL_PLACES)
    for area, town, country, districts in _AREAS:
        for number in range(_PLACES_PER_AREA):
            inward = f"{number % 10}{_INWARD_LETTERS[number % 20]}{_INWARD_LETTERS[(number * 7 + 3) % 20]}"
            places.append((f"{area}{1 + number % districts} {inward}", town, country))
    return places


PLACES = tuple(_places())
_POSTCODES = pa.array([place[0] for place in PLACES])
_TOWNS = pa.array([place[1] for place in PLACES])
_COUNTRIES = pa.array([place[2] for place in PLACES])

_FIRST_LETTERS = "ABCEGHJKLMNOPRSTWXYZ"
_SECOND_LETTERS = "ABCEGHJKLMNPRSTWXYZ"
_NEVER_ALLOCATED = ("BG", "GB", "KN", "NK", "NT", "TN", "ZZ")
NINO_PREFIXES = tuple(
    first + second
    for first in _FIRST_LETTERS
    for second in _SECOND_LETTERS
    if first + second not in _NEVER_ALLOCATED
)
"""The 373 prefixes that remain (R18)."""
_ORDINARY_PREFIXES = tuple(prefix for prefix in NINO_PREFIXES if prefix not in ADMINISTRATIVE_PREFIXES)
_PER_PREFIX = 1_000_000
# Coprime with the number of NINOs there are, so that different people get different ones, in no visible
# order.
_STRIDE = 104_729_003


def cis_form(name: str) -> str:
    """A name as an old system writes it: Siân O'Brien gives SIAN O BRIEN. Still the same name by R19."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    return "".join(" " if c in "'\u2019-\u2010" else c for c in bare).upper()


_FORENAMES_CSA = pa.array(FORENAMES)
_FORENAMES_CIS = pa.array([cis_form(name) for name in FORENAMES])
_SURNAMES_CSA = pa.array(SURNAMES)
_SURNAMES_CIS = pa.array([cis_form(name) for name in SURNAMES])
_PREFIX_BYTES = np.array([list(prefix.encode()) for prefix in _ORDINARY_PREFIXES], dtype=np.uint8)


def ninos(person_numbers: Ints) -> pa.Array:
    """A valid NINO for each person number, none alike in the first eight characters, none administrative."""
    place = (person_numbers.astype(np.int64) * _STRIDE) % (len(_ORDINARY_PREFIXES) * _PER_PREFIX)
    suffix = (ord("A") + person_numbers % 4).astype(np.uint8)[:, np.newaxis]
    return fixed_text(
        len(person_numbers), _PREFIX_BYTES[place // _PER_PREFIX], digits(place % _PER_PREFIX, 6), suffix
    )


def administrative_nino(person_number: int) -> str:
    """A valid NINO with an administrative prefix, no two people's alike below six million people (R18)."""
    prefix, number = divmod(person_number % (len(ADMINISTRATIVE_PREFIXES) * _PER_PREFIX), _PER_PREFIX)
    return f"{ADMINISTRATIVE_PREFIXES[prefix]}{number:06d}{'ABCD'[person_number % 4]}"


@dataclass(frozen=True)
class People:
    """The people of a block: both files, and what other files need to know of them."""

    parties: pa.Table
    cis: pa.Table
    party_id: pa.Array
    nino: pa.Array


def make_people(
    rng: np.random.Generator, numbers: Ints, paying: Flags, needs_benefit: Flags, today: int
) -> People:
    """One csa_parties row and one cis_persons row for each person number.

    ``paying``: paying parents, the only ones who may live overseas (a receiving parent abroad has no region).
    ``needs_benefit``: people who must have a live benefit on CIS.
    """
    count = len(numbers)
    party_id = numbered("P", numbers, 8)
    nino = ninos(numbers)
    forename = rng.integers(0, len(FORENAMES), count)
    surname = rng.integers(0, len(SURNAMES), count)
    born = today - rng.integers(27 * 365, 68 * 365, count)
    place = rng.integers(0, len(PLACES), count)
    chance = rng.random((6, count), dtype=np.float32)

    overseas = paying & (chance[0] < 0.008)
    lives_in = rng.integers(0, len(OVERSEAS), count)
    abroad = pick(OVERSEAS, lives_in)
    postcode_abroad = pick([ISLAND_POSTCODES.get(country) for country in OVERSEAS], lives_in)
    dead = chance[1] < 0.003
    represented = chance[2] < 0.02
    with_address = represented & (chance[3] < 0.9)
    careless = chance[4] < 0.01  # typed without its space, and small; a NINO with spaces
    postcode = _POSTCODES.take(pa.array(place))
    phone = numbered("01134960", numbers % 1000, 3)

    parties = table_of(
        "csa_parties",
        count,
        {
            "party_id": party_id,
            "title": pick(("Mr", "Ms", "Mrs", "Miss", "Dr", None), rng.integers(0, 6, count)),
            "forenames": _FORENAMES_CSA.take(pa.array(forename)),
            "surname": _SURNAMES_CSA.take(pa.array(surname)),
            "date_of_birth": days(born),
            "date_of_death": days(today - rng.integers(1, 900, count), ~dead),
            "nino": _changed(nino, careless, _spaced),
            "address_line_1": pc.binary_join_element_wise(
                pick(_HOUSE_NUMBERS, rng.integers(0, len(_HOUSE_NUMBERS), count)),
                pick(STREETS, rng.integers(0, len(STREETS), count)),
                " ",
            ),
            "address_line_2": _TOWNS.take(pa.array(place)),
            "postcode": pc.if_else(
                pa.array(overseas), postcode_abroad, _changed(postcode, careless, _run_together)
            ),
            "country": pc.if_else(pa.array(overseas), abroad, _COUNTRIES.take(pa.array(place))),
            "phone": phone,
            "email": pc.binary_join_element_wise(party_id, pa.scalar("example.org"), "@"),
            "dlo": chance[5] < 0.01,
            "representative_name": unless(~represented, pa.repeat("Citizens Advice", count)),
            "representative_address_line_1": unless(~with_address, pa.repeat("1 Help Street", count)),
            "representative_address_line_2": unless(~with_address, pa.repeat("Leeds", count)),
            "representative_postcode": unless(~with_address, pa.repeat("LS2 7EW", count)),
        },
    )
    return People(
        parties, _cis(rng, nino, forename, surname, born, needs_benefit), party_id=party_id, nino=nino
    )


def _cis(
    rng: np.random.Generator, nino: pa.Array, forename: Ints, surname: Ints, born: Ints, needs_benefit: Flags
) -> pa.Table:
    count = len(nino)
    chance = rng.random((3, count), dtype=np.float32)
    old_way = pa.array(chance[0] < 0.6)
    has_benefit = needs_benefit | (chance[1] < 0.15)
    live = needs_benefit | (has_benefit & (chance[2] < 0.8))
    benefit = pick(("JSA", "ESA", "IS", "PC", "UC"), rng.integers(0, 5, count))
    weekly = rng.integers(5000, 12000, count)
    return table_of(
        "cis_persons",
        count,
        {
            "nino": nino,
            "forenames": pc.if_else(
                old_way, _FORENAMES_CIS.take(pa.array(forename)), _FORENAMES_CSA.take(pa.array(forename))
            ),
            "surname": pc.if_else(
                old_way, _SURNAMES_CIS.take(pa.array(surname)), _SURNAMES_CSA.take(pa.array(surname))
            ),
            "date_of_birth": days(born),
            "interest_registered": chance[2] < 0.2,
            "benefit_code": unless(~has_benefit, benefit),
            "benefit_live": live,
            "benefit_weekly_pence": pa.array(weekly, mask=~has_benefit),
        },
    )


_HOUSE_NUMBERS = pa.array([str(number) for number in range(1, 200)])


def _changed(texts: pa.Array, chosen: Flags, change: Callable[[pa.Array], pa.Array]) -> pa.Array:
    mask = pa.array(chosen)
    return pc.replace_with_mask(texts, mask, change(texts.filter(mask)))


def _spaced(nino: pa.Array) -> pa.Array:
    parts = [pc.utf8_slice_codeunits(nino, start, start + 2) for start in (0, 2, 4, 6)]
    return pc.binary_join_element_wise(*parts, pc.utf8_slice_codeunits(nino, 8, 9), " ")


def _run_together(postcode: pa.Array) -> pa.Array:
    return pc.ascii_lower(pc.replace_substring(postcode, " ", ""))
