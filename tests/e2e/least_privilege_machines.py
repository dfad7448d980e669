"""A cluster of two machines made by kubeadm, each component with the credential it was given: the audit from the first
request on shows nothing denied; a kubelet's own credential reads what its pods need, and nothing of the other machine's."""
import json
import re
import unittest

from cluster import BUSYBOX, images_archive, main, wait_until
from lab import Lab
from least_privilege import job, workload

LAB = Lab('e2e-privilege')
enter = LAB.enter
MACHINES = ('class', 'class2')
KUBELET = 'KUBECONFIG=/etc/kubernetes/kubelet.conf'
# What the API server writes to its output is in the container's log.
POLICY = 'apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules: [{level: Metadata}]\n'
CONFIG = """
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
encryptionAlgorithm: ECDSA-P256
networking: {podSubnet: 10.44.0.0/16}
apiServer:
  extraArgs:
  - {name: audit-log-path, value: "-"}
  - {name: audit-policy-file, value: /etc/kubernetes/audit/policy.yaml}
  extraVolumes:
  - {name: audit, hostPath: /etc/kubernetes/audit, mountPath: /etc/kubernetes/audit, readOnly: true, pathType: Directory}
"""


def kubectl(words, stdin=None, check=True):
    return enter('class', f'kubectl {words}', stdin, check)


def apply(thing):
    kubectl('apply -f -', json.dumps(thing))


def events():
    out = []
    for line in enter('class', 'cat /var/log/pods/kube-system_kube-apiserver-*/kube-apiserver/*.log').splitlines():
        text = line.split(' ', 3)[-1]
        if text.startswith('{"kind":"Event"') and text.endswith('}'):
            out.append(json.loads(text))
    return out


class LeastPrivilegeMachines(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.addClassCleanup(LAB.down)
        LAB.up('--nodes', ','.join(MACHINES), '--bare')
        archive = images_archive()
        for machine in MACHINES:
            LAB.load(machine, archive)
        enter('class', 'mkdir -p /etc/kubernetes/audit && cat > /etc/kubernetes/audit/policy.yaml', POLICY)
        printed = enter('class', 'cat > /root/kubeadm.yaml && kubeadm init --config /root/kubeadm.yaml', CONFIG)
        join = re.search(r'^kubeadm join .*\\\n.*$', printed, re.MULTILINE)
        assert join, printed
        enter('class2', join.group(0))
        kubectl('apply -f -', enter('class', 'kpp network-agent --print-manifest'))
        kubectl('taint node class node-role.kubernetes.io/control-plane-')
        kubectl('wait --for=condition=Ready nodes --all --timeout=60s')

    def test_a_kubelet_reads_what_its_own_pods_need(self):
        for name, machine in (('one', 'class'), ('two', 'class2')):
            kubectl(f'create secret generic {name} --from-literal=a=b')
            apply({'apiVersion': 'v1', 'kind': 'Pod', 'metadata': {'name': name},
                   'spec': {'nodeName': machine, 'terminationGracePeriodSeconds': 1,
                            'containers': [{'name': 'main', 'image': BUSYBOX, 'command': ['sleep', '100000'],
                                            'envFrom': [{'secretRef': {'name': name}}]}]}})
            kubectl(f'wait --for=condition=Ready pod/{name} --timeout=60s')
        for mine, other, machine in (('one', 'two', 'class'), ('two', 'one', 'class2')):
            self.assertEqual(enter(machine, f'{KUBELET} kubectl get secret {mine} -o name'), f'secret/{mine}\n')
            self.assertIn(f'secrets "{other}" is forbidden: User "system:node:{machine}" cannot get resource "secrets" in API '
                          f"group \"\" in the namespace \"default\": no relationship found between node '{machine}' and this "
                          'object', enter(machine, f'{KUBELET} kubectl get secret {other}', check=False))
        # What these refusals left in the log is the tests' own.
        self.assertEqual({e['user']['username'] for e in events() if e.get('responseStatus', {}).get('code') == 403
                          and not e['userAgent'].startswith('kubectl')}, set())

    def test_nothing_that_a_component_does_is_denied(self):
        for thing in (workload('Deployment', 'd', replicas=3), workload('DaemonSet', 'every'),
                      workload('StatefulSet', 'ordered', replicas=2, serviceName='ordered'), job('once')):
            apply(thing)
        kubectl('expose deployment d --port=80 --type=NodePort')
        kubectl('create poddisruptionbudget d --selector=app=d --min-available=1')
        kubectl('create namespace passing')
        for thing in ('deployment/d', 'daemonset/every', 'statefulset/ordered'):
            kubectl(f'rollout status {thing} --timeout=60s')
        kubectl('set env deployment/d A=b')
        kubectl('rollout status deployment/d --timeout=60s')
        kubectl('drain class2 --ignore-daemonsets --force --timeout=60s')
        kubectl('uncordon class2')
        kubectl('delete namespace passing --timeout=60s')
        kubectl('delete deployment/d daemonset/every statefulset/ordered --timeout=60s')
        wait_until('the finished job is gone', lambda: 'NotFound' in kubectl('get job once', check=False), 60)
        seen = events()
        denied = {(e['user'].get('username'), e['verb'], e['requestURI'], e['responseStatus'].get('message'))
                  for e in seen if e.get('responseStatus', {}).get('code') in (401, 403)
                  and not e.get('userAgent', '').startswith('kubectl')}
        self.assertEqual(denied, set())
        users = {e['user'].get('username', '') for e in seen}
        account = 'system:serviceaccount:kube-system:'
        self.assertLessEqual({'system:node:class', 'system:node:class2', 'system:kube-scheduler',
                              'system:kube-controller-manager', account + 'kube-proxy', account + 'coredns', account + 'kpp-net',
                              account + 'deployment-controller', account + 'daemon-set-controller'}, users)
        # kubeadm itself, before there are rights to act with, and what the server does to itself.
        masters = {e['user']['username'] for e in seen if 'system:masters' in e['user'].get('groups', [])}
        self.assertLessEqual(masters, {'kubernetes-super-admin', 'system:apiserver'})


if __name__ == '__main__':
    main()
