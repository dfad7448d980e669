"""Wrong input: the original's message and code for each."""
import http.client
import json
import os
import socket
import ssl
import subprocess
import tempfile

from cluster import BUSYBOX, KPP, RUNTIME, ClusterTest, busybox_pod, main, wait_until

CONFIG_MAPS = '/api/v1/namespaces/default/configmaps'


def deployment(name, selector, labels):
    return {'apiVersion': 'apps/v1', 'kind': 'Deployment', 'metadata': {'name': name},
            'spec': {'replicas': 0, 'selector': {'matchLabels': selector},
                     'template': {'metadata': {'labels': labels},
                                  'spec': {'containers': [{'name': 'main', 'image': BUSYBOX}]}}}}


class WrongInput(ClusterTest):
    cluster_name = 'wrong'

    def refused(self, manifest, expected, verb='create', *words):
        answer = self.cluster.kubectl(verb, '-f', '-', *words, stdin=json.dumps(manifest), check=False)
        self.assertEqual(answer.code, 1, str(answer))
        self.assertIn(expected, answer.err)

    def status(self, answer, code, reason, message):
        got, body = answer
        self.assertEqual(got, code, body)
        self.assertEqual((body['kind'], body['status'], body['code'], body['reason']), ('Status', 'Failure', code, reason))
        self.assertIn(message, body['message'])

    # What kubectl says.

    def test_unknown_field(self):
        pod = busybox_pod('a')
        pod['spec']['colour'] = 'red'
        self.refused(pod, 'Pod in version "v1" cannot be handled as a Pod: strict decoding error: unknown field "spec.colour"')

    def test_bad_quantity(self):
        pod = busybox_pod('a', container={'resources': {'limits': {'cpu': '1x'}}})
        self.refused(pod, "quantities must match the regular expression "
                          "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")

    def test_bad_name(self):
        self.refused(busybox_pod('Bad_Name'),
                     'The Pod "Bad_Name" is invalid: metadata.name: Invalid value: "Bad_Name": a lowercase RFC 1123 '
                     "subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end "
                     'with an alphanumeric character')

    def test_selector_that_does_not_match(self):
        self.refused(deployment('a', {'app': 'a'}, {'app': 'b'}),
                     'The Deployment "a" is invalid: spec.template.metadata.labels: Invalid value: {"app":"b"}: '
                     '`selector` does not match template `labels`')

    def test_immutable_field(self):
        self.cluster.apply(deployment('fixed', {'app': 'a'}, {'app': 'a'}))
        answer = self.cluster.kubectl('apply', '-f', '-', stdin=json.dumps(deployment('fixed', {'app': 'b'}, {'app': 'b'})),
                                      check=False)
        self.assertEqual(answer.code, 1)
        self.assertMatches(answer.err, r'The Deployment "fixed" is invalid: spec.selector: Invalid value: .*: field is immutable')

    def test_conflict(self):
        c = self.cluster
        c.kubectl('create', 'configmap', 'contested', '--from-literal=a=1')
        old = c.get('configmap', 'contested')
        c.kubectl('label', 'configmap', 'contested', 'x=y')
        self.refused(old, 'Operation cannot be fulfilled on configmaps "contested": the object has been modified; please '
                          'apply your changes to the latest version and try again', 'replace')

    def test_not_found(self):
        answer = self.cluster.kubectl('get', 'pod', 'nope', check=False)
        self.assertEqual((answer.code, answer.err), (1, 'Error from server (NotFound): pods "nope" not found\n'))
        answer = self.cluster.kubectl('get', 'nonsense', check=False)
        self.assertEqual((answer.code, answer.err),
                         (1, 'error: the server doesn\'t have a resource type "nonsense"\n'))

    def test_already_exists(self):
        c = self.cluster
        c.kubectl('create', 'configmap', 'twice')
        answer = c.kubectl('create', 'configmap', 'twice', check=False)
        self.assertEqual(answer.err, 'error: failed to create configmap: configmaps "twice" already exists\n')

    def test_namespace_that_does_not_exist(self):
        answer = self.cluster.kubectl('create', 'configmap', 'x', '-n', 'nowhere', check=False)
        self.assertIn('namespaces "nowhere" not found', answer.err)

    # What the wire says.

    def test_too_large(self):
        body = {'metadata': {'name': 'large'}, 'data': {'x': 'x' * (3 << 20)}}
        self.status(self.cluster.client().request('POST', CONFIG_MAPS, body), 413, 'RequestEntityTooLarge',
                    'Request entity too large: limit is 3145728')

    def test_bad_json(self):
        self.status(self.cluster.client().request('POST', CONFIG_MAPS, '{bad'), 400, 'BadRequest',
                    "couldn't get version/kind; json parse error: invalid character 'b' looking for beginning of object "
                    'key string')

    def test_bad_yaml(self):
        self.status(self.cluster.client().request('POST', CONFIG_MAPS, 'a: [', {'Content-Type': 'application/yaml'}), 400,
                    'BadRequest', 'yaml: line 1: did not find expected node content')

    def test_wrong_content_type(self):
        self.status(self.cluster.client().request('POST', CONFIG_MAPS, '{}', {'Content-Type': 'text/csv'}), 415,
                    'UnsupportedMediaType', 'the body of the request was in an unknown format - accepted media types '
                    'include: application/json, application/yaml, application/vnd.kubernetes.protobuf')

    def test_no_credentials(self):
        client = self.cluster.client()
        self.status(client.request('GET', CONFIG_MAPS, headers={'Authorization': 'Bearer wrong'}, credentials=False), 401,
                    'Unauthorized', 'Unauthorized')
        # Without any, a person is system:anonymous, as in the original by default; a server that takes none says 401.
        self.status(client.request('GET', CONFIG_MAPS, credentials=False), 403, 'Forbidden',
                    'configmaps is forbidden: User "system:anonymous" cannot list resource "configmaps" in API group "" in '
                    'the namespace "default"')
        with tempfile.TemporaryDirectory() as folder, socket.socket() as probe:
            probe.bind(('127.0.0.1', 0))
            port = probe.getsockname()[1]
            probe.close()
            server = subprocess.Popen([KPP, 'kube-apiserver', '--data-dir', folder, '--bind-address', '127.0.0.1',
                                       '--secure-port', str(port), '--anonymous-auth=false'],
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                def ask():
                    connection = http.client.HTTPSConnection('127.0.0.1', port, timeout=5,
                                                             context=ssl._create_unverified_context())
                    connection.request('GET', CONFIG_MAPS)
                    response = connection.getresponse()
                    return response.status, json.loads(response.read())
                self.status(wait_until('the server answers', ask, 20), 401, 'Unauthorized', 'Unauthorized')
            finally:
                server.terminate()
                server.wait(timeout=20)

    def test_watch_from_an_unreadable_revision(self):
        client = self.cluster.client()
        code, body = client.request('GET', CONFIG_MAPS + '?resourceVersion=x')
        self.assertEqual((code, body['message']), (400, 'invalid resource version: resourceVersion: Invalid value: "x": '
                                                        'strconv.ParseUint: parsing "x": invalid syntax'))
        code, body = client.request('GET', CONFIG_MAPS + '?watch=1&resourceVersion=x&timeoutSeconds=1')
        self.assertEqual((code, body['message']), (500, 'resourceVersion: Invalid value: "x": strconv.ParseUint: parsing '
                                                        '"x": invalid syntax'))

    # Of a server's own start.

    def test_service_account_key_that_cannot_be_kept(self):
        with tempfile.TemporaryDirectory() as folder:
            os.makedirs(folder + '/pki/sa.key')
            server = subprocess.run([KPP, 'kube-apiserver', '--data-dir', folder, '--bind-address', '127.0.0.1',
                                     '--secure-port', '0'], capture_output=True, text=True, timeout=60)
        self.assertEqual(server.returncode, 1, server.stderr)
        self.assertMatches(server.stderr, r'kube-apiserver: .*/pki/sa\.key.*: Is a directory')

    # What the node says.

    def waiting(self, pod, reason):
        def seen():
            statuses = self.cluster.get('pod', pod)['status'].get('containerStatuses', [{}])
            return statuses[0].get('state', {}).get('waiting', {}).get('reason') == reason
        wait_until(f'{pod} waits with {reason}', seen, 60)

    def events(self, pod):
        return self.cluster.kubectl('describe', 'pod', pod).out.split('Events:')[1]

    def test_image_that_does_not_exist(self):
        self.cluster.apply(busybox_pod('no-image', container={'image': 'localhost:5999/missing:1'}))
        self.waiting('no-image', 'ErrImagePull')
        self.waiting('no-image', 'ImagePullBackOff')
        self.assertMatches(self.events('no-image'), r'Failed to pull image "localhost:5999/missing:1": ',
                           r'Error: ErrImagePull', r'Back-off pulling image "localhost:5999/missing:1"')

    def test_command_that_does_not_exist(self):
        self.cluster.apply(busybox_pod('no-command', container={'command': ['/does/not/exist']}))
        wait_until('restarted', lambda: self.cluster.get('pod', 'no-command')['status']['containerStatuses'][0]
                   ['restartCount'] >= 1, 60)
        status = self.cluster.get('pod', 'no-command')['status']['containerStatuses'][0]
        ended = status['lastState'].get('terminated') or status['state']['terminated']
        says = {'containerd': ('StartError', 128), 'docker': ('ContainerCannotRun', 127)}
        self.assertEqual((ended['reason'], ended['exitCode']), says[RUNTIME])
        self.assertMatches(self.events('no-command'), r'"/does/not/exist": stat /does/not/exist: no such file or directory')

    def test_container_that_exits(self):
        self.cluster.apply(busybox_pod('exits', 'echo bye; exit 3', restartPolicy='Never'))
        wait_until('Failed', lambda: self.cluster.get('pod', 'exits')['status']['phase'] == 'Failed', 30)
        ended = self.cluster.get('pod', 'exits')['status']['containerStatuses'][0]['state']['terminated']
        self.assertEqual((ended['exitCode'], ended['reason']), (3, 'Error'))
        self.assertEqual(self.cluster.kubectl('get', 'pod', 'exits', '--no-headers').out.split()[1:4], ['0/1', 'Error', '0'])
        self.assertEqual(self.cluster.kubectl('logs', 'exits').out, 'bye\n')

    def test_crash_loop(self):
        self.cluster.apply(busybox_pod('crashes', 'exit 1'))
        self.waiting('crashes', 'CrashLoopBackOff')
        self.assertMatches(self.events('crashes'), r'Back-off restarting failed container main in pod crashes_default')

    def test_failing_probe(self):
        self.cluster.apply(busybox_pod('unwell', container={'livenessProbe': {
            'exec': {'command': ['cat', '/healthy']}, 'periodSeconds': 1, 'failureThreshold': 2}}))
        wait_until('restarted', lambda: self.cluster.get('pod', 'unwell')['status']['containerStatuses'][0]
                   ['restartCount'] >= 1, 60)
        self.assertMatches(self.events('unwell'), r"Liveness probe failed: cat: can't open '/healthy': No such file or directory",
                           r'Container main failed liveness probe, will be restarted')

    def test_full_node(self):
        self.cluster.apply(busybox_pod('big', container={'resources': {'requests': {'cpu': '1000'}}}))
        sentence = ('0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: 0/1 nodes are '
                    'available: 1 Preemption is not helpful for scheduling.')

        def condition():
            status = self.cluster.get('pod', 'big')['status']
            return [x for x in status.get('conditions', []) if x['type'] == 'PodScheduled' and x['status'] == 'False']
        found = wait_until('the scheduler says why', condition, 20)[0]
        self.assertEqual((found['reason'], found['message']), ('Unschedulable', sentence))
        self.assertEqual(self.cluster.get('pod', 'big')['status']['phase'], 'Pending')
        self.assertMatches(self.events('big'), r'Warning\s+FailedScheduling')


if __name__ == '__main__':
    main()
