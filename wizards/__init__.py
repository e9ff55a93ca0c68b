from . import account_move_reversal
from . import contract_activation
from . import deposit_deduction
from . import guarantee_return
from . import line_change
from . import revenue_statement
from . import ereporting_check
from . import renewal_refusal
