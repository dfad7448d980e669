"""Three control planes with etcd, made by kubeadm: one is killed and the API goes on, one leaves and joins again."""
import json
import re
import unittest

from cluster import main, wait_until
from lab import Lab

LAB = Lab('e2e-control-planes')
enter = LAB.enter
MACHINES = {'cp1': '192.168.1.41', 'cp2': '192.168.1.42', 'cp3': '192.168.1.43'}
# Every machine finds the API under this name: a stable one, as a load balancer's would be.
ENDPOINT = 'api.lab.example'
CONFIG = f"""apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
encryptionAlgorithm: ECDSA-P256
controlPlaneEndpoint: {ENDPOINT}:6443
networking:
  podSubnet: 10.44.0.0/16
"""


def point(machine, at):
    enter(machine, f"sed '/{ENDPOINT}/d' /etc/hosts > /tmp/hosts; echo '{MACHINES[at]} {ENDPOINT}' >> /tmp/hosts; "
                   'cat /tmp/hosts > /etc/hosts')


def members(machine):
    """(name, whether it has a vote) of every etcd member."""
    pki = '/etc/kubernetes/pki/etcd'
    text = enter(machine, f'ETCDCTL_API=3 etcdctl --endpoints https://127.0.0.1:2379 --cacert {pki}/ca.crt '
                          f'--cert {pki}/healthcheck-client.crt --key {pki}/healthcheck-client.key member list -w json')
    return {member.get('name'): not member.get('isLearner', False) for member in json.loads(text)['members']}


class ControlPlanes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        LAB.up('--bare', '--nodes', ','.join('='.join(m) for m in MACHINES.items()))
        for machine in MACHINES:
            point(machine, 'cp1')
        cls.printed = enter('cp1', 'cat > /etc/kubeadm.yaml && kubeadm init --config /etc/kubeadm.yaml --upload-certs', CONFIG)
        enter('cp1', 'kpp network-agent --print-manifest | kubectl apply -f -')
        commands = re.findall(r'kubeadm join (?:.*\\\n)*.*', cls.printed)
        cls.control_plane_join, cls.worker_join = (command.replace('\\\n', ' ').strip() for command in commands)

    @classmethod
    def tearDownClass(cls):
        LAB.down()

    def roles(self):
        nodes = json.loads(enter('cp2', f'kubectl --server https://{MACHINES["cp2"]}:6443 get nodes -o json'))['items']
        return {node['metadata']['name'] for node in nodes if 'node-role.kubernetes.io/control-plane' in node['metadata']['labels']}

    def test_1_a_wrong_key_and_an_authority_that_is_missing_are_refused(self):
        wrong = re.sub(r'--certificate-key \S+', '--certificate-key ' + 64 * 'a', self.control_plane_join)
        self.assertIn('the certificate key is not the one it was encrypted with', enter('cp2', wrong, check=False))
        without = re.sub(r'--certificate-key \S+', '', self.control_plane_join)
        enter('cp2', 'kubeadm reset -f')
        text = enter('cp2', without, check=False)
        self.assertIn('The certificates that must be shared among control plane instances are provided', text)
        self.assertIn('/etc/kubernetes/pki/ca.crt: no such file or directory', text)

    def test_2_two_more_join(self):
        for machine in ('cp2', 'cp3'):
            text = enter(machine, self.control_plane_join)
            for line in ('[download-certs] Downloading the certificates in Secret "kubeadm-certs" in the "kube-system" Namespace',
                         '[etcd] Announced new etcd member joining to the existing etcd cluster',
                         'This node has joined the cluster and a new control plane instance was created:'):
                self.assertIn(line, text)
            point(machine, machine)
        self.assertEqual(members('cp3'), {machine: True for machine in MACHINES})
        self.assertEqual(self.roles(), set(MACHINES))
        enter('cp1', 'kubectl wait --for=condition=Ready nodes --all --timeout=60s')
        keys = enter('cp2', "find /etc/kubernetes/pki -name '*.key' -printf '%m\\n' | sort -u")
        self.assertEqual(keys, '600\n')

    def test_3_they_are_one_api(self):
        for machine in MACHINES:
            enter(machine, f'kubectl --server https://{MACHINES[machine]}:6443 create configmap of-{machine}')
        for machine in MACHINES:
            names = enter(machine, f'kubectl --server https://{MACHINES[machine]}:6443 get configmaps -o name')
            self.assertEqual({name for name in names.split() if '/of-' in name}, {f'configmap/of-{m}' for m in MACHINES})

    def test_4_one_is_killed_and_the_api_goes_on(self):
        enter('cp1', 'mkdir /tmp/aside && mv /etc/kubernetes/manifests/*.yaml /tmp/aside/; '
                     'pkill -KILL -x kube-apiserver; pkill -KILL -x etcd; true')
        wait_until('etcd has ended', lambda: enter('cp1', 'pgrep -x etcd || true') == '', 60)
        for machine in ('cp2', 'cp3'):
            wait_until(f'{machine} writes', lambda m=machine: 'configmap/' in enter(
                m, f'kubectl create configmap while-one-is-gone-{m}', check=False), 30)
        # Another one leads now: the controllers and the scheduler work.
        enter('cp2', 'kubectl create deployment idle --image=registry.k8s.io/pause:3.10.1 --replicas=2 && '
                     'kubectl taint nodes cp2 cp3 node-role.kubernetes.io/control-plane-')
        wait_until('the deployment runs', lambda: enter(
            'cp3', 'kubectl get deployment idle -o jsonpath={.status.readyReplicas}') == '2', 90)
        enter('cp1', 'mv /tmp/aside/*.yaml /etc/kubernetes/manifests/ && rmdir /tmp/aside')
        wait_until('the first answers again', lambda: enter(
            'cp1', f'kubectl --server https://{MACHINES["cp1"]}:6443 get --raw /readyz', check=False) == 'ok', 90)
        self.assertIn('while-one-is-gone-cp2', enter('cp1', 'kubectl get configmaps'))

    def test_5_one_leaves_and_joins_again(self):
        text = enter('cp3', 'kubeadm reset -f')
        self.assertNotIn('WARNING', text)
        enter('cp2', 'kubectl delete node cp3')
        self.assertEqual(set(members('cp2')), {'cp1', 'cp2'})
        point('cp3', 'cp1')
        enter('cp3', self.control_plane_join)
        self.assertEqual(members('cp3'), {machine: True for machine in MACHINES})


if __name__ == '__main__':
    main()
