"""Figures of a cluster of three machines made by kubeadm. Needs root."""
import json
import os
import re
import subprocess
import time

NAME = 'bench-machines'
SERVICES = 1000
CHANGES = 50
# By the name that a component runs under: the most that it should hold, in MB. The API server's counts its etcd.
RESIDENT = {'kube-apiserver': 60, 'kube-controller-manager': 20, 'kube-scheduler': 15, 'kubelet': 20, 'kube-proxy': 10,
            'kpp-net': 10, 'coredns': 15}


class Machines:
    def __init__(self, kpp):
        self.kpp = kpp

    def lab(self, *words, check=True, **options):
        return subprocess.run([self.kpp, 'lab', *words], capture_output=True, text=True, check=check, **{'timeout': 300, **options})

    def enter(self, machine, script, check=True, **options):
        prepare = 'export HOME=/root KUBECONFIG=/etc/kubernetes/admin.conf; '
        return self.lab('enter', machine, '--name', NAME, '--', '/bin/sh', '-c', prepare + script, check=check, **options).stdout

    def names(self):
        return [words[1] for words in self._rows()]

    def _rows(self):
        rows = (line.split() for line in self.lab('list').stdout.splitlines())
        return [words for words in rows if words and words[0] == NAME]

    def processes(self):
        """(name it runs under, resident MB) of every process of the machines, those in containers too."""
        # A machine's processes are those that descend from its first one.
        inits = {int(words[3]) for words in self._rows()}
        parents, out = {}, []
        for pid in (int(entry) for entry in os.listdir('/proc') if entry.isdigit()):
            try:
                with open(f'/proc/{pid}/stat', encoding='utf-8') as file:
                    parents[pid] = int(file.read().rsplit(')', 1)[1].split()[1])
            except OSError:
                pass
        for pid in parents:
            up = pid
            while up in parents and up not in inits:
                up = parents[up]
            if up not in inits:
                continue
            try:
                with open(f'/proc/{pid}/cmdline', 'rb') as file:
                    words = file.read().split(b'\0')
                with open(f'/proc/{pid}/status', encoding='utf-8') as file:
                    resident = re.search(r'VmRSS:\s+(\d+)', file.read())
            except OSError:
                continue
            if resident:
                name = os.path.basename(words[0].decode())
                if name == 'kpp' and len(words) > 1:
                    name = words[1].decode()
                out.append((name, int(resident.group(1)) / 1024))
        return out


def measure(kpp, row):
    machines = Machines(kpp)
    machines.lab('down', '--name', NAME, check=False)
    try:
        begin = time.monotonic()
        machines.lab('up', '--nodes', '3', '--name', NAME)
        row('kpp lab up --nodes 3, ready', time.monotonic() - begin, 's', 15)
        first, *others = machines.names()
        measure_join(machines, row, first, others[-1])
        time.sleep(5)
        processes = machines.processes()
        for name, target in RESIDENT.items():
            held = [resident for of, resident in processes if of == name]
            if name == 'kube-apiserver':
                held = [max(held, default=0) + max((resident for of, resident in processes if of == 'etcd'), default=0)]
            if held:
                row(f'{name}{" with etcd" if name == "kube-apiserver" else ""}, resident', max(held), 'MB', target)
        measure_rules(machines, row, first, [first, *others])
    finally:
        machines.lab('down', '--name', NAME, check=False)


def measure_join(machines, row, first, last):
    machines.enter(first, f'kubectl delete node {last}')
    machines.enter(last, 'kubeadm reset -f')
    join = machines.enter(first, 'kubeadm token create --print-join-command').strip()
    begin = time.monotonic()
    machines.enter(last, join)
    machines.enter(first, f'kubectl wait --for=condition=Ready node/{last} --timeout=60s')
    row('kubeadm join to Ready', time.monotonic() - begin, 's', 3)


def measure_rules(machines, row, first, all_of_them):
    """From the answer to a change of a service's endpoints to its rule on every machine."""
    objects = []
    for i in range(SERVICES):
        objects.append({'apiVersion': 'v1', 'kind': 'Service', 'metadata': {'name': f'many-{i}'},
                        'spec': {'ports': [{'name': 'p', 'port': 80}]}})
        objects.append(slice_of(i, f'10.250.{i // 250}.{i % 250 + 1}'))
    machines.enter(first, 'kubectl create -f - > /dev/null', input=json.dumps({'apiVersion': 'v1', 'kind': 'List', 'items': objects}))
    for machine in all_of_them:
        wait_for_rule(machines, machine, f'10.250.{(SERVICES - 1) // 250}.{(SERVICES - 1) % 250 + 1}')
    took = []
    for i in range(CHANGES):
        address = f'10.251.0.{i + 1}'
        machines.enter(first, 'kubectl replace -f - > /dev/null', input=json.dumps(slice_of(i, address)))
        begin = time.monotonic()
        for machine in all_of_them:
            wait_for_rule(machines, machine, address)
        took.append(time.monotonic() - begin)
    row(f'change of one of {SERVICES} services to its rule on every machine, p99', sorted(took)[int(len(took) * 0.99)], 's', 0.5)


def slice_of(i, address):
    return {'apiVersion': 'discovery.k8s.io/v1', 'kind': 'EndpointSlice', 'addressType': 'IPv4',
            'metadata': {'name': f'many-{i}-a', 'labels': {'kubernetes.io/service-name': f'many-{i}'}},
            'ports': [{'name': 'p', 'port': 8080, 'protocol': 'TCP'}],
            'endpoints': [{'addresses': [address], 'conditions': {'ready': True}}]}


def wait_for_rule(machines, machine, address):
    machines.enter(machine, f'until iptables-save -t nat | grep -q "to-destination {address}:8080"; do sleep 0.02; done', timeout=60)
