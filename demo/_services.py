"""What the demonstration company sells: activities with their contract type, and services."""

from dataclasses import dataclass

NORMAL, INTERMEDIATE, REDUCED = "normale", "intermediaire", "reduite"  # VAT 20, 10 and 5.5 %


@dataclass(frozen=True)
class Activity:
    """`account`: suffix of the income account 706…; `terms`: the schedule of its contract type."""

    key: str
    name: str
    account: str
    terms: dict
    services: tuple[str, ...]  # those its contract type proposes


@dataclass(frozen=True)
class Service:
    key: str
    name: str
    activity: str
    price: float
    vat: str = NORMAL
    unit: str = "unit"
    housing_works: bool = False
    account: str = ""
    description: str = ""


ACTIVITIES = (
    Activity(
        "cleaning",
        "Nettoyage",
        "100",
        {"recurrence_unit": "month", "timing": "arrears", "alignment": "calendar", "grouping": "contract"},
        ("bureaux", "vitrerie"),
    ),
    Activity(
        "hvac",
        "Maintenance CVC",
        "200",
        {"recurrence_unit": "quarter", "timing": "advance", "alignment": "calendar", "grouping": "sections"},
        ("cvc",),
    ),
    Activity(
        "guarding",
        "Gardiennage",
        "300",
        {
            "recurrence_unit": "month",
            "timing": "arrears",
            "alignment": "calendar",
            "grouping": "site",
            "issue_method": "offset",
            "issue_offset": 3,
        },
        ("agent", "telesurveillance"),
    ),
    Activity(
        "gardening",
        "Espaces verts",
        "400",
        {"recurrence_unit": "month", "timing": "arrears", "alignment": "anniversary", "grouping": "customer"},
        ("espaces-verts", "tonte"),
    ),
    Activity(
        "home",
        "Services à domicile",
        "500",
        {"recurrence_unit": "month", "timing": "arrears", "alignment": "calendar", "grouping": "contract"},
        ("menage",),
    ),
    Activity(
        "concierge",
        "Conciergerie",
        "600",
        {
            "recurrence_unit": "month",
            "timing": "advance",
            "alignment": "calendar",
            "grouping": "contract",
            "issue_method": "day_before",
            "issue_day": 25,
        },
        ("accueil", "colis"),
    ),
)

SERVICES = (
    Service(
        "bureaux", "Nettoyage de bureaux", "cleaning", 640, description="Prestation mensuelle, 5 passages par semaine"
    ),
    Service("vitrerie", "Lavage de vitrerie", "cleaning", 310),
    Service("magasin", "Nettoyage de surfaces de vente", "cleaning", 520),
    Service("communes", "Entretien des parties communes", "cleaning", 385),
    Service("conteneurs", "Sortie et rentrée des conteneurs", "cleaning", 118),
    Service("parking", "Balayage mécanisé de parking", "cleaning", 240),
    Service("salle-blanche", "Nettoyage en zone à atmosphère contrôlée", "cleaning", 38.5, unit="hour"),
    Service("consommables", "Consommables sanitaires, par poste", "cleaning", 14.9),
    Service("mise-en-place", "Mise en place du chantier de nettoyage", "cleaning", 450),
    Service(
        "cvc", "Maintenance préventive de CVC", "hvac", 920, description="Visites, filtres et compte rendu compris"
    ),
    Service("froid", "Maintenance de groupe froid", "hvac", 480),
    Service("ventilation", "Entretien de la ventilation mécanique", "hvac", 265),
    Service("chaudiere", "Entretien de chaudière collective", "hvac", 540, INTERMEDIATE, housing_works=True),
    Service("pompe-a-chaleur", "Entretien de pompe à chaleur", "hvac", 210, REDUCED, housing_works=True),
    Service("mise-en-service", "Mise en service de la télégestion", "hvac", 780),
    Service("agent", "Agent de sécurité", "guarding", 27.35, unit="hour"),
    Service("ronde", "Ronde de surveillance", "guarding", 34.9),
    Service("telesurveillance", "Télésurveillance", "guarding", 89),
    Service("alarme", "Installation de la centrale d'alarme", "guarding", 1150),
    Service("espaces-verts", "Entretien des espaces verts", "gardening", 430),
    Service("tonte", "Tonte de pelouse", "gardening", 0.085, description="Au mètre carré entretenu"),
    Service("taille", "Taille de haies et d'arbustes", "gardening", 365),
    Service("arrosage", "Installation de l'arrosage automatique", "gardening", 1890),
    Service("menage", "Ménage à domicile", "home", 31.8, INTERMEDIATE, unit="hour"),
    Service("assistance", "Assistance aux gestes du quotidien", "home", 29.4, REDUCED, unit="hour"),
    Service("repas", "Portage de repas", "home", 13.2, INTERMEDIATE),
    Service("dossier", "Évaluation à domicile et ouverture du dossier", "home", 65, INTERMEDIATE),
    Service("accueil", "Accueil et conciergerie d'entreprise", "concierge", 1480),
    Service("colis", "Gestion des colis et du courrier", "concierge", 190),
    Service("salles", "Préparation des salles de réunion", "concierge", 42),
    Service("tapis", "Location de tapis d'accueil", "concierge", 36, account="708300"),
)
