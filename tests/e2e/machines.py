"""A cluster of two machines made by kubeadm: a machine that is cut off, a control plane that is killed, drain, reset."""
import json
import unittest

from cluster import BUSYBOX, images_archive, main, wait_until
from lab import Lab

LAB = Lab('e2e-machines')
enter = LAB.enter
MACHINES = ('class', 'class2')


def kubectl(words, stdin=None, check=True):
    return enter('class', f'kubectl {words}', stdin, check)


def get(words):
    return json.loads(kubectl(f'get {words} -o json'))


def ready(node):
    conditions = get(f'node {node}')['status']['conditions']
    return next(c['status'] for c in conditions if c['type'] == 'Ready')


def deployment(name, replicas, **spec):
    """Web servers that answer with their own name, and leave a machine that is lost after two seconds."""
    script = 'mkdir /www; hostname > /www/index.html; exec busybox httpd -f -p 8080 -h /www'
    gone = [{'key': f'node.kubernetes.io/{what}', 'operator': 'Exists', 'effect': 'NoExecute', 'tolerationSeconds': 2}
            for what in ('not-ready', 'unreachable')]
    pod = {'terminationGracePeriodSeconds': 1, 'tolerations': gone,
           'containers': [{'name': 'web', 'image': BUSYBOX, 'command': ['sh', '-c', script],
                           'readinessProbe': {'httpGet': {'port': 8080}, 'periodSeconds': 1}}], **spec}
    labels = {'app': name}
    return {'apiVersion': 'apps/v1', 'kind': 'Deployment', 'metadata': {'name': name},
            'spec': {'replicas': replicas, 'selector': {'matchLabels': labels},
                     'template': {'metadata': {'labels': labels}, 'spec': pod}}}


class Machines(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        LAB.up('--nodes', ','.join(MACHINES))
        archive = images_archive()
        for machine in MACHINES:
            LAB.load(machine, archive)
        kubectl('taint nodes class node-role.kubernetes.io/control-plane-')
        kubectl('apply -f -', json.dumps(deployment('web', 4)))
        kubectl('expose deployment web --port 80 --target-port 8080')
        kubectl('rollout status deployment/web --timeout=60s')
        cls.address = get('service web')['spec']['clusterIP']

    @classmethod
    def tearDownClass(cls):
        LAB.down()

    def pods(self):
        return [pod for pod in get('pods -l app=web')['items'] if 'deletionTimestamp' not in pod['metadata']]

    def restarts(self):
        return {pod['metadata']['namespace'] + '/' + pod['metadata']['name']:
                sum(c['restartCount'] for c in pod['status'].get('containerStatuses', []))
                for pod in get('pods -A')['items']}

    def answers(self, machine, times=20):
        """The names of those that answer at the service's address."""
        return enter(machine, f'for i in $(seq {times}); do curl -s -m 2 http://{self.address}/; done').split()

    def all_answer(self, machine):
        names = {pod['metadata']['name'] for pod in self.pods()}
        return len(names) == 4 and set(self.answers(machine, 60)) == names

    def test_1_the_service_answers_on_both_machines(self):
        self.assertEqual({pod['spec']['nodeName'] for pod in self.pods()}, set(MACHINES))
        for machine in MACHINES:
            wait_until(f'every pod answers {machine}', lambda m=machine: self.all_answer(m), 30)

    def test_2_nothing_restarts_when_the_control_plane_is_gone_for_a_while(self):
        before = self.restarts()
        enter('class', 'mkdir /tmp/aside && mv /etc/kubernetes/manifests/*.yaml /tmp/aside/')
        wait_until('the API server has ended', lambda: 'kube-apiserver' not in enter('class', 'ps ax'), 40)
        for machine in MACHINES:
            self.assertEqual(len(self.answers(machine)), 20, machine)
        enter('class', 'mv /tmp/aside/*.yaml /etc/kubernetes/manifests/ && rmdir /tmp/aside')
        wait_until('the API server answers', lambda: kubectl('get --raw /readyz', check=False) == 'ok', 60)
        wait_until('both are Ready', lambda: all(ready(machine) == 'True' for machine in MACHINES), 60)
        after = self.restarts()
        self.assertEqual({name: count for name, count in after.items() if name in before and count != before[name]}, {})
        self.assertEqual({name for name in before if 'web' in name} - set(after), set())

    def test_3_killed_components_come_back(self):
        enter('class', 'pkill -KILL -x kube-apiserver; pkill -KILL -x kube-controller; pkill -KILL -x kube-scheduler', check=False)
        self.assertEqual(len(self.answers('class2')), 20)
        wait_until('the API server answers', lambda: kubectl('get --raw /readyz', check=False) == 'ok', 90)
        kubectl('scale deployment web --replicas 5')
        wait_until('controllers and scheduler work', lambda: len([p for p in self.pods() if p['status']['phase'] == 'Running']) == 5,
                   90)
        kubectl('scale deployment web --replicas 4')
        wait_until('four pods', lambda: len(self.pods()) == 4, 30)

    def test_4_cordon_drain_uncordon(self):
        kubectl('cordon class2')
        self.assertIn('SchedulingDisabled', kubectl('get node class2'))
        kubectl('drain class2 --ignore-daemonsets --timeout=60s')
        wait_until('all run on class', lambda: [p['spec']['nodeName'] for p in self.pods()] == 4 * ['class'] and
                   all(p['status']['phase'] == 'Running' for p in self.pods()), 60)
        kubectl('uncordon class2')
        self.assertNotIn('SchedulingDisabled', kubectl('get node class2'))
        kubectl('rollout restart deployment/web')
        kubectl('rollout status deployment/web --timeout=60s')
        wait_until('both machines have pods', lambda: {p['spec']['nodeName'] for p in self.pods()} == set(MACHINES), 30)

    def test_5_a_machine_that_is_cut_off_is_replaced_and_heals(self):
        enter('class2', 'ip link set eth0 down')
        wait_until('class2 is not Ready', lambda: ready('class2') == 'Unknown', 90)
        wait_until('its pods are replaced', lambda: len([p for p in self.pods() if p['spec']['nodeName'] == 'class' and
                                                         p['status']['phase'] == 'Running']) == 4, 60)
        wait_until('its endpoints are gone', lambda: self.all_answer('class'), 30)
        # No network manager here puts the route back.
        enter('class2', 'ip link set eth0 up && ip route replace default via 192.168.1.1')
        wait_until('class2 is Ready', lambda: ready('class2') == 'True', 90)
        wait_until('what ran there has ended', lambda: {p['spec']['nodeName'] for p in get('pods -l app=web')['items']} == {'class'},
                   60)
        wait_until('the service answers on class2', lambda: self.all_answer('class2'), 60)

    def test_6_reset_and_join_again(self):
        join = enter('class', 'kubeadm token create --print-join-command').replace('\\\n\t', '').strip()
        enter('class2', 'kubeadm reset -f')
        self.assertEqual(enter('class2', 'ctr -n k8s.io containers ls -q'), '')
        kubectl('delete node class2')
        self.assertIn('This node has joined the cluster', enter('class2', join))
        wait_until('class2 is Ready', lambda: ready('class2') == 'True', 60)
        kubectl('rollout restart deployment/web')
        kubectl('rollout status deployment/web --timeout=60s')
        wait_until('the service answers on class2', lambda: self.all_answer('class2'), 60)


if __name__ == '__main__':
    main()
