from odoo.exceptions import UserError


def check_transition(records, transitions: dict[str, set[str]], state: str) -> None:
    """Refuse to let `records` go over to `state` where one of them cannot; `transitions`: by state, what may follow it.

    Raises UserError naming the record, its state and the other.
    """
    for record in records:
        if state not in transitions[record.state]:
            labels = dict(record._fields["state"]._description_selection(record.env))
            raise UserError(
                record.env._(
                    "%(record)s is “%(now)s” and cannot become “%(then)s”.",
                    record=record.display_name,
                    now=labels[record.state],
                    then=labels[state],
                )
            )
