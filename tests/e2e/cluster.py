"""A one-node cluster for a test, and what tests do with it. Python's standard library alone.

    KPP      the binary under test; build/release/bin/kpp if not set
    KUBECTL  the kubectl to drive it with; the one on the PATH if not set
    RUNTIME  the container runtime of the node: containerd if not set, or docker
"""
import base64
import glob
import http.client
import json
import os
import re
import shlex
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
KPP = os.environ.get('KPP', os.path.join(ROOT, 'build/release/bin/kpp'))
EXAMPLES = os.path.join(ROOT, 'examples')
BUSYBOX = 'localhost/busybox:1'
RUNTIME = os.environ.get('RUNTIME', 'containerd')


def find_kubectls():
    """Every real kubectl of this machine: the one on the PATH, and kubectl.1.NN beside the file that it links to."""
    first = shutil.which('kubectl')
    if first is None:
        return []
    beside = sorted(glob.glob(os.path.join(os.path.dirname(os.path.realpath(first)), 'kubectl.1.*')))
    return [first] + [path for path in beside if os.access(path, os.X_OK)]


class Answer:
    """What a command printed and how it ended."""

    def __init__(self, command, code, out, err):
        self.command, self.code, self.out, self.err = command, code, out, err

    def __str__(self):
        return f'{" ".join(self.command)}\nended with {self.code}\nout: {self.out}\nerr: {self.err}'


def run(command, stdin=None, timeout=120, env=None, check=False):
    done = subprocess.run(command, input=stdin, stdin=subprocess.DEVNULL if stdin is None else None,
                          capture_output=True, text=True, timeout=timeout, env=env)
    answer = Answer(command, done.returncode, done.stdout, done.stderr)
    if check and answer.code != 0:
        raise AssertionError(str(answer))
    return answer


def wait_until(what, condition, timeout=60, every=0.1):
    """Asks until the condition gives something true, and answers that. Errors of the condition count as not yet."""
    end = time.monotonic() + timeout
    last = None
    while time.monotonic() < end:
        try:
            last = condition()
            if last:
                return last
        except (AssertionError, OSError, http.client.HTTPException, KeyError, ValueError) as error:
            last = error
        time.sleep(every)
    raise AssertionError(f'{what}: not within {timeout} s; last seen: {last}')


