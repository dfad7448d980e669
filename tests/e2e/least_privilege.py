"""Every component acts with its own rights alone: the audit of a busy cluster shows nothing denied; a node's credential
reads nothing of another node's."""
import base64
import json
import os
import subprocess
import tempfile

from cluster import BUSYBOX, ClusterTest, busybox_pod, main, wait_until

POLICY = """
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Request
  resources: [{group: "", resources: [configmaps]}]
- level: Metadata
"""
# Who the tests act as, beside the administrator.
OTHER_NODE = 'system:node:elsewhere'


def workload(kind, name, **spec):
    template = {'metadata': {'labels': {'app': name}},
                'spec': {'containers': [{'name': 'main', 'image': BUSYBOX, 'command': ['sleep', '100000']}],
                         'terminationGracePeriodSeconds': 1}}
    return {'apiVersion': 'apps/v1', 'kind': kind, 'metadata': {'name': name},
            'spec': {'selector': {'matchLabels': {'app': name}}, 'template': template, **spec}}


def job(name):
    pod = {'containers': [{'name': 'main', 'image': BUSYBOX, 'command': ['sh', '-c', 'true']}], 'restartPolicy': 'Never'}
    return {'apiVersion': 'batch/v1', 'kind': 'Job', 'metadata': {'name': name},
            'spec': {'ttlSecondsAfterFinished': 1, 'template': {'spec': pod}}}


