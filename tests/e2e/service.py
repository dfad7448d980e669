"""The lab's service: a cluster IP with three ports, by iptables rules with the original's names."""
import base64
import hashlib
import os

from cluster import EXAMPLES, ClusterTest, busybox_pod, main, wait_until

PORTS = {'http1': 80, 'http2': 6800, 'http3': 6880}
SERVICE = 'default/two-containers-service'


def chain(prefix, *parts):
    digest = base64.b32encode(hashlib.sha256(''.join(parts).encode()).digest())
    return prefix + digest[:16].decode()


class Service(ClusterTest):
    cluster_name = 'service'

    def test_the_service_of_the_lab(self):
        c = self.cluster
        for name in ('two-containers', 'two-containers-service'):
            c.kubectl('apply', '-f', os.path.join(EXAMPLES, f'lab/{name}.yaml'))
        c.apply(busybox_pod('visitor'))
        self.wait_ready('two-containers')
        self.wait_ready('visitor')
        service = c.get('service', 'two-containers-service')
        address = service['spec']['clusterIP']
        self.assertRegex(address, r'^10\.96\.\d+\.\d+$')
        pod_ip = c.get('pod', 'two-containers')['status']['podIP']

        with self.subTest('the table that people read'):
            line = c.kubectl('get', 'service', 'two-containers-service', '--no-headers').out.split()
            self.assertEqual(line[:5], ['two-containers-service', 'ClusterIP', address, '<none>',
                                        '80/TCP,6800/TCP,6880/TCP'])
            text = c.kubectl('describe', 'service', 'two-containers-service').out
            self.assertMatches(text, r'Selector:\s+app=two-containers', rf'Endpoints:\s+{pod_ip}:80')

        with self.subTest('all three ports answer, from the node and from another pod'):
            def from_node(port):
                return c.fetch(f'http://{address}:{port}/')

            def from_pod(port):
                # Not wget: Debian's static busybox crashes in its name service.
                request = f"printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 5 {address} {port}"
                done = c.kubectl('exec', 'visitor', '--', 'sh', '-c', request, check=False)
                return done.out + done.err

            for port in PORTS.values():
                # aria2 answers 404 to a plain GET of /: any HTTP answer shows that it was reached.
                for where, ask in (('node', from_node), ('pod', from_pod)):
                    wait_until(f'port {port} from the {where}', lambda a=ask, p=port: 'HTTP/1' in a(p), 20)

        with self.subTest('the API server proxies to the pod and to the service'):
            client, base = c.client(), '/api/v1/namespaces/default'
            for name in ('pods/two-containers', 'pods/two-containers:80', 'services/two-containers-service:80',
                         'services/http:two-containers-service:http1'):
                code, page = client.request('GET', f'{base}/{name}/proxy/')
                self.assertEqual(code, 200, page)
                self.assertIn('Index of /', page)
            self.assertEqual(client.request('GET', f'{base}/pods/two-containers/proxy?a=b')[0], 301)
            code, answer = client.request('POST', f'{base}/services/two-containers-service:6800/proxy/jsonrpc',
                                          {'jsonrpc': '2.0', 'id': '1', 'method': 'aria2.getVersion'})
            self.assertEqual((code, answer['id']), (200, '1'))
            for name, message in (
                    ('services/two-containers-service:1', 'no service port 1 found for service "two-containers-service"'),
                    ('services/two-containers-service', 'no endpoints available for service "two-containers-service"'),
                    ('pods/two-containers:81',
                     f'error trying to reach service: dial tcp {pod_ip}:81: connect: connection refused')):
                code, status = client.request('GET', f'{base}/{name}/proxy/')
                self.assertEqual((code, status['message']), (503, message))

        with self.subTest('the rules have the names of the original'):
            rules = c.in_node('iptables-save -t nat').out
            for name, port in PORTS.items():
                svc = chain('KUBE-SVC-', f'{SERVICE}:{name}', 'tcp')
                sep = chain('KUBE-SEP-', f'{SERVICE}:{name}', 'tcp', f'{pod_ip}:{port}')
                self.assertIn(f'-A KUBE-SERVICES -d {address}/32 -p tcp -m comment --comment "{SERVICE}:{name} cluster IP" '
                              f'-m tcp --dport {port} -j {svc}\n', rules)
                self.assertMatches(rules, rf'-A {svc} -m comment --comment "{SERVICE}:{name}[^"]*" -j {sep}\n')
                self.assertIn(f'-A {sep} -s {pod_ip}/32 -m comment --comment "{SERVICE}:{name}" -j KUBE-MARK-MASQ\n', rules)
                self.assertIn(f'-A {sep} -p tcp -m comment --comment "{SERVICE}:{name}" -m tcp -j DNAT '
                              f'--to-destination {pod_ip}:{port}\n', rules)
            for top in ('PREROUTING', 'OUTPUT'):
                self.assertIn(f'-A {top} -m comment --comment "kubernetes service portals" -j KUBE-SERVICES\n', rules)

        with self.subTest('without endpoints the connection is refused'):
            c.kubectl('delete', 'pod', 'two-containers')
            wait_until('refused', lambda: 'refused' in c.fetch(f'http://{address}/'), 20)

        with self.subTest('deleting it removes its rules'):
            c.kubectl('delete', 'service', 'two-containers-service')
            wait_until('no rule names it', lambda: SERVICE not in c.in_node('iptables-save').out, 20)


if __name__ == '__main__':
    main()
