from . import portal
from . import portal_amendment
from . import portal_address
from . import portal_certificate
