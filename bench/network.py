#!/usr/bin/env python3
"""Figures of the network of a cluster of three machines: services' rules, the pods' overlay, the cluster's DNS.

Parts of it run inside the machines, where their network is: `network.py write`, `watch` and `metrics` there. All machines
share one monotonic clock, so the times that they print can be compared."""
import base64
import http.client
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

SERVICES = 1000
CHANGES = 100
MANY = 5000
MANY_ENDPOINTS = 5
MANY_CHANGES = 20
PAUSE = 0.3  # between one change and the next
KUBECONFIG = '/etc/kubernetes/admin.conf'
SLICES = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices'


# ---------------------------------------------------------------- inside a machine


class Api:
    """The API server as the administrator asks it, over one kept connection."""

    def __init__(self):
        with open(KUBECONFIG, encoding='utf-8') as file:
            text = file.read()
        value = lambda key: re.search(rf'{key}: *(\S+)', text).group(1)  # noqa: E731
        with tempfile.TemporaryDirectory() as folder:
            for key in ('certificate-authority-data', 'client-certificate-data', 'client-key-data'):
                with open(os.path.join(folder, key), 'wb') as file:
                    file.write(base64.b64decode(value(key)))
            context = ssl.create_default_context(cafile=os.path.join(folder, 'certificate-authority-data'))
            context.load_cert_chain(os.path.join(folder, 'client-certificate-data'), os.path.join(folder, 'client-key-data'))
        host, port = value('server').removeprefix('https://').rsplit(':', 1)
        self.connection = http.client.HTTPSConnection(host, int(port), context=context)
        self.connection.connect()

    def ask(self, method, path, body):
        self.connection.request(method, path, json.dumps(body), {'Content-Type': 'application/json'})
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise SystemExit(f'{method} {path}: {answer.status} {text[:300]}')


def write():
    """Requests come as lines [method, path, body, pause]; prints when each was sent."""
    api = Api()
    for line in sys.stdin:
        method, path, body, pause = json.loads(line)
        if pause > 0:
            print(time.monotonic(), flush=True)
        api.ask(method, path, body)
        time.sleep(pause)


def watch():
    """Prints when the kernel took a rule, and the address that it leads to, until it is ended."""
    events = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)  # NETLINK_NETFILTER
    events.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE: a change of many rules comes at once
    events.bind((0, 1 << (7 - 1)))  # NFNLGRP_NFTABLES
    print('watching', flush=True)
    # The target DNAT holds the first and the last address of a range, 16 bytes each.
    target = re.compile(rb'(\n[\xd2-\xef]..)\0{12}\1', re.DOTALL)
    while True:
        messages = events.recv(1 << 20)
        now = time.monotonic()
        for address in target.findall(messages):
            print(now, socket.inet_ntoa(address), flush=True)


def metrics():
    """What the proxy says of itself; nothing while it does not run."""
    try:
        with urllib.request.urlopen('http://127.0.0.1:10249/metrics', timeout=5) as answer:
            print(answer.read().decode())
    except OSError:
        pass


# ---------------------------------------------------------------- outside


class Watchers:
    """Notes when each machine got the rule of each address."""

    def __init__(self, machines, names):
        self.seen = {name: {} for name in names}
        self.processes, self.threads = [], []
        for name in names:
            process = machines.start(name, ['python3', os.path.abspath(__file__), 'watch'], stdout=subprocess.PIPE)
            process.stdout.readline()
            thread = threading.Thread(target=self.read, args=(process.stdout, self.seen[name]), daemon=True)
            thread.start()
            self.processes.append(process)
            self.threads.append(thread)

    @staticmethod
    def read(lines, seen):
        for line in lines:
            when, address = line.split()
            seen.setdefault(address, float(when))

    def all_have(self, address):
        return all(address in seen for seen in self.seen.values())

    def stop(self):
        for process in self.processes:
            process.kill()
            process.wait()
        for thread in self.threads:
            thread.join()


def service(i):
    return {'apiVersion': 'v1', 'kind': 'Service', 'metadata': {'name': f'many-{i}'}, 'spec': {'ports': [{'name': 'p', 'port': 80}]}}


def slice_of(i, addresses):
    return {'apiVersion': 'discovery.k8s.io/v1', 'kind': 'EndpointSlice', 'addressType': 'IPv4',
            'metadata': {'name': f'many-{i}-a', 'labels': {'kubernetes.io/service-name': f'many-{i}'}},
            'ports': [{'name': 'p', 'port': 8080, 'protocol': 'TCP'}],
            'endpoints': [{'addresses': [address], 'conditions': {'ready': True}} for address in addresses]}


def address_of(second, i, k=0):
    return f'10.{second + k}.{i // 250}.{i % 250 + 1}'


