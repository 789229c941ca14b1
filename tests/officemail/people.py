"""Who writes in the made-up office: customers, colleagues, confidential correspondents, her family. Addresses only of .test."""

HER = "anna@corp.test"
COLLEAGUES = tuple(f"{name}@corp.test" for name in ("bob", "carla", "dirk", "els", "fred", "gerda", "hans", "ilse"))
CUSTOMERS = (
    *(
        "Bakkerij Jansen",
        "Élan Interieur",
        "Van der Meer Transport",
        "De Privé BV",
        "Organisatiebureau Noord",
        "Stadsbouw",
        "Kwekerij Zonneveld",
    ),
    *(
        "Northwind Traders",
        "Acme Fittings",
        "Blue Harbour Ltd",
        "OR-Gate Electronics",
        "Personal Computing Ltd",
        "Müller Maschinenbau",
    ),
    *(
        "Atelier du Nord",
        "Waterschap Vallei",
        "Gemeente Lanen",
        "Drukkerij De Haan",
        "Fietsenfabriek",
        "Hotel Zeezicht",
        "Brouwerij De Ster",
    ),
)
FIRST = (
    "Jan",
    "Marie",
    "Pieter",
    "Sophie",
    "Tom",
    "Linda",
    "Karel",
    "Emma",
    "Youssef",
    "Fatima",
    "Łukasz",
    "Zoë",
    "Björn",
    "Aoife",
)
LAST = ("Jansen", "de Boer", "van Dijk", "Smith", "Müller", "O'Neill", "Çelik", "Nguyen", "Peeters", "García", "Zażółć")

CONFIDENTIAL = (
    *(
        "spreekuur@arbo.test",
        "dr.visser@arbo.test",
        "verzuim@nl.arbo.test",
        "or@corp.test",
        "or-secretaris@raad.corp.test",
    ),
    *(
        "bestuurder@vakbond.test",
        "leden@regio.vakbond.test",
        "mr.claes@advocaten.test",
        "vertrouwenspersoon@steun.test",
    ),
)
CONFIDENTIAL_NAMED = (
    "@arbo.test",
    "or@corp.test",
    "@raad.corp.test",
    "@vakbond.test",
    "@advocaten.test",
    "@steun.test",
)
FAMILY = ("mama@familie.test", "eva@home.test")
BANK = "berichten@bank.test"
PROTECTED = ("@familie.test", "eva@home.test", "@bank.test")
LOCUM = "locum@corp.test"
LISTS = ("nieuws@vakblad.test", "announce@lists.tools.test", "digest@lists.branche.test")


def domain_of(customer: str) -> str:
    """The domain of a customer."""
    plain = "".join(
        c if c.isascii() and c.isalnum() else "" for c in customer.lower().replace("é", "e").replace("ü", "u")
    )
    return f"{plain}.test"
