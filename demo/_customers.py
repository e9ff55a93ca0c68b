"""Who the demonstration company works for, and where. Every name is invented."""

from dataclasses import dataclass

BUSINESS, PUBLIC, SYNDICATE, CONSUMER = "business", "public_body", "non_professional", "consumer"


@dataclass(frozen=True)
class Site:
    code: str
    name: str
    street: str
    zip: str
    city: str
    access: str = ""
    access_code: str = ""


@dataclass(frozen=True)
class Customer:
    key: str
    name: str
    category: str
    street: str
    zip: str
    city: str
    sites: tuple[Site, ...]
    email: str = ""
    payment: str = "net30"
    country: str = "FR"
    managers: tuple[str, ...] = ()  # in turn, the last one since this year: keys of customers, or other names
    pricelist: bool = False
    order_required: bool = False  # refuses invoices without its own order number


def at(code, name, street, zip_code, city, access="", access_code=""):
    return Site(code, name, street, zip_code, city, access, access_code)


OFFICES = (
    Customer(
        "PON",
        "Atelier Pondevaux Architectes",
        BUSINESS,
        "9 rue du Merle-Bleu",
        "69007",
        "Lyon",
        (
            at(
                "PON-01",
                "Atelier de Lyon",
                "9 rue du Merle-Bleu",
                "69007",
                "Lyon",
                "Badge à retirer à l'accueil",
                "A1904",
            ),
            at("PON-02", "Studio de Villeurbanne", "31 cours des Trois-Lanternes", "69100", "Villeurbanne"),
        ),
        email="comptabilite@pondevaux.invalid",
    ),
    Customer(
        "LES",
        "Cabinet Lestrandelle Conseil",
        BUSINESS,
        "52 quai des Loutres",
        "69002",
        "Lyon",
        (
            at("LES-01", "Siège", "52 quai des Loutres", "69002", "Lyon", "Gardien de 6 h à 20 h"),
            at("LES-02", "Bureau de Vienne", "4 place du Cadran-Neuf", "38200", "Vienne"),
            at("LES-03", "Bureau de Mâcon", "17 rue du Vieux-Tilleul-Creux", "71000", "Mâcon"),
        ),
        email="factures@lestrandelle.invalid",
        payment="eom45",
    ),
    Customer(
        "QUE",
        "Laboratoires Quercynelle",
        BUSINESS,
        "120 avenue des Hélices",
        "69500",
        "Bron",
        (
            at(
                "QUE-01",
                "Site de production",
                "120 avenue des Hélices",
                "69500",
                "Bron",
                "Habillage obligatoire, sas nord",
            ),
            at("QUE-02", "Laboratoire d'analyses", "122 avenue des Hélices", "69500", "Bron", "Sas sud", "7731B"),
            at("QUE-03", "Entrepôt", "8 chemin de la Grue-Cendrée", "69200", "Vénissieux"),
        ),
        email="fournisseurs@quercynelle.invalid",
        payment="eom45",
    ),
    Customer(
        "GRI",
        "Imprimerie Grillonval",
        BUSINESS,
        "6 impasse de la Presse-à-Bras",
        "42000",
        "Saint-Étienne",
        (
            at("GRI-01", "Atelier d'impression", "6 impasse de la Presse-à-Bras", "42000", "Saint-Étienne"),
            at("GRI-02", "Bureaux", "8 impasse de la Presse-à-Bras", "42000", "Saint-Étienne"),
        ),
    ),
    Customer(
        "COR",
        "Transports Corbelune",
        BUSINESS,
        "2 boulevard des Quatre-Essieux",
        "26000",
        "Valence",
        (
            at(
                "COR-01",
                "Plateforme de Valence",
                "2 boulevard des Quatre-Essieux",
                "26000",
                "Valence",
                "Poste de garde",
            ),
            at("COR-02", "Agence de Grenoble", "77 rue du Tachygraphe", "38000", "Grenoble"),
            at("COR-03", "Agence de Chambéry", "15 allée du Col-Perdu", "73000", "Chambéry"),
            at("COR-04", "Parking poids lourds", "4 boulevard des Quatre-Essieux", "26000", "Valence"),
        ),
        email="compta@corbelune.invalid",
    ),
    Customer(
        "BRI",
        "Mutuelle Brindaloire",
        BUSINESS,
        "200 avenue du Phare-Alpin",
        "69003",
        "Lyon",
        (
            at(
                "BRI-01", "Siège social", "200 avenue du Phare-Alpin", "69003", "Lyon", "PC sécurité, niveau -1", "4417"
            ),
            at("BRI-02", "Agence de Bron", "11 rue du Bouvreuil", "69500", "Bron"),
            at("BRI-03", "Agence d'Écully", "3 place de la Girouette", "69130", "Écully"),
            at("BRI-04", "Agence de Grenoble", "26 rue des Sabliers", "38000", "Grenoble"),
            at("BRI-05", "Agence d'Annecy", "40 quai de l'Ondine", "74000", "Annecy"),
        ),
        email="factures@brindaloire.invalid",
        payment="eom45",
    ),
    Customer(
        "TES",
        "Foncière Tessandrine",
        BUSINESS,
        "1 place du Gnomon",
        "69006",
        "Lyon",
        (
            at("TES-01", "Immeuble Le Gnomon", "1 place du Gnomon", "69006", "Lyon", "Badge 12, loge", "B2207"),
            at("TES-02", "Immeuble L'Astrolabe", "14 rue de l'Astrolabe", "69006", "Lyon", "Loge", "B2208"),
            at("TES-03", "Immeuble Le Sextant", "28 rue du Sextant-Doré", "69100", "Villeurbanne"),
            at("TES-04", "Parc d'activités des Libellules", "5 chemin des Libellules", "69200", "Vénissieux"),
            at("TES-05", "Immeuble La Boussole", "63 cours de la Boussole", "38000", "Grenoble"),
            at("TES-06", "Immeuble Le Compas", "9 rue du Compas-d'Or", "73000", "Chambéry"),
            at("TES-07", "Galerie des Verriers", "22 passage des Verriers-de-Lune", "42000", "Saint-Étienne"),
            at("TES-08", "Immeuble L'Équerre", "70 avenue de l'Équerre", "01000", "Bourg-en-Bresse"),
        ),
        email="exploitation@tessandrine.invalid",
        payment="eom45",
    ),
)

