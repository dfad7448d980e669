"""Runs recorded situations of pods against a cluster of kpp and compares what is to be seen from outside.

    replay.py [--recordings DIR] [--jobs N] [--write] [-v] [NAME...]

NAME is a situation or a pattern (`exit*`); without any, every situation that is not named in OUTSIDE. A cluster is started and
removed. Last line: `N passed, N failed, N skipped`. Ends with 0 if nothing failed, 77 if there are no recordings. --write puts the
result into docs/compatibility.md.
"""
import argparse
import concurrent.futures
import fnmatch
import glob
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
sys.path.insert(0, os.path.join(ROOT, 'tests/e2e'))
from cluster import KPP, Client, Cluster, images_archive, run, wait_until  # noqa: E402

# What is not run, and why.
OUTSIDE = {}

# Lines that are not the cluster's: kubectl words them, each version in its own way, or the machine's file systems show.
# A pod that made room for another may be gone when the other is ready, or still be there.
NOT_COMPARED = r'^low   0/1   |is not valid for pod|does not have a host assigned|^/\S* (overlay|ext4) |^/proc proc '

PATHS = {'pod': 'api/v1/{}/pods', 'service': 'api/v1/{}/services', 'configmap': 'api/v1/{}/configmaps',
         'secret': 'api/v1/{}/secrets', 'serviceaccount': 'api/v1/{}/serviceaccounts',
         'endpoints': 'api/v1/{}/endpoints', 'deployment': 'apis/apps/v1/{}/deployments',
         'replicaset': 'apis/apps/v1/{}/replicasets', 'persistentvolumeclaim': 'api/v1/{}/persistentvolumeclaims',
         'resourcequota': 'api/v1/{}/resourcequotas', 'event': 'api/v1/{}/events',
         'daemonset': 'apis/apps/v1/{}/daemonsets', 'statefulset': 'apis/apps/v1/{}/statefulsets',
         'controllerrevision': 'apis/apps/v1/{}/controllerrevisions', 'job': 'apis/batch/v1/{}/jobs', 'cronjob': 'apis/batch/v1/{}/cronjobs'}
SHORT = {'deploy': 'deployment', 'rs': 'replicaset', 'ds': 'daemonset', 'sts': 'statefulset', 'cj': 'cronjob',
         'po': 'pod', 'svc': 'service', 'cm': 'configmap', 'pvc': 'persistentvolumeclaim', 'quota': 'resourcequota'}


def api_path(kind, namespace):
    kind = kind.lower()
    kind = SHORT.get(kind, kind)
    if kind not in PATHS and kind.endswith('s'):
        kind = kind[:-1]
    return '/' + PATHS[kind].format('namespaces/' + namespace)


class Node(Cluster):
    """The node as the README of the recordings describes it: its files, a registry, the images, a folder of static pods."""

    FILES = {'/etc/resolv.conf': 'nameserver 192.0.2.53\nsearch example.test\noptions ndots:2\n',
             '/etc/hosts': '127.0.0.1\tlocalhost\n192.0.2.10\tnode1\n', '/etc/hosts.allow': '', '/etc/hosts.deny': ''}

    def start(self):
        super().start()
        os.makedirs(self.static_path(''), exist_ok=True)
        for path, content in self.FILES.items():
            self.in_node(f'cat > {path} <<"END"\n{content}END\n')
        self.in_node('ip link add ext0 type bridge && ip addr add 192.0.2.10/32 dev ext0 && ip link set ext0 up')
        self.kpp('lab', 'load', self.node(), self._agnhost(), '--name', self.name, check=True)
        # The node of the recordings had it under an older name too, which the runtime shows.
        self.in_node('ctr -n k8s.io images tag registry.k8s.io/e2e-test-images/agnhost:2.63.0 '
                     'registry.k8s.io/e2e-test-images/agnhost:2.55')
        script = os.path.join(HERE, 'registry.py')
        self.in_node(f'setsid python3 {script} 5000 {images_archive()} </dev/null >/tmp/registry.log 2>&1 &')
        wait_until('the registry', lambda: '200' in self.fetch('http://localhost:5000/v2/'), 30)

    @staticmethod
    def _agnhost():
        program = os.path.join(os.path.dirname(KPP), 'agnhost')
        archive = os.path.join(ROOT, 'build/images/agnhost.tar')
        os.makedirs(os.path.dirname(archive), exist_ok=True)
        with tempfile.TemporaryDirectory() as recipe:
            os.mkdir(os.path.join(recipe, 'files'))
            shutil.copy(program, os.path.join(recipe, 'files/agnhost'))
            with open(os.path.join(recipe, 'image.yaml'), 'w') as file:
                file.write('name: registry.k8s.io/e2e-test-images/agnhost:2.63.0\nentrypoint: [/agnhost]\ncommand: [pause]\n'
                           'environment: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]\n')
            run([KPP, 'image', 'build', recipe, '-o', archive], check=True)
        return archive

    def static_path(self, name):
        return os.path.join(self.data, 'manifests', name)

    def remove_image(self, name):
        self.in_node(f'ctr -n k8s.io images rm --sync {name} 2>/dev/null; true')

    def restart_kubelet(self):
        self.kill_kpp()
        time.sleep(2)
        self.up()


