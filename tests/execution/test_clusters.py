"""Real clusters on this machine: a node, a worker die in the middle, and every trial is accounted for."""

import os
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import pytest

from evonas.core.errors import EvonasError
from evonas.core.types import Candidate
from evonas.execution.clusters import DaskExecutor, Pool, RayExecutor
from evonas.search.evolution import Evolution
from evonas.search.loop import Budget, run
from tests.toys import TASK, Digits, Heavy, Slow, on

pytestmark = pytest.mark.thorough

GOOD, BAD = Candidate((0, 1)), Candidate((3, 1))


def accounted_for(trials, n):
    assert sorted(t.number for t in trials) == list(range(n))
    assert all(t.evaluation.ok for t in trials), {t.evaluation.error for t in trials}


def arrivals(folder):
    """How often the evaluator, with its data, arrived in another process."""
    return sum(not name.startswith(f"{os.getpid()}-") for name in os.listdir(folder))


def wait_until(true):
    deadline = time.monotonic() + 60
    while not true() and time.monotonic() < deadline:
        time.sleep(0.2)
    assert true()


def after(seconds, action):
    thread = threading.Timer(seconds, action)
    thread.daemon = True
    thread.start()
    return thread


@pytest.mark.parametrize("make", [ThreadPoolExecutor, ProcessPoolExecutor])
def test_any_executor(make):
    with Pool(Slow(0.01, fault="raise"), workers=2, executor=make(2)) as executor:
        trials = run(Evolution(on(Digits())), executor, TASK, seed=0, budget=Budget(12)).trials
    assert sorted(t.number for t in trials) == list(range(12))
    assert {t.evaluation.error for t in trials} <= {None, "MemoryError: out of memory"}


def test_a_pool_that_breaks_is_a_failure_and_a_slow_trial_times_out():
    with Pool(Slow(fault="die"), executor=ProcessPoolExecutor(1)) as executor:
        assert "BrokenProcessPool" in str(executor.submit(BAD, TASK, 0).result(60).error)
    with Pool(Slow(1.0), timeout=0.2, executor=ThreadPoolExecutor(1)) as executor:
        assert executor.submit(GOOD, TASK, 0).result(10).error == "timeout: took longer than 0.2 s"


@pytest.fixture
def ray_cluster(monkeypatch):
    ray = pytest.importorskip("ray", reason="needs evonas[ray]")
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("PYTHONPATH", os.getcwd())  # the workers import the tests' toys
    monkeypatch.setenv("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    second = cluster.add_node(num_cpus=1)
    ray.init(address=cluster.address, log_to_driver=False)
    yield cluster, second
    ray.shutdown()
    cluster.shutdown()


@pytest.mark.timeout(180)
def test_ray_goes_on_when_a_node_dies(ray_cluster, tmp_path):
    import ray

    cluster, second = ray_cluster
    assert len(ray.nodes()) == 2
    killer = after(2.0, lambda: cluster.remove_node(second, allow_graceful=False))
    with RayExecutor(Heavy(0.3, folder=str(tmp_path)), workers=2, retries=3) as executor:
        trials = run(Evolution(on(Digits())), executor, TASK, seed=0, budget=Budget(24)).trials
        killer.join()
        wait_until(lambda: sum(node["Alive"] for node in ray.nodes()) == 1)
    accounted_for(trials, 24)
    assert 1 <= arrivals(tmp_path) <= 4  # once a worker process, not once a trial


@pytest.mark.timeout(180)
def test_dask_goes_on_when_a_worker_dies(tmp_path):
    distributed = pytest.importorskip("distributed", reason="needs evonas[dask]")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        victim = next(iter(cluster.workers.values())).process.pid  # type: ignore[union-attr]
        killer = after(1.0, lambda: os.kill(victim, 9))
        evaluator = Heavy(0.1, folder=str(tmp_path))
        with DaskExecutor(evaluator, workers=2, address=cluster.scheduler_address) as executor:
            trials = run(Evolution(on(Digits())), executor, TASK, seed=0, budget=Budget(40)).trials
            wait_until(lambda: arrivals(tmp_path) >= 3)  # a worker that joins late is brought it as long as it lasts
        killer.join()
        with pytest.raises(ProcessLookupError):
            os.kill(victim, 0)
    accounted_for(trials, 40)
    assert 3 <= arrivals(tmp_path) <= 4  # two workers, and the one that replaced the dead one


def test_a_cluster_that_is_not_there_is_named():
    pytest.importorskip("distributed", reason="needs evonas[dask]")
    start = time.monotonic()
    with pytest.raises(EvonasError, match="no Dask scheduler at address='tcp://127.0.0.1:9'"):
        DaskExecutor(Slow(), address="tcp://127.0.0.1:9")
    assert time.monotonic() - start < 60


def test_a_gpu_must_be_asked_for():
    pytest.importorskip("ray", reason="needs evonas[ray]")
    evaluator = Slow()
    evaluator.device = "cuda"  # type: ignore[attr-defined]
    with pytest.raises(EvonasError, match=r"give ray\(gpus=1\), or a share"):
        RayExecutor(evaluator)


def test_one_time_out_for_all_executors_leaves_the_pool_usable():
    with Pool(Slow(0.5), timeout=0.1, executor=ThreadPoolExecutor(2)) as executor:
        assert not executor.submit(GOOD, TASK, 0).result(10).ok
        executor.timeout = None
        assert executor.submit(GOOD, TASK, 0).result(10).ok


def test_what_waits_for_a_free_worker_is_not_late():
    """One worker, two slots: the second trial waits as long as the first one takes."""
    with Pool(Slow(0.6), workers=2, timeout=1.0, executor=ThreadPoolExecutor(1)) as executor:
        futures = [executor.submit(GOOD, TASK, 0) for _ in range(3)]
        assert [future.result(30).status for future in futures] == ["ok"] * 3


@pytest.mark.timeout(180)
def test_dask_serves_two_searches_and_counts_from_the_start(tmp_path):
    distributed = pytest.importorskip("distributed", reason="needs evonas[dask]")
    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster:
        where = cluster.scheduler_address
        with DaskExecutor(Slow(0.8), workers=2, timeout=2.0, address=where) as first:
            waiting = [first.submit(GOOD, TASK, 0) for _ in range(3)]  # the last one waits for 1.6 s
            with DaskExecutor(Slow(0.0, fault="hang"), timeout=2.0, address=where) as second:
                assert second.submit(GOOD, TASK, 0).result(60).ok
                assert [future.result(60).status for future in waiting] == ["ok"] * 3
            assert first.submit(GOOD, TASK, 0).result(60).ok  # the end of the second is not the first one's
            late = DaskExecutor(Slow(0.0, fault="hang"), timeout=1.0, address=where)
            with late:
                error = late.submit(BAD, TASK, 0).result(60)
            assert error.error == "timeout: took longer than 1 s"
            assert error.infrastructure


@pytest.mark.timeout(180)
def test_ray_serves_two_searches_and_counts_from_the_start(ray_cluster):
    cluster, second = ray_cluster
    cluster.remove_node(second)
    with RayExecutor(Slow(0.8), workers=2, timeout=2.0) as first, RayExecutor(Slow(fault="hang"), timeout=2.0) as other:
        waiting = [first.submit(GOOD, TASK, 0) for _ in range(3)]
        assert other.submit(GOOD, TASK, 0).result(60).ok
        assert [future.result(60).status for future in waiting] == ["ok"] * 3
        assert other.submit(BAD, TASK, 0).result(60).error == "timeout: took longer than 2 s"
        assert first.submit(GOOD, TASK, 0).result(60).ok