CO_OWNERSHIPS = (
    Customer(
        "ARC",
        "Cabinet Arcadielle, syndic de copropriétés",
        BUSINESS,
        "18 rue du Porche-Rond",
        "69004",
        "Lyon",
        (
            at("ARC-01", "Agence", "18 rue du Porche-Rond", "69004", "Lyon"),
            at("ARC-02", "Salle d'assemblées", "20 rue du Porche-Rond", "69004", "Lyon", "Clés à l'agence"),
        ),
        email="comptabilite@arcadielle.invalid",
    ),
    Customer(
        "GLY",
        "SDC Résidence Les Glycines Bleues",
        SYNDICATE,
        "3 allée des Glycines-Bleues",
        "69300",
        "Caluire-et-Cuire",
        (
            at("GLY-A", "Bâtiment A", "3 allée des Glycines-Bleues", "69300", "Caluire-et-Cuire", "Hall A", "19B74"),
            at("GLY-B", "Bâtiment B", "5 allée des Glycines-Bleues", "69300", "Caluire-et-Cuire", "Hall B", "19B75"),
        ),
        email="glycines@arcadielle.invalid",
        managers=("ARC",),
        pricelist=True,
    ),
    Customer(
        "HIR",
        "SDC Le Clos des Hirondelles d'Airain",
        SYNDICATE,
        "41 rue du Nid-d'Airain",
        "69100",
        "Villeurbanne",
        (
            at("HIR-1", "Escaliers 1 et 2", "41 rue du Nid-d'Airain", "69100", "Villeurbanne", "Vigik", "0421"),
            at("HIR-2", "Parking et jardins", "43 rue du Nid-d'Airain", "69100", "Villeurbanne"),
        ),
        email="hirondelles@arcadielle.invalid",
        managers=("ARC",),
        pricelist=True,
    ),
    Customer(
        "MIR",
        "SDC Villa Mirabellune",
        SYNDICATE,
        "7 montée de la Mirabellune",
        "69005",
        "Lyon",
        (at("MIR-1", "Villa", "7 montée de la Mirabellune", "69005", "Lyon"),),
        managers=("ARC",),
    ),
    Customer(
        "TER",
        "SDC Les Terrasses du Moulin Rêveur",
        SYNDICATE,
        "10 chemin du Moulin-Rêveur",
        "69130",
        "Écully",
        (
            at("TER-1", "Terrasses nord", "10 chemin du Moulin-Rêveur", "69130", "Écully"),
            at("TER-2", "Terrasses sud", "12 chemin du Moulin-Rêveur", "69130", "Écully"),
        ),
        email="moulin@arcadielle.invalid",
        managers=("ARC",),
    ),
    Customer(
        "BER",
        "SDC Le Hameau de la Bergeronnette Grise",
        SYNDICATE,
        "2 sentier de la Bergeronnette",
        "38200",
        "Vienne",
        (
            at("BER-1", "Maisons 1 à 8", "2 sentier de la Bergeronnette", "38200", "Vienne"),
            at("BER-2", "Maisons 9 à 16", "20 sentier de la Bergeronnette", "38200", "Vienne"),
        ),
        managers=("ARC",),
    ),
    Customer(
        "ECU",
        "SDC Le Parc aux Trois Écureuils",
        SYNDICATE,
        "88 avenue des Trois-Écureuils",
        "69008",
        "Lyon",
        (
            at("ECU-A", "Tour A", "88 avenue des Trois-Écureuils", "69008", "Lyon", "Loge du gardien"),
            at("ECU-B", "Tour B", "90 avenue des Trois-Écureuils", "69008", "Lyon", "Loge du gardien"),
        ),
        email="conseil@trois-ecureuils.invalid",
        managers=("Régie Balandrine", "ARC"),
    ),
)