class Run:
    """One situation in a namespace of its own."""

    def __init__(self, recording, node):
        self.recording, self.node = recording, node
        self.kubeconfig, self.kubectl = node.env['KUBECONFIG'], node.kubectl_program
        self.client = Client(self.kubeconfig, self.kubectl)
        self.namespace = f'r-{"".join(random.choices("bcdfghjklmnpqrstvwxz", k=6))}'
        self.differences = []
        self.seen = {}

    def list(self, kind):
        code, body = self.client.request('GET', api_path(kind, self.namespace))
        if code != 200:
            raise AssertionError(f'list of {kind}: {code} {body}')
        for item in body['items']:
            item['kind'] = body['kind'].removesuffix('List')
            item['apiVersion'] = body['apiVersion']
            self.seen[item['metadata']['uid']] = item
        return body['items']

    def differs(self, what):
        self.differences.append(what)

    def run(self):
        code, body = self.client.request('POST', '/api/v1/namespaces', {'metadata': {'name': self.namespace}})
        if code != 201:
            return [f'namespace: {code} {body}']
        folder = tempfile.mkdtemp(prefix='replay-')
        try:
            self._wait(lambda: [a for a in self.list('serviceaccount') if a['metadata']['name'] == 'default'], 10)
            for name, text in self.recording['files'].items():
                with open(os.path.join(folder, name), 'w') as file:
                    file.write(text.replace('$NS', self.namespace))
            wrapper = os.path.join(folder, '.bin')
            os.mkdir(wrapper)
            with open(os.path.join(wrapper, 'kubectl'), 'w') as file:
                file.write(f'#!/bin/sh\nexec {self.kubectl} -n {self.namespace} "$@"\n')
            os.chmod(os.path.join(wrapper, 'kubectl'), 0o755)
            env = {**os.environ, 'KUBECONFIG': self.kubeconfig, 'NS': self.namespace,
                   'PATH': wrapper + ':' + os.environ['PATH']}
            outputs = []
            for number, step in enumerate(self.recording['steps']):
                outputs.append(self._step(number, step, folder, env))
            self._compare_outputs(outputs, self._normaliser())
            differences = self.differences
            # A slower machine comes to the same a little later.
            for wait in (0, 1, 1, 2, 2, 3, 3):
                time.sleep(wait)
                self.differences = []
                self._compare_end(folder, env)
                if not self.differences:
                    break
            self.differences = differences + self.differences
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            self.client.request('DELETE', f'/api/v1/namespaces/{self.namespace}')
        return self.differences

    def _normaliser(self):
        for kind in ('pod', 'replicaset', 'controllerrevision', 'event'):
            self.list(kind)
        return Normaliser(self.namespace, self.seen.values())

    def _compare_end(self, folder, env):
        finals = {kind: self.list(kind) for kind in
                  {'Pod', *(o['kind'] for o in self.recording['final'] if o['kind'].lower() in PATHS)}}
        events = self.list('event')
        got = {}
        for what in self.recording['get']:
            got[what] = subprocess.run(what, shell=True, cwd=folder, env=env, stdout=subprocess.PIPE, text=True,
                                       stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, timeout=60).stdout
        normal = self._normaliser()
        self._compare_events(events, normal)
        self._compare_finals(finals, normal)
        for what, printed in got.items():
            self._compare_text(what, self.recording['get'][what], printed, normal)

    @staticmethod
    def _wait(condition, timeout):
        end = time.monotonic() + timeout
        while True:
            if condition():
                return True
            if time.monotonic() > end:
                return False
            time.sleep(0.15)

    def _step(self, number, step, folder, env):
        words = step['do'].split()
        if words[0] == 'sleep':
            time.sleep(float(words[1]))
        elif words[0] == 'wait':
            if words[1] == 'event':
                ok = self._wait(lambda: [e for e in self.list('event') if e.get('reason') == words[2]], float(words[3]) + 5)
            else:
                ok = self._wait(lambda: self._holds(words[1], words[2]), float(words[3]) + 5)
            if ok != step.get('ok', True):
                self.differs(f'step {number}: {step["do"]}: {"came" if ok else "did not come"}')
        elif words[0] == 'static-add':
            shutil.copy(os.path.join(folder, words[-1]), self.node.static_path(self.namespace + words[1]))
        elif words[0] == 'static-remove':
            os.unlink(self.node.static_path(self.namespace + words[1]))
        elif words[0] == 'image-remove':
            self.node.remove_image(words[1])
        elif words[0] == 'kubelet-restart':
            self.node.restart_kubelet()
        elif words[0].startswith('U='):
            # A pod's uid, and what is to be seen of it in the node's own files.
            first, _, rest = step['do'].partition(';')
            uid = subprocess.run(['bash', '-c', first + '; echo $U'], env=env, capture_output=True, text=True).stdout.strip()
            answer = self.node.in_node(f'U={uid}; {rest}', check=False)
            return number, step, subprocess.CompletedProcess([], answer.code, answer.out, answer.err)
        else:
            end = time.monotonic() + 10
            while True:
                done = subprocess.run(['bash', '-c', step['do']], cwd=folder, env=env, capture_output=True, text=True,
                                      stdin=subprocess.DEVNULL, timeout=180)
                # What it shows may come a little later; of the processes that it counts, some are its own.
                again = step['do'].startswith('kubectl get ') or 'ls -d /proc/' in step['do']
                if not again or time.monotonic() > end:
                    break
                normal = self._normaliser()
                if same_lines(lines(step['stdout']), lines(normal.table(done.stdout))):
                    break
                time.sleep(0.5)
            return number, step, done
        return None

    def _holds(self, which, condition):
        kind, name = which.split('/')
        prefix = name.endswith('*')
        found = [o for o in self.list(kind)
                 if (o['metadata']['name'].startswith(name[:-1]) if prefix else o['metadata']['name'] == name)]
        if condition == 'gone':
            return not found
        if condition == 'exists':
            return bool(found)
        path, value = condition.split('=', 1)
        return any(self._value(o, path) is not None and value in ('*', text(self._value(o, path))) for o in found)

    @staticmethod
    def _value(item, path):
        if path == 'ready':
            return any(c['type'] == 'Ready' and c['status'] == 'True' for c in item.get('status', {}).get('conditions', []))
        for word in path.split('.'):
            if isinstance(item, list):
                if word.isdigit():
                    item = item[int(word)] if int(word) < len(item) else None
                else:
                    item = next((i for i in item if word in (i.get('name'), i.get('type'))), None)
            elif isinstance(item, dict):
                item = item.get(word)
            if item is None:
                return None
        return item

    def _compare_outputs(self, outputs, normal):
        for output in filter(None, outputs):
            number, step, done = output
            if 'rc' in step and step['rc'] not in (done.returncode, '<varies>'):
                self.differs(f'step {number}: {step["do"]}: ended with {done.returncode} for {step["rc"]}: {done.stderr[:300]}')
                continue
            if 'describe' in step['do']:
                continue  # its layout is kubectl's own, and differs between its versions
            for stream in ('stdout', 'stderr'):
                if stream in step:
                    self._compare_text(f'step {number}: {step["do"]}: {stream}', step[stream], getattr(done, stream), normal)

    def _compare_text(self, what, expected, got, normal):
        want, have = lines(expected), lines(normal.table(got))
        if same_lines(want, have):
            return
        missing, extra = [w for w in want if w not in have], [h for h in have if h not in want]
        self.differs(f'{what}\n      - ' + '\n      - '.join(missing[:6]) + '\n      + ' + '\n      + '.join(extra[:6]))

    def _compare_events(self, events, normal):
        def key(obj, field, kind, reason, message):
            message = re.sub(r'Image size: \d+ bytes', 'Image size: <n> bytes', loose(message).strip())
            return ' | '.join((loose(obj), field or '', kind, reason, message))

        want = {key(e['object'], e.get('fieldPath'), e['type'], e['reason'], e.get('message', ''))
                for e in self.recording['events'] if not before_it_listened(e)}
        may = {key(e['object'], e.get('fieldPath'), e['type'], e['reason'], e.get('message', ''))
               for e in self.recording['events'] if before_it_listened(e)}
        have = set()
        for event in events:
            about = event['involvedObject']
            have.add(key(normal.text(f'{about["kind"]}/{about["name"]}'), normal.text(about.get('fieldPath', '')), event['type'],
                         event['reason'], normal.text(event.get('message', ''))))
        for pulled, present in ((have, want), (want, have)):
            # Of two pods that start together, one pulls the image, and which depends on the machine.
            for one in [p for p in present if ' | Pulled | Container image' in p]:
                who = one[:one.index(' | Normal')]
                own = [p for p in pulled if p.startswith(who) and (' | Pulling | ' in p or '| Successfully pulled' in p)]
                if one not in pulled and len(own) == 2:
                    present.remove(one)
                    pulled.difference_update(own)
        for one in sorted(want - have):
            if not by_time(one):
                self.differs(f'event missing: {one}')
        crowded = any('Insufficient' in one for one in want)
        for one in sorted(have - want - may):
            # Neighbours may fill the node for a moment.
            if not by_time(one) and (crowded or ' | FailedScheduling | ' not in one or 'Insufficient' not in one):
                self.differs(f'event extra: {one}')

    def _compare_finals(self, finals, normal):
        want, have = {}, {}
        for item in self.recording['final']:
            if item['kind'].lower() in PATHS:
                want.setdefault(loose(f'{item["kind"]}/{item["metadata"]["name"]}'), []).append(item)
        for kind, items in finals.items():
            if kind == 'Pod' and self.recording['group'] == 'controllers' and not any(n.startswith('Pod/') for n in want):
                continue  # recorded by their events alone
            for item in items:
                item['metadata'].pop('managedFields', None)
                item['metadata'].pop('resourceVersion', None)
                if (kind, item['metadata']['name']) in (('ConfigMap', 'kube-root-ca.crt'), ('ServiceAccount', 'default')):
                    continue
                have.setdefault(loose(normal.text(f'{item["kind"]}/{item["metadata"]["name"]}')), []).append(normal.value(item))
        for name in sorted(set(want) | set(have)):
            ours, theirs = have.get(name, []), want.get(name, [])
            if len(ours) != len(theirs):
                self.differs(f'final {name}: {len(ours)} for {len(theirs)}')
                continue
            for a, b in zip(sorted(theirs, key=by_text), sorted(ours, key=by_text)):
                for difference in compare(name, a, b):
                    self.differs('final ' + difference)


