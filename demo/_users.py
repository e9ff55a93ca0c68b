"""Who works with the demonstration database. Each password is the login."""

from dataclasses import dataclass

BILLING, DIRECTION = "facturation", "direction"
CLIENT_OF = "BRI"  # the customer of which the portal user is a contact


@dataclass(frozen=True)
class Person:
    login: str
    name: str
    groups: tuple[str, ...]  # none: a portal user


PEOPLE = (
    Person(BILLING, "Nadège Fournerelle", ("multiservice.group_billing_user",)),
    Person("planning", "Karim Belvanier", ("multiservice.group_planner",)),
    Person("technicien", "Lucas Morandelle", ("multiservice.group_technician",)),
    Person(DIRECTION, "Hélène Vassorel", ("multiservice.group_manager", "account.group_account_manager")),
    Person("client", "Camille Orvandel", ()),
)
