"""Volumes: the lab's shared directory, claims that wait for a pod, parts of volumes, quotas, namespaces that wait for claims."""
import os

from cluster import EXAMPLES, ClusterTest, busybox_pod, main, wait_until

NAME = 'two-containers-deployment'


def volume(name, mode, path, **spec):
    return {'apiVersion': 'v1', 'kind': 'PersistentVolume', 'metadata': {'name': name},
            'spec': {'capacity': {'storage': '1Gi'}, 'accessModes': [mode], **path, **spec}}


def claim(name, mode, **spec):
    return {'apiVersion': 'v1', 'kind': 'PersistentVolumeClaim', 'metadata': {'name': name},
            'spec': {'accessModes': [mode], 'resources': {'requests': {'storage': '1Gi'}}, **spec}}


class Storage(ClusterTest):
    cluster_name = 'storage'

    def items(self):
        return [p for p in self.cluster.get('pods', '-l', 'app=two-containers')['items']
                if 'deletionTimestamp' not in p['metadata']]

    def pods(self):
        return [p['metadata']['name'] for p in self.items()]

    def shell(self, pod, script, check=True):
        return self.cluster.kubectl('exec', pod, '--', 'sh', '-c', script, check=check)

    def reason(self, pod):
        return [e['message'] for e in self.cluster.get('events')['items'] if e['involvedObject']['name'] == pod]

    def test_1_pods_of_a_deployment_share_a_claim_and_not_an_empty_dir(self):
        c = self.cluster

        def have(name):
            answers = [c.fetch(f'http://{p["status"]["podIP"]}/{name}').splitlines() for p in self.items()]
            return sorted(a[1] if a[0] == 'HTTP/1.1 200' else a[0] for a in answers)

        c.kubectl('apply', '-f', os.path.join(EXAMPLES, f'lab/{NAME}.yaml'))
        c.kubectl('rollout', 'status', f'deployment/{NAME}', '--timeout=90s')
        c.kubectl('exec', self.pods()[0], '-c', 'aria2ng-downloader', '--', 'sh', '-c', 'echo one > /data/file')
        self.assertEqual(have('file'), ['HTTP/1.1 404', 'HTTP/1.1 404', 'one'])
        c.kubectl('apply', '-f', os.path.join(EXAMPLES, 'lab/shared-storage.yaml'))
        c.kubectl('rollout', 'status', f'deployment/{NAME}', '--timeout=90s')
        wait_until('three pods', lambda: len(self.pods()) == 3, 30)
        self.assertMatches(c.kubectl('get', 'pvc').out, r'two-containers-files\s+Bound\s+two-containers-files\s+1Gi\s+RWX')
        c.kubectl('exec', self.pods()[0], '-c', 'aria2ng-downloader', '--', 'sh', '-c', 'echo all > /data/file')
        self.assertEqual(have('file'), ['all'] * 3)
        c.kubectl('delete', '-f', os.path.join(EXAMPLES, 'lab/shared-storage.yaml'))

    def test_2_a_local_volume_is_bound_for_the_pod_that_comes(self):
        c = self.cluster
        c.in_node('mkdir -p /srv/local/a && chmod 755 /srv/local/a && echo old > /srv/local/a/old && chmod 600 /srv/local/a/old')
        c.apply({'apiVersion': 'storage.k8s.io/v1', 'kind': 'StorageClass', 'metadata': {'name': 'local'},
                 'provisioner': 'kubernetes.io/no-provisioner', 'volumeBindingMode': 'WaitForFirstConsumer'})
        here = {'required': {'nodeSelectorTerms': [{'matchExpressions': [
            {'key': 'kubernetes.io/hostname', 'operator': 'In', 'values': [c.node()]}]}]}}
        c.apply(volume('local-a', 'ReadWriteOnce', {'local': {'path': '/srv/local/a'}}, storageClassName='local', nodeAffinity=here))
        c.apply(claim('mine', 'ReadWriteOnce', storageClassName='local'))
        wait_until('the claim says what it waits for', lambda: 'waiting for first consumer to be created before binding'
                   in c.kubectl('describe', 'pvc', 'mine').out, 20)
        mount = {'name': 'v', 'mountPath': '/v'}
        c.apply(busybox_pod('user', container={'volumeMounts': [mount]}, securityContext={'fsGroup': 2000, 'runAsUser': 1000},
                            volumes=[{'name': 'v', 'persistentVolumeClaim': {'claimName': 'mine'}}]))
        self.wait_ready('user')
        self.assertEqual(c.get('pvc', 'mine')['status']['phase'], 'Bound')
        self.assertEqual(self.shell('user', 'cat /v/old; echo new > /v/new; stat -c %g /v/new').out, 'old\n2000\n')
        # A second pod wants the same volume elsewhere: there is none.
        c.apply(claim('other', 'ReadWriteOnce', storageClassName='local'))
        c.apply(busybox_pod('waiting', volumes=[{'name': 'v', 'persistentVolumeClaim': {'claimName': 'other'}}]))
        wait_until('why it waits', lambda: any("1 node(s) didn't find available persistent volumes to bind" in m
                                               for m in self.reason('waiting')), 20)
        c.kubectl('delete', 'pod', 'user', 'waiting')
        c.kubectl('delete', 'pvc', 'mine', 'other')
        wait_until('released', lambda: c.get('pv', 'local-a')['status']['phase'] == 'Released', 20)

    def test_3_a_volume_that_is_not_there_is_named(self):
        c = self.cluster
        c.apply(volume('gone', 'ReadWriteOnce', {'local': {'path': '/srv/none'}}, storageClassName='none',
                       nodeAffinity={'required': {'nodeSelectorTerms': [{'matchExpressions': [
                           {'key': 'kubernetes.io/os', 'operator': 'Exists'}]}]}}))
        c.apply(claim('gone', 'ReadWriteOnce', storageClassName='none', volumeName='gone'))
        c.apply(busybox_pod('gone', volumes=[{'name': 'v', 'persistentVolumeClaim': {'claimName': 'gone'}}]))
        wait_until('the event', lambda: 'MountVolume.NewMounter initialization failed for volume "gone" : '
                   'path "/srv/none" does not exist' in self.reason('gone'), 40)
        c.in_node('mkdir -p /srv/none')
        self.wait_ready('gone')

    def test_4_a_part_of_a_volume_cannot_lead_out_of_it(self):
        c = self.cluster
        mounts = [{'name': 'v', 'mountPath': '/part', 'subPath': 'a/b'}, {'name': 'v', 'mountPath': '/whole'}]
        c.apply(busybox_pod('part', 'trap exit TERM; while :; do sleep 1; done', container={'volumeMounts': mounts}, volumes=[{'name': 'v', 'emptyDir': {}}]))
        self.wait_ready('part')
        self.assertEqual(self.shell('part', 'echo x > /part/f; cat /whole/a/b/f').out, 'x\n')
        # The container puts a link in the place of the directory; what it mounts next must not follow it.
        self.shell('part', 'rm -r /whole/a/b/f; mv /whole/a /whole/c; ln -s /etc /whole/a')
        self.shell('part', 'kill 1', check=False)
        wait_until('refused', lambda: any('subPath' in m and '"v" of container "main"' in m for m in self.reason('part')), 60)
        state = c.get('pod', 'part')['status']['containerStatuses'][0]['state']
        self.assertEqual(state['waiting']['reason'], 'CreateContainerConfigError')
        c.kubectl('delete', 'pod', 'part')
        wait_until('nothing mounted', lambda: 'volume-subpaths' not in c.in_node('cat /proc/mounts').out, 30)

    def test_5_a_quota_counts_and_gives_back(self):
        c = self.cluster
        c.kubectl('create', 'namespace', 'small')
        c.kubectl('create', 'quota', 'q', '-n', 'small', '--hard=pods=1,configmaps=2,count/deployments.apps=1')
        wait_until('counted', lambda: c.get('quota', 'q', '-n', 'small')['status'].get('used', {}).get('configmaps') == '1', 20)
        c.apply(busybox_pod('a'), '-n', 'small')
        refused = c.kubectl('run', 'b', '-n', 'small', '--image=localhost/busybox:1', check=False)
        self.assertIn('pods "b" is forbidden: exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1', refused.err)
        c.kubectl('delete', 'pod', 'a', '-n', 'small')
        wait_until('given back', lambda: c.get('quota', 'q', '-n', 'small')['status']['used']['pods'] == '0', 20)
        c.apply(busybox_pod('b'), '-n', 'small')

    def test_6_a_namespace_waits_for_a_claim_that_is_kept(self):
        c = self.cluster
        c.kubectl('create', 'namespace', 'kept')
        kept = claim('c', 'ReadWriteOnce')
        kept['metadata']['finalizers'] = ['example.test/keep']
        c.apply(kept, '-n', 'kept')
        c.kubectl('delete', 'namespace', 'kept', '--wait=false')
        wait_until('what it waits for', lambda: 'example.test/keep in 1 resource instances' in
                   c.kubectl('get', 'namespace', 'kept', '-o', 'jsonpath={.status.conditions[*].message}').out, 20)
        self.assertEqual(c.get('pvc', 'c', '-n', 'kept')['metadata']['name'], 'c')
        c.kubectl('patch', 'pvc', 'c', '-n', 'kept', '--type=merge', '-p', '{"metadata":{"finalizers":null}}')
        wait_until('the namespace goes', lambda: c.kubectl('get', 'namespace', 'kept', check=False).code != 0, 40)

    def test_7_what_pods_left_goes_when_the_kubelet_comes_back(self):
        c = self.cluster
        folder = c.in_node('ls -d /var/lib/kubelet/pods /var/lib/kpp/*/kubelet/pods 2>/dev/null', check=False).out.split()[0]
        c.in_node(f'mkdir -p {folder}/00000000-0000-0000-0000-000000000000/volumes')
        c.kill_kpp()
        c.up()
        wait_until('the directory goes', lambda: '00000000-0000' not in c.in_node(f'ls {folder}').out, 40)


if __name__ == '__main__':
    main()
