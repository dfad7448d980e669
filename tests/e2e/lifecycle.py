"""up, status, a second up, down: and what is left of it."""
import os
import subprocess
import time
import unittest

from cluster import KPP, Cluster, busybox_pod, images_archive, main


def census():
    """What a cluster could leave behind, of the whole machine."""
    namespaces = set()
    for pid in filter(str.isdigit, os.listdir('/proc')):
        for kind in ('mnt', 'uts', 'ipc', 'net', 'pid', 'cgroup'):
            try:
                with open(f'/proc/{pid}/stat', encoding='utf-8') as file:
                    if ') Z ' in file.read():
                        continue
                namespaces.add(os.readlink(f'/proc/{pid}/ns/{kind}'))
            except OSError:
                pass
    with open('/proc/self/mountinfo', encoding='utf-8') as file:
        mounts = {line.split()[4] for line in file}
    cgroups = {folder for folder, _, _ in os.walk('/sys/fs/cgroup') if '/kpp-' in folder}
    links = set(os.listdir('/sys/class/net'))
    rules = subprocess.run(['iptables-save'], capture_output=True, text=True, check=False).stdout
    rules = {line for line in rules.splitlines() if line.startswith('-A')}
    return {'namespaces': namespaces, 'mounts': mounts, 'cgroups': cgroups, 'links': links, 'rules': rules}


class Lifecycle(unittest.TestCase):
    def test_down_leaves_nothing(self):
        cluster = Cluster('lifecycle')
        self.addCleanup(cluster.down)
        cluster.down()
        before = census()
        begin = time.monotonic()
        cluster.up()
        print(f'up: {time.monotonic() - begin:.2f} s', flush=True)
        self.assertIn('Ready', cluster.kubectl('get', 'nodes', '--no-headers').out)
        self.assertEqual(cluster.kpp('status', *cluster.flags()).code, 0)

        with self.subTest('a second up finds it'):
            again = cluster.up()
            self.assertIn('already running', again.out + again.err)

        with self.subTest('a node with pods'):
            cluster.kpp('lab', 'load', cluster.node(), images_archive(), '--name', cluster.name, check=True)
            cluster.apply(busybox_pod('one'))
            cluster.kubectl('wait', '--for=condition=Ready', 'pod/one', '--timeout=60s')

        self.assertEqual(cluster.down().code, 0)
        after = census()
        for kind, things in before.items():
            self.assertEqual(after[kind] - things, set(), kind)
        self.assertNotEqual(cluster.kpp('status', *cluster.flags()).code, 0)
        self.assertFalse(os.path.exists(os.path.join('/var/lib/kpp/lab', cluster.name)))

    def test_unknown_flag_is_named(self):
        done = subprocess.run([KPP, 'kube-apiserver', '--no-such-flag'], capture_output=True, text=True, check=False, timeout=20)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn('no-such-flag', done.stderr)


if __name__ == '__main__':
    main()
