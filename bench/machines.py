"""Figures of a cluster of three machines made by kubeadm. Needs root."""
import os
import re
import subprocess
import time

import network

NAME = 'bench-machines'
# By the name that a component runs under: the most that it should hold, in MB. The API server's counts its etcd.
RESIDENT = {'kube-apiserver': 60, 'kube-controller-manager': 20, 'kube-scheduler': 15, 'kubelet': 20, 'kube-proxy': 10,
            'kpp-net': 10, 'coredns': 15}


class Machines:
    name = NAME

    def __init__(self, kpp):
        self.kpp = kpp

    def lab(self, *words, check=True, **options):
        return subprocess.run([self.kpp, 'lab', *words], capture_output=True, text=True, check=check, **{'timeout': 300, **options})

    def enter(self, machine, script, check=True, **options):
        prepare = 'export HOME=/root KUBECONFIG=/etc/kubernetes/admin.conf; '
        return self.run(machine, ['/bin/sh', '-c', prepare + script], check=check, **options)

    def _inside(self, machine, words):
        return [self.kpp, 'lab', 'enter', machine, '--name', NAME, '--', *words]

    def start(self, machine, words, **options):
        """A process in the machine that goes on beside the caller."""
        return subprocess.Popen(self._inside(machine, words), text=True, **options)

    def run(self, machine, words, check=True, **options):
        return subprocess.run(self._inside(machine, words), check=check, capture_output=True, text=True, **{'timeout': 300, **options}).stdout

    def kubectl(self, machine, words, **options):
        return self.enter(machine, f'kubectl {words}', **options)

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
        network.measure(machines, row)
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
