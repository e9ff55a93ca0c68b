from . import account_move_reversal
from . import contract_activation
from . import line_change
from . import revenue_statement
