from odoo import api, models


class CachedMixin(models.AbstractModel):
    """Records that are few, seldom changed and asked for again and again: what is read of them is kept in the cache of
    the registry (`ormcache`), which every change empties.
    """

    _name = "multiservice.cached.mixin"
    _description = "Records Kept in the Cache"

    @api.model_create_multi
    def create(self, vals_list):
        self.env.registry.clear_cache()
        return super().create(vals_list)

    def write(self, vals):
        self.env.registry.clear_cache()
        return super().write(vals)

    def unlink(self):
        self.env.registry.clear_cache()
        return super().unlink()
