"""The 80 contracts of the demonstration company, dated from the as-of day backwards."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

DRAFT, POST, SEND, PRINT = "draft", "post", "send", "print"
WEEK, MONTH, QUARTER, HALF_YEAR, YEAR = "week", "month", "quarter", "half_year", "year"

# Contracts with a story of their own.
BROKEN = "OND-1"  # cannot be billed: its income account was archived
TERMINATED_AFTER_BILLING = "BRI-7"  # ends before what was billed in advance: the next run credits
TAKEN_OVER = "LES-4"  # from another system
FOREIGN = "HOR-1"  # in Swiss francs, for a building in France
TO_INFORM = "GLY-1"  # renews itself: its co-owners must be told of it now
REFUSED = "MIR-1"  # its co-owners refused the renewal
AIDED = "TAI-1"  # a department pays a part of its hours
ADVANCED = "FER-2"  # its tax credit is advanced
REVISED = "BRI-3"  # its prices are to be revised by an index
MEASURED = "QUE-2"  # a quantity measured each month, by tiers
BANKED = "PON-2"  # hours taken from a bank


@dataclass(frozen=True)
class Line:
    """A line on a site, or with `heading` a section or a note. `vals` are values of the record."""

    service: str = ""
    site: str = ""
    price: float | None = None  # None: the list price
    heading: str = ""
    vals: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Replacement:
    """The first service line goes on from `day` with `vals` changed."""

    day: date
    vals: dict[str, Any]


@dataclass(frozen=True)
class Contract:
    key: str
    activity: str
    title: str
    start: date
    lines: tuple[Line, ...]
    mode: str
    vals: dict[str, Any]
    end: date | None = None
    replacement: Replacement | None = None

    @property
    def customer(self) -> str:
        return self.key.partition("-")[0]


def month_start(day: date, before: int = 0) -> date:
    """First of the month, `before` months earlier."""
    year, month = divmod(day.year * 12 + day.month - 1 - before, 12)
    return date(year, month + 1, 1)


def service(name: str, site: str, price: float | None = None, **vals: Any) -> Line:
    return Line(name, site, price, vals=vals)


def section(text: str) -> Line:
    return Line(heading=text, vals={"display_type": "line_section"})


def note(text: str) -> Line:
    return Line(heading=text, vals={"display_type": "line_note"})


def one_off(name: str, site: str, price: float | None = None, **vals: Any) -> Line:
    return Line(name, site, price, vals={"pricing": "one_off", **vals})


def flat(name: str, site: str, price: float | None = None, **vals: Any) -> Line:
    return Line(name, site, price, vals={"pricing": "flat", **vals})


def own(unit: str, timing: str, **vals: Any) -> dict[str, Any]:
    """Values of a line with its own schedule."""
    return {"own_schedule": True, "recurrence_unit": unit, "timing": timing, "alignment": "calendar", **vals}


def contracts(today: date) -> list[Contract]:
    def month(before: int) -> date:
        return month_start(today, before)

    def day(before: int) -> date:
        return today - timedelta(days=before)

    return [
        *_cleaning(month, day),
        *_hvac(month, day),
        *_guarding(month, day),
        *_gardening(month, day),
        *_home(month, day),
        *_concierge(month, day),
    ]


Back = Callable[[int], date]


def _cleaning(month: Back, day: Back) -> list[Contract]:
    def of(key, title, start, mode, *lines, end=None, replacement=None, **vals):
        return Contract(key, "cleaning", title, start, lines, mode, vals, end, replacement)

    return [
        of(
            "PON-1", "Nettoyage des locaux", month(3), SEND,
            flat("bureaux", "PON-01", 780), flat("bureaux", "PON-02", 540),
            service("vitrerie", "PON-01", 290, **own(QUARTER, "arrears")),
            note("Vitrerie : intérieur et extérieur, une fois par trimestre civil."),
            grouping="sections",
        ),
        of(
            "LES-1", "Nettoyage du siège", month(2), SEND,
            section("Prestations régulières"), flat("bureaux", "LES-01", 1120),
            service("consommables", "LES-01", quantity=12),
            section("Prestations ponctuelles"), one_off("mise-en-place", "LES-01"),
            order_reference="CMD-2231",
        ),
        of(
            "LES-2", "Nettoyage des bureaux de Vienne et de Mâcon", month(2), SEND,
            flat("bureaux", "LES-02", 410), flat("bureaux", "LES-03", 395),
            grouping="site",
        ),
        of(
            TAKEN_OVER, "Nettoyage de l'annexe du siège", month(31), POST,
            flat("bureaux", "LES-01", 260), flat("vitrerie", "LES-01", 140),
            billed_until=month(2) - timedelta(days=1),
        ),
        of(
            "QUE-1", "Nettoyage des zones à atmosphère contrôlée", month(2), SEND,
            service("salle-blanche", "QUE-01", quantity=86.5), service("salle-blanche", "QUE-02", quantity=41.25),
            note("Heures contractuelles ; produits et consommables compris."),
            market_reference="ACC-CADRE-17", order_reference="QUE/4500",
        ),
        of(
            "QUE-2", "Nettoyage des bureaux et de l'entrepôt", month(2), SEND,
            flat("bureaux", "QUE-01", 890), flat("parking", "QUE-03", 320, discount=5),
            order_reference="QUE/4501",
        ),
        of(
            "GRI-1", "Nettoyage de l'atelier", day(75), PRINT,
            flat("bureaux", "GRI-02", 430), service("consommables", "GRI-02", quantity=4),
            first_partial="full",
        ),
        of(
            "COR-1", "Nettoyage des agences", month(1), SEND,
            flat("bureaux", "COR-01", 690), flat("bureaux", "COR-02", 360), flat("bureaux", "COR-03", 345),
            grouping="sections",
            replacement=Replacement(month(0) - timedelta(days=10), {"price_unit": 735.0}),
        ),
        of(
            "BRI-1", "Nettoyage du siège et des agences", month(2), SEND,
            flat("bureaux", "BRI-01", 3850), flat("bureaux", "BRI-02", 420), flat("bureaux", "BRI-03", 430),
            flat("bureaux", "BRI-04", 465), flat("bureaux", "BRI-05", 455),
            grouping="sections", order_reference="BRI-ACH-0093",
        ),
        of(
            "BRI-2", "Vitrerie des agences", month(4), POST,
            service("vitrerie", "BRI-02", 160), service("vitrerie", "BRI-03", 165),
            service("vitrerie", "BRI-04", 180), service("vitrerie", "BRI-05", 175),
            recurrence_unit=QUARTER, grouping="site",
        ),
        of(
            "TES-1", "Parties communes, immeubles de Lyon", month(2), SEND,
            flat("communes", "TES-01", 720), flat("communes", "TES-02", 690), flat("communes", "TES-03", 655),
            grouping="site",
        ),
        of(
            "TES-2", "Parties communes, immeubles des Alpes", month(2), SEND,
            flat("communes", "TES-05", 580), flat("communes", "TES-06", 545), grouping="site",
        ),
        of(
            "TES-3", "Galerie des Verriers", month(2), POST,
            flat("magasin", "TES-07", 1340), service("vitrerie", "TES-07", 480, **own(MONTH, "advance")),
            per_period=True,
        ),
        of(
            "TES-4", "Parkings du parc des Libellules", day(84), SEND,
            service("parking", "TES-04", 115),
            recurrence_unit=WEEK, recurrence_interval=2, alignment="calendar", per_period=True,
        ),
        of("ARC-1", "Nettoyage de l'agence", month(2), SEND,
           flat("bureaux", "ARC-01", 510), flat("bureaux", "ARC-02", 180)),
        of("GLY-1", "Entretien des parties communes", month(2), SEND,
           service("communes", "GLY-A"), service("communes", "GLY-B"), service("conteneurs", "GLY-A", quantity=2),
           grouping="customer"),
        of("HIR-1", "Entretien des parties communes", month(2), SEND,
           service("communes", "HIR-1"), service("parking", "HIR-2", **own(QUARTER, "arrears")), grouping="customer"),
        of("MIR-1", "Entretien des parties communes", month(2), PRINT, service("communes", "MIR-1", 295)),
        of("TER-1", "Entretien des parties communes", month(2), SEND,
           service("communes", "TER-1", 410), service("communes", "TER-2", 425), grouping="sections"),
        of("BER-1", "Entretien des parties communes", month(1), PRINT,
           service("communes", "BER-1", 260), service("communes", "BER-2", 260), grouping="sections"),
        of("ECU-1", "Entretien des tours A et B", month(2), DRAFT,
           service("communes", "ECU-A", 880), service("communes", "ECU-B", 905),
           service("conteneurs", "ECU-A", 156, quantity=2), grouping="sections"),
        of("PET-1", "Nettoyage du fournil", day(47), PRINT, flat("magasin", "PET-01", 365), alignment="anniversary"),
        of("OPT-1", "Nettoyage des magasins", month(2), SEND,
           flat("magasin", "OPT-01", 340), flat("magasin", "OPT-02", 295), end=day(20)),
        of("BOC-1", "Nettoyage des magasins de la métropole", month(2), SEND,
           flat("magasin", "BOC-01", 610), flat("magasin", "BOC-02", 480), flat("magasin", "BOC-03", 455),
           grouping="site", order_reference="BOC-77"),
        of("BOC-2", "Nettoyage des magasins de Grenoble et Saint-Étienne", month(1), SEND,
           flat("magasin", "BOC-04", 520), flat("magasin", "BOC-05", 470), grouping="site"),
        of("PHA-1", "Nettoyage de l'officine", month(2), PRINT,
           flat("magasin", "PHA-01", 330), service("consommables", "PHA-01", quantity=3)),
        of("COM-1", "Nettoyage des bâtiments communaux, lot 1", month(2), SEND,
           flat("bureaux", "COM-01", 1260), flat("bureaux", "COM-02", 2180), flat("bureaux", "COM-04", 640),
           grouping="sections", market_reference="2024-NET-01", order_reference="EJ-0001847",
           buyer_reference="SVC-TECH"),
        of("COM-2", "Nettoyage du gymnase et de la crèche, lot 2", month(2), SEND,
           flat("bureaux", "COM-03", 920), flat("bureaux", "COM-05", 780),
           grouping="sections", market_reference="2024-NET-02", order_reference="EJ-0001848",
           buyer_reference="SVC-TECH"),
        of("LOU-1", "Nettoyage du club nautique", month(3), POST,
           flat("bureaux", "LOU-01", 410), recurrence_interval=2, last_partial="free"),
    ]  # fmt: skip


def _hvac(month: Back, day: Back) -> list[Contract]:
    def of(key, title, start, mode, *lines, end=None, replacement=None, **vals):
        return Contract(key, "hvac", title, start, lines, mode, vals, end, replacement)

    statement = month(5)
    return [
        of("PON-2", "Maintenance de la climatisation", month(3), POST, service("cvc", "PON-01", 410)),
        of("LES-3", "Maintenance CVC du siège", day(130), SEND,
           service("cvc", "LES-01", 860), one_off("mise-en-service", "LES-01"), alignment="anniversary"),
        of("QUE-3", "CVC et groupes froids", month(4), SEND,
           service("cvc", "QUE-01", 3480),
           service("froid", "QUE-01", quantity=3), service("froid", "QUE-02", quantity=2),
           order_reference="QUE/4502"),
        of("GRI-2", "Ventilation de l'atelier", month(5), POST,
           service("ventilation", "GRI-01", quantity=2), recurrence_unit=HALF_YEAR, timing="advance"),
        of("COR-2", "Maintenance CVC des agences", month(2), SEND,
           service("cvc", "COR-01", 640), service("cvc", "COR-02", 310), service("cvc", "COR-03", 310),
           grouping="site", first_partial="prorate", proration_basis="thirty"),
        of("BRI-3", "Maintenance CVC du siège", month(8), SEND,
           service("cvc", "BRI-01", 5200), service("froid", "BRI-01", 640, quantity=2),
           recurrence_unit=YEAR, alignment="anniversary", order_reference="BRI-ACH-0094"),
        of("BRI-4", "Maintenance CVC des agences", day(100), SEND,
           service("cvc", "BRI-02", 280), service("cvc", "BRI-03", 285), service("cvc", "BRI-04", 300),
           alignment="day", alignment_day=15, grouping="contract"),
        of("TES-5", "CVC, immeubles de Lyon", month(3), SEND,
           service("cvc", "TES-01", 1240), service("cvc", "TES-02", 1180), service("cvc", "TES-03", 1090),
           grouping="site"),
        of("TES-6", "CVC, autres immeubles", month(3), POST,
           service("cvc", "TES-05", 930), service("cvc", "TES-06", 880), service("cvc", "TES-08", 760),
           grouping="sections"),
        of("GLY-2", "Chaufferie collective", month(3), SEND,
           service("chaudiere", "GLY-A", 615), service("chaudiere", "GLY-B", 640),
           timing="arrears", recurrence_unit=MONTH, housing_works_statement=statement),
        of("HIR-2", "Pompes à chaleur", month(4), SEND,
           service("pompe-a-chaleur", "HIR-1", quantity=4), timing="advance",
           housing_works_statement=statement, grouping="contract"),
        of("TER-2", "Pompes à chaleur des terrasses", month(4), SEND,
           service("pompe-a-chaleur", "TER-1", 198, quantity=6), service("pompe-a-chaleur", "TER-2", 198, quantity=5),
           timing="advance", housing_works_statement=statement),
        of("BER-2", "Chaudières du hameau", month(7), PRINT,
           service("chaudiere", "BER-1", 96, quantity=8), service("chaudiere", "BER-2", 96, quantity=8),
           recurrence_unit=YEAR, alignment="anniversary", timing="advance", housing_works_statement=statement),
        of("ECU-2", "Chaufferie et ventilation", month(2), DRAFT,
           service("chaudiere", "ECU-A", 710), service("ventilation", "ECU-B", 290),
           recurrence_unit=MONTH, timing="arrears", housing_works_statement=statement),
        of("BOC-3", "Froid commercial", month(3), SEND,
           service("froid", "BOC-01", 390), service("froid", "BOC-02", 350), service("froid", "BOC-03", 350),
           grouping="sections", order_reference="BOC-78",
           replacement=Replacement(day(40), {"quantity": 2.0})),
        of("COM-3", "Exploitation de chauffage", month(3), SEND,
           service("cvc", "COM-01", 720), service("cvc", "COM-02", 1310), service("cvc", "COM-03", 1150),
           timing="arrears", recurrence_unit=MONTH, recurrence_interval=1, market_reference="2024-CVC-01",
           order_reference="EJ-0001902", buyer_reference="SVC-BAT"),
        of("BAS-1", "Entretien de pompe à chaleur", month(6), SEND,
           service("pompe-a-chaleur", "BAS-1", 189), recurrence_unit=YEAR, alignment="anniversary",
           timing="advance", housing_works_statement=statement, grouping="contract"),
    ]  # fmt: skip


def _guarding(month: Back, day: Back) -> list[Contract]:
    def of(key, title, start, mode, *lines, end=None, replacement=None, **vals):
        return Contract(key, "guarding", title, start, lines, mode, vals, end, replacement)

    return [
        of("QUE-4", "Gardiennage du site de production", month(2), SEND,
           service("agent", "QUE-01", quantity=304), service("ronde", "QUE-03", quantity=60),
           order_reference="QUE/4503"),
        of("COR-3", "Gardiennage du parking poids lourds", month(2), SEND,
           service("agent", "COR-04", 26.9, quantity=186.75), grouping="contract"),
        of("BRI-5", "Sécurité du siège", month(2), DRAFT,
           service("agent", "BRI-01", quantity=520), service("ronde", "BRI-01", quantity=30), grouping="contract"),
        of("TES-7", "Télésurveillance des immeubles", month(4), SEND,
           service("telesurveillance", "TES-01"), service("telesurveillance", "TES-02"),
           service("telesurveillance", "TES-07", 129), service("telesurveillance", "TES-08"),
           recurrence_unit=QUARTER, timing="advance", issue_method="due", grouping="customer"),
        of("TES-8", "Gardiennage temporaire du chantier L'Équerre", day(58), POST,
           service("agent", "TES-08", 25.8, quantity=24),
           recurrence_unit="day", recurrence_interval=14, alignment="anniversary", issue_method="due",
           grouping="contract", end=day(17)),
        of("OPT-2", "Télésurveillance du magasin de Lyon", month(2), SEND,
           service("telesurveillance", "OPT-01", 74), one_off("alarme", "OPT-01"),
           issue_method="due", timing="advance"),
        of("BOC-4", "Télésurveillance des magasins", month(2), SEND,
           service("telesurveillance", "BOC-01", 69), service("telesurveillance", "BOC-02", 69),
           service("telesurveillance", "BOC-03", 69), service("telesurveillance", "BOC-04", 69),
           service("telesurveillance", "BOC-05", 69), grouping="customer", timing="advance", issue_method="due",
           order_reference="BOC-79"),
        of("PHA-2", "Télésurveillance de l'officine", day(66), PRINT,
           service("telesurveillance", "PHA-01", 79), one_off("alarme", "PHA-01", 990),
           timing="advance", issue_method="due", alignment="anniversary"),
        of("COM-4", "Rondes du gymnase et de la médiathèque", month(2), SEND,
           service("ronde", "COM-03", quantity=22), service("ronde", "COM-04", quantity=22),
           grouping="contract", market_reference="2024-SEC-01", order_reference="EJ-0001955",
           buyer_reference="SVC-TECH"),
        of(FOREIGN, "Télésurveillance et rondes de l'atelier", month(2), POST,
           service("telesurveillance", "HOR-01", 145), service("ronde", "HOR-01", 42.5, quantity=8)),
        of("PET-2", "Télésurveillance de la boutique", month(1), PRINT,
           service("telesurveillance", "PET-01", 59), timing="advance", issue_method="day_after", issue_day=5),
    ]  # fmt: skip


def _gardening(month: Back, day: Back) -> list[Contract]:
    def of(key, title, start, mode, *lines, end=None, replacement=None, **vals):
        return Contract(key, "gardening", title, start, lines, mode, vals, end, replacement)

    return [
        of("QUE-5", "Espaces verts du site", day(70), SEND,
           service("espaces-verts", "QUE-01", 520), service("tonte", "QUE-01", quantity=4200),
           order_reference="QUE/4504"),
        of("GRI-3", "Abords de l'imprimerie", day(95), DRAFT,
           service("espaces-verts", "GRI-01", 210), recurrence_interval=1),
        of("COR-4", "Haies et talus de la plateforme", month(4), SEND,
           service("taille", "COR-01", 640), recurrence_unit=QUARTER, alignment="calendar"),
        of("TES-9", "Parc des Libellules", month(2), SEND,
           service("espaces-verts", "TES-04", 1380), service("tonte", "TES-04", quantity=11500),
           service("taille", "TES-04", 590, **own(HALF_YEAR, "arrears")), alignment="calendar"),
        of("GLY-3", "Jardins", day(64), SEND,
           service("espaces-verts", "GLY-A", 340), service("tonte", "GLY-B", quantity=1650)),
        of("HIR-3", "Jardins et haies", day(45), SEND,
           service("espaces-verts", "HIR-2", 295), one_off("arrosage", "HIR-2")),
        of("TER-3", "Terrasses plantées", day(62), SEND,
           service("espaces-verts", "TER-1", 410), service("espaces-verts", "TER-2", 390), alignment="day",
           alignment_day=31),
        of("BER-3", "Haies du hameau", month(3), PRINT,
           service("taille", "BER-1", 280), service("taille", "BER-2", 280), recurrence_unit=QUARTER,
           alignment="calendar", timing="advance", grouping="site"),
        of("ECU-3", "Parc arboré", day(95), SEND, service("espaces-verts", "ECU-A", 760), alignment="calendar",
           first_partial="free"),
        of("COM-5", "Espaces verts communaux", month(2), SEND,
           service("espaces-verts", "COM-01", 940), service("tonte", "COM-03", quantity=9800),
           service("taille", "COM-02", 410), alignment="calendar", grouping="contract",
           market_reference="2024-EV-01", order_reference="EJ-0001961", buyer_reference="SVC-EV"),
        of("LOU-2", "Berges du club", day(72), POST, service("tonte", "LOU-01", 0.0925, quantity=2310.5)),
        of("BAS-2", "Jardin", month(3), SEND,
           service("espaces-verts", "BAS-1", 145), alignment="calendar", grouping="contract"),
    ]  # fmt: skip


def _home(month: Back, day: Back) -> list[Contract]:
    def of(key, title, start, mode, *lines, end=None, replacement=None, **vals):
        return Contract(key, "home", title, start, lines, mode, vals, end, replacement)

    return [
        of("FER-1", "Ménage hebdomadaire", day(80), PRINT,
           service("menage", "FER-1", quantity=13), one_off("dossier", "FER-1"), first_partial="prorate"),
        of("FER-2", "Portage de repas", month(2), PRINT, service("repas", "FER-1", quantity=22),
           issue_method="day_after", issue_day=1),
        of("TAI-1", "Assistance quotidienne", month(2), SEND,
           service("assistance", "TAI-1", quantity=38.5), service("menage", "TAI-1", quantity=8),
           note("Attestation fiscale annuelle envoyée en janvier.")),
        of("TAI-2", "Portage de repas", day(52), SEND, service("repas", "TAI-1", quantity=26), alignment="anniversary"),
        of("BAS-3", "Ménage bimensuel", month(2), DRAFT, service("menage", "BAS-1", quantity=6)),
    ]  # fmt: skip


def _concierge(month: Back, day: Back) -> list[Contract]:
    def of(key, title, start, mode, *lines, end=None, replacement=None, **vals):
        return Contract(key, "concierge", title, start, lines, mode, vals, end, replacement)

    return [
        of("PON-3", "Accueil partagé", month(2), DRAFT, flat("accueil", "PON-01", 690), flat("colis", "PON-01")),
        of("BRI-6", "Conciergerie du siège", month(2), SEND,
           section("Accueil"), flat("accueil", "BRI-01", 4150), flat("colis", "BRI-01", 380),
           section("Salles"), service("salles", "BRI-01", quantity=24),
           note("Salles : nombre de préparations convenu par mois."),
           order_reference="BRI-ACH-0095"),
        of(TERMINATED_AFTER_BILLING, "Conciergerie de l'agence d'Annecy", day(100), SEND,
           flat("accueil", "BRI-05", 1260), recurrence_unit=QUARTER, alignment="anniversary", issue_method="due"),
        of("TES-10", "Conciergerie du Gnomon et de L'Astrolabe", month(2), POST,
           flat("accueil", "TES-01", 1650), flat("accueil", "TES-02", 1490), grouping="sections"),
        of("ARC-2", "Gestion du courrier", month(3), SEND,
           flat("colis", "ARC-01", 175), last_partial="full", end=month(0) - timedelta(days=12)),
        of(BROKEN, "Tapis d'accueil", month(0), POST, service("tapis", "OND-01", quantity=3), issue_method="due"),
    ]  # fmt: skip
