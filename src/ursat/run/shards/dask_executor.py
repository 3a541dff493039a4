"""Shards on dask workers: a cluster on this machine, or any whose scheduler is named.

Every task is one shard and one call of `make_shard`; the folder, not the scheduler, knows what is done, so a task that
runs twice, or whose worker dies after the shard was marked, does no harm. No more tasks are handed out than workers
can run at once: a task's age is then the time that its worker has spent on it. A worker that hangs ends its own process
(see `ursat.run.shards.stalls`); one that cannot even do that lets its lease lapse, and is restarted by its nanny.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ursat.errors import InputError, LimitError, UrsatError, UsageError
from ursat.machine import usable_cores
from ursat.run.shards.done import read_done
from ursat.run.shards.leases import RENEW_SECONDS, lapsed
from ursat.run.shards.local import POLL_SECONDS
from ursat.run.shards.manifest import FAILED, Manifest, worker_name
from ursat.run.shards.places import Places
from ursat.run.shards.plan import read_plan
from ursat.run.shards.session import open_session
from ursat.run.shards.shard import BUSY, Outcome, make_shard
from ursat.run.shards.stalls import patience_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from distributed import Client, Future

    from ursat.run.options import UpscaleOptions
    from ursat.run.shards.lattice import Shard
    from ursat.run.shards.session import Session
    from ursat.run.shards.tally import Tally

ATTEMPTS = 3
WORKERS = 2
JOIN_SECONDS = 60
_LIMIT = "limit"
_log = logging.getLogger("ursat")
_one_at_a_time = threading.Lock()  # the network and GDAL's caches of a process are meant for one shard


@dataclass(slots=True)
class _Task:
    """A shard on its way: how often it was handed out, the running future, and when that one was submitted."""

    shard: Shard
    attempts: int = 0
    future: Future | None = None
    since: float = 0.0


def run_with_dask(places: Places, options: UpscaleOptions, tally: Tally) -> None:
    """Make all that is left with dask's workers; returns once every shard is done, by whomever, or has failed.

    Args:
        places: the run's folder; every worker must see it, and the inputs, under the same paths.
        options: the plan's own, but for what a worker may choose; ``options.shards`` names the cluster.
        tally: what is left.

    Raises:
        UsageError: dask is not installed, or no worker can be reached.
        LimitError: a disk or a memory is full.
    """
    if options.jobs == 0 and options.shards.scheduler is None:
        cores = usable_cores() // (options.shards.workers or WORKERS)
        options = replace(options, jobs=max(1, cores))
    with _client(options) as client, client.as_current():
        _Dispatcher(client, places, options, tally).run()


class _Dispatcher:
    def __init__(self, client: Client, places: Places, options: UpscaleOptions, tally: Tally) -> None:
        self._client, self._places, self._options, self._tally = client, places, options, tally
        self._gpu = options.device.startswith("cuda")
        self._waiting = deque(_Task(shard) for shard in tally.left.values())
        self._running: dict[Future, _Task] = {}
        self._patience = patience_of(options.shards.timeout)
        self._looks, self._looked = min(RENEW_SECONDS, self._patience / 4), time.monotonic()

    def run(self) -> None:
        from distributed import wait  # noqa: PLC0415

        try:
            while self._waiting or self._running:
                self._submit()
                if not self._running:  # no worker is there just now
                    time.sleep(POLL_SECONDS)
                    continue
                try:
                    ended = wait(list(self._running), timeout=POLL_SECONDS, return_when="FIRST_COMPLETED").done
                except TimeoutError:
                    ended = set()
                progress = [self._settle(self._running.pop(future)) for future in ended]
                self._restart_hung()
                if progress and not any(progress):
                    time.sleep(POLL_SECONDS)
        finally:
            self._client.cancel(list(self._running), force=True)

    def _slots(self) -> int:
        return int(self._client.run_on_scheduler(_slots, gpu=self._gpu))

    def _submit(self) -> None:
        """Hand out as many tasks as there are free workers."""
        for _ in range(min(len(self._waiting), self._slots() - len(self._running))):
            task = self._waiting.popleft()
            task.attempts += 1
            task.since = time.monotonic()
            task.future = self._client.submit(
                _make_on_worker,
                str(self._places.folder),
                self._tally.plan_sha256,
                self._options,
                task.shard.name,
                key=f"ursat-{task.shard.name}-{worker_name()}",
                pure=False,
                resources={"GPU": 1} if self._gpu else None,
            )
            self._running[task.future] = task

    def _settle(self, task: _Task) -> bool:
        """Note what became of a task; False where somebody else is at its shard."""
        future = task.future
        if future is None:
            raise ValueError("a task that never ran")
        if future.status != "finished":
            self._again(task, f"its worker failed: {future.exception()!r}" if future.status == "error" else "lost")
            return True
        outcome: Outcome = future.result()
        if outcome.state == _LIMIT:
            raise LimitError(outcome.detail, hint="make room and run the same command again")
        if outcome.state == BUSY:
            task.attempts -= 1
            self._waiting.append(task)
            return False
        if outcome.state == FAILED:
            self._tally.gave_up(task.shard, outcome.detail)
        else:
            self._tally.finished(task.shard)
        return True

    def _again(self, task: _Task, why: str) -> None:
        if task.attempts < ATTEMPTS:
            _log.warning("shard %s is tried again: %s", task.shard.name, why)
            self._waiting.append(task)
        else:
            self._tally.gave_up(task.shard, why)

    def _restart_hung(self) -> None:
        """Restart the workers of tasks of which nothing was heard for too long."""
        if time.monotonic() - self._looked < self._looks:
            return
        self._looked = time.monotonic()
        late = [task for task in self._running.values() if self._is_hung(task)]
        if not late:
            return
        at_work = {key: worker for worker, keys in self._client.processing().items() for key in keys}
        for task in late:
            future = task.future
            if future is None:
                raise ValueError("a task that never ran")
            del self._running[future]
            self._client.cancel([future], force=True)
            worker = at_work.get(future.key)
            try:
                if worker is not None:
                    self._client.restart_workers([worker], timeout=JOIN_SECONDS, raise_for_error=False)
            except ValueError as error:  # without a nanny it would keep its place for ever
                self._tally.gave_up(task.shard, f"its worker hangs and cannot be restarted: {error}")
                continue
            self._again(task, "nothing was heard of its worker")

    def _is_hung(self, task: _Task) -> bool:
        """Whether its shard's lease has lapsed; or was never taken, and opening the files had its time, too."""
        gone = lapsed(self._places, task.shard)
        age = time.monotonic() - task.since
        if gone is None:
            done = read_done(self._places, task.shard, self._tally.plan_sha256) is not None
            return not done and age > self._patience + JOIN_SECONDS
        return gone and age > JOIN_SECONDS  # before that, the lock may be one that a dead run left


