"""What the parts of the loader share."""

from datetime import date

LANGUAGE = "fr_FR"
MODULE = "multiservice_demo"  # of the external identifiers


class Book:
    """The company being made, as of `today`, and all records made for it by kind and key."""

    def __init__(self, env, company, today: date):
        self.env, self.company, self.today = env, company, today
        self.chart = env["account.chart.template"].with_company(company)
        self.records: dict[str, object] = {}

    def keep(self, kind: str, keys, records) -> None:
        self.records |= {f"{kind}_{key}": record for key, record in zip(keys, records, strict=True)}

    def get(self, kind: str, key: str):
        return self.records[f"{kind}_{key}"]

    def tax(self, vat: str):
        """The sales tax on services at that rate, due when the customer pays."""
        return self.chart.ref(f"tva_{vat}_encaissement")

    def publish(self) -> None:
        """Give the records external identifiers, by which a second call and other programs find them."""
        self.env["ir.model.data"]._update_xmlids(
            [
                {"xml_id": f"{MODULE}.{name}", "record": record, "noupdate": True}
                for name, record in {"company": self.company, **self.records}.items()
            ]
        )
