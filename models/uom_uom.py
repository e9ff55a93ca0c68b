from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import ormcache

from ..einvoice import codes


class UomUom(models.Model):
    _inherit = "uom.uom"

    service_unece_code = fields.Char(
        string="UNECE Code",
        help="The unit's code in electronic invoices (UNECE Recommendation 20, EN 16931 BT-130): MON month, ANN year, "
        "LS lump sum … Empty: as Odoo knows the unit, else C62, a piece.",
    )

    @api.constrains("service_unece_code")
    def _check_service_unece_code(self):
        for unit in self.filtered("service_unece_code"):
            if unit.service_unece_code not in codes.published("unit"):
                raise ValidationError(
                    self.env._("“%s” is no unit code of UNECE Recommendation 20.", unit.service_unece_code)
                )

    def _einvoice_unit(self) -> str:
        """BT-130; a line without unit counts pieces."""
        return self.service_unece_code or self._core_unit(self.id)

    @api.model
    @ormcache("unit_id")
    def _core_unit(self, unit_id: int) -> str:
        """What core makes of the unit's external identifier, which it reads anew for every line."""
        return self.env["account.edi.common"]._get_uom_unece_code(self.browse(unit_id))
