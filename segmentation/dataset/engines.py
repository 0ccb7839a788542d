"""Who writes the shards of a dataset: processes on this machine, or a ray cluster."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import connection, get_context, parent_process
from typing import Any

from cartoonedit.errors import Cancelled, CartooneditError, MissingExtra
from segmentation.dataset.shards import Job, write_shard

__all__ = ["run_local", "run_ray"]

logger = logging.getLogger(__name__)

Report = Callable[[int], None]
"""``report(scenes)``: so many scenes are done; it may raise `Cancelled`."""

PATIENCE = 3
"""So many workers may die one after the other without a shard finished in between."""
POLL_SECONDS = 0.2


def run_local(job: Job, shards: Sequence[int], report: Report, workers: int = 1) -> None:
    """Write shards with processes of this machine; one worker works in this very process.

    Args:
        job: the dataset.
        shards: numbers of those that are to be written.
        report: how far the work is.
        workers: number of processes.

    Raises:
        CartooneditError: Workers die again and again.
    """
    if workers <= 1:
        _run_here(job, shards, report)
        return
    left, deaths, before = list(shards), 0, 0
    while left:
        crew = _Crew(job, min(workers, len(left)), before)
        try:
            crew.write(left, report)
        except BrokenProcessPool as death:
            done = len(left) - len(crew.left)
            deaths = deaths + 1 if not done else 1
            if deaths > PATIENCE:
                raise CartooneditError(
                    f"worker processes died {deaths} times without finishing a shard, perhaps for"
                    " want of memory. Give fewer --workers; the shards that are done are kept."
                ) from death
            logger.warning("a worker process died; its shard is written anew")
        before += sum(len(job.indices(shard)) for shard in set(left) - set(crew.left))
        left = crew.left


def _run_here(job: Job, shards: Sequence[int], report: Report) -> None:
    done = 0

    def after_each() -> None:
        nonlocal done
        done += 1
        report(done)

    for shard in shards:
        write_shard(job, shard, after_each)


class _Crew:
    """A pool of processes at work on a job, until it is done or one of them dies.

    Attributes:
        left: shards that are not finished.
    """

    def __init__(self, job: Job, workers: int, before: int) -> None:
        context = get_context("spawn")
        self._before = before
        self._stop, self._done = context.Event(), context.Value("q", 0)
        self._pool = ProcessPoolExecutor(
            workers, context, initializer=_join_crew, initargs=(job, self._stop, self._done)
        )
        self.left: list[int] = []

    def write(self, shards: Sequence[int], report: Report) -> None:
        """Write shards; `left` says which are not, whatever happens."""
        self.left = list(shards)
        try:
            pending = {self._pool.submit(_write, shard): shard for shard in shards}
            while pending:
                finished, _ = wait(pending, POLL_SECONDS, FIRST_COMPLETED)
                for future in finished:
                    self._finish(future, pending.pop(future))
                report(self._before + self._done.value)
        except BaseException:
            self._stop.set()
            raise
        finally:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def _finish(self, future: Future[None], shard: int) -> None:
        future.result()
        self.left.remove(shard)


_crew: dict[str, Any] = {}  # what a worker process was told when it began


def _join_crew(job: Job, stop: Any, done: Any) -> None:
    import cv2

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent is told, and tells its workers
    cv2.setNumThreads(1)
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    _crew.update(job=job, stop=stop, done=done)


def _leave_with_parent() -> None:
    """End this process when its parent is gone, be it killed: no orphans work on."""
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


def _write(shard: int) -> None:
    def after_each() -> None:
        with _crew["done"].get_lock():
            _crew["done"].value += 1
        if _crew["stop"].is_set():
            raise Cancelled("stopped")

    write_shard(_crew["job"], shard, after_each)


def run_ray(
    job: Job,
    shards: Sequence[int],
    report: Report,
    workers: int | None = None,
    address: str | None = None,
) -> None:
    """Write shards on a ray cluster. What a worker that dies had in hand is written by another.

    Args:
        job: the dataset; its folders must be at the same paths on all machines.
        shards: numbers of those that are to be written.
        report: how far the work is.
        workers: at most so many at once; None for one on every core of the cluster.
        address: of the cluster; None starts one on this machine for the time being.

    Raises:
        MissingExtra: ray is not installed.
        CartooneditError: There is no such cluster.
    """
    try:
        import ray
    except ImportError as error:
        raise MissingExtra("--engine ray needs ray: pip install 'cartoonedit[ray]'") from error
    ours = not ray.is_initialized()
    if ours:
        _connect(ray, address, workers)
    try:
        # Endless retries are for workers that die; an error of the work itself is raised at once.
        remote = ray.remote(num_cpus=1, max_retries=-1)(_write_remotely)
        shared = ray.put(job)
        running: dict[Any, int] = {}
        waiting, done = list(shards)[::-1], 0
        limit = workers or max(1, 2 * int(ray.cluster_resources().get("CPU", 1)))
        while waiting or running:
            while waiting and len(running) < limit:
                shard = waiting.pop()
                running[remote.remote(shared, shard)] = shard
            finished, _ = ray.wait(list(running), timeout=POLL_SECONDS)
            for reference in finished:
                ray.get(reference)
                done += len(job.indices(running.pop(reference)))
            report(done)
    except ray.exceptions.RayTaskError as error:
        raise error.as_instanceof_cause() from error
    finally:
        if ours:
            ray.shutdown()


def _connect(ray: Any, address: str | None, workers: int | None) -> None:
    # Without an address no cluster that happens to run is joined: the user did not ask for it.
    where = {"address": address} if address else {"address": "local", "num_cpus": workers}
    try:
        ray.init(**where, include_dashboard=False, log_to_driver=False, configure_logging=False)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise CartooneditError(
            f"no ray cluster answers at {address or 'this machine'}: {error}"
        ) from error


def _write_remotely(job: Job, shard: int) -> None:
    write_shard(job, shard)
