from . import account_move_reversal
from . import billing_preview
from . import contract_activation
from . import line_change
