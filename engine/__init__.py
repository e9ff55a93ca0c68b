"""The rules of billing: pure functions on dates, decimals and frozen dataclasses. No Odoo, no clock."""
