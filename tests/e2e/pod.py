"""The lab's pod: two containers that share a network and an emptyDir."""
import json
import os

from cluster import EXAMPLES, ClusterTest, main, wait_until


class Pod(ClusterTest):
    cluster_name = 'pod'

    def test_the_pod_of_the_lab(self):
        c = self.cluster
        manifest = os.path.join(EXAMPLES, 'lab/two-containers.yaml')
        self.assertEqual(c.kubectl('apply', '-f', manifest).out, 'pod/two-containers created\n')
        # kubectl finds the token volume's mounts, which it did not send, and orders lists anew: a patch that changes nothing.
        self.assertIn(c.kubectl('apply', '-f', manifest).out.split()[1], ('configured', 'unchanged'))
        self.assertEqual(c.get('pod', 'two-containers')['metadata']['generation'], 1)
        self.wait_ready('two-containers')

        line = c.kubectl('get', 'pod', 'two-containers', '--no-headers').out.split()
        self.assertEqual(line[:4], ['two-containers', '2/2', 'Running', '0'])

        with self.subTest('describe tells its story'):
            text = c.kubectl('describe', 'pod', 'two-containers').out
            self.assertMatches(text, r'Successfully assigned default/two-containers to ' + c.node(),
                               r'Normal\s+Scheduled', r'Normal\s+Pulled', r'Normal\s+Created', r'Normal\s+Started',
                               r'Labels:\s+app=two-containers', r'Node:\s+' + c.node() + '/',
                               r'shared-data:\n\s+Type:\s+EmptyDir')

        with self.subTest('three containers in one network namespace'):
            containers = c.containers('default', 'two-containers')
            self.assertEqual(sorted(kind for _, kind, _ in containers.values()), ['container', 'container', 'sandbox'])
            pids = [pid for _, _, pid in containers.values()]
            namespaces = {c.in_node(f'readlink /proc/{pid}/ns/net').out for pid in pids}
            self.assertEqual(len(namespaces), 1)
            self.assertNotEqual(namespaces.pop(), c.in_node('readlink /proc/1/ns/net').out)

        with self.subTest('one veth on the bridge'):
            link = c.kubectl('exec', 'two-containers', '-c', 'aria2ng-downloader', '--', 'busybox', 'ip', 'link', 'show',
                             'eth0').out
            index = int(link.split('eth0@if')[1].split(':')[0])
            self.assertMatches(c.in_node('ip link').out, rf'(?m)^{index}: veth.* master cni0 ')

        with self.subTest('what one container downloads the other serves'):
            ip = c.get('pod', 'two-containers')['status']['podIP']
            self.addCleanup(c.in_node, "pkill -f '[h]ttpd -p 8099'", check=False)
            c.in_node('mkdir -p /served && echo from the web server of the test > /served/hello.txt && '
                      'busybox httpd -p 8099 -h /served')
            node_ip = c.in_node("ip -4 -o addr show eth0 | awk '{print $4}' | cut -d/ -f1").out.strip()
            call = json.dumps({'jsonrpc': '2.0', 'id': '1', 'method': 'aria2.addUri',
                               'params': [[f'http://{node_ip}:8099/hello.txt']]})
            answer = c.fetch(f'http://{ip}:6800/jsonrpc', body=call)
            self.assertIn('"result"', answer)
            wait_until('the file is served', lambda: 'from the web server' in c.fetch(f'http://{ip}/hello.txt'), 10)
            self.assertIn('<a href="hello.txt">', c.fetch(f'http://{ip}/'))
            self.assertIn('<title>Downloader</title>', c.fetch(f'http://{ip}:6880/'))

        with self.subTest('deleting it leaves no container'):
            self.assertEqual(c.kubectl('delete', 'pod', 'two-containers').out.split('\n')[0].split(' from')[0],
                             'pod "two-containers" deleted')
            wait_until('its containers are gone', lambda: not c.containers('default', 'two-containers'), 30)


if __name__ == '__main__':
    main()
