"""The processes that train together: one alone, or those that `torchrun` started.

Every process cuts its share of each batch and averages gradients with the others through torch's
own engine (gloo on CPUs, NCCL on NVIDIA GPUs); only the first one writes files. Called by the
command line and by the loop.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Iterator
from typing import Literal

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from rtau.errors import UsageError
from rtau_train.models.facenet import FaceNet

DeviceKind = Literal["cpu", "cuda"]


@dataclasses.dataclass(frozen=True)
class Worker:
    """One process of a run."""

    rank: int = 0
    world: int = 1
    device: str = "cpu"
    """`cpu`, or `cuda:0` and so on."""

    @property
    def is_first(self) -> bool:
        """True for the process that validates and writes."""
        return self.rank == 0

    def share(self, net: FaceNet, /) -> nn.Module:
        """Returns the network to call in training: itself, or one whose gradients are averaged."""
        if self.world == 1:
            return net
        on_gpu = self.device != "cpu"
        if on_gpu:
            # Batch statistics of one card's share would be those of a smaller batch.
            nn.SyncBatchNorm.convert_sync_batchnorm(net)  # type: ignore[no-untyped-call]
        return DistributedDataParallel(net, find_unused_parameters=True)

    def agree(self, value: float, /) -> float:
        """Returns the first process's value; the others wait for it."""
        if self.world == 1:
            return value
        shared = torch.tensor([value], device=self.device, dtype=torch.float64)
        torch.distributed.broadcast(shared, src=0)
        return float(shared.item())

    def wait(self) -> None:
        """Returns when every process has come here."""
        if self.world > 1:
            torch.distributed.barrier()


@contextlib.contextmanager
def worker(kind: DeviceKind, /) -> Iterator[Worker]:
    """Yields this process's place among those that train; leaves the group at the end.

    Raises:
        UsageError: a GPU was asked for and there is none.
    """
    if kind == "cuda" and not torch.cuda.is_available():
        raise UsageError(
            "--device cuda needs an NVIDIA GPU and a torch built for it, and torch sees none; "
            "train with --device cpu"
        )
    world = int(os.environ.get("WORLD_SIZE", "1"))
    local = int(os.environ.get("LOCAL_RANK", "0"))
    device = f"cuda:{local}" if kind == "cuda" else "cpu"
    if kind == "cuda":
        torch.cuda.set_device(local)
    if world == 1:
        yield Worker(device=device)
        return
    torch.distributed.init_process_group("nccl" if kind == "cuda" else "gloo")
    try:
        yield Worker(torch.distributed.get_rank(), world, device)
    finally:
        torch.distributed.destroy_process_group()
