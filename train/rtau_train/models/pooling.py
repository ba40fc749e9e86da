"""From feature maps to one value per map: average or max, after a last 2x2 max-pool or not.

Also knows on how many cells of a map the derivative of that value falls, which is all that the
closed form of Grad-CAM++ needs (`rtau_train.models.cam`). Owned by `rtau_train.models.facenet`.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from rtau_train.recipe import PoolingKind


class Pooling(nn.Module):
    """Global pooling of feature maps (N, C, h, w) to (N, C)."""

    def __init__(self, kind: PoolingKind = "average", *, max_pool_first: bool = False) -> None:
        """Chooses the pooling; `max_pool_first` halves the maps with a 2x2 max-pool before."""
        super().__init__()
        self.kind = kind
        self.max_pool_first = max_pool_first

    def forward(self, maps: Tensor) -> Tensor:
        """Returns one value per map, (N, C)."""
        if self.max_pool_first:
            maps = functional.max_pool2d(maps, 2)
        if self.kind == "average":
            return maps.mean(dim=(2, 3))
        # Not amax, whose derivative spreads over ties: a cell that ties must not share.
        return maps.flatten(2).max(dim=2).values

    def touched_cells(self, maps: Tensor) -> int:
        """Returns how many cells of a map share the derivative of its pooled value, evenly.

        An average touches every cell, a max only its argmax; after a 2x2 max-pool the average
        touches one cell per window. Of cells that tie for a maximum one is touched, as in torch.
        """
        if self.kind == "max":
            return 1
        height, width = maps.shape[2:]
        return (height // 2) * (width // 2) if self.max_pool_first else height * width
