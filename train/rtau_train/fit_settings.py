"""What a recipe says of the optimisation, and which networks it may train in a dense form.

Knows neither torch nor pixels. Part of `rtau_train.recipe`.
"""

from __future__ import annotations

import dataclasses
from typing import Literal

from rtau.errors import ConfigError

# The networks that can be trained in a dense form, and the crops from which their plain maps have
# 7x7 cells, px: on larger crops there is one form only.
DENSE_BELOW_PX = 193
HAVE_DENSE_FORM = (
    *("resnet18", "resnet34", "resnet50", "resnet101"),
    *("mobilenetv2", "efficientnet_b0", "shufflenetv2_x1_0"),
)


@dataclasses.dataclass(frozen=True)
class Fit:
    """The optimisation."""

    seed: int
    epochs: int
    batch: int
    max_lr: float
    """The rate, or its peak with a schedule."""
    optimiser: Literal["adamw", "adam"] = "adamw"
    schedule: Literal["one_cycle", "constant"] = "one_cycle"
    """one_cycle (Smith & Topin 2018) needs `warm_up`; constant is what a paper means that gives
    one rate."""
    warm_up: float = 0.25
    """Share of the steps before the peak."""
    min_lr: float = 0.0
    """Rate of the first layers; those between get rates in equal ratios up to `max_lr` at the head
    (Howard & Ruder 2018). 0: one rate for all."""
    weight_decay: float = 0.0
    epoch_rows: int = 0
    """Pictures of an epoch, drawn anew for each, where all of them would take too long between two
    checkpoints; 0: all."""
    accumulate: int = 1
    """Batches whose gradients make one step."""
    frozen_epochs: int = 0
    """First epochs, in which only the head is trained."""
    dense_epochs: int = 0
    """Last epochs, trained in the dense form of the network, whose feature map is finer. The
    weights are judged, saved and exported in the form they learnt in; 0: the plain one."""
    patience: int = 0
    """Epochs without a better validation score after which training ends; 0: never."""
    keep: Literal["last", "best"] = "last"
    """Whose weights model.pt holds: the last epoch's, or those of the best validation score."""
    loss: Literal["cross_entropy", "focal", "asymmetric"] = "cross_entropy"
    """Of sigmoid outputs (binary) or of the softmax; the other two are for sigmoid outputs."""
    class_weights: Literal["none", "balanced"] = "none"
    """balanced: what is rare in training weighs more, by the ratio of absent to present."""
    landmark_weight: float = 0.0
    """Weight of the auxiliary landmark loss beside the label loss; 0 leaves it out."""
    full_intensity: float = 0.0
    """Intensity from which the soft target of an AU is 1; 0: targets are occurrence, 0 or 1."""

    def __post_init__(self) -> None:
        for name in ("frozen_epochs", "dense_epochs"):
            if not 0 <= getattr(self, name) <= self.epochs:
                raise ConfigError(
                    f"fit.{name} must lie in [0, epochs = {self.epochs}], got {getattr(self, name)}"
                )
        for name in ("epochs", "batch", "accumulate"):
            if getattr(self, name) < 1:
                raise ConfigError(f"fit.{name} must be at least 1, got {getattr(self, name)}")
        if 0 < self.epoch_rows < self.batch or self.epoch_rows < 0:
            raise ConfigError(
                f"fit.epoch_rows must be 0 or at least a batch ({self.batch}), got "
                f"{self.epoch_rows}"
            )
        if not 0 <= self.min_lr <= self.max_lr:
            raise ConfigError(
                f"fit.min_lr must lie in [0, max_lr = {self.max_lr}], got {self.min_lr}"
            )
        if not 0 < self.warm_up < 1:
            raise ConfigError(f"fit.warm_up must lie between 0 and 1, got {self.warm_up}")
        if 0 < self.dense_epochs < self.epochs and (self.patience or self.keep == "best"):
            raise ConfigError(
                f"fit.dense_epochs must be 0 or all {self.epochs} epochs with fit.patience or "
                f'fit.keep = "best", got {self.dense_epochs}: else weights that never learnt in '
                "the dense form could be kept"
            )

    def is_dense(self, epoch: int, /) -> bool:
        """True for an epoch, counted from 0, that is trained in the dense form."""
        return epoch >= self.epochs - self.dense_epochs