def send(machines, first, requests):
    """The times at which those with a pause after them were sent."""
    out = machines.run(first, ['python3', os.path.abspath(__file__), 'write'],
                       input=''.join(json.dumps(request) + '\n' for request in requests))
    return [float(line) for line in out.splitlines()]


def has_rules(machines, name, address):
    script = f'until iptables-save -t nat | grep -q "to-destination {address}:8080"; do sleep 0.5; done'
    machines.run(name, ['/bin/sh', '-c', script], timeout=120)


def changes_take(machines, first, names, second, count, endpoints):
    """Seconds from the sending of a change of one service to its rule on each of `names`, sorted."""
    watchers = Watchers(machines, names)
    try:
        fresh = [address_of(second, i) for i in range(count)]
        others = [[address_of(200, i, k) for k in range(1, endpoints)] for i in range(count)]
        sent = send(machines, first, [['PUT', f'{SLICES}/many-{i}-a', slice_of(i, [fresh[i], *others[i]]), PAUSE] for i in range(count)])
        deadline = time.monotonic() + 30
        while not all(watchers.all_have(address) for address in fresh):
            if time.monotonic() > deadline:
                raise SystemExit('a change of a service did not reach every machine in 30 s')
            time.sleep(0.1)
        return sorted(max(seen[address] for seen in watchers.seen.values()) - begin for address, begin in zip(fresh, sent))
    finally:
        watchers.stop()