def before_it_listened(event):
    """True for a single probe of a server that was not up yet: whether there is one depends on the machine."""
    return event['reason'] == 'Unhealthy' and 'connection refused' in event['message'] and event['count'] == 1


def by_time(event):
    """True for events of back-off: they come if the pod is looked at while it lasts."""
    return ' | BackOff | ' in event or ' | Error: ImagePullBackOff' in event


def by_text(item):
    revision = (item['metadata'].get('annotations') or {}).get('deployment.kubernetes.io/revision', '')
    return revision + json.dumps(item.get('spec', item), sort_keys=True)


def text(value):
    return {True: 'true', False: 'false'}.get(value, str(value)) if isinstance(value, bool) else str(value)


def loose(value):
    """Numbers of the placeholders: order of creation decides them, and that may differ among equals."""
    return re.sub(r'<(hash|rand)\d*>', r'<\1>', value)


def tidy(value):
    value = loose(value)
    value = re.sub(r' from <ns> namespace', '', value)  # newer kubectls say where
    value = re.sub(r'Image size: \d+ bytes', 'Image size: <n> bytes', value)
    return re.sub(r' {2,}', '   ', value)


def lines(value):
    """Of a text, without what depends on time: when a back-off becomes visible, and which lines of a diff they are."""
    value = re.sub(r'@@ -\d+,(\d+) \+\d+,(\d+) @@', r'@@ -0,\1 +0,\2 @@', tidy(value))
    value = re.sub(r'\b(Init:)?(CrashLoopBackOff|Error|OOMKilled|Completed|RunContainerError|PostStartHookError)\b(?=   \d+ \(<age> ago\))',
                   r'\1<ended>', value)
    value = re.sub(r'(?m) +$', '', value)
    value = value.replace('Internal error occurred: Internal error occurred: ', 'Internal error occurred: ')
    value = re.sub(r'(?m)^\d+:(cpu|memory):', r'<n>:\1:', value)  # the kernel numbers its hierarchies
    value = re.sub(r"\b(ErrImagePull|ImagePullBackOff|image can't be pulled|trying and failing to pull image)(?=\s|$)",
                   '<pull failed>', value)
    return [line for line in value.splitlines() 
            if not line.startswith('Waiting for ') and not re.search(NOT_COMPARED, line)]