class LeastPrivilege(ClusterTest):
    cluster_name = 'least-privilege'
    audit_policy = POLICY

    def events(self):
        with open(os.path.join(self.cluster.data, 'audit/audit.log'), encoding='utf-8') as file:
            return [json.loads(line) for line in file if line.endswith('}\n')]

    def denied(self):
        """What was refused to components: the tests' own users are left out."""
        found = []
        for event in self.events():
            user = (event.get('impersonatedUser') or event['user']).get('username', '')
            if event.get('responseStatus', {}).get('code') != 403 or user in (OTHER_NODE, 'system:anonymous'):
                continue
            found.append(f"{user} {event['verb']} {event['requestURI']}: {event['responseStatus'].get('message')}")
        return sorted(set(found))

    def test_nothing_that_a_component_does_is_denied(self):
        c = self.cluster
        c.kubectl('create', 'secret', 'generic', 'key', '--from-literal=a=b')
        c.kubectl('create', 'configmap', 'settings', '--from-literal=a=b')
        c.kubectl('create', 'namespace', 'passing')
        volumes = [{'name': 'key', 'secret': {'secretName': 'key'}},
                   {'name': 'settings', 'configMap': {'name': 'settings'}}]
        c.apply(busybox_pod('reader', volumes=volumes,
                            container={'volumeMounts': [{'name': v['name'], 'mountPath': f'/{v["name"]}'} for v in volumes]}))
        for thing in (workload('Deployment', 'd', replicas=2), workload('DaemonSet', 'every'),
                      workload('StatefulSet', 'ordered', replicas=1, serviceName='ordered'), job('once')):
            c.apply(thing)
        c.kubectl('create', 'cronjob', 'often', f'--image={BUSYBOX}', '--schedule=* * * * *', '--', 'sh', '-c', 'true')
        c.kubectl('create', 'job', 'now', '--from=cronjob/often')
        c.kubectl('expose', 'deployment', 'd', '--port=80')
        c.kubectl('create', 'poddisruptionbudget', 'd', '--selector=app=d', '--min-available=1')
        self.wait_ready('reader')
        c.kubectl('rollout', 'status', 'deployment/d', '--timeout=60s')
        c.kubectl('rollout', 'status', 'daemonset/every', '--timeout=60s')
        c.kubectl('rollout', 'status', 'statefulset/ordered', '--timeout=60s')
        c.kubectl('set', 'env', 'deployment/d', 'A=b')
        c.kubectl('rollout', 'status', 'deployment/d', '--timeout=60s')
        c.kubectl('exec', 'reader', '--', 'cat', '/key/a', '/settings/a')
        c.kubectl('wait', '--for=condition=complete', 'job/now', '--timeout=60s')
        wait_until('the finished job is gone', lambda: c.kubectl('get', 'job', 'once', check=False).code != 0, 30)
        for thing in ('deployment/d', 'daemonset/every', 'statefulset/ordered', 'cronjob/often', 'namespace/passing'):
            c.kubectl('delete', thing, '--timeout=60s')
        wait_until('the pods are gone',
                   lambda: {p['metadata']['name'] for p in c.get('pods')['items']} <= {'reader', 'holder'}, 60)
        self.assertEqual(self.denied(), [])
        users = {e['user'].get('username') for e in self.events()}
        for user in (f'system:node:{c.node()}', 'system:kube-scheduler', 'system:kube-controller-manager',
                     'system:kube-proxy', 'system:serviceaccount:kube-system:coredns',
                     'system:serviceaccount:kube-system:deployment-controller',
                     'system:serviceaccount:kube-system:replicaset-controller',
                     'system:serviceaccount:kube-system:generic-garbage-collector'):
            self.assertIn(user, users)
        masters = {e['user']['username'] for e in self.events() if 'system:masters' in e['user'].get('groups', [])}
        self.assertLessEqual(masters, {'kubernetes-admin', 'system:apiserver'})

    def node_credential(self, name, folder):
        """A kubeconfig of a node, its certificate approved by the administrator and signed by the controller."""
        key, request = os.path.join(folder, 'key'), os.path.join(folder, 'request')
        subprocess.run(['openssl', 'req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
                        '-keyout', key, '-out', request, '-subj', f'/O=system:nodes/CN={name}'],
                       check=True, capture_output=True)
        with open(request, 'rb') as file:
            text = base64.b64encode(file.read()).decode()
        self.cluster.apply({'apiVersion': 'certificates.k8s.io/v1', 'kind': 'CertificateSigningRequest',
                            'metadata': {'name': 'elsewhere'},
                            'spec': {'request': text, 'signerName': 'kubernetes.io/kube-apiserver-client-kubelet',
                                     'usages': ['digital signature', 'client auth']}})
        self.cluster.kubectl('certificate', 'approve', 'elsewhere')
        certificate = wait_until('the request is signed', lambda: self.cluster.get('csr', 'elsewhere')['status'].get('certificate'), 20)
        path = os.path.join(folder, 'certificate')
        with open(path, 'wb') as file:
            file.write(base64.b64decode(certificate))
        config = os.path.join(folder, 'config')
        with open(self.cluster.env['KUBECONFIG'], encoding='utf-8') as source, open(config, 'w', encoding='utf-8') as file:
            file.write(source.read())
        for words in (['set-credentials', 'node', f'--client-certificate={path}', f'--client-key={key}'],
                      ['set-context', '--current', '--user=node']):
            self.cluster.kubectl('config', *words, env={'KUBECONFIG': config})
        return {'KUBECONFIG': config}

    def test_a_nodes_credential_reads_nothing_of_another_node(self):
        c = self.cluster
        c.kubectl('create', 'secret', 'generic', 'private', '--from-literal=a=b')
        c.apply(busybox_pod('holder', volumes=[{'name': 'private', 'secret': {'secretName': 'private'}}]))
        self.wait_ready('holder')
        self.assertEqual(c.kubectl('get', 'secret', 'private', '-o', 'name', '--as', f'system:node:{c.node()}',
                                   '--as-group', 'system:nodes').out, 'secret/private\n')
        with tempfile.TemporaryDirectory() as folder:
            env = self.node_credential(OTHER_NODE, folder)

            def refused(*words, why):
                answer = c.kubectl(*words, env=env, check=False)
                self.assertEqual(answer.code, 1, answer)
                self.assertIn(why, answer.err)

            refused('get', 'secret', 'private',
                    why='Error from server (Forbidden): secrets "private" is forbidden: User "system:node:elsewhere" cannot get '
                        'resource "secrets" in API group "" in the namespace "default": no relationship found between node '
                        "'elsewhere' and this object")
            refused('get', 'secrets', why='No Object name found')
            refused('get', 'pods', why='can only list/watch pods with spec.nodeName field selector')
            refused('get', 'node', c.node(), why='only its own Node object')
            refused('label', 'node', c.node(), 'a=b', why='only its own Node object')
            refused('create', 'token', 'default', why='no relationship found')
            refused('create', 'configmap', 'x', why='can only read resources of this type')
            self.assertEqual(c.kubectl('get', 'pods', '--field-selector', 'spec.nodeName=elsewhere', env=env).code, 0)
            self.assertEqual(c.kubectl('auth', 'can-i', 'list', 'services', env=env).out, 'yes\n')

    def test_requests_to_a_node_end_at_its_kubelet(self):
        c = self.cluster
        self.assertEqual(c.kubectl('get', '--raw', f'/api/v1/nodes/{c.node()}/proxy/healthz').out, 'ok')
        listed = json.loads(c.kubectl('get', '--raw', f'/api/v1/nodes/{c.node()}/proxy/pods').out)
        self.assertEqual(listed['kind'], 'PodList')
        answer = c.kubectl('get', '--raw', f'/api/v1/nodes/{c.node()}/proxy/healthz', '--as', 'bob', check=False)
        self.assertIn('cannot get resource "nodes/proxy"', answer.err)

    def test_requests_are_written_down(self):
        c = self.cluster
        c.kubectl('create', 'configmap', 'noted', '--from-literal=a=b')
        event = wait_until('the event', lambda: next(
            e for e in self.events() if e['verb'] == 'create' and e.get('objectRef', {}).get('name') == 'noted'), 10)
        self.assertEqual(event['level'], 'Request')
        self.assertEqual(event['requestObject']['data'], {'a': 'b'})
        self.assertEqual(event['responseStatus'], {'metadata': {}, 'code': 201})
        self.assertEqual(event['annotations']['authorization.k8s.io/decision'], 'allow')
        code, _ = c.client().request('GET', '/api/v1/secrets', credentials=False)
        self.assertEqual(code, 403)
        event = wait_until('the refusal', lambda: next(
            e for e in self.events() if e['user'].get('username') == 'system:anonymous' and e['requestURI'] == '/api/v1/secrets'), 10)
        self.assertEqual(event['responseStatus']['reason'], 'Forbidden')
        self.assertEqual(event['annotations']['authorization.k8s.io/decision'], 'forbid')


if __name__ == '__main__':
    main()
