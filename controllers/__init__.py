from . import portal_address