def same_lines(want, have):
    if len(want) == len(have) and all(w in (h, '<varies>') for w, h in zip(want, have)):
        return True
    if '<varies>' in want and all(w in have for w in want if '<varies>' not in w):
        return True
    return sorted(want) == sorted(have)


def waits_for_its_restart(state):
    """True for a state that alternates with others at the pace of a kubelet: ended, failed to start, or in back-off."""
    if 'terminated' in state:
        return True
    return state.get('waiting', {}).get('reason') in ('CrashLoopBackOff', 'RunContainerError', 'PostStartHookError')


def pull_fails(state):
    return state.get('waiting', {}).get('reason') in ('ErrImagePull', 'ImagePullBackOff')


def compare(path, want, have):
    if isinstance(want, str) and want == '<varies>':
        return
    if isinstance(want, dict) and isinstance(have, dict):
        if path.endswith('.state') and (want.keys() != have.keys() or 'waiting' in want):
            if waits_for_its_restart(want) and waits_for_its_restart(have) or pull_fails(want) and pull_fails(have):
                return
        for name in sorted(set(want) | set(have)):
            if want.get(name) == '<varies>':
                continue
            if name not in have:
                yield f'{path}.{name}: missing: {json.dumps(want[name])[:200]}'
            elif name not in want:
                yield f'{path}.{name}: extra: {json.dumps(have[name])[:200]}'
            else:
                yield from compare(f'{path}.{name}', want[name], have[name])
    elif isinstance(want, list) and isinstance(have, list) and len(want) == len(have):
        if path.endswith('.conditions'):
            want, have = sorted(want, key=lambda c: c['type']), sorted(have, key=lambda c: c['type'])
        for number, (a, b) in enumerate(zip(want, have)):
            yield from compare(f'{path}[{number}]', a, b)
    elif isinstance(want, str) and isinstance(have, str):
        if tidy(want) != tidy(have):
            yield f'{path}: {have[:300]!r} for {want[:300]!r}'
    elif want != have:
        yield f'{path}: {json.dumps(have)[:200]} for {json.dumps(want)[:200]}'


