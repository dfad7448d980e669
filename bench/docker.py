"""Figures of Docker as the runtime. Needs root and docker.io."""
import os
import re
import shlex
import time

import cluster
from cluster import BUSYBOX, Cluster

PODS = 30
# What Docker itself takes for the same containers: 30 at a time, each of a pause container and two that join its network.
PLAIN = r'''
import concurrent.futures, http.client, json, socket, sys, time
image, pause, pods = sys.argv[1], sys.argv[2], int(sys.argv[3])

class Engine(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect('/run/docker.sock')

def ask(engine, method, path, body=None):
    engine.request(method, path, json.dumps(body) if body is not None else None, {'Content-Type': 'application/json'})
    answer = engine.getresponse()
    text = answer.read()
    if answer.status >= 300:
        raise SystemExit(f'{method} {path}: {answer.status} {text}')
    return json.loads(text) if text else None

def start(engine, image, command, network):
    made = ask(engine, 'POST', '/containers/create', {'Image': image, 'Cmd': command, 'HostConfig': {'NetworkMode': network}})
    ask(engine, 'POST', f'/containers/{made["Id"]}/start')
    return made['Id']

def pod(_):
    engine = Engine('docker')
    first = start(engine, pause, None, 'none')
    return [first] + [start(engine, image, ['sleep', '100000'], f'container:{first}') for _ in range(2)]

with concurrent.futures.ThreadPoolExecutor(pods) as workers:
    begin = time.monotonic()
    made = list(workers.map(pod, range(pods)))
    print(time.monotonic() - begin)
    engine = Engine('docker')
    for ids in made:
        for one in reversed(ids):
            ask(engine, 'DELETE', f'/containers/{one}?force=true')
'''


def measure(row, deployment):
    cluster.RUNTIME = 'docker'
    c = Cluster('bench')
    try:
        c.start()
        pause, = re.findall(r'\S*/pause:\S+', c.in_node("docker image ls --format '{{.Repository}}:{{.Tag}}'").out)
        words = ' '.join(shlex.quote(word) for word in (PLAIN, BUSYBOX, pause, str(PODS)))
        plain, pods = [], []
        for name in ('first', 'second', 'third'):
            plain.append(float(c.in_node(f'python3 -c {words}', timeout=300).out))
            begin = time.monotonic()
            c.apply(deployment(name, PODS))
            c.kubectl('rollout', 'status', f'deployment/{name}', '--timeout=180s', timeout=200)
            pods.append(time.monotonic() - begin)
            resident = c.in_node("grep VmRSS /proc/$(pgrep -f '[c]ri-dockerd.--container')/status").out.split()[1]
            c.kubectl('delete', 'deployment', name)
            c.kubectl('delete', 'pods', '--all', '--now', timeout=300)
            cluster.wait_until('no container is left', lambda: not c.containers('default'), 120)
        plain.sort()
        pods.sort()
        print(f'Docker alone: {", ".join(f"{s:.2f}" for s in plain)} s; as pods: {", ".join(f"{s:.2f}" for s in pods)} s')
        row('Docker: 30 pods x 2 containers, beside Docker alone', pods[1] / plain[1], 'times', 1.3)
        row('Docker: shim with 30 pods, resident', int(resident) / 1024, 'MB', 15)
    finally:
        c.down()
        cluster.RUNTIME = os.environ.get('RUNTIME', 'containerd')