SHOPS = (
    Customer(
        "PET",
        "Boulangerie Pétrinelle",
        BUSINESS,
        "12 place du Four-Banal-Bleu",
        "69001",
        "Lyon",
        (at("PET-01", "Boutique et fournil", "12 place du Four-Banal-Bleu", "69001", "Lyon", "Livraison par la cour"),),
        payment="receipt",
    ),
    Customer(
        "OPT",
        "Optique Mirolune",
        BUSINESS,
        "33 rue de la Lentille-d'Argent",
        "69002",
        "Lyon",
        (
            at("OPT-01", "Magasin de Lyon", "33 rue de la Lentille-d'Argent", "69002", "Lyon"),
            at("OPT-02", "Magasin de Bron", "5 place du Kaléidoscope", "69500", "Bron"),
        ),
        email="bonjour@mirolune.invalid",
    ),
    Customer(
        "BOC",
        "Épiceries Bocalune",
        BUSINESS,
        "71 rue des Bocaux-Ronds",
        "69100",
        "Villeurbanne",
        (
            at(
                "BOC-01",
                "Magasin de Villeurbanne",
                "71 rue des Bocaux-Ronds",
                "69100",
                "Villeurbanne",
                "Rideau métallique",
                "5512",
            ),
            at("BOC-02", "Magasin de Lyon", "6 rue du Bigarreau", "69003", "Lyon"),
            at("BOC-03", "Magasin de Vénissieux", "19 place de la Cardamome", "69200", "Vénissieux"),
            at("BOC-04", "Magasin de Grenoble", "48 cours du Safran", "38000", "Grenoble"),
            at("BOC-05", "Magasin de Saint-Étienne", "2 rue de la Réglisse", "42000", "Saint-Étienne"),
        ),
        order_required=True,
        email="siege@bocalune.invalid",
    ),
    Customer(
        "PHA",
        "Pharmacie Ravignolle",
        BUSINESS,
        "4 place du Mortier-Bleu",
        "69300",
        "Caluire-et-Cuire",
        (at("PHA-01", "Officine", "4 place du Mortier-Bleu", "69300", "Caluire-et-Cuire"),),
    ),
    Customer(
        "OND",
        "Coiffure Ondinelle",
        BUSINESS,
        "15 rue du Peigne-Perdu",
        "69009",
        "Lyon",
        (at("OND-01", "Salon", "15 rue du Peigne-Perdu", "69009", "Lyon"),),
        email="salon@ondinelle.invalid",
    ),
)

