"""The official Python client (Debian's python3-kubernetes) against `kpp server`: create, read, patch, watch, delete, errors.

Ends with 77, and says so, where the client is not installed.
"""
import os
import subprocess
import sys
import tempfile
import time
import unittest

try:
    from kubernetes import client, config, watch
except ImportError:
    print('skipped: python3-kubernetes is not installed')
    sys.exit(77)

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
KPP = os.environ.get('KPP', os.path.join(ROOT, 'build/release/bin/kpp'))
PORT = os.environ.get('KPP_CLIENTS_PORT', '24080')
SPACE = 'default'


class PythonClient(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        log = cls.enterClassContext(open(os.path.join(folder.name, 'log'), 'w+', encoding='utf-8'))
        server = subprocess.Popen([KPP, 'server', '--data-dir', folder.name, '--secure-port', PORT], stdout=log, stderr=log)
        cls.addClassCleanup(server.wait, 20)
        cls.addClassCleanup(server.terminate)
        end = time.monotonic() + 20
        while True:
            try:
                config.load_kube_config(os.path.join(folder.name, 'admin.conf'))
                cls.core, cls.apps = client.CoreV1Api(), client.AppsV1Api()
                cls.core.read_namespace(SPACE, _request_timeout=5)
                return
            except Exception as error:  # pylint: disable=broad-except
                if time.monotonic() > end or server.poll() is not None:
                    log.seek(0)
                    raise AssertionError(f'the server does not answer: {error}\n{log.read()}') from error
                time.sleep(0.1)

    def config_map(self, name, **data):
        made = self.core.create_namespaced_config_map(SPACE, client.V1ConfigMap(
            metadata=client.V1ObjectMeta(name=name, labels={'test': name}), data=data))
        self.addCleanup(self.core.delete_collection_namespaced_config_map, SPACE, label_selector=f'test={name}')
        return made

    def refused(self, code, reason, call, *args, **kwargs):
        with self.assertRaises(client.ApiException) as caught:
            call(*args, **kwargs)
        self.assertEqual(caught.exception.status, code)
        self.assertIn(f'"reason":"{reason}"', caught.exception.body.replace('": "', '":"'))
        return caught.exception.body

    def test_an_object_is_created_read_replaced_listed_and_deleted(self):
        made = self.config_map('crud', a='1')
        self.assertTrue(made.metadata.uid)
        self.assertEqual(self.core.read_namespaced_config_map('crud', SPACE).data, {'a': '1'})
        made.data = {'a': '2'}
        replaced = self.core.replace_namespaced_config_map('crud', SPACE, made)
        self.assertNotEqual(replaced.metadata.resource_version, made.metadata.resource_version)
        found = self.core.list_namespaced_config_map(SPACE, label_selector='test=crud').items
        self.assertEqual([(m.metadata.name, m.data) for m in found], [('crud', {'a': '2'})])
        # What was written meanwhile is not overwritten.
        self.refused(409, 'Conflict', self.core.replace_namespaced_config_map, 'crud', SPACE, made)
        self.assertEqual(self.core.delete_namespaced_config_map('crud', SPACE).status, 'Success')
        self.refused(404, 'NotFound', self.core.read_namespaced_config_map, 'crud', SPACE)

    def test_patches_change_what_they_name(self):
        self.config_map('patched', a='1', b='2')
        patched = self.core.patch_namespaced_config_map('patched', SPACE, {'data': {'a': None, 'c': '3'}})
        self.assertEqual(patched.data, {'b': '2', 'c': '3'})
        patched = self.core.patch_namespaced_config_map('patched', SPACE, [{'op': 'replace', 'path': '/data/b', 'value': '4'}])
        self.assertEqual(patched.data, {'b': '4', 'c': '3'})

    def test_a_watch_tells_each_change_in_order(self):
        begin = self.core.list_namespaced_config_map(SPACE).metadata.resource_version
        self.config_map('watched', a='1')
        self.core.patch_namespaced_config_map('watched', SPACE, {'data': {'a': '2'}})
        self.core.delete_namespaced_config_map('watched', SPACE)
        seen = []
        for event in watch.Watch().stream(self.core.list_namespaced_config_map, SPACE, label_selector='test=watched',
                                          resource_version=begin, timeout_seconds=10):
            seen.append((event['type'], event['object'].data['a']))
            if event['type'] == 'DELETED':
                break
        self.assertEqual(seen, [('ADDED', '1'), ('MODIFIED', '2'), ('DELETED', '2')])

    def test_errors_have_reason_and_code(self):
        self.config_map('twice')
        again = client.V1ConfigMap(metadata=client.V1ObjectMeta(name='twice'))
        self.refused(409, 'AlreadyExists', self.core.create_namespaced_config_map, SPACE, again)
        bad = client.V1ConfigMap(metadata=client.V1ObjectMeta(name='Not_A_Name'))
        body = self.refused(422, 'Invalid', self.core.create_namespaced_config_map, SPACE, bad)
        self.assertIn('a lowercase RFC 1123 subdomain must consist of', body)

    def test_a_deployment_makes_its_replica_set_and_is_scaled(self):
        labels = {'app': 'web'}
        template = client.V1PodTemplateSpec(
            metadata=client.V1ObjectMeta(labels=labels),
            spec=client.V1PodSpec(containers=[client.V1Container(name='main', image='localhost/busybox:1')]))
        self.apps.create_namespaced_deployment(SPACE, client.V1Deployment(
            metadata=client.V1ObjectMeta(name='web'),
            spec=client.V1DeploymentSpec(selector=client.V1LabelSelector(match_labels=labels), template=template)))
        self.apps.patch_namespaced_deployment_scale('web', SPACE, {'spec': {'replicas': 2}})
        for event in watch.Watch().stream(self.apps.list_namespaced_replica_set, SPACE, label_selector='app=web',
                                          timeout_seconds=20):
            if event['object'].status.replicas == 2:
                break
        else:
            self.fail('no replica set of two pods within 20 s')
        self.apps.delete_namespaced_deployment('web', SPACE, propagation_policy='Background')


if __name__ == '__main__':
    unittest.main(verbosity=2)
