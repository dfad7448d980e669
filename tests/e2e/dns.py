"""Names resolve from any pod: services, headless services, external names, the search path, pods and addresses."""
from cluster import ClusterTest, busybox_pod, main, wait_until

# Asks as a program in the pod does: in its network namespace, by its resolv.conf, with the C library's resolver.
ASK = ('import socket, sys\n'
       'name = sys.argv[1]\n'
       'try:\n'
       '    print(socket.gethostbyaddr(name)[0] if name[0].isdigit() and name.count(".") == 3 and name[-1].isdigit()\n'
       '          else " ".join(sorted({a[4][0] for a in socket.getaddrinfo(name, None)})))\n'
       'except OSError as error:\n'
       '    print("unknown:", error)\n')


def service(name, **spec):
    ports = [{'name': 'http', 'port': 80}]
    return {'apiVersion': 'v1', 'kind': 'Service', 'metadata': {'name': name}, 'spec': {'ports': ports, **spec}}


class Dns(ClusterTest):
    cluster_name = 'dns'

    def ask(self, name):
        (_, _, pid), *_ = [c for c in self.cluster.containers('default', 'asker').values() if c[1] == 'container']
        return self.cluster.in_node(
            f"cat /proc/{pid}/root/etc/resolv.conf > /run/asker.conf; nsenter -t {pid} -n unshare -m sh -c "
            f"'mount --bind /run/asker.conf /etc/resolv.conf && exec python3 - {name}' <<'EOF'\n{ASK}EOF", timeout=60).out.strip()

    def resolves(self, name, wanted):
        wait_until(f'{name} is {wanted}', lambda: self.ask(name) == wanted or self.fail(self.ask(name)), 10)

    def test_names_resolve_from_a_pod(self):
        c = self.cluster
        web = busybox_pod('web-0', hostname='web-0', subdomain='peers')
        web['metadata']['labels'] = {'app': 'web'}
        for thing in (web, busybox_pod('asker'), service('web', selector={'app': 'web'}),
                      service('peers', clusterIP='None', selector={'app': 'web'}),
                      service('elsewhere', type='ExternalName', externalName='web.default.svc.cluster.local')):
            c.apply(thing)
        self.wait_ready('web-0')
        self.wait_ready('asker')
        address = c.get('service', 'web')['spec']['clusterIP']
        pod = c.get('pod', 'web-0')['status']['podIP']

        with self.subTest('the name server has the tenth address of the service range'):
            found = c.get('service', 'kube-dns', '-n', 'kube-system')
            self.assertEqual(found['spec']['clusterIP'], '10.96.0.10')
            self.assertEqual([p['name'] for p in found['spec']['ports']], ['dns', 'dns-tcp'])
        with self.subTest('a service, by each form of its name'):
            for name in ('web', 'web.default', 'web.default.svc', 'web.default.svc.cluster.local',
                         'web.default.svc.cluster.local.'):
                self.resolves(name, address)
        with self.subTest('a headless service leads to its pods'):
            for name in ('peers', 'web-0.peers', f'{pod.replace(".", "-")}.default.pod'):
                self.resolves(name, pod)
        with self.subTest('an external name is an alias'):
            self.resolves('elsewhere', address)
        with self.subTest('addresses lead to names'):
            self.resolves(address, 'web.default.svc.cluster.local')
            # Two services lead to the pod, each with a name for it; a resolver shows the first that it is told.
            of_pod = ('web-0.peers.default.svc.cluster.local', f'{pod.replace(".", "-")}.web.default.svc.cluster.local')
            wait_until('the name of the pod', lambda: self.ask(pod) in of_pod, 10)
        with self.subTest('what does not exist is said to not exist'):
            self.assertIn('unknown', self.ask('nope.default.svc.cluster.local.'))
        with self.subTest('a service that goes takes its name along'):
            c.kubectl('delete', 'service', 'web')
            wait_until('the name is gone', lambda: 'unknown' in self.ask('web.default.svc.cluster.local.'), 10)


if __name__ == '__main__':
    main()