class Cluster:
    """`kpp up` under a name of its own; the data lies in a directory that down() removes."""

    def __init__(self, name, kubectl=None):
        self.name = f'e2e-{name}' if RUNTIME == 'containerd' else f'e2e-{name}-{RUNTIME}'
        self.kubectl_program = kubectl or os.environ.get('KUBECTL') or shutil.which('kubectl')
        if self.kubectl_program is None:
            raise AssertionError('no kubectl on this machine: end-to-end tests need a real one')
        # Not in /tmp, which may be a tmpfs: the store and containerd want a disk.
        self.data = os.path.join('/var/lib/kpp', self.name)
        self.env = dict(os.environ)
        self._node = None
        self.audit_policy = None  # a Policy of audit.k8s.io/v1 as text, before up()

    def kpp(self, *words, **options):
        return run([KPP, *words], env=self.env, **options)

    def flags(self):
        return ['--name', self.name, '--data-dir', self.data]

    def up(self):
        os.makedirs(self.data, exist_ok=True)
        audit = []
        if self.audit_policy:
            audit = ['--audit-policy-file', os.path.join(self.data, 'policy.yaml')]
            with open(audit[1], 'w', encoding='utf-8') as file:
                file.write(self.audit_policy)
        answer = self.kpp('up', *self.flags(), '--runtime', RUNTIME, *audit, timeout=60)
        if answer.code != 0:
            raise AssertionError(str(answer))
        self.env['KUBECONFIG'] = self.kpp('kubeconfig', *self.flags(), check=True).out.strip()
        return answer

    def down(self):
        answer = self.kpp('down', *self.flags(), timeout=60)
        shutil.rmtree(self.data, ignore_errors=True)
        return answer

    def start(self):
        """From nothing: removes what an earlier run of this name left, starts, loads the images of the tests."""
        self.down()
        self.up()
        archive = images_archive()
        self.kpp('lab', 'load', self.node(), archive, '--name', self.name, check=True)

    def node(self):
        if self._node is None:
            self._node = self.kubectl('get', 'nodes', '-o', 'jsonpath={.items[0].metadata.name}').out
        return self._node

    def kubectl(self, *words, stdin=None, check=True, timeout=120, env=None):
        return run([self.kubectl_program, *words], stdin=stdin, check=check, timeout=timeout,
                   env={**self.env, **(env or {})})

    def get(self, *words):
        return json.loads(self.kubectl('get', *words, '-o', 'json').out)

    def apply(self, manifest, *words):
        """Applies a manifest: text, or an object."""
        text = manifest if isinstance(manifest, str) else json.dumps(manifest)
        return self.kubectl('apply', '-f', '-', *words, stdin=text)

    def in_node(self, script, check=True, timeout=120):
        """Runs a shell script in the node's namespaces."""
        answer = self.kpp('lab', 'enter', self.node(), '--name', self.name, '--', 'sh', '-c', script, timeout=timeout)
        if check and answer.code != 0:
            raise AssertionError(str(answer))
        return answer

    def fetch(self, url, times=1, body=None):
        """What a web server answers to the node, status line first: one such text for each time asked."""
        script = ('import http.client, sys, urllib.parse\n'
                  'url, times, body = sys.argv[1], int(sys.argv[2]), sys.argv[3] or None\n'
                  'to = urllib.parse.urlsplit(url)\n'
                  'for _ in range(times):\n'
                  '    try:\n'
                  '        asked = http.client.HTTPConnection(to.hostname, to.port or 80, timeout=5)\n'
                  '        asked.request("POST" if body else "GET", to.path or "/", body)\n'
                  '        answer = asked.getresponse()\n'
                  '        print(f"HTTP/1.1 {answer.status}", answer.read().decode(errors="replace"), sep="\\n")\n'
                  '        asked.close()\n'
                  '    except OSError as error:\n'
                  '        print(error)\n')
        words = ' '.join(shlex.quote(word) for word in (script, url, str(times), body or ''))
        return self.in_node(f'python3 -c {words}', timeout=300).out

    def kpp_processes(self):
        """Process ids, inside the node, of kpp itself; the node's init is none of them."""
        return self.in_node('pgrep -x kpp', check=False).out.split()

    def kill_kpp(self):
        pids = self.kpp_processes()
        if not pids:
            raise AssertionError('no kpp runs in the node')
        self.in_node('kill -9 ' + ' '.join(pids))

    def containers(self, namespace, pod=None):
        """Runtime's containers of a namespace: {id: (pod, kind, pid)}; kind is "sandbox" or "container"."""
        return {key: (name, kind, pid) for key, name, of, kind, pid in
                (self.docker_containers() if RUNTIME == 'docker' else self.containerd_containers())
                if of == namespace and pod in (None, name)}

    def docker_containers(self):
        """(id, pod, namespace, kind, pid) of each."""
        kinds = {'podsandbox': 'sandbox', 'container': 'container'}
        ids = self.in_node('docker ps --all --quiet --no-trunc').out.split()
        found = json.loads(self.in_node('docker inspect ' + ' '.join(ids)).out) if ids else []
        for info in found:
            labels = info['Config']['Labels'] or {}
            yield (info['Id'], labels.get('io.kubernetes.pod.name'), labels.get('io.kubernetes.pod.namespace'),
                   kinds.get(labels.get('io.kubernetes.docker.type')), str(info['State']['Pid'] or '') or None)

    def containerd_containers(self):
        """(id, pod, namespace, kind, pid) of each."""
        text = self.in_node('for c in $(ctr -n k8s.io containers ls -q); do '
                            'ctr -n k8s.io containers info $c 2>/dev/null; done; true').out
        tasks = {}
        for line in self.in_node('ctr -n k8s.io tasks ls').out.splitlines()[1:]:
            words = line.split()
            if len(words) >= 3 and words[2] == 'RUNNING':
                tasks[words[0]] = words[1]
        decoder = json.JSONDecoder()
        while text.strip():
            info, end = decoder.raw_decode(text.lstrip())
            text = text.lstrip()[end:]
            labels = info.get('Labels') or {}
            yield (info['ID'], labels.get('io.kubernetes.pod.name'), labels.get('io.kubernetes.pod.namespace'),
                   labels.get('io.cri-containerd.kind'), tasks.get(info['ID']))

    def client(self):
        return Client(self.env['KUBECONFIG'], self.kubectl_program)


