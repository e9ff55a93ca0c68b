"""French identifiers with right checksums that belong to nobody.

SIREN numbers from 000 000 500 on are attributed to no one; no bank has the code 99999; telephone numbers lie in
the ranges that ARCEP keeps for fiction.
"""

FIRST_SIREN = 50  # of eight digits, before the key
BANK, BRANCH = "99999", "00001"


def luhn_key(digits: str) -> str:
    """The digit that, put after `digits`, makes their Luhn sum a multiple of 10."""
    total = 0
    for i, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (2 if i % 2 == 0 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return str(-total % 10)


def siren(number: int) -> str:
    """The `number`-th SIREN of the demonstration."""
    digits = f"{FIRST_SIREN + number:08d}"
    return digits + luhn_key(digits)


def siret(siren_number: str, establishment: int = 1) -> str:
    digits = f"{siren_number}{establishment:04d}"
    return digits + luhn_key(digits)


def vat_number(siren_number: str) -> str:
    return f"FR{(12 + 3 * (int(siren_number) % 97)) % 97:02d}{siren_number}"


def iban(account: int) -> str:
    """A French IBAN for that account number, with the bank's own key and the international one."""
    number = f"{account:011d}"
    key = 97 - (89 * int(BANK) + 15 * int(BRANCH) + 3 * int(number)) % 97
    bban = f"{BANK}{BRANCH}{number}{key:02d}"
    check = 98 - int(f"{bban}152700") % 97  # FR00 moved to the end, F = 15 and R = 27
    return f"FR{check:02d}{bban}"


def phone(number: int, mobile: bool = False) -> str:
    prefix = "+33 6 39 98" if mobile else "+33 1 99 00"
    return f"{prefix} {number // 100 % 100:02d} {number % 100:02d}"