class Normaliser:
    """Puts the placeholders of the recordings into what a cluster answered."""

    def __init__(self, namespace, objects):
        self.replace = [(re.escape(namespace), '<ns>')]
        for item in objects:
            meta = item['metadata']
            hashed = (meta.get('labels') or {}).get('pod-template-hash')
            if meta.get('generateName') and re.fullmatch(re.escape(meta['generateName']) + '[a-z0-9]{5}', meta['name']):
                end = meta['name'][len(meta['generateName']):]
                self.replace.append((re.escape(meta['generateName']) + re.escape(end) + r'\b', meta['generateName'] + '<rand>'))
            if hashed:
                self.replace.append((r'\b' + re.escape(hashed) + r'\b', '<hash>'))
            if item['kind'] == 'ReplicaSet':
                self.replace.append((r'-' + re.escape(meta['name'].rpartition('-')[2]) + r'\b', '-<hash>'))
            if item['kind'] == 'ControllerRevision':
                self.replace.append((r'\b' + re.escape(meta['name'].rpartition('-')[2]) + r'\b', '<hash>'))
            if item['kind'] == 'Event' and item['involvedObject']['kind'] in ('DaemonSet', 'Job'):
                # Pods that were gone before anybody listed them.
                made = re.fullmatch(r'Created pod: (\S+-)[a-z0-9]{5}', item.get('message', ''))
                if made:
                    self.replace.append((re.escape(made[0].removeprefix('Created pod: ')) + r'\b', made[1] + '<rand>'))
            if item['kind'] == 'Event' and item['involvedObject']['kind'] == 'ReplicaSet':
                self.replace.append((r'-' + re.escape(item['involvedObject']['name'].rpartition('-')[2]) + r'\b', '-<hash>'))
        self.replace = list(dict.fromkeys(self.replace))
        # Names of pods that were refused, and so never were.
        self.replace.append((r'(?<=pods "rs-)[bcdfghjklmnpqrstvwxz2456789]{5}(?=" is forbidden)', '<rand>'))
        self.replace.append((r'-<hash>-[bcdfghjklmnpqrstvwxz2456789]{5}\b', '-<hash>-<rand>'))
        self.replace += [
            (r'(\bpod|\b)[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b', r'\1<uid>'),
            (r'/var/lib/kpp/[a-z0-9-]+/kubelet/', '/var/lib/kubelet/'),
            (r'\b[0-9a-f]{32}\b', '<config-hash>'),
            (r'"resourceVersion": "\d+"', '"resourceVersion": "<rv>"'),
            (r'\.\.\d{4}(_\d\d){5}\.\d+', '..<data-dir>'),
            (r'ext4 (r[ow],relatime)\S*', r'ext4 \1'),
            (r'sha256:[0-9a-f]{64}', 'sha256:<digest>'),
            (r'\b[0-9a-f]{64}\b', '<id>'),
            (r'\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z| ?[+-]\d\d:?\d\d( \w+)?)?', '<time>'),
            (r'\b[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [+-]\d{4}', '<time>'),
            (r'kube-api-access-[a-z0-9]{5}\b', 'kube-api-access-<rand>'),
            (r'\b10\.244\.0\.1\b', '<bridge-ip>'),
            (r'(dial tcp |read tcp )?\b10\.244\.\d+\.\d+\b', r'\1<pod-ip>'),
            (r'\b10\.199\.\d+\.\d+\b|\b192\.0\.2\.10\b', '<node-ip>'),
            (r'Image size: \d+ bytes', 'Image size: <n> bytes'),
            (r'\b10\.96\.(?!0\.1\b)(?!0\.10\b)\d+\.\d+\b', '<cluster-ip>'),
            (r'(<bridge-ip>|<pod-ip>|<node-ip>|127\.0\.0\.1):\d{5}\b(?=->)', r'\1:<port>'),
            (r'@@ -\d+,(\d+) \+\d+,(\d+) @@', r'@@ -0,\1 +0,\2 @@'),
            (r'in \d+(\.\d+)?m?s \(\d+(\.\d+)?m?s including waiting\)', 'in <duration> (<duration> including waiting)'),
        ]
        self.replace = [(re.compile(pattern), by) for pattern, by in self.replace]

    def text(self, value):
        for pattern, by in self.replace:
            value = pattern.sub(by, value)
        return value

    def table(self, value):
        """Of what kubectl printed: ages too."""
        value = re.sub(r'\((\d+[smhd])+ ago\)', '(<age> ago)', self.text(value))
        return re.sub(r'(?m)(?<=\s)(\d+[smhd])+(?=\s|$)', '<age>', value)

    def value(self, value):
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.value(v) for v in value]
        if isinstance(value, dict):
            return {self.text(k): self.value(v) for k, v in value.items()}
        return value


