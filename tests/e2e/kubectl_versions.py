"""The lab's pod, service and deployment again, with every other kubectl of this machine, on one cluster."""
import os
import shutil
import sys
import unittest

import deployment
import pod
import service
from cluster import Cluster, find_kubectls, wait_until

SCENARIOS = (pod.Pod, service.Service, deployment.Deployment)


def remove_what_is_left(cluster):
    """What one scenario leaves is not there for the next."""
    cluster.kubectl('delete', 'deployments,replicasets,pods', '--all', '--wait=false')
    services = [s['metadata']['name'] for s in cluster.get('services')['items'] if s['metadata']['name'] != 'kubernetes']
    if services:
        cluster.kubectl('delete', 'service', *services)
    cluster.kubectl('delete', 'configmaps', '--all')
    wait_until('no pod is left', lambda: not cluster.get('pods')['items'], 60)


def on(scenario, cluster, program):
    """The scenario's tests, on a cluster that runs already and with another kubectl."""
    class There(scenario):
        @classmethod
        def setUpClass(cls):
            cls.cluster = cluster
            cluster.kubectl_program = program
            cls.addClassCleanup(remove_what_is_left, cluster)

    There.__name__ = There.__qualname__ = f'{scenario.__name__} with {os.path.basename(program)}'
    return unittest.defaultTestLoader.loadTestsFromTestCase(There)


def main():
    first = shutil.which('kubectl')
    if first is None:
        sys.exit('no kubectl on this machine: end-to-end tests need a real one')
    # Others by their paths, or every one that is found; the first has passed in the other tests.
    programs = sys.argv[1:] or find_kubectls()[1:]
    if not programs:
        print(f'only {first} was found; it has passed in the other tests')
        return
    cluster = Cluster('versions')
    try:
        cluster.start()
        suite = unittest.TestSuite(on(scenario, cluster, program) for program in programs for scenario in SCENARIOS)
        passed = unittest.TextTestRunner(verbosity=2).run(suite).wasSuccessful()
    finally:
        cluster.down()
    sys.exit(0 if passed else 1)


if __name__ == '__main__':
    main()
