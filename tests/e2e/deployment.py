"""The lab's deployment, and what people do with one."""
import collections
import json
import math
import os
import pty
import select
import subprocess
import time

from cluster import EXAMPLES, ClusterTest, busybox_pod, main, wait_until

NAME = 'two-containers-deployment'
MISSING = 'localhost:5999/missing:1'


class Deployment(ClusterTest):
    cluster_name = 'deployment'

    def setUp(self):
        c = self.cluster
        c.kubectl('apply', '-f', os.path.join(EXAMPLES, 'lab/two-containers-service.yaml'))
        c.kubectl('apply', '-f', os.path.join(EXAMPLES, f'lab/{NAME}.yaml'))
        c.kubectl('rollout', 'status', f'deployment/{NAME}', '--timeout=90s')

    def pods(self):
        return [p for p in self.cluster.get('pods', '-l', 'app=two-containers')['items']
                if 'deletionTimestamp' not in p['metadata']]

    def names(self):
        return {p['metadata']['name'] for p in self.pods()}

    def ready_line(self, ready):
        line = self.cluster.kubectl('get', 'deployment', NAME, '--no-headers').out.split()
        return line[1:4] == [f'{ready}/{ready}', str(ready), str(ready)]

    def test_1_three_of_three(self):
        wait_until('3/3 3 3', lambda: self.ready_line(3), 60)

    def test_2_requests_spread_evenly(self):
        c = self.cluster
        address = c.get('service', 'two-containers-service')['spec']['clusterIP']
        for pod in self.pods():
            name = pod['metadata']['name']
            c.kubectl('exec', name, '-c', 'aria2ng-downloader', '--', 'sh', '-c', f'echo {name} > /data/who')

        def who(times):
            text = c.fetch(f'http://{address}/who', times)
            return [line for line in text.splitlines() if line and line != 'HTTP/1.1 200']

        wait_until('three endpoints answer', lambda: len(set(who(30))) == 3, 30)
        requests = 3000
        counts = collections.Counter(who(requests))
        self.assertEqual(sum(counts.values()), requests)
        self.assertEqual(set(counts), self.names())
        deviation = math.sqrt(requests * (1 / 3) * (2 / 3))
        for name, count in counts.items():
            self.assertLess(abs(count - requests / 3), 3 * deviation, f'{name}: {counts}')
        rules = c.in_node('iptables-save -t nat').out
        self.assertIn('-m statistic --mode random --probability 0.33333', rules)
        self.assertIn('-m statistic --mode random --probability 0.50000', rules)

    def test_3_rollout_history_undo(self):
        c = self.cluster
        first = self.names()
        self.assertEqual(c.kubectl('set', 'image', f'deployment/{NAME}', f'nginx={MISSING}').out,
                         f'deployment.apps/{NAME} image updated\n')
        # The image is nowhere: the new pod never becomes ready, and the old ones stay.
        wait_until('a second replica set', lambda: len(c.get('replicasets')['items']) == 2, 20)
        history = c.kubectl('rollout', 'history', f'deployment/{NAME}').out
        self.assertMatches(history, r'REVISION\s+CHANGE-CAUSE\n1\s+<none>\n2\s+<none>\n')
        self.assertIn(MISSING, c.kubectl('rollout', 'history', f'deployment/{NAME}', '--revision=2').out)
        stuck = c.kubectl('rollout', 'status', f'deployment/{NAME}', '--timeout=2s', check=False)
        self.assertNotEqual(stuck.code, 0)
        self.assertGreaterEqual(len(first & self.names()), 2)
        self.assertEqual(c.kubectl('rollout', 'undo', f'deployment/{NAME}').out, f'deployment.apps/{NAME} rolled back\n')
        self.assertIn('successfully rolled out',
                      c.kubectl('rollout', 'status', f'deployment/{NAME}', '--timeout=60s').out)
        wait_until('3/3 3 3', lambda: self.ready_line(3), 60)
        self.assertIn('dplsming/nginx-fileserver:1.0', c.kubectl('get', 'deployment', NAME, '-o', 'yaml').out)
        self.assertEqual(c.kubectl('rollout', 'restart', f'deployment/{NAME}').out, f'deployment.apps/{NAME} restarted\n')
        c.kubectl('rollout', 'status', f'deployment/{NAME}', '--timeout=90s')
        self.assertFalse(first & self.names())

    def test_4_scale_and_replacement(self):
        c = self.cluster
        self.assertEqual(c.kubectl('scale', f'deployment/{NAME}', '--replicas=5').out, f'deployment.apps/{NAME} scaled\n')
        wait_until('5/5', lambda: self.ready_line(5), 60)
        c.kubectl('scale', f'deployment/{NAME}', '--replicas=3')
        wait_until('3/3', lambda: self.ready_line(3) and len(self.pods()) == 3, 60)
        victim = sorted(self.names())[0]
        c.kubectl('delete', 'pod', victim)
        wait_until('replaced', lambda: self.ready_line(3) and victim not in self.names(), 60)

    def test_5_every_output_form(self):
        c = self.cluster
        self.assertEqual(json.loads(c.kubectl('get', 'deployment', NAME, '-o', 'json').out)['kind'], 'Deployment')
        self.assertMatches(c.kubectl('get', 'deployment', NAME, '-o', 'yaml').out, r'(?m)^kind: Deployment$')
        self.assertEqual(c.kubectl('get', 'deployment', NAME, '-o', 'name').out, f'deployment.apps/{NAME}\n')
        self.assertMatches(c.kubectl('get', 'deployment', NAME, '-o', 'wide').out, r'CONTAINERS\s+IMAGES\s+SELECTOR',
                           r'app=two-containers')
        self.assertEqual(c.kubectl('get', 'deployment', NAME, '-o', 'jsonpath={.spec.replicas}').out, '3')
        self.assertEqual(c.kubectl('get', 'deployment', NAME, '-o', 'custom-columns=N:.metadata.name').out, f'N\n{NAME}\n')
        self.assertEqual(c.kubectl('get', 'deployment', NAME, '-o', 'go-template={{.metadata.name}}').out, NAME)
        self.assertMatches(c.kubectl('get', 'pods', '--show-labels').out, r'LABELS', r'app=two-containers,pod-template-hash=')
        self.assertMatches(c.kubectl('get', 'pods', '-A').out, r'^NAMESPACE\s+NAME\s+READY\s+STATUS\s+RESTARTS\s+AGE')
        self.assertMatches(c.kubectl('describe', 'deployment', NAME).out,
                           r'Replicas:\s+3 desired \| 3 updated \| 3 total \| 3 available \| 0 unavailable',
                           r'StrategyType:\s+RollingUpdate')
        self.assertMatches(c.kubectl('get', 'componentstatuses').out, r'NAME\s+STATUS\s+MESSAGE\s+ERROR\s+etcd-0\s+Healthy\s+ok')
        self.assertMatches(c.kubectl('api-resources').out, r'deployments\s+deploy\s+apps/v1\s+true\s+Deployment',
                           r'(?m)^pods\s+po\s+v1\s+true\s+Pod')
        self.assertMatches(c.kubectl('explain', 'deployment.spec.replicas').out, r'FIELD:\s+replicas', r'<integer>')

    def test_6_edit_label_annotate_diff_wait(self):
        c = self.cluster
        edited = c.kubectl('edit', 'service', 'two-containers-service', env={'EDITOR': "sed -i 's/ort: 6880/ort: 6881/'"})
        self.assertEqual(edited.out, 'service/two-containers-service edited\n')
        ports = [p['port'] for p in c.get('service', 'two-containers-service')['spec']['ports']]
        self.assertEqual(ports, [80, 6800, 6881])
        # Back again: an apply would keep 6881, which it never set, beside 6880, under one name.
        c.kubectl('edit', 'service', 'two-containers-service', env={'EDITOR': "sed -i 's/ort: 6881/ort: 6880/'"})
        self.assertEqual(c.kubectl('label', 'deployment', NAME, 'tier=web').out, f'deployment.apps/{NAME} labeled\n')
        # kubectl 1.27 says "annotate".
        self.assertRegex(c.kubectl('annotate', 'deployment', NAME, 'note=x').out, rf'^deployment\.apps/{NAME} annotated?\n$')
        again = c.kubectl('label', 'deployment', NAME, 'tier=db', check=False)
        self.assertIn("error: 'tier' already has a value (web), and --overwrite is false", again.err)
        manifest = os.path.join(EXAMPLES, f'lab/{NAME}.yaml')
        self.assertEqual(c.kubectl('diff', '-f', manifest).code, 0)
        with open(manifest, encoding='utf-8') as file:
            changed = file.read().replace('replicas: 3', 'replicas: 4')
        diff = c.kubectl('diff', '-f', '-', stdin=changed, check=False)
        self.assertEqual(diff.code, 1, str(diff))
        self.assertMatches(diff.out, r'(?m)^-\s+replicas: 3$', r'(?m)^\+\s+replicas: 4$')
        self.assertEqual(c.kubectl('wait', '--for=condition=Available', f'deployment/{NAME}', '--timeout=30s').out,
                         f'deployment.apps/{NAME} condition met\n')

    def test_7_logs_and_exec(self):
        c = self.cluster
        c.apply(busybox_pod('talker', 'i=0; while true; do i=$((i+1)); echo line $i; sleep 0.2; done'))
        self.wait_ready('talker')
        follow = subprocess.Popen([c.kubectl_program, 'logs', '-f', 'talker'], env=c.env, stdout=subprocess.PIPE, text=True)
        try:
            lines = [follow.stdout.readline() for _ in range(5)]
        finally:
            follow.terminate()
            follow.communicate()
        self.assertEqual(lines, [f'line {i}\n' for i in range(1, 6)])
        self.assertEqual(len(c.kubectl('logs', 'talker', '--tail=2').out.splitlines()), 2)
        self.assertMatches(c.kubectl('logs', 'talker', '--timestamps', '--tail=1').out, r'^\d{4}-\d\d-\d\dT\S+Z line \d+')
        self.assertEqual(c.kubectl('exec', 'talker', '--', 'sh', '-c', 'exit 7', check=False).code, 7)
        self.assertEqual(c.kubectl('exec', '-i', 'talker', '--', 'cat', stdin='through').out, 'through')
        self.assertEqual(self.on_terminal('talker', 'echo $((6*7)) $(test -t 0 && echo terminal)\nexit 3\n'), ('42 terminal', 3))
        c.kubectl('delete', 'pod', 'talker', '--now')

    def on_terminal(self, pod, typed):
        """Types into `kubectl exec -it`; answers the line that holds a number and the exit code."""
        master, slave = pty.openpty()
        process = subprocess.Popen([self.cluster.kubectl_program, 'exec', '-it', pod, '--', 'sh'], env=self.cluster.env,
                                   stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
        os.close(slave)
        seen = ''
        end = time.monotonic() + 20
        sent = False
        while time.monotonic() < end and process.poll() is None:
            if select.select([master], [], [], 0.1)[0]:
                try:
                    seen += os.read(master, 4096).decode(errors='replace')
                except OSError:
                    break
            if not sent and '#' in seen:
                os.write(master, typed.encode())
                sent = True
        code = process.wait(timeout=5)
        os.close(master)
        found = [line.strip() for line in seen.splitlines() if line.startswith('42')]
        return (found[0] if found else seen), code

    def test_9_delete_takes_everything_with_it(self):
        c = self.cluster
        self.assertEqual(c.kubectl('delete', 'deployment', NAME).out.split(' from')[0].strip(),
                         f'deployment.apps "{NAME}" deleted')
        wait_until('replica sets and pods are gone', lambda: not c.get('replicasets')['items'] and
                   not c.get('pods', '-l', 'app=two-containers')['items'], 60)
        wait_until('containers are gone', lambda: not c.containers('default'), 60)


if __name__ == '__main__':
    main()
