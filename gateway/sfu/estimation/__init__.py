"""How much one viewer's network carries: send-side estimation after draft-ietf-rmcat-gcc-02.

`SendSideEstimator` is what the rest of the SFU talks to; the other modules are its parts.
"""

from gateway.sfu.estimation.estimator import SendSideEstimator
from gateway.sfu.estimation.probe import ProbePlan

__all__ = ["ProbePlan", "SendSideEstimator"]