def skipped(recording, wanted):
    if recording.get('needs') == 'cgroup v1' and not os.path.isdir('/sys/fs/cgroup/memory'):
        return 'needs cgroup v1'
    if wanted:
        return None
    return next((why for pattern, why in OUTSIDE.items() if fnmatch.fnmatch(recording['id'], pattern)), None)


def run_one(recording, node):
    try:
        return Run(recording, node).run()
    except (AssertionError, OSError, subprocess.TimeoutExpired) as error:
        return [f'{type(error).__name__}: {error}']


def write_result(passed, failed, skips):
    """The pods' part of docs/compatibility.md."""
    path = os.path.join(ROOT, 'docs/compatibility.md')
    with open(path) as file:
        document = file.read()
    lines = ['<!-- pods: written by tests/integration/pods/replay.py -->', '', '| pods: group | passed | of |', '|---|---|---|']
    groups = sorted({r['group'] for r in [*passed, *failed, *(r for r, _ in skips)]})
    for group in groups:
        good = sum(r['group'] == group for r in passed)
        lines.append(f'| {group} | {good} | {good + sum(r["group"] == group for r in [*failed, *(r for r, _ in skips)])} |')
    if failed or skips:
        lines += ['', 'Not passed:', '']
        lines += [f'- `{r["id"]}`: differs' for r in sorted(failed, key=lambda r: r['id'])]
        lines += [f'- `{r["id"]}`: {why}' for r, why in sorted(skips, key=lambda s: s[0]['id'])]
    text = '\n'.join([*lines, '', '<!-- pods end -->'])
    if '<!-- pods:' in document:
        document = re.sub(r'<!-- pods: .*?<!-- pods end -->', lambda _: text, document, flags=re.S)
    else:
        document = document.rstrip('\n') + '\n\n' + text + '\n'
    with open(path, 'w') as file:
        file.write(document)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--recordings', default=os.environ.get('KPP_GOLDEN_PODS') or
                        os.path.join(os.path.dirname(ROOT), 'shared/golden/pods'))
    parser.add_argument('--jobs', type=int, default=8)
    parser.add_argument('--name', default='replay')
    parser.add_argument('--write', action='store_true')
    parser.add_argument('-v', action='store_true', dest='verbose')
    parser.add_argument('names', nargs='*')
    options = parser.parse_args()
    files = sorted(glob.glob(os.path.join(options.recordings, '*.json')))
    if not files:
        print(f'skipped: no recordings in {options.recordings}')
        return 77
    recordings, skips = [], []
    for file in files:
        with open(file) as opened:
            recording = json.load(opened)
        if options.names and not any(fnmatch.fnmatch(recording['id'], name) for name in options.names):
            continue
        why = skipped(recording, options.names)
        if why:
            skips.append((recording, why))
            if options.verbose:
                print(f'skip  {recording["id"]}: {why}')
        else:
            recordings.append(recording)
    node = Node(options.name)
    passed, failed = [], []

    def judge(recording, differences):
        (failed if differences else passed).append(recording)
        print(f'{"FAIL" if differences else "ok  "}  {recording["id"]}', flush=True)
        for difference in differences:
            print(f'    {difference}')

    # The long ones first; those that want the node for themselves at the end, one after another.
    alone = [r for r in recordings if r.get('needs') == 'the whole node' or r['group'] == 'static' or
             r['id'] == 'sched-node-name' or  # these count what else the node has given away
             any('kind: PersistentVolume\n' in text for text in r['files'].values())]  # others would take it
    together = sorted((r for r in recordings if r not in alone), key=lambda r: -max(r['duration_s']))
    try:
        node.start()
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            runs = {pool.submit(run_one, r, node): r for r in together}
            again = []
            for done in concurrent.futures.as_completed(runs):
                if done.result():
                    again.append((runs[done], done.result()))
                else:
                    judge(runs[done], [])
        # Beside seven others a situation may run out of its time: what differed is run once more, alone, and that counts.
        for recording, differences in again:
            print(f'again {recording["id"]}: {differences[0]}', flush=True)
            judge(recording, run_one(recording, node))
        for recording in alone:
            # What the one before has left counts too.
            wait_until('a node without pods', lambda: not node.get('pods', '-A')['items'], 90)
            judge(recording, run_one(recording, node))
    finally:
        node.down()
    if options.write and not options.names:
        write_result(passed, failed, skips)
    print(f'{len(passed)} passed, {len(failed)} failed, {len(skips)} skipped')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
