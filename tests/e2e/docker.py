"""Docker as the runtime: what a person reads from docker ps, each of shim and engine killed and started again, and bad cases.
What is left of pods is counted: containers, processes, network namespaces, veths, mounts, addresses, checkpoints."""
import http.server
import json
import os
import socketserver
import subprocess
import tempfile
import threading
import time
import unittest

import cluster
from cluster import BUSYBOX, KPP, ClusterTest, busybox_pod, main, wait_until

cluster.RUNTIME = 'docker'

# The mount of a layer that Docker was killed in making is Docker's own: nobody else knows of it.
LEFT = r"""
count() { echo "$1 $(grep -c . || true)"; }
docker ps --all --quiet --filter label=io.kubernetes.pod.namespace=default | count containers
lsns --noheadings --type net --output NS | sort --unique | count network-namespaces
ls /sys/class/net | grep ^veth | count veths
grep ' \(overlay\|nsfs\|tmpfs\) ' /proc/self/mounts | grep -v -e '-init/merged ' | count mounts
ps ax -o args | grep '^[^ ]*containerd-shim-runc-v2 -namespace moby' | count processes
ls /run/cni/kpp 2>/dev/null | grep '^[0-9]' | count addresses
ls {data}/docker/cri-dockerd/sandboxes 2>/dev/null | count checkpoints
iptables-save -t nat | grep -e '-A CNI-DN-' -e '-A CNI-[0-9a-f]\{20,\}' | count rules
"""
PS = "docker ps --all --no-trunc --format '{{.ID}} {{.Names}} {{.Image}} {{.State}}'"


def replicas(name, count, **spec):
    labels = {'app': name}
    return {'apiVersion': 'apps/v1', 'kind': 'Deployment', 'metadata': {'name': name},
            'spec': {'replicas': count, 'selector': {'matchLabels': labels},
                     'template': {'metadata': {'labels': labels},
                                  'spec': {'terminationGracePeriodSeconds': 0, 'containers': [
                                      {'name': 'main', 'image': BUSYBOX,
                                       'command': ['sh', '-c', 'i=0; while :; do i=$((i+1)); echo line $i; sleep 0.1; done']}],
                                           **spec}}}}


