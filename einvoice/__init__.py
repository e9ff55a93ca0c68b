"""Factur-X without Odoo: the invoice as plain values, its XML, the French rules, and the PDF/A-3b that carries it."""

from .stdnum_shim import restore_resource_reader

restore_resource_reader()
