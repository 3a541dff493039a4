"""What `ursat upscale` can be told beyond what `ursat plan` understands: who makes shards, and how it tells of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ursat.cli import shard_options as s
from ursat.cli.job import Job
from ursat.errors import UsageError
from ursat.run.options import UpscaleOptions
from ursat.run.shards.options import ShardOptions


@dataclass(frozen=True, slots=True)
class UpscaleJob(Job):
    """A `Job`, and how a large one is run."""

    executor: s.Executor = "local"
    scheduler: s.Scheduler = None
    workers: s.Workers = 0
    shard_timeout: s.ShardTimeout = s.TIMEOUT
    resume: s.Resume = True
    plan_only: s.PlanOnly = False
    log_format: s.LogFormat = "text"

    def options(self) -> UpscaleOptions:
        """As for a `Job`.

        Raises:
            UsageError: two options exclude each other, or one needs another that is missing.
        """
        if self.plan_only and self.executor != "local":
            raise UsageError("--plan-only computes nothing; --executor does not go with it")
        shards = ShardOptions(
            size=self.shard_size,
            executor=self.executor,
            scheduler=self.scheduler,
            workers=self.workers,
            timeout=self.shard_timeout,
            resume=self.resume,
        )
        return replace(Job.options(self), shards=shards)
