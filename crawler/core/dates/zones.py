"""Zones as dates write them. A name that two countries use for different clocks is never guessed."""

import re
from datetime import timedelta

_MINUTES = {
    "Z": 0, "UTC": 0, "GMT": 0, "UT": 0, "UCT": 0, "WET": 0,
    "WEST": 60, "CET": 60, "MEZ": 60, "MET": 60, "WAT": 60,
    "CEST": 120, "MESZ": 120, "MEST": 120, "EET": 120, "CAT": 120, "SAST": 120,
    "EEST": 180, "MSK": 180, "EAT": 180, "TRT": 180,
    "MSD": 240, "SAMT": 240, "PKT": 300, "YEKT": 300, "UZT": 300,
    "NPT": 345, "OMST": 360, "MMT": 390, "ICT": 420, "WIB": 420, "KRAT": 420, "NOVT": 420,
    "HKT": 480, "SGT": 480, "MYT": 480, "PHT": 480, "WITA": 480, "AWST": 480, "IRKT": 480, "ULAT": 480,
    "JST": 540, "KST": 540, "WIT": 540, "YAKT": 540, "ACST": 570, "AEST": 600, "VLAT": 600, "ACDT": 630, "AEDT": 660,
    "NZST": 720, "NZDT": 780,
    # RFC 5322 names these of North America; CST and MST, which it names too, are China's and Myanmar's as well.
    "EST": -300, "EDT": -240, "CDT": -300, "MDT": -360, "PST": -480, "PDT": -420,
    "AKST": -540, "AKDT": -480, "HST": -600, "NST": -210, "NDT": -150, "ADT": -180,
    "BRT": -180, "ART": -180, "CLT": -240, "COT": -300, "PET": -300, "VET": -240,
}

AMBIGUOUS = frozenset({"BST", "IST", "CST", "MST", "AST", "SST", "GST", "ECT", "AMT", "WST", "BT", "ET", "CT", "MT", "PT", "IRST", "IDT"})
"""Names that are written and tell no single clock: British or Bangladeshi, Indian, Irish or Israeli, …"""

NAMES = frozenset(_MINUTES) | AMBIGUOUS

_FIGURES = re.compile(r"(?:UTC|GMT|UT|Z)?\s*([+-])(\d{1,2})(?::?(\d{2}))?(?::?\d{2})?", re.IGNORECASE)
_WIDEST = 14 * 60


class InvalidZoneError(ValueError):
    """A zone is written that no clock on earth has ("+99:99")."""


def offset(zone: str) -> timedelta | None:
    """The offset from UTC of a zone as written ("Z", "+0300", "GMT+3", "CEST"); None where the name tells none.

    "-0000" is UTC: the moment is stated, only the writer's own clock is not (RFC 5322 3.3).
    """
    figures = _FIGURES.fullmatch(zone.strip())
    if figures is None:
        minutes = _MINUTES.get(zone.strip().upper())
        return None if minutes is None else timedelta(minutes=minutes)
    sign, hours, rest = figures.groups()
    minutes = int(hours) * 60 + int(rest or 0)
    if minutes > _WIDEST or int(rest or 0) > 59:
        raise InvalidZoneError(zone)
    return timedelta(minutes=-minutes if sign == "-" else minutes)