class Docker(ClusterTest):
    cluster_name = 'docker'

    def setUp(self):
        self.addCleanup(self.delete_all)
        self.before = self.left()

    def left(self):
        text = self.cluster.in_node(LEFT.replace('{data}', self.cluster.data)).out
        return dict(line.rsplit(' ', 1) for line in text.splitlines())

    def delete_all(self):
        self.cluster.kubectl('delete', 'deployments', '--all')
        self.cluster.kubectl('delete', 'pods', '--all', '--now', timeout=180)

    def nothing_leaks(self):
        self.delete_all()
        wait_until(f'nothing is left of the pods; before: {self.before}', lambda: self.same_as_before(), 60)

    def same_as_before(self):
        now = self.left()
        if now != self.before:
            raise AssertionError(str(now))
        return True

    def ps(self):
        """{name: (id, image, state)} of every container."""
        lines = (line.split() for line in self.cluster.in_node(PS).out.splitlines())
        return {name: (container, image, state) for container, name, image, state in lines}

    def kill(self, process):
        # Gone is who has no entry in /proc: until then it may hold its socket.
        self.cluster.in_node(f'pids=$(pgrep -f {process}) && kill -9 $pids && '
                             'for pid in $pids; do while [ -e /proc/$pid ]; do sleep 0.01; done; done')

    def kill_shim(self):
        self.kill('[c]ri-dockerd.--container')

    def kill_docker(self):
        self.kill('^[d]ockerd')

    def start_again(self):
        """Whatever was killed: `kpp up` starts it."""
        self.cluster.up()
        self.cluster.kubectl('wait', '--for=condition=Ready', 'node', '--all', '--timeout=60s')

    def condition(self):
        ready, = (c for c in self.cluster.get('nodes')['items'][0]['status']['conditions'] if c['type'] == 'Ready')
        return ready

    def events(self, pod):
        return self.cluster.kubectl('get', 'events', '--field-selector', f'involvedObject.name={pod}', '-o',
                                    'jsonpath={range .items[*]}{.reason}: {.message}{"\\n"}{end}').out

    def test_ps_reads_as_pods_and_what_a_person_made_stays(self):
        c = self.cluster
        c.in_node(f'docker rm --force by-hand; docker run --detach --name by-hand --network none {BUSYBOX} sleep 100000')
        self.addCleanup(c.in_node, 'docker rm --force by-hand')
        self.before = self.left()
        c.apply(busybox_pod('reads'))
        self.wait_ready('reads')
        uid = c.get('pod', 'reads')['metadata']['uid']
        names = self.ps()
        self.assertEqual({'by-hand', f'k8s_POD_reads_default_{uid}_0', f'k8s_main_reads_default_{uid}_0'},
                         {name for name in names if 'by-hand' in name or 'reads' in name})
        status, = c.get('pod', 'reads')['status']['containerStatuses']
        self.assertEqual(status['containerID'], 'docker://' + names[f'k8s_main_reads_default_{uid}_0'][0])
        self.assertRegex(c.get('nodes')['items'][0]['status']['nodeInfo']['containerRuntimeVersion'], r'^docker://\d+\.\d+')
        self.nothing_leaks()
        self.assertEqual(self.ps()['by-hand'][2], 'running')

    def test_shim_and_engine_are_killed_and_pods_run_on(self):
        c = self.cluster
        c.apply(replicas('stays', 5))
        c.kubectl('rollout', 'status', 'deployment/stays', '--timeout=60s')
        running = c.containers('default')
        self.assertEqual(len(running), 10)
        for killed in (self.kill_shim, self.kill_docker):
            killed()
            self.start_again()
            self.assertEqual(c.containers('default'), running)
        c.kill_kpp()  # kubelet and shim at once
        self.start_again()
        c.kubectl('run', 'after', f'--image={BUSYBOX}', '--', 'sleep', '100000')
        c.kubectl('wait', '--for=condition=Ready', 'pod/after', '--timeout=60s')
        self.assertEqual({k: v for k, v in c.containers('default').items() if v[0] != 'after'}, running)
        for pod in c.get('pods', '-l', 'app=stays')['items']:
            status, = pod['status']['containerStatuses']
            self.assertEqual(status['restartCount'], 0)
            # Each line once and in order, through three ends.
            lines = c.kubectl('logs', pod['metadata']['name']).out.splitlines()
            self.assertEqual(lines, [f'line {i + 1}' for i in range(len(lines))])
        self.nothing_leaks()

    def test_engine_is_killed_half_way_through_a_start(self):
        c = self.cluster
        for wait in (0.3, 0.8):
            c.apply(replicas('torn', 8))
            time.sleep(wait)
            self.kill_docker()
            time.sleep(1)
            self.start_again()
            c.kubectl('rollout', 'status', 'deployment/torn', '--timeout=120s', timeout=150)
            pods = {pod['metadata']['name'] for pod in c.get('pods', '-l', 'app=torn')['items']}
            alive = [pod for pod, _, pid in c.containers('default').values() if pid]
            self.assertEqual(sorted(alive), sorted([*pods, *pods]), 'two running containers a pod')
            self.nothing_leaks()

    def test_shim_is_killed_half_way_through_a_start(self):
        c = self.cluster
        for wait in (0.3, 0.8):
            c.apply(replicas('torn', 8))
            time.sleep(wait)
            self.kill_shim()
            self.start_again()
            c.kubectl('rollout', 'status', 'deployment/torn', '--timeout=120s', timeout=150)
            pods = {pod['metadata']['name'] for pod in c.get('pods', '-l', 'app=torn')['items']}
            alive = [pod for pod, _, pid in c.containers('default').values() if pid]
            self.assertEqual(sorted(alive), sorted([*pods, *pods]), 'two running containers a pod')
            self.nothing_leaks()

    def test_lost_checkpoints_are_made_anew(self):
        c = self.cluster
        pod = busybox_pod('ports')
        pod['spec']['containers'][0]['ports'] = [{'containerPort': 80, 'hostPort': 35080}]
        c.apply(pod)
        self.wait_ready('ports')
        self.assertNotEqual(self.left()['rules'], self.before['rules'])
        self.kill_shim()
        c.in_node(f'for f in {c.data}/docker/cri-dockerd/sandboxes/*; do echo torn > $f; done')
        self.start_again()
        self.nothing_leaks()

    def test_engine_that_does_not_run_is_named_by_the_node(self):
        self.kill_docker()
        try:
            ready = wait_until('node is not ready', lambda: self.condition()['status'] != 'True' and self.condition(), 60)
            self.assertEqual(ready['reason'], 'KubeletNotReady')
            self.assertRegex(ready['message'], r'(container runtime|docker\.sock)')
        finally:
            self.start_again()

    def test_image_that_does_not_exist(self):
        self.cluster.apply(busybox_pod('nowhere', container={'image': 'localhost:5000/no/such:1'}))
        wait_until('the pull fails', lambda: 'ErrImagePull' in self.events('nowhere'), 60)
        self.assertRegex(self.events('nowhere'), r'Failed: Failed to pull image "localhost:5000/no/such:1": .*localhost:5000')
        self.nothing_leaks()

    def test_disk_full(self):
        c, root = self.cluster, f'{self.cluster.data}/docker/root'
        saved = f'{c.data}/saved.tar'
        c.in_node(f'docker save -o {saved} {BUSYBOX} $(docker image ls --format "{{{{.Repository}}}}:{{{{.Tag}}}}" | grep pause)')
        self.kill_docker()
        c.in_node(f'mount -t tmpfs -o size=24m full {root}')
        try:
            self.start_again()
            c.in_node(f'docker load -i {saved}')
            c.in_node(f'head -c 100m /dev/zero > {root}/filler; true', check=False)
            c.apply(busybox_pod('full'))
            try:
                wait_until('says why', lambda: 'no space left on device' in self.events('full'), 60)
            except AssertionError as error:
                raise AssertionError(f'{error}: {self.events("full")}') from None
            c.in_node(f'rm {root}/filler')
            c.kubectl('delete', 'pod', 'full', '--now')
            wait_until('no container is left', lambda: not c.containers('default'), 60)
        finally:
            self.kill_docker()
            c.in_node(f'umount -l {root}')
            self.start_again()


class Versions(unittest.TestCase):
    def test_engine_that_is_too_old_is_refused(self):
        class Old(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = json.dumps({'Version': '1.12.6', 'ApiVersion': '1.24', 'MinAPIVersion': '1.12'}).encode()
                self.send_response(200)
                self.send_header('Content-Type', 'application/json')
                self.send_header('Content-Length', str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def address_string(self):
                return 'unix'

            def log_message(self, *_):
                pass

        with tempfile.TemporaryDirectory() as place:
            with socketserver.UnixStreamServer(f'{place}/docker.sock', Old) as engine:
                threading.Thread(target=engine.serve_forever, daemon=True).start()
                done = subprocess.run([KPP, 'cri-dockerd', f'--container-runtime-endpoint=unix://{place}/cri.sock',
                                       f'--docker-endpoint=unix://{place}/docker.sock',
                                       f'--cri-dockerd-root-directory={place}/state'],
                                      capture_output=True, text=True, timeout=20, check=False)
                engine.shutdown()
            self.assertEqual(done.returncode, 1, done)
            self.assertRegex(done.stderr, r'1\.24.*1\.40')
            self.assertFalse(os.path.exists(f'{place}/cri.sock'))


if __name__ == '__main__':
    main()