def _slots(dask_scheduler: Any, *, gpu: bool) -> int:
    """How many workers there are for tasks, which each makes one at a time; called inside the scheduler."""
    workers = dask_scheduler.workers.values()
    return sum(worker.resources.get("GPU", 0) >= 1 if gpu else True for worker in workers)


@contextmanager
def _client(options: UpscaleOptions) -> Iterator[Client]:
    try:
        from distributed import Client, LocalCluster  # noqa: PLC0415  (an extra)
    except ImportError as error:
        raise UsageError("--executor dask needs dask", hint="pip install 'ursat[dask]'") from error
    with ExitStack() as stack:
        address = options.shards.scheduler
        try:
            if address is None:
                cluster = LocalCluster(
                    n_workers=options.shards.workers or WORKERS,
                    threads_per_worker=1,
                    processes=True,
                    memory_limit=None,  # ursat keeps to --max-memory by itself; dask would kill what holds its caches
                    dashboard_address=None,
                    silence_logs=logging.CRITICAL,
                )
                address = stack.enter_context(cluster)
            client = stack.enter_context(Client(address, timeout=JOIN_SECONDS, set_as_default=False))
            client.wait_for_workers(1, timeout=JOIN_SECONDS)
        except (OSError, TimeoutError, ValueError) as error:
            raise UsageError(
                f"no dask worker can be reached at {address}: {error}", hint="check --scheduler tcp://HOST:PORT"
            ) from error
        yield client


def _make_on_worker(folder: str, plan_sha256: str, options: UpscaleOptions, name: str) -> Outcome:
    """One shard, on whatever worker this is; expected failures are outcomes, others are dask's to report."""
    try:
        with _one_at_a_time:
            session, shards, manifest = _session(folder, plan_sha256, options)
            return make_shard(session, shards[name], manifest)
    except LimitError as error:
        return Outcome(_LIMIT, error.message)
    except UrsatError as error:
        return Outcome(FAILED, error.message)


@cache
def _session(folder: str, plan_sha256: str, options: UpscaleOptions) -> tuple[Session, dict[str, Shard], Manifest]:
    """Opened once a worker and run: the weights stay loaded; closed when the process ends."""
    places = Places(Path(folder))
    plan = read_plan(places)
    if plan.sha256 != plan_sha256:
        raise InputError(f"{places.plan} is not the plan of this run", hint="does the worker see the same folder?")
    session = open_session(places, plan, options, ExitStack())
    return session, {shard.name: shard for shard in plan.shards}, Manifest(places, worker_name())