def measure_services(machines, row, names):
    first, last = names[0], names[-1]
    send(machines, first, [['POST', '/api/v1/namespaces/default/services', service(i), 0] for i in range(SERVICES)] +
         [['POST', SLICES, slice_of(i, [address_of(200, i)]), 0] for i in range(SERVICES)])
    for name in names:
        has_rules(machines, name, address_of(200, SERVICES - 1))
    took = changes_take(machines, first, names, 210, CHANGES, 1)
    row(f'change of one of {SERVICES} services to its rule on 3 nodes, p99', took[int(len(took) * 0.99)], 's', 0.5)

    send(machines, first, [['POST', '/api/v1/namespaces/default/services', service(i), 0] for i in range(SERVICES, MANY)] +
         [['PUT' if i < SERVICES else 'POST', f'{SLICES}/many-{i}-a' if i < SERVICES else SLICES,
           slice_of(i, [address_of(200, i, k) for k in range(MANY_ENDPOINTS)]), 0] for i in range(MANY)])
    for name in names:
        has_rules(machines, name, address_of(200, MANY - 1, MANY_ENDPOINTS - 1))
    took = changes_take(machines, first, [last], 220, MANY_CHANGES, MANY_ENDPOINTS)
    row(f'change of one of {MANY} services with {MANY_ENDPOINTS} endpoints to its rule, median', took[len(took) // 2], 's', 0.2)
    row(f'full sync of {MANY} services with {MANY_ENDPOINTS} endpoints', full_sync(machines, last), 's', 3)


def full_sync(machines, name):
    """Seconds that a proxy whose rules are all gone took for its first sync, by its own metric."""
    machines.run(name, ['/bin/sh', '-c', 'pkill -9 -f "^[^ ]*kube-proxy "; iptables -t nat -F; iptables -t filter -F'])
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        time.sleep(1)
        text = machines.run(name, ['python3', os.path.abspath(__file__), 'metrics'])
        found = re.search(r'^kubeproxy_sync_full_proxy_rules_duration_seconds_sum\{ip_family="IPv4"\} (\S+)', text, re.MULTILINE)
        rules = re.search(r'^kubeproxy_sync_proxy_rules_iptables_last\{[^}]*table="nat"[^}]*\} (\S+)', text, re.MULTILINE)
        if found and float(found.group(1)) > 0 and rules and float(rules.group(1)) > MANY * MANY_ENDPOINTS:
            return float(found.group(1))
    raise SystemExit('the proxy did not come back')


def pod(name, node, command):
    return {'apiVersion': 'v1', 'kind': 'Pod', 'metadata': {'name': name, 'namespace': 'default'}, 'spec': {
        'nodeName': node, 'terminationGracePeriodSeconds': 0, 'tolerations': [{'operator': 'Exists'}],
        'volumes': [{'name': 'tmp', 'emptyDir': {}}],  # iperf3 keeps a file a stream there
        'containers': [{'name': 'c', 'image': 'localhost/iperf3:1', 'command': command,
                        'volumeMounts': [{'name': 'tmp', 'mountPath': '/tmp'}]}]}}


def gigabits(text):
    return json.loads(text)['end']['sum_received']['bits_per_second'] / 1e9


def bare_veth():
    """What iperf3 reaches over one veth between two empty network namespaces."""
    a, b = 'kpp-bench-a', 'kpp-bench-b'
    ip = lambda *words: subprocess.run(['ip', *words], check=True)  # noqa: E731
    for name in (a, b):
        subprocess.run(['ip', 'netns', 'delete', name], check=False, capture_output=True)
        ip('netns', 'add', name)
    server = None
    try:
        ip('-n', a, 'link', 'add', 'veth0', 'type', 'veth', 'peer', 'name', 'veth0', 'netns', b)
        for name, address in ((a, '10.9.9.1/30'), (b, '10.9.9.2/30')):
            ip('-n', name, 'address', 'add', address, 'dev', 'veth0')
            ip('-n', name, 'link', 'set', 'veth0', 'up')
        server = subprocess.Popen(['ip', 'netns', 'exec', b, 'iperf3', '-s'], stdout=subprocess.DEVNULL)
        time.sleep(0.5)
        out = subprocess.run(['ip', 'netns', 'exec', a, 'iperf3', '-c', '10.9.9.2', '-t', '3', '-J'], check=True, capture_output=True, text=True)
        return gigabits(out.stdout)
    finally:
        if server is not None:
            server.kill()
            server.wait()
        for name in (a, b):
            ip('netns', 'delete', name)


def measure_overlay(machines, row, names):
    here, there = names[-2], names[-1]
    with tempfile.TemporaryDirectory() as folder:
        archive = os.path.join(folder, 'iperf3.tar')
        recipe = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'images/iperf3')
        subprocess.run([machines.kpp, 'image', 'build', recipe, '-o', archive], check=True, capture_output=True)
        for name in (here, there):
            machines.lab('load', name, archive, '--name', machines.name)
    items = [pod('iperf-server', there, ['/usr/bin/iperf3', '-s']), pod('iperf-client', here, ['/usr/bin/iperf3', '-s', '-p', '5202'])]
    machines.kubectl(names[0], 'apply -f -', input=json.dumps({'apiVersion': 'v1', 'kind': 'List', 'items': items}))
    machines.kubectl(names[0], 'wait --for=condition=Ready pod/iperf-server pod/iperf-client --timeout=60s')
    server = machines.kubectl(names[0], "get pod iperf-server -o 'jsonpath={.status.podIP}'").strip()
    pairs = []
    for _ in range(3):
        overlay = gigabits(machines.kubectl(names[0], f'exec iperf-client -- /usr/bin/iperf3 -c {server} -t 3 -J'))
        pairs.append((overlay, bare_veth()))
    print('iperf3, overlay and bare veth, Gbit/s:', ', '.join(f'{a:.1f} of {b:.1f}' for a, b in pairs), flush=True)
    ratios = sorted(100 * a / b for a, b in pairs)
    row('pod to pod over the overlay, of a bare veth', ratios[1], '%', 80, 'more')


def measure_dns(machines, row, names):
    """One core for the server, the other for the load."""
    if shutil.which('dnsperf') is None:
        print('dnsperf is not installed (apt-get install dnsperf): the cluster\'s DNS is not measured')
        return
    first = names[0]
    corefile = '.:15353 {\n    kubernetes cluster.local\n}\n'
    queries = ''.join(f'many-{i}.default.svc.cluster.local A\n' for i in range(SERVICES))
    prepare = 'mkdir -p /tmp/dns-bench; cat > /tmp/dns-bench/'
    machines.run(first, ['/bin/sh', '-c', prepare + 'Corefile'], input=corefile)
    machines.run(first, ['/bin/sh', '-c', prepare + 'queries'], input=queries)
    server = machines.start(first, ['taskset', '-c', '0', 'kpp', 'kpp-dns', '--conf', '/tmp/dns-bench/Corefile',
                                    '--kubeconfig', KUBECONFIG], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(3)
        load = 'taskset -c 1 dnsperf -s 127.0.0.1 -p 15353 -d /tmp/dns-bench/queries -l 5 -c 8 -q 200'
        text = machines.run(first, ['/bin/sh', '-c', load], timeout=60)
        good = re.search(r'NOERROR \d+ \(([0-9.]+)%\)', text)
        if good is None or float(good.group(1)) < 99.9:
            raise SystemExit(f'the names were not answered:\n{text}')
        row('DNS, names of services, one core', float(re.search(r'Queries per second:\s+([0-9.]+)', text).group(1)), '/s', 30000, 'more')
    finally:
        server.kill()
        server.wait()
        machines.run(first, ['pkill', '-f', 'dns-bench/Corefile'], check=False)


def measure(machines, row):
    names = machines.names()
    measure_overlay(machines, row, names)
    measure_services(machines, row, names)
    measure_dns(machines, row, names)


if __name__ == '__main__':
    {'write': write, 'watch': watch, 'metrics': metrics}[sys.argv[1]]()
