"""kill -9 of kpp: containers keep running, and no acknowledged write is lost."""
import collections
import http.client
import random
import threading
import time

from cluster import BUSYBOX, ClusterTest, main, wait_until

PODS = 30
KILLS = 8


class Crash(ClusterTest):
    cluster_name = 'crash'

    def kill_and_restart(self):
        self.cluster.kill_kpp()
        wait_until('kpp is gone', lambda: not self.cluster.kpp_processes(), 10)
        self.cluster.up()

    def test_1_containers_are_adopted(self):
        c = self.cluster
        labels = {'app': 'many'}
        c.apply({'apiVersion': 'apps/v1', 'kind': 'Deployment', 'metadata': {'name': 'many'},
                 'spec': {'replicas': PODS, 'selector': {'matchLabels': labels},
                          'template': {'metadata': {'labels': labels},
                                       'spec': {'terminationGracePeriodSeconds': 0, 'containers': [
                                           {'name': 'main', 'image': BUSYBOX, 'command': ['sleep', '100000']}]}}}})
        c.kubectl('rollout', 'status', 'deployment/many', '--timeout=120s', timeout=150)

        def state():
            pods = c.get('pods', '-l', 'app=many')['items']
            return sorted((p['metadata']['name'], s['containerID'], s['restartCount'], p['status']['podIP'])
                          for p in pods for s in p['status']['containerStatuses'])

        before, running = state(), c.containers('default')
        self.assertEqual(len(before), PODS)
        self.assertEqual(len(running), 2 * PODS)
        c.kill_kpp()
        wait_until('kpp is gone', lambda: not c.kpp_processes(), 10)
        self.assertEqual(c.containers('default'), running, 'containers run without kpp')
        c.up()
        c.kubectl('wait', '--for=condition=Ready', 'node', '--all', '--timeout=30s')
        # A pod made now shows that the kubelet works; by then it has looked at every container that it found.
        c.kubectl('run', 'after', f'--image={BUSYBOX}', '--', 'sleep', '100000')
        c.kubectl('wait', '--for=condition=Ready', 'pod/after', '--timeout=30s')
        c.kubectl('delete', 'pod', 'after', '--now')
        self.assertEqual(state(), before)
        now = c.containers('default')
        self.assertEqual({k: v for k, v in now.items() if v[0] != 'after'}, running)
        c.kubectl('delete', 'deployment', 'many')
        wait_until('all gone', lambda: not c.get('pods', '-l', 'app=many')['items'], 90)

    def test_2_no_acknowledged_write_is_lost(self):
        c = self.cluster
        client = c.client()
        acknowledged = {}
        refused = collections.Counter()
        stop = threading.Event()

        def write(writer):
            number = 0
            while not stop.is_set():
                number += 1
                name = f'w{writer}-{number}'
                body = {'metadata': {'name': name}, 'data': {'value': name}}
                try:
                    code, answer = client.request('POST', '/api/v1/namespaces/default/configmaps', body, timeout=5)
                    if code == 201:
                        acknowledged[name] = answer['metadata']['resourceVersion']
                    else:
                        refused[f'{code} {answer}'] += 1
                except (OSError, http.client.HTTPException) as error:
                    refused[repr(error)] += 1
                    time.sleep(0.01)

        writers = [threading.Thread(target=write, args=(i,)) for i in range(4)]
        for writer in writers:
            writer.start()
        rng = random.Random(1)
        try:
            for _ in range(KILLS):
                before = len(acknowledged)
                refused.clear()
                try:
                    wait_until('writes are acknowledged', lambda b=before: len(acknowledged) > b + 50, 30)
                except AssertionError as error:
                    raise AssertionError(f'{error}; {len(acknowledged) - before} were, {refused.most_common(3)}') from None
                time.sleep(rng.uniform(0, 0.3))
                self.kill_and_restart()
        finally:
            stop.set()
            for writer in writers:
                writer.join()
        stored = {item['metadata']['name']: item for item in c.get('configmaps')['items']}
        lost = [name for name in acknowledged if name not in stored]
        self.assertEqual(lost, [], f'{len(lost)} of {len(acknowledged)} acknowledged writes are lost')
        for name, revision in acknowledged.items():
            self.assertEqual(stored[name]['metadata']['resourceVersion'], revision)
            self.assertEqual(stored[name]['data'], {'value': name})
        revisions = list(acknowledged.values())
        self.assertEqual(len(set(revisions)), len(revisions), 'a revision was given twice')
        print(f'{len(acknowledged)} acknowledged writes, {KILLS} kills', flush=True)


if __name__ == '__main__':
    main()
