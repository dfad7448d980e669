#!/usr/bin/env python3
"""What clients meet on the wire of `kpp kube-apiserver` beside the recorded conversations: limits, caches, health, and several
writers at once."""
import concurrent.futures
import gzip
import http.client
import json
import os
import socket
import ssl
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from golden_api import Servers  # noqa: E402

CHANGES = 1500  # more bytes than may wait for one watcher
CONTEXT = ssl._create_unverified_context()


class OnTheWire(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.servers = Servers()
        cls.ask('POST', '/api/v1/namespaces/default/serviceaccounts',
                {'apiVersion': 'v1', 'kind': 'ServiceAccount', 'metadata': {'name': 'default'}})

    @classmethod
    def tearDownClass(cls):
        cls.servers.stop()

    @classmethod
    def connect(cls):
        return http.client.HTTPSConnection('127.0.0.1', cls.servers.port, timeout=30, context=CONTEXT)

    @classmethod
    def ask(cls, method, path, body=None, headers=None, token='admin-token'):
        """Status, headers and body; a JSON body as a value."""
        connection = cls.connect()
        try:
            sent = {'Content-Type': 'application/json', **(headers or {})}
            if token:
                sent['Authorization'] = f'Bearer {token}'
            data = json.dumps(body) if isinstance(body, dict) else body
            connection.request(method, path, body=data, headers=sent)
            answer = connection.getresponse()
            raw = answer.read()
            is_json = (answer.headers.get('Content-Type') or '').startswith('application/json')
            return answer.status, answer.headers, json.loads(raw) if is_json and not answer.headers.get('Content-Encoding') else raw
        finally:
            connection.close()

    def raw(self, data):
        """What the server says to these bytes until it closes."""
        with socket.create_connection(('127.0.0.1', self.servers.port), timeout=30) as plain:
            with CONTEXT.wrap_socket(plain) as tls:
                try:
                    tls.sendall(data)
                except OSError:
                    pass  # refused before all of it was sent
                out = b''
                try:
                    while chunk := tls.recv(65536):
                        out += chunk
                except OSError:
                    pass
                return out

    def test_health_names_its_checks_and_answers_one_alone(self):
        status, _, body = self.ask('GET', '/livez?verbose', token=None)
        self.assertEqual(status, 200)
        lines = body.decode().splitlines()
        self.assertIn('[+]etcd ok', lines)
        self.assertEqual(lines[-1], 'livez check passed')
        self.assertEqual(self.ask('GET', '/readyz/etcd')[0], 200)
        self.assertEqual(self.ask('GET', '/readyz/nothing-of-the-kind')[0], 404)
        body = self.ask('GET', '/readyz?verbose&exclude=etcd&exclude=nothing')[2].decode()
        self.assertIn('[+]etcd excluded: ok\n', body)
        self.assertIn('warn: some health checks cannot be excluded: no matches for "nothing"\n', body)

    def test_a_document_that_the_client_has_is_not_sent_again(self):
        for path in ('/openapi/v2', '/openapi/v3', '/openapi/v3/apis/apps/v1'):
            with self.subTest(path):
                status, headers, whole = self.ask('GET', path)
                self.assertEqual(status, 200)
                tag = headers['ETag']
                status, headers, body = self.ask('GET', path, headers={'If-None-Match': tag})
                self.assertEqual((status, body, headers['ETag']), (304, b'', tag))
                status, headers, packed = self.ask('GET', path, headers={'Accept-Encoding': 'gzip', 'If-None-Match': '"other"'})
                self.assertEqual((status, headers['Content-Encoding']), (200, 'gzip'))
                unpacked = gzip.decompress(packed)
                self.assertEqual(json.loads(unpacked), json.loads(whole) if isinstance(whole, bytes) else whole)

    def test_a_head_without_end_is_refused(self):
        answer = self.raw(b'GET /version HTTP/1.1\r\nHost: x\r\nX-Long: ' + b'a' * (2 << 20))
        self.assertTrue(answer == b'' or answer.startswith(b'HTTP/1.1 431'), answer[:80])
        self.assertEqual(self.ask('GET', '/version')[0], 200)

    def test_a_request_that_is_none_is_answered_with_400(self):
        self.assertTrue(self.raw(b'nonsense\r\n\r\n').startswith(b'HTTP/1.1 400'))
        self.assertEqual(self.ask('GET', '/version')[0], 200)

    def test_a_body_over_three_megabytes_is_refused(self):
        body = {'apiVersion': 'v1', 'kind': 'ConfigMap', 'metadata': {'name': 'large'}, 'data': {'x': 'y' * (4 << 20)}}
        status, _, answer = self.ask('POST', '/api/v1/namespaces/default/configmaps', body)
        self.assertEqual((status, answer['reason']), (413, 'RequestEntityTooLarge'))

    def test_what_is_proxied_to_an_object_does_not_touch_the_object(self):
        node = {'apiVersion': 'v1', 'kind': 'Node', 'metadata': {'name': 'far'}}
        self.assertEqual(self.ask('POST', '/api/v1/nodes', node)[0], 201)
        for path in ('/api/v1/nodes/far', '/api/v1/namespaces/default/services/kubernetes'):
            before = self.ask('GET', path)[2]
            for method in ('GET', 'PUT', 'PATCH', 'DELETE'):
                status, _, answer = self.ask(method, f'{path}/proxy', node if method == 'PUT' else None)
                self.assertEqual((answer['kind'], status >= 400), ('Status', True), (method, path))
            self.assertEqual(self.ask('GET', path)[2], before)
        self.assertEqual(self.ask('DELETE', '/api/v1/nodes/far')[0], 200)

    def test_a_refusal_is_written_for_eyes_where_curl_asks(self):
        for agent, lines in (('curl/8.0', True), ('kubelet', False)):
            connection = self.connect()
            connection.request('GET', '/api/v1/secrets', headers={'User-Agent': agent})
            text = connection.getresponse().read().decode()
            connection.close()
            self.assertEqual(json.loads(text)['code'], 403)
            self.assertEqual('{\n  "kind": "Status",' in text, lines, text)

    def test_of_writers_at_one_revision_one_wins(self):
        path = '/api/v1/namespaces/default/configmaps'
        made = self.ask('POST', path, {'apiVersion': 'v1', 'kind': 'ConfigMap', 'metadata': {'name': 'contended'}})[2]

        def write(i):
            return self.ask('PUT', f'{path}/contended', {**made, 'data': {'writer': str(i)}})[0]
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(write, range(16)))
        self.assertEqual(sorted(answers), [200] + [409] * 15)

    def test_of_creators_of_one_name_one_wins(self):
        path = '/api/v1/namespaces/default/configmaps'

        def create(_):
            return self.ask('POST', path, {'apiVersion': 'v1', 'kind': 'ConfigMap', 'metadata': {'name': 'only-one'}})[0]
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(create, range(16)))
        self.assertEqual(sorted(answers), [201] + [409] * 15)

    def test_services_made_at_once_get_addresses_of_their_own(self):
        path = '/api/v1/namespaces/default/services'

        def create(i):
            return self.ask('POST', path, {'apiVersion': 'v1', 'kind': 'Service', 'metadata': {'name': f'many-{i}'}, 'spec': {
                'type': 'NodePort', 'ports': [{'port': 80}]}})[2]['spec']
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            specs = list(pool.map(create, range(64)))
        self.assertEqual(len({spec['clusterIP'] for spec in specs}), 64)
        self.assertEqual(len({spec['ports'][0]['nodePort'] for spec in specs}), 64)

    def test_evictions_that_meet_do_not_overdraw_a_budget(self):
        pods = '/api/v1/namespaces/default/pods'
        budgets = '/apis/policy/v1/namespaces/default/poddisruptionbudgets'
        for i in range(12):
            self.ask('POST', pods, {'apiVersion': 'v1', 'kind': 'Pod', 'metadata': {'name': f'guarded-{i}', 'labels': {'app': 'guarded'}},
                                    'spec': {'nodeName': 'nowhere', 'containers': [{'name': 'c', 'image': 'x'}]}})
            status, _, _ = self.ask('PATCH', f'{pods}/guarded-{i}/status', {'status': {'phase': 'Running', 'conditions': [
                {'type': 'Ready', 'status': 'True'}]}}, {'Content-Type': 'application/merge-patch+json'})
            self.assertEqual(status, 200)
        budget = self.ask('POST', budgets, {'apiVersion': 'policy/v1', 'kind': 'PodDisruptionBudget', 'metadata': {'name': 'guard'}, 'spec': {
            'maxUnavailable': 3, 'selector': {'matchLabels': {'app': 'guarded'}}}})[2]
        budget['status'] = {'observedGeneration': budget['metadata']['generation'], 'disruptionsAllowed': 3, 'currentHealthy': 12,
                            'desiredHealthy': 9, 'expectedPods': 12}
        self.assertEqual(self.ask('PUT', f'{budgets}/guard/status', budget)[0], 200)

        def evict(i):
            return self.ask('POST', f'{pods}/guarded-{i}/eviction', {
                'apiVersion': 'policy/v1', 'kind': 'Eviction', 'metadata': {'name': f'guarded-{i}', 'namespace': 'default'}})[0]
        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            answers = list(pool.map(evict, range(12)))
        self.assertEqual(answers.count(201), 3, answers)
        self.assertEqual(answers.count(429), 9, answers)
        self.assertEqual(self.ask('GET', f'{budgets}/guard')[2]['status']['disruptionsAllowed'], 0)

    def test_a_watcher_that_does_not_read_is_cut_off_and_holds_nothing_back(self):
        path = '/api/v1/namespaces/default/configmaps'
        revision = self.ask('GET', path)[2]['metadata']['resourceVersion']
        slow = self.connect()
        slow.connect()
        slow.request('GET', f'{path}?watch=1&resourceVersion={revision}', headers={'Authorization': 'Bearer admin-token'})
        body = {'apiVersion': 'v1', 'kind': 'ConfigMap', 'metadata': {'name': 'busy'}, 'data': {'x': 'y' * 20000}}
        self.ask('POST', path, body)
        writer = self.connect()
        begin = time.monotonic()
        for i in range(CHANGES):
            writer.request('PATCH', f'{path}/busy', json.dumps({'data': {'n': str(i)}}), {
                'Authorization': 'Bearer admin-token', 'Content-Type': 'application/merge-patch+json'})
            self.assertEqual(writer.getresponse().read()[:1], b'{')
        self.assertLess(time.monotonic() - begin, 60)
        # What was sent before the cut is whole; then the stream ends, and the client goes on from the last revision that it saw.
        events = [json.loads(line) for line in slow.getresponse().read().splitlines()]
        self.assertLess(len(events), CHANGES)
        self.assertNotIn('ERROR', [event['type'] for event in events])
        last = events[-1]['object']['metadata']['resourceVersion']
        status, _, answer = self.ask('GET', f'{path}?watch=1&resourceVersion={last}&timeoutSeconds=1')
        self.assertEqual((status, answer['type'], answer['object']['code']), (200, 'ERROR', 410))
        writer.close()
        slow.close()


if __name__ == '__main__':
    unittest.main(verbosity=2)