class Client:
    """HTTPS to the API server with the client certificate of a kubeconfig, or without any credentials."""

    def __init__(self, kubeconfig, kubectl):
        view = json.loads(run([kubectl, '--kubeconfig', kubeconfig, 'config', 'view', '--raw', '--minify', '-o', 'json'],
                              check=True).out)
        cluster, user = view['clusters'][0]['cluster'], view['users'][0]['user']
        self.host, self.port = re.match(r'https://([^:/]+):(\d+)', cluster['server']).groups()
        ca = self._bytes(cluster, 'certificate-authority')
        self.anonymous_tls = ssl.create_default_context(cadata=ca.decode())
        self.tls = ssl.create_default_context(cadata=ca.decode())
        self.headers = {}
        if 'token' in user:
            self.headers['Authorization'] = f'Bearer {user["token"]}'
        else:
            with tempfile.TemporaryDirectory() as folder:
                for name in ('client-certificate', 'client-key'):
                    with open(os.path.join(folder, name), 'wb') as file:
                        file.write(self._bytes(user, name))
                self.tls.load_cert_chain(os.path.join(folder, 'client-certificate'), os.path.join(folder, 'client-key'))

    @staticmethod
    def _bytes(holder, name):
        if name + '-data' in holder:
            return base64.b64decode(holder[name + '-data'])
        with open(holder[name], 'rb') as file:
            return file.read()

    def request(self, method, path, body=None, headers=None, credentials=True, timeout=10):
        """(code, object or text). A connection for each request: the server may have been killed since the last."""
        connection = http.client.HTTPSConnection(self.host, int(self.port), timeout=timeout,
                                                 context=self.tls if credentials else self.anonymous_tls)
        try:
            sent = dict(self.headers) if credentials else {}
            sent.update(headers or {})
            if body is not None and 'Content-Type' not in sent:
                sent['Content-Type'] = 'application/json'
            if isinstance(body, (dict, list)):
                body = json.dumps(body)
            connection.request(method, path, body=body, headers=sent)
            response = connection.getresponse()
            text = response.read().decode(errors='replace')
            try:
                return response.status, json.loads(text)
            except ValueError:
                return response.status, text
        finally:
            connection.close()


def images_archive():
    """The images of the lab and of the tests in one archive; made once for a binary."""
    archive = os.path.join(ROOT, 'build/images/e2e.tar')
    recipes = sorted(glob.glob(os.path.join(EXAMPLES, 'images/*'))) + [os.path.join(ROOT, 'tests/e2e/images/busybox')]
    newest = max(os.path.getmtime(os.path.join(folder, name))
                 for recipe in recipes for folder, _, names in os.walk(recipe) for name in names)
    if not os.path.exists(archive) or os.path.getmtime(archive) < max(newest, os.path.getmtime(KPP)):
        os.makedirs(os.path.dirname(archive), exist_ok=True)
        run([KPP, 'image', 'build', *recipes, '-o', archive], check=True)
    return archive


def busybox_pod(name, script='sleep 100000', **spec):
    container = {'name': 'main', 'image': BUSYBOX, 'command': ['sh', '-c', script]}
    container.update(spec.pop('container', {}))
    return {'apiVersion': 'v1', 'kind': 'Pod', 'metadata': {'name': name, 'labels': {'app': name}},
            'spec': {'containers': [container], 'terminationGracePeriodSeconds': 1, **spec}}


class ClusterTest(unittest.TestCase):
    """Tests that share one cluster, started before the first and removed after the last."""

    cluster_name = None
    kubectl = None  # another than the default
    audit_policy = None

    @classmethod
    def setUpClass(cls):
        if os.geteuid() != 0:
            raise AssertionError('end-to-end tests need root: they make namespaces, mounts and cgroups')
        if RUNTIME == 'docker' and shutil.which('dockerd') is None:
            raise unittest.SkipTest('docker.io is not installed')
        cls.cluster = Cluster(cls.cluster_name, cls.kubectl)
        cls.cluster.audit_policy = cls.audit_policy
        cls.addClassCleanup(cls.cluster.down)
        cls.cluster.start()

    def wait_ready(self, pod, timeout=60):
        self.cluster.kubectl('wait', '--for=condition=Ready', f'pod/{pod}', f'--timeout={timeout}s')

    def assertMatches(self, text, *patterns):
        for pattern in patterns:
            self.assertRegex(text, pattern)


def main():
    print(f'kubectl: {", ".join(find_kubectls()) or "none"}', flush=True)
    unittest.main(verbosity=2, argv=sys.argv)