OTHERS = (
    Customer(
        "COM",
        "Commune de Montaubreuil-les-Sources",
        PUBLIC,
        "1 place de la Source-Haute",
        "01999",
        "Montaubreuil-les-Sources",
        (
            at("COM-01", "Hôtel de ville", "1 place de la Source-Haute", "01999", "Montaubreuil-les-Sources"),
            at(
                "COM-02",
                "École des Sources",
                "8 rue de l'Encrier",
                "01999",
                "Montaubreuil-les-Sources",
                "Hors temps scolaire",
            ),
            at("COM-03", "Gymnase", "12 allée du Tremplin", "01999", "Montaubreuil-les-Sources", "Clé en mairie"),
            at("COM-04", "Médiathèque", "3 rue du Marque-Page", "01999", "Montaubreuil-les-Sources", "Alarme", "8860"),
            at("COM-05", "Crèche", "5 rue de l'Encrier", "01999", "Montaubreuil-les-Sources"),
        ),
        email="finances@montaubreuil.invalid",
    ),
    Customer(
        "LOU",
        "Association sportive Les Loutres de Veyrane",
        SYNDICATE,
        "30 chemin du Plongeoir",
        "74000",
        "Annecy",
        (at("LOU-01", "Club nautique", "30 chemin du Plongeoir", "74000", "Annecy"),),
        email="tresorier@loutres-veyrane.invalid",
    ),
    Customer(
        "FER",
        "Odile Ferrandoux",
        CONSUMER,
        "5 rue du Vieux-Puits-Vert",
        "69300",
        "Caluire-et-Cuire",
        (at("FER-1", "Domicile", "5 rue du Vieux-Puits-Vert", "69300", "Caluire-et-Cuire", "Clé chez la voisine"),),
        payment="receipt",
    ),
    Customer(
        "BAS",
        "Bastien Corlandelle",
        CONSUMER,
        "27 chemin des Trois-Cognassiers",
        "69130",
        "Écully",
        (at("BAS-1", "Maison", "27 chemin des Trois-Cognassiers", "69130", "Écully", "Portail", "1302"),),
        email="bastien@corlandelle.invalid",
        payment="receipt",
    ),
    Customer(
        "TAI",
        "Yvonne Taillandrelle",
        CONSUMER,
        "14 rue de la Tabatière",
        "69008",
        "Lyon",
        (at("TAI-1", "Appartement, 2e étage", "14 rue de la Tabatière", "69008", "Lyon", "Boîte à clés", "3690"),),
        email="yvonne@taillandrelle.invalid",
        payment="receipt",
    ),
    Customer(
        "HOR",
        "Horlogerie Vacherolle SA",
        BUSINESS,
        "8 rue du Ressort-Spiral",
        "1204",
        "Genève",
        (at("HOR-01", "Atelier d'Annemasse", "16 rue de l'Échappement", "74100", "Annemasse"),),
        email="compta@vacherolle.invalid",
        country="CH",
    ),
)

CUSTOMERS = (*OFFICES, *CO_OWNERSHIPS, *SHOPS, *OTHERS)
