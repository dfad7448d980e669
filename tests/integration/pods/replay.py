"""Runs recorded situations of pods against a cluster of kpp and compares what is to be seen from outside.

    replay.py [--recordings DIR] [--jobs N] [--kubeconfig FILE] [-v] [NAME...]

NAME is a situation or a pattern (`exit*`); without any, every situation that the slice covers. Without --kubeconfig a cluster is
started and removed. Last line: `N passed, N failed, N skipped`. Ends with 0 if nothing failed, 77 if there are no recordings.
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
from cluster import Client, Cluster  # noqa: E402

# Outside the slice: kinds without a controller, volumes without a binder, what a node of another make shows.
OUTSIDE = ['static-*', 'vol-pvc-*', 'vol-ephemeral-claim', 'ephemeral-storage-evicted',
           'ephemeral-container', 'container-restart-rules', 'sched-pod-affinity', 'rs-quota', 'net-dns-policies',
           'sec-apparmor-*', 'ns-host-network']

# Lines that are not the cluster's: kubectl words them, each version in its own way, or the machine's file systems show.
NOT_COMPARED = r'is not valid for pod|does not have a host assigned|^/\S* (overlay|ext4) |^/proc proc '

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


class Run:
    """One situation in a namespace of its own."""

    def __init__(self, recording, kubeconfig, kubectl):
        self.recording, self.kubeconfig, self.kubectl = recording, kubeconfig, kubectl
        self.client = Client(kubeconfig, kubectl)
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
        else:
            end = time.monotonic() + 10
            while True:
                done = subprocess.run(['bash', '-c', step['do']], cwd=folder, env=env, capture_output=True, text=True,
                                      stdin=subprocess.DEVNULL, timeout=180)
                if not step['do'].startswith('kubectl get ') or time.monotonic() > end:
                    break
                # What it shows may come a little later.
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
            return ' | '.join((loose(obj), field or '', kind, reason, loose(message).strip()))

        want = {key(e['object'], e.get('fieldPath'), e['type'], e['reason'], e.get('message', ''))
                for e in self.recording['events']}
        have = set()
        for event in events:
            about = event['involvedObject']
            have.add(key(normal.text(f'{about["kind"]}/{about["name"]}'), normal.text(about.get('fieldPath', '')), event['type'],
                         event['reason'], normal.text(event.get('message', ''))))
        for one in sorted(want - have):
            if not by_time(one):
                self.differs(f'event missing: {one}')
        for one in sorted(have - want):
            if not by_time(one):
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
    return re.sub(r' {2,}', '   ', value)


def lines(value):
    """Of a text, without what depends on time: when a back-off becomes visible, and which lines of a diff they are."""
    value = re.sub(r'@@ -\d+,(\d+) \+\d+,(\d+) @@', r'@@ -0,\1 +0,\2 @@', tidy(value))
    value = re.sub(r'\b(Init:)?(CrashLoopBackOff|Error|OOMKilled|Completed|RunContainerError|PostStartHookError)\b(?=   \d+ \(<age> ago\))',
                   r'\1<ended>', value)
    value = re.sub(r'(?m) +$', '', value)
    value = value.replace('Internal error occurred: Internal error occurred: ', 'Internal error occurred: ')
    value = re.sub(r'\b(ErrImagePull|ImagePullBackOff)\b', '<pull failed>', value)
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
        self.replace.append((r'-<hash>-[bcdfghjklmnpqrstvwxz2456789]{5}\b', '-<hash>-<rand>'))
        self.replace += [
            (r'\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b', '<uid>'),
            (r'\.\.\d{4}(_\d\d){5}\.\d+', '..<data-dir>'),
            (r'ext4 (r[ow],relatime)\S*', r'ext4 \1'),
            (r'sha256:[0-9a-f]{64}', 'sha256:<digest>'),
            (r'\b[0-9a-f]{64}\b', '<id>'),
            (r'\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z| ?[+-]\d\d:?\d\d( \w+)?)?', '<time>'),
            (r'\b[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [+-]\d{4}', '<time>'),
            (r'kube-api-access-[a-z0-9]{5}\b', 'kube-api-access-<rand>'),
            (r'\b10\.244\.0\.1\b', '<bridge-ip>'),
            (r'(dial tcp |read tcp )?\b10\.244\.\d+\.\d+\b', r'\1<pod-ip>'),
            (r'\b10\.199\.\d+\.\d+\b', '<node-ip>'),
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
    if recording.get('needs'):
        return 'needs ' + str(recording['needs'])
    if 'agnhost' in json.dumps([recording['files'], [s['do'] for s in recording['steps']]]):
        return 'needs agnhost'
    if wanted:
        return None
    if any(fnmatch.fnmatch(recording['id'], pattern) for pattern in OUTSIDE):
        return 'outside the slice'
    return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--recordings', default=os.path.join(os.path.dirname(ROOT), 'shared/golden/pods'))
    parser.add_argument('--jobs', type=int, default=6)
    parser.add_argument('--kubeconfig')
    parser.add_argument('-v', action='store_true', dest='verbose')
    parser.add_argument('names', nargs='*')
    options = parser.parse_args()
    files = sorted(glob.glob(os.path.join(options.recordings, '*.json')))
    if not files:
        print(f'skipped: no recordings in {options.recordings}')
        return 77
    recordings = []
    skips = 0
    for file in files:
        with open(file) as opened:
            recording = json.load(opened)
        if options.names and not any(fnmatch.fnmatch(recording['id'], name) for name in options.names):
            continue
        why = skipped(recording, options.names)
        if why:
            skips += 1
            if options.verbose:
                print(f'skip  {recording["id"]}: {why}')
        else:
            recordings.append(recording)
    cluster = None
    kubeconfig = options.kubeconfig
    kubectl = os.environ.get('KUBECTL') or shutil.which('kubectl')
    if kubeconfig is None:
        cluster = Cluster('replay')
        cluster.start()
        kubeconfig = cluster.env['KUBECONFIG']
    failed = 0
    try:
        # The long ones first.
        recordings.sort(key=lambda r: -max(r['duration_s']))
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            runs = {pool.submit(Run(r, kubeconfig, kubectl).run): r['id'] for r in recordings}
            for done in concurrent.futures.as_completed(runs):
                try:
                    differences = done.result()
                except (AssertionError, OSError, subprocess.TimeoutExpired) as error:
                    differences = [f'{type(error).__name__}: {error}']
                failed += bool(differences)
                print(f'{"FAIL" if differences else "ok  "}  {runs[done]}', flush=True)
                for difference in differences:
                    print(f'    {difference}')
    finally:
        if cluster is not None:
            cluster.down()
    print(f'{len(recordings) - failed} passed, {failed} failed, {skips} skipped')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
